/* BLEU-1 of one sentence against several references, for TweetQA. */
#ifndef TOOLS_METRICS_BLEU_H
#define TOOLS_METRICS_BLEU_H

#include "runtime/status.h"
#include "tools/slice.h"

/* 0 where there are no references. */
rt_status bleu_1(slice prediction, const slice *references, size_t n_references, double *score, rt_error *err);

#endif

/* DROP's exact match and F1 (Dua et al. 2019) between lists of spans: tokens as sets, numbers by value, spans aligned one to one. */
#ifndef TOOLS_METRICS_DROP_H
#define TOOLS_METRICS_DROP_H

#include "runtime/buffer.h"
#include "tools/slice.h"

typedef struct drop_score {
    double exact_match, f1; /* f1 rounded to two digits */
} drop_score;

/* Appends a span as DROP compares it: split at spaces and hyphens, each token in small letters, without punctuation unless it reads as a
 * number, a number written anew ("3" becomes "3.0"), articles out. */
rt_status drop_normalise(slice span, rt_text *out, rt_error *err);

rt_status drop_best(const slice *predicted, size_t n_predicted, const slice *gold, size_t n_gold, drop_score *score, rt_error *err);

#endif

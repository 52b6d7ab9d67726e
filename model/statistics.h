/* What a session counts in its layers, if asked to: one rt_topk_statistics for each sub-layer of each block. */
#ifndef MODEL_STATISTICS_H
#define MODEL_STATISTICS_H

#include "model/t5.h"
#include "runtime/topk_attention.h"

struct t5_statistics {
    size_t n_encoder, n_decoder, d_ff; /* blocks of each stack */
    rt_topk_statistics *encoder_self, *encoder_ff;                 /* [n_encoder] */
    rt_topk_statistics *decoder_self, *decoder_cross, *decoder_ff; /* [n_decoder] */
    rt_arena memory;
};

/* Where the sub-layer counts; NULL if statistics is. */
rt_topk_statistics *t5_statistics_of(const t5_statistics *statistics, t5_sublayer sublayer, size_t block);

#endif

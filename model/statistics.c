/* Statistics of the layers; see model/t5.h. */
#include "model/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "model/model.h"

static rt_topk_statistics *place_attention(rt_arena *arena, size_t n_blocks) {
    return rt_arena_alloc(arena, n_blocks, sizeof(rt_topk_statistics));
}

static rt_topk_statistics *place_feed_forward(rt_arena *arena, size_t n_blocks, size_t d_ff) {
    rt_topk_statistics *of = place_attention(arena, n_blocks);
    for (size_t b = 0; b < n_blocks; b++) {
        atomic_ullong *positive = rt_arena_alloc(arena, d_ff + 1, sizeof *positive);
        if (of != NULL) of[b].positive = positive;
    }
    return of;
}

static void place(t5_statistics *s, rt_arena *arena) {
    s->encoder_self = place_attention(arena, s->n_encoder);
    s->decoder_self = place_attention(arena, s->n_decoder);
    s->decoder_cross = place_attention(arena, s->n_decoder);
    s->encoder_ff = place_feed_forward(arena, s->n_encoder, s->d_ff);
    s->decoder_ff = place_feed_forward(arena, s->n_decoder, s->d_ff);
}

rt_status t5_statistics_open(const t5_model *model, t5_statistics **statistics, rt_error *err) {
    const t5_config *config = &model->config;
    rt_arena measured = {0};
    t5_statistics *s = calloc(1, sizeof *s);
    if (s == NULL) return rt_fail_memory(err, sizeof *s, "statistics");
    *s = (t5_statistics){.n_encoder = config->num_layers, .n_decoder = config->num_decoder_layers, .d_ff = config->d_ff};
    place(s, &measured);
    const rt_status status = rt_arena_provide(&s->memory, &measured, "statistics", err);
    if (status != RT_OK) {
        t5_statistics_close(s);
        return status;
    }
    memset(s->memory.base, 0, s->memory.capacity);
    place(s, &s->memory);
    *statistics = s;
    return RT_OK;
}

void t5_statistics_close(t5_statistics *statistics) {
    if (statistics == NULL) return;
    rt_arena_free(&statistics->memory);
    free(statistics);
}

rt_topk_statistics *t5_statistics_of(const t5_statistics *s, t5_sublayer sublayer, size_t block) {
    if (s == NULL) return NULL;
    switch (sublayer) {
    case T5_ENCODER_SELF: return &s->encoder_self[block];
    case T5_ENCODER_FF: return &s->encoder_ff[block];
    case T5_DECODER_SELF: return &s->decoder_self[block];
    case T5_DECODER_CROSS: return &s->decoder_cross[block];
    default: return &s->decoder_ff[block];
    }
}

uint64_t t5_statistics_rows(const t5_statistics *statistics, t5_sublayer sublayer, size_t block) {
    return atomic_load(&t5_statistics_of(statistics, sublayer, block)->rows);
}

double t5_statistics_kept_mass(const t5_statistics *statistics, t5_sublayer sublayer, size_t block) {
    const rt_topk_statistics *of = t5_statistics_of(statistics, sublayer, block);
    const double rows = (double)atomic_load(&of->rows);
    return rows > 0 ? 0x1p-24 * (double)atomic_load(&of->kept_mass) / rows : 1;
}

void t5_statistics_positive(const t5_statistics *statistics, t5_sublayer sublayer, size_t block, uint64_t *counts) {
    const rt_topk_statistics *of = t5_statistics_of(statistics, sublayer, block);
    for (size_t n = 0; n <= statistics->d_ff; n++) counts[n] = atomic_load(&of->positive[n]);
}

/* The sub-layers that both stacks are made of, on rows of any number of sequences side by side:
 *
 *     attention     x += o . attend(q . n, k . n, v . n)       n = RMS norm(x)
 *     feed-forward  x += wo . (act(wi n))                      gated: wo . (act(wi_0 n) * (wi_1 n))
 *
 * attend and the whole of the feed-forward's right side are runtime/topk_attention.h. Nothing here scales scores: T5 has no 1/sqrt(d_kv). */
#ifndef MODEL_LAYERS_H
#define MODEL_LAYERS_H

#include "model/model.h"

/* Buffers for m rows; inner = num_heads * d_kv. A stack's output is in n, which therefore is placed by itself. */
typedef struct t5_activations {
    size_t m;
    float *x;       /* [m, d_model]: the residual stream */
    float *n;       /* [m, d_model]: its norm, then a sub-layer's output */
    float *q, *k, *v; /* [m, inner] */
    float *context; /* [m, inner]: attention's sums of values */
    rt_byte_rows bytes; /* [m, the widest of these]: with T5_Q8, the rows that a linear layer reads */
} t5_activations;

/* All but n. */
void t5_activations_place(rt_arena *arena, const t5_model *model, size_t m, t5_activations *rows);

/* What a message says when a number is not finite. */
typedef struct t5_place {
    const char *stack, *layer;
    size_t block;
} t5_place;

/* rows->n = RMS norm(rows->x). RT_ERR_NUMERIC where a row is not finite. */
rt_status t5_layer_norm(const rt_compute *compute, const t5_config *config, const float *w, const t5_place *place, t5_activations *rows,
                        rt_error *err);

/* rows->q, k, v = the projections of the norm of rows->x. */
rt_status t5_layer_project(const rt_compute *compute, const t5_config *config, const t5_attention_weights *w, const t5_place *place,
                           t5_activations *rows, rt_error *err);

/* A failure of the runtime, with the place put before it. */
rt_status t5_fail_at(const t5_place *place, const rt_error *cause, rt_error *err);

/* rows->x += o . context. */
void t5_layer_output(const rt_compute *compute, const t5_config *config, const t5_attention_weights *w, t5_activations *rows);

/* How a feed-forward layer is run. */
typedef struct t5_feed_forward_run {
    size_t topk, chunk;
    bool is_q8; /* T5_Q8: pre-activations by 8-bit products */
    rt_screen_tally *tally; /* of this layer's screening, which goes on while it pays */
    rt_topk_statistics *statistics; /* NULL: not collected */
} t5_feed_forward_run;

/* The whole feed-forward sub-layer, its norm included. */
rt_status t5_layer_feed_forward(const rt_compute *compute, const t5_config *config, const t5_feed_forward_weights *w,
                                const t5_feed_forward_run *run, const t5_place *place, t5_activations *rows, rt_error *err);

#endif

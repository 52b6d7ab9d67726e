/* The sub-layers; see layers.h. */
#include "model/layers.h"

#include "model/linear.h"

enum { SCREEN_ROWS_FEW = 8, SCREEN_SAMPLE = 1 << 16, SCREEN_PERCENT_FEW = 35, SCREEN_PERCENT_MANY = 20 };

void t5_activations_place(rt_arena *arena, const t5_model *model, size_t m, t5_activations *rows) {
    const t5_config *config = &model->config;
    const size_t inner = config->num_heads * config->d_kv, widest = inner > config->d_model ? inner : config->d_model;
    rows->m = m;
    rows->x = rt_arena_alloc(arena, m * config->d_model, sizeof(float));
    rows->q = rt_arena_alloc(arena, m * inner, sizeof(float));
    rows->k = rt_arena_alloc(arena, m * inner, sizeof(float));
    rows->v = rt_arena_alloc(arena, m * inner, sizeof(float));
    /* The feed-forward's output lies here too. */
    rows->context = rt_arena_alloc(arena, m * widest, sizeof(float));
    rows->bytes = (rt_byte_rows){0};
    if (model->compute == T5_Q8) rt_byte_rows_place(arena, m, widest, &rows->bytes);
}

rt_status t5_layer_norm(const rt_compute *compute, const t5_config *config, const float *w, const t5_place *place, t5_activations *rows,
                        rt_error *err) {
    const size_t bad = rt_rms_norm_rows(compute, rows->m, config->d_model, rows->x, w, config->layer_norm_epsilon, rows->n);
    if (bad == rows->m) return RT_OK;
    return rt_fail(err, RT_ERR_NUMERIC, "%s block %zu, %s: the state of row %zu is not finite", place->stack, place->block, place->layer, bad);
}

rt_status t5_fail_at(const t5_place *place, const rt_error *cause, rt_error *err) {
    return rt_fail(err, cause->status, "%s block %zu, %s: %s", place->stack, place->block, place->layer, cause->message);
}

rt_status t5_layer_project(const rt_compute *compute, const t5_config *config, const t5_attention_weights *w, const t5_place *place,
                           t5_activations *rows, rt_error *err) {
    RT_TRY(t5_layer_norm(compute, config, w->layer_norm, place, rows, err));
    t5_linear_read(compute, rows->m, rows->n, &w->bytes.q, &rows->bytes);
    t5_linear_apply(compute, rows->m, rows->n, &rows->bytes, &w->q, &w->bytes.q, rows->q);
    t5_linear_apply(compute, rows->m, rows->n, &rows->bytes, &w->k, &w->bytes.k, rows->k);
    t5_linear_apply(compute, rows->m, rows->n, &rows->bytes, &w->v, &w->bytes.v, rows->v);
    return RT_OK;
}

void t5_layer_output(const rt_compute *compute, const t5_config *config, const t5_attention_weights *w, t5_activations *rows) {
    t5_linear_read(compute, rows->m, rows->context, &w->bytes.o, &rows->bytes);
    t5_linear_apply(compute, rows->m, rows->context, &rows->bytes, &w->o, &w->bytes.o, rows->n);
    rt_add_rows(compute, rows->m, config->d_model, rows->n, rows->x);
}

static rt_activation activation_of(t5_activation activation) {
    switch (activation) {
    case T5_RELU: return RT_RELU;
    case T5_GELU_TANH: return RT_GELU_TANH;
    case T5_GELU_ERF: return RT_GELU_ERF;
    default: return RT_SILU;
    }
}

/* With few rows a step's cost is the reading of wi: the 8-bit copy is a quarter of it, and few rows of wi are then wanted in f32. With many rows
 * it is arithmetic: an 8-bit product is a quarter of it, and a score computed by itself takes two to three times its share of a tile.
 * tests/bench at T5-base's shape, 10 % of the scores computed: ask, beam; encode 0.86 to 0.93, eval 0.87 of the time without. */
static const rt_screen *screen_that_pays(const rt_compute *compute, const t5_feed_forward_weights *w, size_t m, const rt_screen_tally *tally) {
    if (w->screen.q == NULL || !rt_bytes_pay(compute->kernels, m)) return NULL;
    const size_t scores = atomic_load(&tally->scores), computed = atomic_load(&tally->computed);
    const size_t percent_max = m <= SCREEN_ROWS_FEW ? SCREEN_PERCENT_FEW : SCREEN_PERCENT_MANY;
    return scores < SCREEN_SAMPLE || computed < scores / 100 * percent_max ? &w->screen : NULL;
}

rt_status t5_layer_feed_forward(const rt_compute *compute, const t5_config *config, const t5_feed_forward_weights *w,
                                const t5_feed_forward_run *run, const t5_place *place, t5_activations *rows, rt_error *err) {
    const rt_span span = {.n_queries = rows->m, .n_keys = config->d_ff};
    const rt_topk_bytes bytes = {.Q = &rows->bytes, .K = &w->screen, .gate = &w->wi_1_bytes};
    const rt_topk_attention_args args = {
        .n_heads = 1, .d_k = config->d_model, .d_v = config->d_model,
        .topk = run->topk, .chunk = run->chunk, .act = activation_of(config->activation),
        .spans = &span, .n_spans = 1,
        .Q = rows->n, .ldq = config->d_model, .K = w->wi, .V = w->wo,
        .bytes = run->is_q8 ? &bytes : NULL,
        .screen = run->is_q8 ? NULL : screen_that_pays(compute, w, rows->m, run->tally), .tally = run->tally, .statistics = run->statistics,
        .gate = config->is_gated_act ? &w->wi_1 : NULL,
        .out = rows->context, .ldo = config->d_model,
    };
    rt_error cause;
    RT_TRY(t5_layer_norm(compute, config, w->layer_norm, place, rows, err));
    if (run->is_q8) t5_linear_read(compute, rows->m, rows->n, &w->screen, &rows->bytes);
    if (rt_topk_attention(compute, &args, &cause) != RT_OK) return t5_fail_at(place, &cause, err);
    rt_add_rows(compute, rows->m, config->d_model, rows->context, rows->x);
    return RT_OK;
}

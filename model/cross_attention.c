/* Cross-attention; see cross_attention.h. */
#include "model/cross_attention.h"

#include <assert.h>
#include <string.h>

#include "model/linear.h"
#include "runtime/heads.h"

/* At T5-base's shape a source of 64 tokens and 16 steps is 12 % faster projected, one of 210 and 8 steps in a batch 14 % faster absorbed
 * (tests/bench: ask and eval). */
enum { ABSORBED_LENGTH_MIN = 128 };

bool t5_cross_is_absorbed(const t5_session *s, size_t n_keys) {
    return s->params.tokens_per_input <= s->model->config.d_kv && n_keys >= ABSORBED_LENGTH_MIN;
}

static bool is_absorbed(const t5_session *s, size_t source) { return t5_cross_is_absorbed(s, s->input[source].n_keys); }

/* ---- when rows start: keys and values of the projected sources, one after another ---- */

void t5_cross_place_projected(t5_session *s, rt_arena *arena, size_t n_tokens) {
    const size_t n = s->model->config.num_decoder_layers * n_tokens;
    s->cross_k = rt_arena_alloc(arena, n, s->cache.inner * sizeof(float));
    s->cross_v = rt_arena_alloc(arena, n, s->cache.inner * sizeof(float));
}

/* Room for n tokens more. What there is has been placed with room for all that may come behind it. */
static rt_status provide_projected(t5_session *s, size_t n, size_t room, rt_error *err) {
    if (s->n_cross_tokens > 0) {
        assert(s->n_cross_tokens + n <= s->cross_capacity);
        return RT_OK;
    }
    s->cross_capacity = n > room ? n : room;
    rt_arena measured = {0};
    t5_cross_place_projected(s, &measured, s->cross_capacity);
    RT_TRY(rt_arena_provide(&s->cross_memory, &measured, "keys and values of the source", err));
    t5_cross_place_projected(s, &s->cross_memory, s->cross_capacity);
    return RT_OK;
}

rt_status t5_cross_start(t5_session *s, size_t first, size_t room, rt_error *err) {
    const size_t d_model = s->model->config.d_model, inner = s->cache.inner;
    size_t n = 0;
    for (size_t i = first; i < s->n_inputs; i++) {
        s->input[i].projected = s->n_cross_tokens + n;
        n += is_absorbed(s, i) ? 0 : s->input[i].n_keys;
    }
    if (n == 0) return RT_OK;
    RT_TRY(provide_projected(s, n, room, err));
    s->n_cross_tokens += n;
    for (size_t b = 0; b < s->model->config.num_decoder_layers; b++) {
        const t5_attention_weights *w = &s->model->weights.decoder.block[b].cross;
        /* Neighbours that are projected go through one product. */
        for (size_t i = first, end; i < s->n_inputs; i = end + 1) {
            for (end = i; end < s->n_inputs && !is_absorbed(s, end); end++) {
            }
            if (end == i) continue;
            const float *hidden = s->encoder_hidden + s->input[i].key * d_model;
            const size_t m = s->input[end - 1].key + s->input[end - 1].n_keys - s->input[i].key;
            const size_t at = (b * s->cross_capacity + s->input[i].projected) * inner;
            t5_linear_read(&s->compute, m, hidden, &w->bytes.k, &s->encoder_rows.bytes);
            t5_linear_apply(&s->compute, m, hidden, &s->encoder_rows.bytes, &w->k, &w->bytes.k, s->cross_k + at);
            t5_linear_apply(&s->compute, m, hidden, &s->encoder_rows.bytes, &w->v, &w->bytes.v, s->cross_v + at);
        }
    }
    return RT_OK;
}

void t5_cross_move(t5_session *s, t5_input *input, size_t to) {
    const size_t inner = s->cache.inner, bytes = input->n_keys * inner * sizeof(float);
    for (size_t b = 0; b < s->model->config.num_decoder_layers; b++) {
        const size_t layer = b * s->cross_capacity;
        memmove(s->cross_k + (layer + to) * inner, s->cross_k + (layer + input->projected) * inner, bytes);
        memmove(s->cross_v + (layer + to) * inner, s->cross_v + (layer + input->projected) * inner, bytes);
    }
    input->projected = to;
}

/* ---- a step ---- */

static void add_span(rt_span *span, size_t *n, bool same, rt_span next) {
    if (same) span[*n - 1].n_queries += next.n_queries;
    else span[(*n)++] = next;
}

void t5_cross_plan(const t5_session *s, const t5_ids *tokens, t5_cross_step *step) {
    const size_t n_heads = s->model->config.num_heads;
    step->n_projected = step->n_absorbed = step->n_states = 0;
    for (size_t r = 0, first = 0; r < s->n_rows; first += tokens[r++].n) {
        const size_t source = s->row[r].source, n_keys = s->input[source].n_keys;
        const bool same = r > 0 && s->row[r - 1].source == source;
        if (!is_absorbed(s, source)) {
            add_span(step->projected, &step->n_projected, same, (rt_span){first, tokens[r].n, s->input[source].projected, n_keys});
            continue;
        }
        add_span(step->absorbed, &step->n_absorbed, same,
                 (rt_span){step->n_states * n_heads, tokens[r].n * n_heads, s->input[source].key, n_keys});
        for (size_t t = 0; t < tokens[r].n; t++) step->state[step->n_states++] = first + t;
    }
}

size_t t5_cross_count(const t5_session *s, const t5_ids *tokens) {
    size_t n = 0;
    for (size_t r = 0; r < s->n_rows; r++) n += is_absorbed(s, s->row[r].source) ? tokens[r].n : 0;
    return n;
}

void t5_cross_place(const t5_session *s, rt_arena *arena, size_t n_states, t5_cross_step *step) {
    const t5_config *config = &s->model->config;
    step->projected = rt_arena_alloc(arena, s->n_rows, sizeof *step->projected);
    step->absorbed = rt_arena_alloc(arena, s->n_rows, sizeof *step->absorbed);
    step->state = rt_arena_alloc(arena, n_states, sizeof *step->state);
    step->q = rt_arena_alloc(arena, n_states, s->cache.inner * sizeof *step->q);
    step->context = rt_arena_alloc(arena, n_states, s->cache.inner * sizeof *step->context);
    step->query = rt_arena_alloc(arena, n_states, config->num_heads * config->d_model * sizeof *step->query);
    step->mixture = rt_arena_alloc(arena, n_states, config->num_heads * config->d_model * sizeof *step->mixture);
}

size_t t5_cross_max_queries(const t5_session *s, size_t n_states) {
    return n_states * (s->params.tokens_per_input <= s->model->config.d_kv ? s->model->config.num_heads : 1);
}

static rt_status attend_projected(t5_session *s, size_t block, const t5_cross_step *step, t5_activations *rows, rt_error *err) {
    const t5_config *config = &s->model->config;
    const size_t inner = s->cache.inner, layer = block * s->cross_capacity * inner;
    const rt_topk_attention_args args = {
        .n_heads = config->num_heads, .d_k = config->d_kv, .d_v = config->d_kv,
        .topk = s->params.cross_topk, .chunk = t5_attention_chunk(s, rows->m), .act = RT_SOFTMAX,
        .spans = step->projected, .n_spans = step->n_projected,
        .Q = rows->q, .ldq = inner, .K = rt_matrix_f32(s->cross_k + layer, s->n_cross_tokens, config->d_kv, inner),
        .V = {.dtype = RT_F32, .data = s->cross_v + layer, .stride = inner, .panel = RT_PANEL},
        .out = rows->context, .ldo = inner,
        .statistics = t5_statistics_of(s->statistics, T5_DECODER_CROSS, block),
    };
    return rt_topk_attention(&s->compute, &args, err);
}

/* Every head of a state is a query of its own, of width d_model, on the encoder's output as both keys and values. */
static rt_status attend_absorbed(t5_session *s, size_t block, const t5_cross_step *step, t5_activations *rows, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_attention_weights *w = &s->model->weights.decoder.block[block].cross;
    const size_t d_model = config->d_model, inner = s->cache.inner, n = step->n_states;
    const rt_topk_attention_args args = {
        .n_heads = 1, .d_k = d_model, .d_v = d_model,
        .topk = s->params.cross_topk, .chunk = t5_attention_chunk(s, n * config->num_heads), .act = RT_SOFTMAX,
        .spans = step->absorbed, .n_spans = step->n_absorbed,
        .Q = step->query, .ldq = d_model, .K = rt_matrix_f32(s->encoder_hidden, s->n_input_tokens, d_model, d_model),
        .V = {.dtype = RT_F32, .data = s->encoder_hidden, .stride = d_model, .panel = RT_PANEL},
        .out = step->mixture, .ldo = d_model,
        .statistics = t5_statistics_of(s->statistics, T5_DECODER_CROSS, block),
    };
    for (size_t i = 0; i < n; i++) memcpy(step->q + i * inner, rows->q + step->state[i] * inner, inner * sizeof *step->q);
    rt_heads_mix(&s->compute, n, config->num_heads, config->d_kv, step->q, &w->k, step->query);
    RT_TRY(rt_topk_attention(&s->compute, &args, err));
    rt_heads_dot(&s->compute, n, config->num_heads, config->d_kv, step->mixture, &w->v, step->context);
    for (size_t i = 0; i < n; i++) memcpy(rows->context + step->state[i] * inner, step->context + i * inner, inner * sizeof *step->q);
    return RT_OK;
}

rt_status t5_cross_attend(t5_session *s, size_t block, t5_cross_step *step, t5_activations *rows, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_attention_weights *w = &s->model->weights.decoder.block[block].cross;
    const t5_place place = {"decoder", "cross-attention", block};
    rt_error cause;
    rt_status status = RT_OK;
    RT_TRY(t5_layer_norm(&s->compute, config, w->layer_norm, &place, rows, err));
    t5_linear_read(&s->compute, rows->m, rows->n, &w->bytes.q, &rows->bytes);
    t5_linear_apply(&s->compute, rows->m, rows->n, &rows->bytes, &w->q, &w->bytes.q, rows->q);
    if (step->n_projected > 0) status = attend_projected(s, block, step, rows, &cause);
    if (status == RT_OK && step->n_states > 0) status = attend_absorbed(s, block, step, rows, &cause);
    if (status != RT_OK) return t5_fail_at(&place, &cause, err);
    t5_layer_output(&s->compute, config, w, rows);
    return RT_OK;
}

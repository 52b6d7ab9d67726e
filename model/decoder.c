/* The decoder: any number of tokens a row, rows of any length side by side. A step's states lie row after row, so that one matrix product
 * serves them all; keys and values of the fed tokens go to the cache. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/admit.h"
#include "model/cross_attention.h"
#include "model/embedding.h"
#include "model/linear.h"
#include "model/plan.h"
#include "model/relative_bias.h"
#include "model/session.h"

/* ---- rows ---- */

static rt_status reserve_rows(t5_session *s, size_t n_rows, rt_error *err) {
    if (n_rows <= s->row_capacity) return RT_OK;
    t5_row *row = n_rows <= SIZE_MAX / sizeof *row ? realloc(s->row, n_rows * sizeof *row) : NULL;
    if (row == NULL) return rt_fail_memory(err, n_rows, "decoder rows");
    s->row = row;
    s->row_capacity = n_rows;
    return RT_OK;
}

rt_status t5_decode_start(t5_session *s, const size_t *source, size_t n_rows, rt_error *err) {
    s->n_rows = 0;
    RT_TRY(t5_model_can_generate(s->model, err));
    if (s->n_inputs == 0) return rt_fail(err, RT_ERR_USAGE, "nothing is encoded");
    for (size_t r = 0; r < n_rows; r++) {
        if (source[r] >= s->n_inputs || (r > 0 && source[r] < source[r - 1])) {
            return rt_fail(err, RT_ERR_USAGE, "row %zu: source %zu is not an encoded input in rising order (0 .. %zu)", r, source[r],
                           s->n_inputs - 1);
        }
    }
    RT_TRY(reserve_rows(s, n_rows, err));
    RT_TRY(t5_cache_reserve(&s->cache, n_rows, s->cache.n_positions, err)); /* rows may be dealt anew before a token is fed */
    s->n_cross_tokens = 0;
    t5_laps_begin(s->laps);
    RT_TRY(t5_cross_start(s, 0, 0, err));
    t5_laps_end(s->laps, T5_LAP_SOURCE);
    for (size_t r = 0; r < n_rows; r++) s->row[r] = (t5_row){.source = source[r], .slot = r};
    s->n_rows = n_rows;
    return RT_OK;
}

static bool is_taken(const t5_session *s, size_t slot) {
    size_t r = 0;
    while (r < s->n_rows && s->row[r].slot != slot) r++;
    return r < s->n_rows;
}

rt_status t5_decode_join(t5_session *s, size_t first, size_t room, rt_error *err) {
    const size_t n_rows = s->n_rows + s->n_inputs - first;
    RT_TRY(reserve_rows(s, n_rows, err));
    RT_TRY(t5_cache_reserve(&s->cache, n_rows, s->cache.n_positions, err));
    RT_TRY(t5_cross_start(s, first, room, err));
    for (size_t i = first, slot = 0; i < s->n_inputs; i++) {
        while (is_taken(s, slot)) slot++;
        s->row[s->n_rows++] = (t5_row){.source = i, .slot = slot};
    }
    return RT_OK;
}

/* Gives the new rows their slots: the first child of a parent takes its slot over, the others a free one and a copy. */
static rt_status deal_slots(t5_session *s, const size_t *parent, size_t n_rows, t5_row *dealt, bool *taken, rt_error *err) {
    size_t n_slots = s->cache.n_slots > n_rows ? s->cache.n_slots : n_rows, free_slot = 0;
    RT_TRY(t5_cache_reserve(&s->cache, n_slots, s->cache.n_positions, err));
    memset(taken, 0, n_slots * sizeof *taken);
    for (size_t r = 0; r < n_rows; r++) {
        dealt[r] = s->row[parent[r]];
        if (taken[dealt[r].slot]) continue;
        taken[dealt[r].slot] = true;
        dealt[r].slot += n_slots; /* marks it as settled */
    }
    for (size_t r = 0; r < n_rows; r++) {
        if (dealt[r].slot >= n_slots) {
            dealt[r].slot -= n_slots;
            continue;
        }
        while (taken[free_slot]) free_slot++;
        t5_cache_copy(&s->cache, dealt[r].slot, free_slot, dealt[r].length);
        dealt[r].slot = free_slot;
        taken[free_slot] = true;
    }
    return RT_OK;
}

rt_status t5_decode_reorder(t5_session *s, const size_t *parent, size_t n_rows, rt_error *err) {
    for (size_t r = 0; r < n_rows; r++) {
        if (parent[r] >= s->n_rows || (r > 0 && s->row[parent[r]].source < s->row[parent[r - 1]].source)) {
            return rt_fail(err, RT_ERR_USAGE, "row %zu: parent %zu is not a row in rising order of sources", r, parent[r]);
        }
    }
    const size_t n_slots = s->cache.n_slots > n_rows ? s->cache.n_slots : n_rows;
    t5_row *dealt = malloc((n_rows + 1) * sizeof *dealt);
    bool *taken = malloc((n_slots + 1) * sizeof *taken);
    rt_status status = dealt == NULL || taken == NULL ? rt_fail_memory(err, n_rows, "decoder rows") : reserve_rows(s, n_rows, err);
    if (status == RT_OK) status = deal_slots(s, parent, n_rows, dealt, taken, err);
    if (status == RT_OK) {
        if (n_rows > 0) memcpy(s->row, dealt, n_rows * sizeof *dealt);
        s->n_rows = n_rows;
    }
    free(dealt);
    free(taken);
    return status;
}

/* ---- a step ---- */

typedef struct step_plan {
    t5_activations rows;
    t5_cross_step cross;
    size_t max_length;  /* of a row, this step's tokens included */
    rt_span *self;      /* [n_rows] */
    const float *table; /* that bias is made from */
    float *bias;        /* [num_heads, max_length]: distances -(max_length - 1) .. 0 */
} step_plan;

static void place_step(const t5_session *s, rt_arena *arena, size_t n_states, size_t n_absorbed, step_plan *plan) {
    plan->self = rt_arena_alloc(arena, s->n_rows, sizeof *plan->self);
    plan->bias = rt_arena_alloc(arena, s->model->config.num_heads * plan->max_length, sizeof *plan->bias);
    t5_activations_place(arena, s->model, n_states, &plan->rows);
    plan->rows.n = rt_arena_alloc(arena, n_states, s->model->config.d_model * sizeof *plan->rows.n);
    t5_cross_place(s, arena, n_absorbed, &plan->cross);
}

void t5_measure_step(t5_session *s, size_t n_rows, size_t length, size_t n_keys, rt_arena *arena) {
    step_plan plan = {.max_length = length};
    s->n_rows = n_rows;
    place_step(s, arena, n_rows, t5_cross_is_absorbed(s, n_keys) ? n_rows : 0, &plan);
}

static void plan_self_spans(const t5_session *s, const t5_ids *tokens, step_plan *plan) {
    size_t at = 0;
    for (size_t r = 0; r < s->n_rows; r++) {
        const t5_row *row = &s->row[r];
        plan->self[r] = (rt_span){at, tokens[r].n, row->slot * s->cache.n_positions, row->length + tokens[r].n};
        at += tokens[r].n;
    }
}

static void append_to_cache(t5_session *s, const t5_ids *tokens, size_t block, const t5_activations *rows) {
    const size_t inner = s->cache.inner;
    for (size_t r = 0, at = 0; r < s->n_rows; at += tokens[r++].n * inner) {
        const size_t to = (t5_cache_row(&s->cache, block, s->row[r].slot) + s->row[r].length) * inner, bytes = tokens[r].n * inner * sizeof(float);
        memcpy(s->cache.k + to, rows->k + at, bytes);
        memcpy(s->cache.v + to, rows->v + at, bytes);
    }
}

/* The bias of the block; the strip is made anew where the block has another table than the one before. */
static void make_bias(const t5_config *config, const t5_block_weights *w, step_plan *plan) {
    if (w->relative_attention_bias == plan->table) return;
    plan->table = w->relative_attention_bias;
    t5_relative_bias(config, plan->table, false, plan->max_length - 1, 0, plan->bias);
}

static rt_status self_attention(t5_session *s, size_t block, const t5_ids *tokens, step_plan *plan, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_attention_weights *w = &s->model->weights.decoder.block[block].self;
    t5_activations *rows = &plan->rows;
    const size_t inner = s->cache.inner, layer = t5_cache_row(&s->cache, block, 0) * inner, n_keys = s->cache.n_slots * s->cache.n_positions;
    const t5_place place = {"decoder", "self-attention", block};
    RT_TRY(t5_layer_project(&s->compute, config, w, &place, rows, err));
    append_to_cache(s, tokens, block, rows);
    make_bias(config, &s->model->weights.decoder.block[block], plan);
    const rt_topk_attention_args args = {
        .n_heads = config->num_heads, .d_k = config->d_kv, .d_v = config->d_kv,
        .topk = s->params.decoder_topk, .chunk = t5_attention_chunk(s, rows->m), .act = RT_SOFTMAX, .causal = true,
        .spans = plan->self, .n_spans = s->n_rows,
        .Q = rows->q, .ldq = inner, .K = rt_matrix_f32(s->cache.k + layer, n_keys, config->d_kv, inner),
        .V = {.dtype = RT_F32, .data = s->cache.v + layer, .stride = inner, .panel = RT_PANEL},
        .out = rows->context, .ldo = inner,
        .bias = plan->bias, .bias_head = plan->max_length, .bias_zero = plan->max_length - 1,
        .statistics = t5_statistics_of(s->statistics, T5_DECODER_SELF, block),
    };
    rt_error cause;
    if (rt_topk_attention(&s->compute, &args, &cause) != RT_OK) return t5_fail_at(&place, &cause, err);
    t5_layer_output(&s->compute, config, w, rows);
    return RT_OK;
}

rt_status t5_decode(t5_session *s, const t5_ids *tokens, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_stack_weights *w = &s->model->weights.decoder;
    size_t n_states, n_slots = 0, longest_source = 0;
    step_plan plan = {0};
    RT_TRY(t5_count_ids(config, tokens, s->n_rows, 0, &n_states, err));
    s->n_states = 0;
    if (n_states == 0) return RT_OK;
    for (size_t r = 0; r < s->n_rows; r++) {
        const size_t length = s->row[r].length + tokens[r].n, source = s->input[s->row[r].source].n_keys;
        if (length > plan.max_length) plan.max_length = length;
        if (source > longest_source) longest_source = source;
        if (s->row[r].slot + 1 > n_slots) n_slots = s->row[r].slot + 1;
    }
    RT_TRY(t5_cache_reserve(&s->cache, n_slots, plan.max_length, err));
    rt_arena measured = {0};
    const size_t n_absorbed = t5_cross_count(s, tokens);
    place_step(s, &measured, n_states, n_absorbed, &plan);
    RT_TRY(rt_arena_provide(&s->step_memory, &measured, "a decoder step", err));
    place_step(s, &s->step_memory, n_states, n_absorbed, &plan);
    t5_cross_plan(s, tokens, &plan.cross);
    const size_t max_keys = plan.max_length > longest_source ? plan.max_length : longest_source;
    RT_TRY(t5_session_provide_scratch(s, t5_cross_max_queries(s, n_states), max_keys, err));

    plan_self_spans(s, tokens, &plan);
    t5_embed(s, tokens, s->n_rows, plan.rows.x);
    rt_screen_tally *tally = s->tally + config->num_layers;
    t5_laps_begin(s->laps);
    for (size_t b = 0; b < config->num_decoder_layers; b++) {
        const t5_place feed_forward = {"decoder", "feed-forward", b};
        const t5_feed_forward_run run = {
            .topk = s->params.ff_topk, .chunk = t5_ff_chunk(s, n_states), .is_q8 = s->model->compute == T5_Q8, .tally = tally + b,
            .statistics = t5_statistics_of(s->statistics, T5_DECODER_FF, b),
        };
        RT_TRY(self_attention(s, b, tokens, &plan, err));
        t5_laps_end(s->laps, T5_LAP_DECODER_SELF);
        RT_TRY(t5_cross_attend(s, b, &plan.cross, &plan.rows, err));
        t5_laps_end(s->laps, T5_LAP_DECODER_CROSS);
        RT_TRY(t5_layer_feed_forward(&s->compute, config, &w->block[b].ff, &run, &feed_forward, &plan.rows, err));
        t5_laps_end(s->laps, T5_LAP_DECODER_FF);
    }
    const t5_place last = {"decoder", "final norm", config->num_decoder_layers};
    RT_TRY(t5_layer_norm(&s->compute, config, w->final_layer_norm, &last, &plan.rows, err));
    for (size_t r = 0; r < s->n_rows; r++) s->row[r].length += tokens[r].n;
    s->decoder_hidden = plan.rows.n;
    s->decoder_scaled = plan.rows.x;
    s->decoder_bytes = plan.rows.bytes;
    s->n_states = n_states;
    s->n_steps++;
    t5_session_note_peak(s);
    return RT_OK;
}

const float *t5_decoder_hidden(const t5_session *s) { return s->n_states > 0 ? s->decoder_hidden : NULL; }

const float *t5_head_states(t5_session *s, size_t first, size_t n) {
    const t5_config *config = &s->model->config;
    const float *hidden = s->decoder_hidden + first * config->d_model;
    if (!config->scale_decoder_outputs) return hidden;
    /* The residual stream is done with: its place takes the scaled states. */
    float *scaled = s->decoder_scaled + first * config->d_model;
    memcpy(scaled, hidden, n * config->d_model * sizeof *scaled);
    s->compute.kernels->scale(n * config->d_model, 1.0f / sqrtf((float)config->d_model), scaled);
    return scaled;
}

rt_status t5_logits(t5_session *s, size_t first, size_t n, float *logits, rt_error *err) {
    if (first > s->n_states || n > s->n_states - first) {
        return rt_fail(err, RT_ERR_USAGE, "states %zu .. %zu are not all of the last step's %zu", first, first + n, s->n_states);
    }
    if (n == 0) return RT_OK;
    const t5_weights *w = &s->model->weights;
    static const rt_screen no_copy;
    const rt_screen *copy = s->model->compute == T5_Q8 ? &w->lm_head_screen : &no_copy;
    const float *states = t5_head_states(s, first, n);
    t5_linear_read(&s->compute, n, states, copy, &s->decoder_bytes);
    t5_linear_apply(&s->compute, n, states, &s->decoder_bytes, &w->lm_head, copy, logits);
    return RT_OK;
}

/* The encoder: blocks of self-attention and feed-forward over a ragged batch, then the final norm. */
#include <assert.h>
#include <stdlib.h>

#include "model/admit.h"
#include "model/distinct_tokens.h"
#include "model/embedding.h"
#include "model/plan.h"
#include "model/relative_bias.h"
#include "model/session.h"

typedef struct encoder_plan {
    size_t longest;
    size_t n_inputs;
    rt_span *spans;     /* [n_inputs]: queries = keys = the rows of the input */
    const float *table; /* that bias is made from */
    float *bias;        /* [num_heads, 2 longest - 1] */
    rt_key_copies copies; /* of the block's keys, where selection can use them */
    t5_distinct_tokens tokens;
} encoder_plan;

static bool selects_by_estimates(const t5_session *s, const encoder_plan *plan) {
    return rt_topk_keys_pays(s->compute.kernels, plan->longest, s->params.encoder_topk);
}

static void place(t5_session *s, rt_arena *arena, size_t n_inputs, size_t n_tokens, encoder_plan *plan) {
    const t5_config *config = &s->model->config;
    plan->n_inputs = n_inputs;
    plan->spans = rt_arena_alloc(arena, n_inputs, sizeof *plan->spans);
    plan->bias = rt_arena_alloc(arena, config->num_heads * (2 * plan->longest - 1), sizeof *plan->bias);
    t5_activations_place(arena, s->model, n_tokens, &s->encoder_rows);
    t5_distinct_tokens_place(arena, config, n_tokens, &plan->tokens);
    if (selects_by_estimates(s, plan)) rt_key_copies_place(arena, n_tokens, n_inputs, config->num_heads, config->d_kv, config->d_kv, &plan->copies);
}

static void place_hidden(t5_session *s, rt_arena *arena, size_t n_tokens) {
    s->encoder_hidden = rt_arena_alloc(arena, n_tokens, s->model->config.d_model * sizeof *s->encoder_hidden);
}

void t5_measure_encoder(t5_session *s, size_t n_inputs, size_t n_at_once, size_t length, rt_arena *arena) {
    encoder_plan plan = {.longest = length};
    place(s, arena, n_at_once, n_at_once * length, &plan);
    place_hidden(s, arena, n_inputs * length);
}

/* Room for n_tokens more. What there is has been placed with room for all that may come behind it. */
static rt_status provide_hidden(t5_session *s, size_t n_tokens, size_t room, rt_error *err) {
    if (s->n_input_tokens > 0) {
        assert((s->n_input_tokens + n_tokens) * s->model->config.d_model * sizeof *s->encoder_hidden <= s->hidden_memory.used);
        return RT_OK;
    }
    rt_arena measured = {0};
    place_hidden(s, &measured, n_tokens > room ? n_tokens : room);
    RT_TRY(rt_arena_provide(&s->hidden_memory, &measured, "the encoder's output", err));
    place_hidden(s, &s->hidden_memory, n_tokens > room ? n_tokens : room);
    return RT_OK;
}

static rt_status reserve_inputs(t5_session *s, size_t n_inputs, rt_error *err) {
    if (n_inputs <= s->input_capacity) return RT_OK;
    t5_input *input = n_inputs <= SIZE_MAX / sizeof *input ? realloc(s->input, n_inputs * sizeof *input) : NULL;
    if (input == NULL) return rt_fail_memory(err, n_inputs, "inputs");
    s->input = input;
    s->input_capacity = n_inputs;
    return RT_OK;
}

/* The bias of the block; the strip is made anew where the block has another table than the one before. */
static void make_bias(const t5_config *config, const t5_block_weights *w, encoder_plan *plan) {
    if (w->relative_attention_bias == plan->table) return;
    plan->table = w->relative_attention_bias;
    t5_relative_bias(config, plan->table, true, plan->longest - 1, plan->longest - 1, plan->bias);
}

/* rows->x = the embeddings, rows->q, k, v = the projections of block 0. */
static rt_status project_tokens(t5_session *s, const t5_ids *inputs, size_t n_inputs, encoder_plan *plan, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_attention_weights *w = &s->model->weights.encoder.block[0].self;
    const t5_place place = {"encoder", "self-attention", 0};
    t5_activations *rows = &s->encoder_rows, of_tokens = *rows;
    t5_distinct_tokens_find(config, inputs, n_inputs, &plan->tokens);
    of_tokens.m = plan->tokens.n;
    t5_embed(s, &(t5_ids){.ids = plan->tokens.id, .n = plan->tokens.n}, 1, rows->x);
    const rt_status status = t5_layer_project(&s->compute, config, w, &place, &of_tokens, err);
    if (status != RT_OK) { /* a token's state is not finite: tell the first row that has it */
        t5_embed(s, inputs, n_inputs, rows->x);
        RT_TRY(t5_layer_norm(&s->compute, config, w->layer_norm, &place, rows, err));
        return status;
    }
    float *const projected[] = {rows->q, rows->k, rows->v};
    for (size_t i = 0; i < sizeof projected / sizeof *projected; i++) {
        t5_distinct_tokens_spread(&s->compute, &plan->tokens, rows->m, config->num_heads * config->d_kv, projected[i]);
    }
    t5_embed(s, inputs, n_inputs, rows->x);
    return RT_OK;
}

/* A block, whose q, k and v are there if it is the first. */
static rt_status run_block(t5_session *s, size_t block, encoder_plan *plan, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_block_weights *w = &s->model->weights.encoder.block[block];
    t5_activations *rows = &s->encoder_rows;
    const size_t inner = config->num_heads * config->d_kv;

    const t5_place attention = {"encoder", "self-attention", block}, feed_forward = {"encoder", "feed-forward", block};
    if (block > 0) RT_TRY(t5_layer_project(&s->compute, config, &w->self, &attention, rows, err));
    make_bias(config, w, plan);
    const rt_topk_attention_args args = {
        .n_heads = config->num_heads, .d_k = config->d_kv, .d_v = config->d_kv,
        .topk = s->params.encoder_topk, .chunk = t5_attention_chunk(s, rows->m), .act = RT_SOFTMAX,
        .spans = plan->spans, .n_spans = plan->n_inputs,
        .Q = rows->q, .ldq = inner, .K = rt_matrix_f32(rows->k, rows->m, config->d_kv, inner),
        .V = {.dtype = RT_F32, .data = rows->v, .stride = inner, .panel = RT_PANEL},
        .out = rows->context, .ldo = inner,
        .bias = plan->bias, .bias_head = 2 * plan->longest - 1, .bias_zero = plan->longest - 1,
        .copies = selects_by_estimates(s, plan) ? &plan->copies : NULL,
        .statistics = t5_statistics_of(s->statistics, T5_ENCODER_SELF, block),
    };
    const t5_feed_forward_run run = {
        .topk = s->params.ff_topk, .chunk = t5_ff_chunk(s, rows->m), .is_q8 = s->model->compute == T5_Q8, .tally = &s->tally[block],
        .statistics = t5_statistics_of(s->statistics, T5_ENCODER_FF, block),
    };
    rt_error cause;
    if (rt_topk_attention(&s->compute, &args, &cause) != RT_OK) return t5_fail_at(&attention, &cause, err);
    t5_layer_output(&s->compute, config, &w->self, rows);
    t5_laps_end(s->laps, T5_LAP_ENCODER_SELF);
    RT_TRY(t5_layer_feed_forward(&s->compute, config, &w->ff, &run, &feed_forward, rows, err));
    t5_laps_end(s->laps, T5_LAP_ENCODER_FF);
    return RT_OK;
}

rt_status t5_encode_more(t5_session *s, const t5_ids *inputs, size_t n_inputs, size_t room, rt_error *err) {
    const t5_config *config = &s->model->config;
    const t5_stack_weights *w = &s->model->weights.encoder;
    size_t n_tokens;
    encoder_plan plan = {.longest = 1};
    RT_TRY(t5_count_ids(config, inputs, n_inputs, 1, &n_tokens, err));
    for (size_t i = 0; i < n_inputs; i++) plan.longest = inputs[i].n > plan.longest ? inputs[i].n : plan.longest;

    rt_arena measured = {0};
    place(s, &measured, n_inputs, n_tokens, &plan);
    RT_TRY(rt_arena_provide(&s->encoder_memory, &measured, "the encoder's activations", err));
    place(s, &s->encoder_memory, n_inputs, n_tokens, &plan);
    RT_TRY(provide_hidden(s, n_tokens, room, err));
    RT_TRY(reserve_inputs(s, s->n_inputs + n_inputs, err));
    RT_TRY(t5_session_provide_scratch(s, n_tokens, plan.longest, err));

    for (size_t i = 0, at = 0; i < n_inputs; at += inputs[i++].n) {
        plan.spans[i] = (rt_span){.query = at, .n_queries = inputs[i].n, .key = at, .n_keys = inputs[i].n};
        s->input[s->n_inputs + i] = (t5_input){.key = s->n_input_tokens + at, .n_keys = inputs[i].n};
    }
    s->encoder_rows.n = s->encoder_hidden + s->n_input_tokens * config->d_model;
    const t5_place last = {"encoder", "final norm", config->num_layers};
    t5_laps_begin(s->laps);
    RT_TRY(project_tokens(s, inputs, n_inputs, &plan, err));
    for (size_t b = 0; b < config->num_layers; b++) RT_TRY(run_block(s, b, &plan, err));
    RT_TRY(t5_layer_norm(&s->compute, config, w->final_layer_norm, &last, &s->encoder_rows, err));
    s->n_inputs += n_inputs;
    s->n_input_tokens += n_tokens;
    t5_session_note_peak(s);
    return RT_OK;
}

rt_status t5_encode(t5_session *s, const t5_ids *inputs, size_t n_inputs, rt_error *err) {
    t5_session_clear(s);
    return t5_encode_more(s, inputs, n_inputs, 0, err);
}

const float *t5_encoder_hidden(const t5_session *s, size_t input) {
    return input < s->n_inputs ? s->encoder_hidden + s->input[input].key * s->model->config.d_model : NULL;
}

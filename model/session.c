/* Opening and closing a session, and the scratch of its computations. */
#include "model/session.h"

#include <stdlib.h>

#include "runtime/heads.h"
#include "runtime/matmul.h"

t5_session_params t5_session_defaults(void) { return (t5_session_params){.chunk = 256, .batch_tokens = 4096, .tokens_per_input = 32}; }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static rt_status check_topk(const t5_config *config, const t5_session_params *params, rt_error *err) {
    if (params->ff_topk <= config->d_ff) return RT_OK;
    return rt_fail(err, RT_ERR_USAGE, "feed-forward top-k %zu is outside 1 .. %zu (the model's d_ff)", params->ff_topk, config->d_ff);
}

static rt_status check_params(const t5_config *config, const t5_session_params *params, rt_error *err) {
    if (params->threads > 1024) return rt_fail(err, RT_ERR_USAGE, "threads = %zu is outside 1 .. 1024", params->threads);
    if (params->chunk == 0) return rt_fail(err, RT_ERR_USAGE, "chunk = 0: at least 1 is needed");
    if (params->batch_tokens == 0) return rt_fail(err, RT_ERR_USAGE, "batch_tokens = 0: at least 1 is needed");
    return check_topk(config, params, err);
}

static rt_status open_parts(t5_session *s, const t5_model *model, const t5_session_params *params, rt_error *err) {
    const t5_config *config = &model->config;
    RT_TRY(check_params(config, params, err));
    RT_TRY(rt_kernels_choose(getenv("T5K_ISA"), &s->compute.kernels, err));
    s->model = model;
    s->params = *params;
    s->tally = calloc(config->num_layers + config->num_decoder_layers + 1, sizeof *s->tally);
    if (s->tally == NULL) return rt_fail_memory(err, sizeof *s->tally, "a session");
    RT_TRY(rt_threads_open(params->threads, &s->compute.threads, err));
    s->cache = (t5_cache){.n_layers = config->num_decoder_layers, .inner = config->num_heads * config->d_kv};
    return RT_OK;
}

rt_status t5_session_open(const t5_model *model, const t5_session_params *params, t5_session **session, rt_error *err) {
    t5_session *s = calloc(1, sizeof *s);
    if (s == NULL) return rt_fail_memory(err, sizeof *s, "a session");
    const rt_status status = open_parts(s, model, params, err);
    if (status != RT_OK) {
        t5_session_close(s);
        return status;
    }
    *session = s;
    return RT_OK;
}

void t5_session_close(t5_session *session) {
    if (session == NULL) return;
    rt_threads_close(session->compute.threads);
    rt_arena_free(&session->scratch_memory);
    rt_arena_free(&session->hidden_memory);
    rt_arena_free(&session->encoder_memory);
    rt_arena_free(&session->cross_memory);
    rt_arena_free(&session->step_memory);
    t5_cache_free(&session->cache);
    free(session->tally);
    free(session->input);
    free(session->row);
    free(session);
}

rt_status t5_session_set_topk(t5_session *session, const t5_session_params *params, rt_error *err) {
    RT_TRY(check_topk(&session->model->config, params, err));
    session->params.ff_topk = params->ff_topk;
    session->params.encoder_topk = params->encoder_topk;
    session->params.decoder_topk = params->decoder_topk;
    session->params.cross_topk = params->cross_topk;
    session->peak_bytes = 0;
    return RT_OK;
}

void t5_session_collect(t5_session *session, t5_statistics *statistics) { session->statistics = statistics; }

void t5_session_clear(t5_session *s) { s->n_inputs = s->n_input_tokens = s->n_cross_tokens = s->n_rows = s->n_states = 0; }

size_t t5_session_steps(const t5_session *session) { return session->n_steps; }

t5_screening t5_session_screening(const t5_session *session, t5_screened what) {
    const t5_config *config = &session->model->config;
    const size_t ends[] = {0, config->num_layers, config->num_layers + config->num_decoder_layers,
                           config->num_layers + config->num_decoder_layers + 1}; /* of the parts of tally */
    t5_screening sum = {0};
    for (size_t i = ends[what]; i < ends[what + 1]; i++) {
        sum.scores += atomic_load(&session->tally[i].scores);
        sum.computed += atomic_load(&session->tally[i].computed);
    }
    return sum;
}

size_t t5_session_peak_bytes(const t5_session *session) { return session->peak_bytes; }

/* Counts what the rows need, not what an earlier request has left. */
void t5_session_note_peak(t5_session *s) {
    size_t longest = 0, bytes = s->scratch_memory.used + s->encoder_memory.used + s->n_input_tokens * s->model->config.d_model * sizeof(float);
    for (size_t r = 0; r < s->n_rows; r++) longest = larger(longest, s->row[r].length);
    if (s->n_rows > 0) bytes += s->step_memory.used;
    bytes += s->cache.n_layers * (s->n_cross_tokens + s->n_rows * longest) * s->cache.inner * 2 * sizeof(float);
    s->peak_bytes = larger(s->peak_bytes, bytes);
}

size_t t5_session_threads(const t5_session *session) { return rt_n_threads(&session->compute); }

const char *t5_session_isa(const t5_session *session) { return session->compute.kernels->isa; }

void t5_session_place_scratch(t5_session *session, rt_arena *arena, size_t m, size_t max_keys) {
    const t5_config *c = &session->model->config;
    const rt_kernels *kernels = session->compute.kernels;
    const size_t chunk = t5_attention_chunk(session, m), ff_chunk = t5_ff_chunk(session, m);
    size_t bytes = rt_dot_rows_scratch(kernels, larger(c->d_model, c->num_heads * c->d_kv));
    bytes = larger(bytes, rt_heads_scratch(kernels, c->d_model));
    bytes = larger(bytes, rt_topk_attention_scratch(kernels, chunk, max_keys, larger(c->d_kv, c->d_model), false));
    if (rt_topk_keys_pays(kernels, max_keys, session->params.encoder_topk)) {
        bytes = larger(bytes, rt_topk_attention_copies_scratch(kernels, chunk, max_keys, c->d_kv));
    }
    bytes = larger(bytes, rt_topk_attention_scratch(kernels, ff_chunk, c->d_ff, c->d_model, c->is_gated_act));
    const rt_screen *screen = &session->model->weights.screen_shape;
    if (screen->n > 0) bytes = larger(bytes, rt_topk_attention_screen_scratch(kernels, ff_chunk, screen, c->is_gated_act));
    bytes = rt_aligned(bytes);
    session->compute.scratch = rt_arena_alloc(arena, rt_n_threads(&session->compute), bytes);
    session->compute.scratch_bytes = bytes;
}

rt_status t5_session_provide_scratch(t5_session *session, size_t m, size_t max_keys, rt_error *err) {
    rt_arena measured = {0};
    t5_session_place_scratch(session, &measured, m, max_keys);
    RT_TRY(rt_arena_provide(&session->scratch_memory, &measured, "scratch", err));
    t5_session_place_scratch(session, &session->scratch_memory, m, max_keys);
    return RT_OK;
}

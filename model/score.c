/* Log-probabilities of given targets: the start token and the target without its last id go through the decoder at once, and neighbours with
 * the same input read the one encoding of it. */
#include <stdlib.h>
#include <string.h>

#include "model/embedding.h"
#include "model/search.h"
#include "model/session.h"

enum { STATES_AT_ONCE = 64 }; /* logits are [states, vocab_size]: 8 MiB for T5's vocabulary */

typedef struct score_memory {
    int32_t *fed;    /* [sum of lengths] */
    t5_ids *tokens;  /* [n] */
    t5_ids *inputs;  /* [n], of which as many are in use as there are sources */
    size_t *source;  /* [n] */
    float *logits;   /* [STATES_AT_ONCE, vocab_size] */
    float *exp;      /* [vocab_size] */
    rt_arena arena;
} score_memory;

static void place(score_memory *m, rt_arena *arena, size_t n, size_t n_ids, size_t vocab_size) {
    m->fed = rt_arena_alloc(arena, n_ids, sizeof *m->fed);
    m->tokens = rt_arena_alloc(arena, n, sizeof *m->tokens);
    m->inputs = rt_arena_alloc(arena, n, sizeof *m->inputs);
    m->source = rt_arena_alloc(arena, n, sizeof *m->source);
    m->logits = rt_arena_alloc(arena, STATES_AT_ONCE * vocab_size, sizeof *m->logits);
    m->exp = rt_arena_alloc(arena, vocab_size, sizeof *m->exp);
}

static bool is_as_before(const t5_ids *inputs, size_t i) {
    return i > 0 && inputs[i].n == inputs[i - 1].n && memcmp(inputs[i].ids, inputs[i - 1].ids, inputs[i].n * sizeof *inputs->ids) == 0;
}

/* How many of the next pairs (n >= 1) travel together: as many as have at most batch_tokens ids to be encoded and fed, and at least one. */
static size_t batch_length(const t5_ids *inputs, const t5_ids *targets, size_t n, size_t batch_tokens) {
    size_t length = 0;
    for (size_t tokens = 0; length < n; length++) {
        tokens += targets[length].n + (is_as_before(inputs, length) ? 0 : inputs[length].n);
        if (length > 0 && tokens > batch_tokens) break;
    }
    return length;
}

/* The inputs to encode, and which of them each target reads; how many there are. */
static size_t share_inputs(score_memory *m, const t5_ids *inputs, size_t n) {
    size_t n_inputs = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_as_before(inputs, i)) m->inputs[n_inputs++] = inputs[i];
        m->source[i] = n_inputs - 1;
    }
    return n_inputs;
}

static void shift_right(score_memory *m, const t5_ids *targets, size_t n, int32_t start) {
    int32_t *at = m->fed;
    for (size_t i = 0; i < n; i++) {
        m->tokens[i] = (t5_ids){.ids = at, .n = targets[i].n};
        *at++ = start;
        memcpy(at, targets[i].ids, (targets[i].n - 1) * sizeof *at);
        at += targets[i].n - 1;
    }
}

/* Reads the targets' log-probabilities off the states of the last t5_decode. */
static rt_status read_logprobs(t5_session *s, const score_memory *m, const t5_ids *targets, size_t n_ids, float *logprobs, rt_error *err) {
    const size_t vocab_size = s->model->config.vocab_size;
    size_t target = 0, at = 0;
    for (size_t first = 0; first < n_ids; first += STATES_AT_ONCE) {
        const size_t n = n_ids - first < STATES_AT_ONCE ? n_ids - first : STATES_AT_ONCE;
        RT_TRY(t5_logits(s, first, n, m->logits, err));
        for (size_t i = 0; i < n; i++) {
            const float *logits = m->logits + i * vocab_size;
            float max, log_sum;
            if (!t5_log_sum(s->compute.kernels, vocab_size, logits, m->exp, &max, &log_sum)) {
                return rt_fail(err, RT_ERR_NUMERIC, "decoder: a logit is not a number");
            }
            logprobs[first + i] = (logits[targets[target].ids[at]] - max) - log_sum;
            if (++at == targets[target].n) target++, at = 0;
        }
    }
    return RT_OK;
}

static rt_status score_batch(t5_session *s, score_memory *m, const t5_ids *inputs, const t5_ids *targets, size_t n, size_t n_ids, float *logprobs,
                             rt_error *err) {
    const t5_config *config = &s->model->config;
    rt_arena measured = {0};
    place(m, &measured, n, n_ids, config->vocab_size);
    RT_TRY(rt_arena_provide(&m->arena, &measured, "targets", err));
    place(m, &m->arena, n, n_ids, config->vocab_size);
    shift_right(m, targets, n, config->decoder_start_token_id);
    RT_TRY(t5_encode(s, m->inputs, share_inputs(m, inputs, n), err));
    RT_TRY(t5_decode_start(s, m->source, n, err));
    RT_TRY(t5_decode(s, m->tokens, err));
    return read_logprobs(s, m, targets, n_ids, logprobs, err);
}

rt_status t5_score(t5_session *s, const t5_ids *inputs, const t5_ids *targets, size_t n, float *logprobs, rt_error *err) {
    size_t n_ids;
    RT_TRY(t5_model_can_generate(s->model, err));
    RT_TRY(t5_count_ids(&s->model->config, inputs, n, 1, &n_ids, err));
    RT_TRY(t5_count_ids(&s->model->config, targets, n, 1, &n_ids, err));
    score_memory memory = {0};
    rt_status status = RT_OK;
    for (size_t first = 0, length; status == RT_OK && first < n; first += length) {
        length = batch_length(inputs + first, targets + first, n - first, s->params.batch_tokens);
        n_ids = 0;
        for (size_t i = first; i < first + length; i++) n_ids += targets[i].n;
        status = score_batch(s, &memory, inputs + first, targets + first, length, n_ids, logprobs, err);
        logprobs += n_ids;
    }
    rt_arena_free(&memory.arena);
    return status;
}

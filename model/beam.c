/* Beam search with transformers' rules (generation/utils.py, _beam_search). B = num_beams, M = max_new_tokens, p = length_penalty:
 *
 *  1. A candidate is a running beam and an id; its score the beam's sum plus the id's log-probability, in f32, forbidden ids -inf and nothing
 *     renormalised. One beam runs at first. Order: score, then beam, then id.
 *  2. Of the best 2 B, those that end in </s>, or at length M all, are finished if they are among the first B; </s> further down is
 *     dropped. A finished score is sum / n^p, n the generated ids with </s>. The best B finished are kept.
 *  3. The best B that do not end run on: a finished hypothesis takes no beam away.
 *  4. Once B are finished, stop if early_stopping is true, or if no running beam could still beat the worst of them: best running sum / m^p
 *     with m = n, but m = M for "never" with p > 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/search.h"
#include "runtime/topk.h"

typedef struct candidate {
    float score, logprob;
    uint32_t beam, id;
} candidate;

typedef struct beam_scratch {
    float *exp;        /* [vocab_size] */
    float *total;      /* [vocab_size] */
    candidate *best;   /* [num_beams * 2 num_beams]: 2 num_beams of each beam */
    uint32_t *index;   /* [vocab_size] */
} beam_scratch;

static size_t candidates_per_beam(const t5_config *config, const t5_generate_params *params) {
    return 2 * params->num_beams < config->vocab_size ? 2 * params->num_beams : config->vocab_size;
}

size_t t5_beam_scratch(const t5_config *config, const t5_generate_params *params) {
    return config->vocab_size * (2 * sizeof(float) + sizeof(uint32_t)) + params->num_beams * candidates_per_beam(config, params) * sizeof(candidate);
}

static beam_scratch place(const t5_config *config, void *scratch) {
    const size_t n = config->vocab_size;
    float *exp = scratch;
    uint32_t *index = (uint32_t *)(exp + 2 * n);
    return (beam_scratch){.exp = exp, .total = exp + n, .index = index, .best = (candidate *)(index + n)};
}

static int by_rank(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->beam != y->beam) return x->beam < y->beam ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The best 2 B candidates of one beam; returns how many, 0 for a logit that is not a number. */
static size_t expand_beam(const rt_kernels *kernels, const t5_search *search, size_t beam, float *logits, const beam_scratch *scratch,
                          candidate *out) {
    const size_t vocab_size = search->config->vocab_size;
    const t5_hypothesis *h = &search->running[beam];
    float max, log_sum;
    if (!t5_log_sum(kernels, vocab_size, logits, scratch->exp, &max, &log_sum)) return 0;
    for (size_t i = 0; i < vocab_size; i++) logits[i] = (logits[i] - max) - log_sum;
    for (size_t i = 0; i < vocab_size; i++) scratch->total[i] = logits[i] + h->sum;
    t5_search_mask(search, h, scratch->total);
    const size_t n = rt_topk(kernels, vocab_size, scratch->total, candidates_per_beam(search->config, search->params), scratch->index, scratch->exp);
    for (size_t t = 0; t < n; t++) {
        const uint32_t id = scratch->index[t];
        out[t] = (candidate){.score = scratch->exp[t], .logprob = logits[id], .beam = (uint32_t)beam, .id = id};
    }
    return n;
}

static void copy_hypothesis(t5_hypothesis *to, const t5_hypothesis *from) {
    memcpy(to->ids, from->ids, from->n * sizeof *to->ids);
    memcpy(to->logprobs, from->logprobs, from->n * sizeof *to->logprobs);
    to->n = from->n, to->sum = from->sum, to->ended = from->ended;
}

static float penalised(float sum, size_t n, float length_penalty) { return sum / (float)pow((double)n, (double)length_penalty); }

/* Puts a finished candidate among the best B; equal scores keep the one that came first. */
static void finish(t5_search *search, const candidate *c) {
    const size_t n_beams = search->params->num_beams;
    const t5_hypothesis *from = &search->running[c->beam];
    const float score = penalised(c->score, from->n + 1, search->params->length_penalty);
    size_t at = search->n_finished;
    while (at > 0 && score > search->finished[at - 1].sum) at--;
    if (at == n_beams) return;
    if (search->n_finished < n_beams) search->n_finished++;
    const t5_hypothesis room = search->finished[search->n_finished - 1];
    memmove(&search->finished[at + 1], &search->finished[at], (search->n_finished - 1 - at) * sizeof room);
    search->finished[at] = room;
    t5_hypothesis *done = &search->finished[at];
    copy_hypothesis(done, from);
    t5_hypothesis_append(done, (int32_t)c->id, c->logprob);
    done->sum = score;
    done->ended = (int32_t)c->id == search->config->eos_token_id;
}

static bool is_decided(const t5_search *search, size_t n) {
    const t5_generate_params *params = search->params;
    if (search->n_finished < params->num_beams) return false;
    if (params->early_stopping == T5_EARLY_TRUE || search->n_running == 0) return true;
    const bool at_best = params->early_stopping == T5_EARLY_NEVER && params->length_penalty > 0.0f;
    const float bound = penalised(search->running[0].sum, at_best ? params->max_new_tokens : n, params->length_penalty);
    return !(bound > search->finished[params->num_beams - 1].sum);
}

bool t5_beam_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch) {
    const t5_generate_params *params = search->params;
    const beam_scratch room = place(search->config, scratch);
    size_t n = 0;
    for (size_t beam = 0; beam < search->n_running; beam++) {
        const size_t found = expand_beam(kernels, search, beam, logits + beam * search->config->vocab_size, &room, room.best + n);
        if (found == 0) return false;
        n += found;
    }
    qsort(room.best, n, sizeof *room.best, by_rank);

    const size_t length = search->running[0].n + 1;
    size_t n_next = 0;
    for (size_t rank = 0; rank < n && rank < 2 * params->num_beams; rank++) {
        const candidate *c = &room.best[rank];
        const bool ends = (int32_t)c->id == search->config->eos_token_id || length == params->max_new_tokens;
        if (ends && rank < params->num_beams) finish(search, c);
        if (ends || n_next == params->num_beams) continue;
        t5_hypothesis *next = &search->spare[n_next];
        copy_hypothesis(next, &search->running[c->beam]);
        t5_hypothesis_append(next, (int32_t)c->id, c->logprob);
        next->sum = c->score;
        search->parent[n_next++] = c->beam;
    }
    t5_hypothesis *const dealt = search->spare;
    search->spare = search->running;
    search->running = dealt;
    search->n_running = n_next;
    if (length == params->max_new_tokens || is_decided(search, length)) search->n_running = 0;
    return true;
}

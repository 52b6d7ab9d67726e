/* What greedy and beam search share; see search.h. */
#include "model/search.h"

#include <math.h>

size_t t5_search_scratch(const t5_config *config, const t5_generate_params *params) {
    return params->num_beams == 1 ? t5_greedy_scratch(config) : t5_beam_scratch(config, params);
}

bool t5_search_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch) {
    return (search->params->num_beams == 1 ? t5_greedy_step : t5_beam_step)(kernels, search, logits, scratch);
}

/* Id number t of the decoder's input: the start token, then what was generated. */
static int32_t decoder_id(const t5_search *search, const t5_hypothesis *h, size_t t) {
    return t == 0 ? search->config->decoder_start_token_id : h->ids[t - 1];
}

static void each_forbidden(const t5_search *search, const t5_hypothesis *so_far, void (*forbid)(void *in, size_t id), void *in) {
    const size_t ngram = search->params->no_repeat_ngram_size, length = so_far->n + 1;
    if (so_far->n < search->params->min_new_tokens) forbid(in, (size_t)search->config->eos_token_id);
    if (ngram == 0 || length < ngram) return;
    for (size_t at = 0; at + ngram <= length; at++) {
        size_t same = 0;
        while (same + 1 < ngram && decoder_id(search, so_far, at + same) == decoder_id(search, so_far, length - ngram + 1 + same)) same++;
        if (same + 1 == ngram) forbid(in, (size_t)decoder_id(search, so_far, at + same));
    }
}

static void forbid_score(void *in, size_t id) { ((float *)in)[id] = -INFINITY; }

static void forbid_bit(void *in, size_t id) { ((uint64_t *)in)[id / 64] |= UINT64_C(1) << id % 64; }

void t5_search_mask(const t5_search *search, const t5_hypothesis *so_far, float *x) { each_forbidden(search, so_far, forbid_score, x); }

void t5_search_forbid(const t5_search *search, const t5_hypothesis *so_far, uint64_t *forbidden) {
    each_forbidden(search, so_far, forbid_bit, forbidden);
}

bool t5_log_sum(const rt_kernels *kernels, size_t n, const float *x, float *scratch, float *max, float *log_sum) {
    *max = kernels->max(n, x);
    if (!isfinite(*max)) return false;
    *log_sum = (float)log((double)kernels->exp_sum(n, x, *max, scratch));
    return true;
}

void t5_hypothesis_append(t5_hypothesis *h, int32_t id, float logprob) {
    h->ids[h->n] = id;
    h->logprobs[h->n++] = logprob;
    h->sum += logprob;
}

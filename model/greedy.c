/* Greedy search: the best id that is not forbidden, the lowest among equals. Its log-probability is that of the raw logits. */
#include "model/search.h"

#include <math.h>

size_t t5_greedy_scratch(const t5_config *config) { return config->vocab_size * sizeof(float); }

void t5_greedy_take(t5_search *search, int32_t id, float logprob) {
    t5_hypothesis *h = &search->running[0];
    t5_hypothesis_append(h, id, logprob);
    search->parent[0] = 0;

    h->ended = id == search->config->eos_token_id;
    if (h->ended || h->n == search->params->max_new_tokens) {
        const t5_hypothesis done = search->finished[0];
        search->finished[0] = *h;
        search->running[0] = done;
        search->n_finished = 1;
        search->n_running = 0;
    }
}

bool t5_greedy_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch) {
    const size_t n = search->config->vocab_size;
    const bool skips = search->params->skip_logprobs;
    float max, log_sum = NAN;
    if (skips ? !isfinite(max = kernels->max(n, logits)) : !t5_log_sum(kernels, n, logits, scratch, &max, &log_sum)) return false;
    t5_search_mask(search, &search->running[0], logits);
    const size_t best = kernels->argmax(n, logits);
    t5_greedy_take(search, (int32_t)best, skips ? NAN : (logits[best] - max) - log_sum);
    return true;
}

/* Greedy search: the best id that is not forbidden, the lowest among equals. Its log-probability is that of the raw logits. */
#include "model/search.h"

size_t t5_greedy_scratch(const t5_config *config) { return config->vocab_size * sizeof(float); }

bool t5_greedy_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch) {
    t5_hypothesis *h = &search->running[0];
    float max, log_sum;
    if (!t5_log_sum(kernels, search->config->vocab_size, logits, scratch, &max, &log_sum)) return false;
    t5_search_mask(search, h, logits);
    const size_t best = kernels->argmax(search->config->vocab_size, logits);
    t5_hypothesis_append(h, (int32_t)best, (logits[best] - max) - log_sum);
    search->parent[0] = 0;

    h->ended = (int32_t)best == search->config->eos_token_id;
    if (h->ended || h->n == search->params->max_new_tokens) {
        const t5_hypothesis done = search->finished[0];
        search->finished[0] = *h;
        search->running[0] = done;
        search->n_finished = 1;
        search->n_running = 0;
    }
    return true;
}

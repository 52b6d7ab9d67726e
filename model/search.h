/* Search: what one question does with the logits of its rows after each step. It knows no layer.
 *
 * The driver (generate.c) feeds every question's running rows, hands back their logits, and asks which rows run on with which token. */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "model/t5.h"
#include "runtime/kernels.h"

/* A sequence on its way: ids without the start token, and the raw log-probability of each. */
typedef struct t5_hypothesis {
    int32_t *ids;    /* [max_new_tokens] */
    float *logprobs; /* [max_new_tokens] */
    float sum;       /* running: of log-probabilities; finished: the score */
    bool ended;      /* by </s> */
    size_t n;
} t5_hypothesis;

/* One question. All arrays have room for num_beams hypotheses of max_new_tokens. */
typedef struct t5_search {
    const t5_generate_params *params;
    const t5_config *config;
    size_t n_running, n_finished;
    t5_hypothesis *running, *spare; /* [num_beams]: the beams, and where the next step's are put together */
    t5_hypothesis *finished;        /* [num_beams], best first */
    size_t *parent;                 /* [num_beams]: after a step, the row that running[r] goes on from */
} t5_search;

/* Bytes of scratch that a thread needs for t5_search_step. */
size_t t5_search_scratch(const t5_config *config, const t5_generate_params *params);

/* One step. logits [n_running, vocab_size] are overwritten. Afterwards running[0 .. n_running) are the rows to feed next, each its last
 * id; with n_running = 0 the question is done. False if a logit is not a number. */
bool t5_search_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch);

/* The two ways, for t5_search_step: num_beams = 1, and more. */
bool t5_greedy_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch);
bool t5_beam_step(const rt_kernels *kernels, t5_search *search, float *logits, void *scratch);
size_t t5_greedy_scratch(const t5_config *config);
size_t t5_beam_scratch(const t5_config *config, const t5_generate_params *params);

/* log-softmax(x)[i] = (x[i] - max) - log_sum. False if x holds NaN, or nothing finite. scratch [n] is overwritten. */
bool t5_log_sum(const rt_kernels *kernels, size_t n, const float *x, float *scratch, float *max, float *log_sum);

/* x[id] = -inf for the ids that may not come next: </s> before min_new_tokens, and what would complete an n-gram already present (start
 * token included). Nothing is renormalised. */
void t5_search_mask(const t5_search *search, const t5_hypothesis *so_far, float *x);

/* The same, as a bit in forbidden[id / 64] for each of them. */
void t5_search_forbid(const t5_search *search, const t5_hypothesis *so_far, uint64_t *forbidden);

/* Greedy search goes on with an id. */
void t5_greedy_take(t5_search *search, int32_t id, float logprob);

/* Adds one id to a hypothesis. */
void t5_hypothesis_append(t5_hypothesis *h, int32_t id, float logprob);

#endif

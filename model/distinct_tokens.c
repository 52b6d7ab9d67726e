/* Numbering tokens; see distinct_tokens.h. */
#include "model/distinct_tokens.h"

#include <string.h>

enum { STRIP = 256 }; /* columns that a thread copies at a time: 1 KiB of each row */

void t5_distinct_tokens_place(rt_arena *arena, const t5_config *config, size_t n_rows, t5_distinct_tokens *tokens) {
    tokens->id = rt_arena_alloc(arena, n_rows, sizeof *tokens->id);
    tokens->number = rt_arena_alloc(arena, n_rows, sizeof *tokens->number);
    tokens->of_id = rt_arena_alloc(arena, config->vocab_size, sizeof *tokens->of_id);
}

void t5_distinct_tokens_find(const t5_config *config, const t5_ids *inputs, size_t n_inputs, t5_distinct_tokens *tokens) {
    uint32_t *number = tokens->number;
    memset(tokens->of_id, 0, config->vocab_size * sizeof *tokens->of_id);
    tokens->n = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        for (size_t t = 0; t < inputs[i].n; t++) {
            uint32_t *of_id = &tokens->of_id[inputs[i].ids[t]];
            if (*of_id == 0) {
                tokens->id[tokens->n++] = inputs[i].ids[t];
                *of_id = (uint32_t)tokens->n;
            }
            *number++ = *of_id - 1;
        }
    }
}

typedef struct spread_job {
    const t5_distinct_tokens *tokens;
    size_t n_rows, cols;
    float *X;
} spread_job;

/* From the last row to the first: a row's token is never numbered after the row, so it is read before it is written. */
static void spread_strip(void *context, size_t item, size_t worker) {
    (void)worker;
    const spread_job *job = context;
    const size_t first = item * STRIP, n = job->cols - first < STRIP ? job->cols - first : STRIP;
    for (size_t i = job->n_rows; i-- > 0;) {
        const size_t from = job->tokens->number[i];
        if (from != i) memcpy(job->X + i * job->cols + first, job->X + from * job->cols + first, n * sizeof *job->X);
    }
}

void t5_distinct_tokens_spread(const rt_compute *compute, const t5_distinct_tokens *tokens, size_t n_rows, size_t cols, float *X) {
    spread_job job = {.tokens = tokens, .n_rows = n_rows, .cols = cols, .X = X};
    rt_parallel(compute, (cols + STRIP - 1) / STRIP, rt_guess_ns(0, n_rows * cols * sizeof *X), spread_strip, &job);
}

/* Embedding; see embedding.h. */
#include "model/embedding.h"

rt_status t5_count_ids(const t5_config *config, const t5_ids *tokens, size_t n, size_t min_length, size_t *total, rt_error *err) {
    *total = 0;
    for (size_t s = 0; s < n; s++) {
        if (tokens[s].n < min_length) return rt_fail(err, RT_ERR_USAGE, "sequence %zu has no ids", s);
        if (tokens[s].n > INT32_MAX - *total) return rt_fail(err, RT_ERR_LIMIT, "more than 2^31 - 1 ids in one batch");
        *total += tokens[s].n;
        for (size_t t = 0; t < tokens[s].n; t++) {
            const int32_t id = tokens[s].ids[t];
            if (id < 0 || (size_t)id >= config->vocab_size) {
                return rt_fail(err, RT_ERR_USAGE, "id %d is outside the vocabulary (0 .. %zu)", id, config->vocab_size - 1);
            }
        }
    }
    return RT_OK;
}

void t5_embed(const t5_session *session, const t5_ids *tokens, size_t n, float *x) {
    const rt_matrix *table = &session->model->weights.shared;
    for (size_t s = 0; s < n; s++) {
        for (size_t t = 0; t < tokens[s].n; t++, x += table->cols) {
            session->compute.kernels->widen[table->dtype](table->cols, rt_matrix_row(table, (size_t)tokens[s].ids[t]), x);
        }
    }
}

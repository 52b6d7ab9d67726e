/* Ids to rows of the embedding table, the one place where ids are checked. */
#ifndef MODEL_EMBEDDING_H
#define MODEL_EMBEDDING_H

#include "model/session.h"

/* Sum of tokens[i].n. RT_ERR_USAGE for an id outside the vocabulary, or for an empty sequence where min_length is 1; RT_ERR_LIMIT over 2^31. */
rt_status t5_count_ids(const t5_config *config, const t5_ids *tokens, size_t n, size_t min_length, size_t *total, rt_error *err);

/* x [total, d_model]: one row of the table (widened to f32) an id, sequences one after another. */
void t5_embed(const t5_session *session, const t5_ids *tokens, size_t n, float *x);

#endif

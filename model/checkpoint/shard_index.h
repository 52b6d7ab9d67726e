/* model.safetensors.index.json or pytorch_model.bin.index.json: {"metadata": {...}, "weight_map": {TENSOR: SHARD, ...}}, SHARD a file beside
 * the index. */
#ifndef MODEL_CHECKPOINT_SHARD_INDEX_H
#define MODEL_CHECKPOINT_SHARD_INDEX_H

#include <cjson/cJSON.h>

#include "model/checkpoint/checkpoint.h"

enum { CKPT_MAX_SHARDS = 1024 };

typedef struct ckpt_index_row {
    const char *tensor, *shard;
} ckpt_index_row;

/* Zeroed at first. */
typedef struct ckpt_index {
    cJSON *json;          /* owns the text of the rest */
    ckpt_index_row *rows; /* [n_rows], sorted by tensor, none twice */
    size_t n_rows;
    const char **shards; /* [n_shards], sorted, each once; plain file names */
    size_t n_shards;
} ckpt_index;

/* On failure *index still has to be freed. */
rt_status ckpt_index_read(const char *path, ckpt_index *index, rt_error *err);
void ckpt_index_free(ckpt_index *index);

/* RT_ERR_DISAGREE unless the index lists every one of the shards' tensors [n], sorted by name, at its place, and no other. path is the
 * index's, for messages. */
rt_status ckpt_index_compare(const char *path, const ckpt_index *index, const ckpt_tensor *tensors, size_t n, rt_error *err);

#endif

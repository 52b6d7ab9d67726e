/* A checkpoint of any size that takes no room: a whole header, and zeros that the file system need not store. */
#ifndef TESTS_SUPPORT_SPARSE_MODEL_H
#define TESTS_SUPPORT_SPARSE_MODEL_H

#include <stdbool.h>

#include "tests/support/scratch.h"

/* T5 (ReLU, not gated, tied) in F32, with as many decoder layers as encoder layers. */
typedef struct sparse_shape {
    size_t vocab_size, d_model, d_kv, d_ff, num_heads, num_layers;
} sparse_shape;

/* Writes config.json and model.safetensors into the folder. Returns the weights' bytes, or 0 where the file system cannot hold such a
 * file. */
size_t sparse_model_write(scratch *s, const sparse_shape *shape);

#endif

/* Views of flat arrays: element (i, j, ...) is number offset + i * stride[0] + j * stride[1] + ... */
#ifndef MODEL_CHECKPOINT_STRIDED_H
#define MODEL_CHECKPOINT_STRIDED_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"

typedef struct ckpt_strided {
    unsigned rank; /* 0 .. CKPT_MAX_RANK */
    const size_t *shape, *stride; /* [rank] */
    size_t offset;
} ckpt_strided;

/* *count = the number of elements. False if it, or the product before a dimension of 0, does not fit. */
bool ckpt_strided_count(const ckpt_strided *view, size_t *count);

/* Every element lies among the first n. */
bool ckpt_strided_fits(const ckpt_strided *view, size_t n);

/* The elements follow one another in row-major order. */
bool ckpt_strided_is_contiguous(const ckpt_strided *view);

/* Copies the elements, of `bytes` bytes each, from the array to out, row-major. The view fits the array. */
void ckpt_strided_copy(const ckpt_strided *view, size_t bytes, const uint8_t *array, uint8_t *out);

#endif

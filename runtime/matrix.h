/* Element types of stored tensors, and a matrix of one of them. */
#ifndef RUNTIME_MATRIX_H
#define RUNTIME_MATRIX_H

#include <stddef.h>

typedef enum rt_dtype { RT_F32, RT_F16, RT_BF16 } rt_dtype;

static inline size_t rt_dtype_bytes(rt_dtype dtype) { return dtype == RT_F32 ? 4 : 2; }

/* A borrowed row-major view, [rows, cols] with `stride` elements from row to row. Data is aligned to its element, no more. */
typedef struct rt_matrix {
    rt_dtype dtype;
    size_t rows, cols, stride;
    const void *data;
} rt_matrix;

/* Row i of m. */
static inline const void *rt_matrix_row(const rt_matrix *m, size_t i) {
    return (const char *)m->data + i * m->stride * rt_dtype_bytes(m->dtype);
}

static inline rt_matrix rt_matrix_f32(const float *data, size_t rows, size_t cols, size_t stride) {
    return (rt_matrix){.dtype = RT_F32, .rows = rows, .cols = cols, .stride = stride, .data = data};
}

#endif

/* Element types of stored tensors, and a matrix of one of them. */
#ifndef RUNTIME_MATRIX_H
#define RUNTIME_MATRIX_H

#include <stddef.h>

/* The last one is no type of a checkpoint's weights: only the 8-bit forms that t5k derives (screen.h, rt_values) have it. */
typedef enum rt_dtype { RT_F32, RT_F16, RT_BF16, RT_Q8_0, RT_Q4_0, RT_Q4_1, RT_Q5_0, RT_Q5_1, RT_N_DTYPES, RT_I8 = RT_N_DTYPES } rt_dtype;

#define RT_N_FLOAT_DTYPES (RT_BF16 + 1) /* the types that are no blocks come first */

/* Elements are stored in blocks of one scale: of one element for the float types, of 32 for the quantised ones (quant.h). */
typedef struct rt_dtype_info {
    const char *name;
    unsigned block, block_bytes;
} rt_dtype_info;

static inline rt_dtype_info rt_dtype_of(rt_dtype dtype) {
    static const rt_dtype_info info[RT_N_DTYPES + 1] = {
        [RT_F32] = {"F32", 1, 4},   [RT_F16] = {"F16", 1, 2},   [RT_BF16] = {"BF16", 1, 2},  [RT_Q8_0] = {"Q8_0", 32, 34},
        [RT_Q4_0] = {"Q4_0", 32, 18}, [RT_Q4_1] = {"Q4_1", 32, 20}, [RT_Q5_0] = {"Q5_0", 32, 22}, [RT_Q5_1] = {"Q5_1", 32, 24},
        [RT_I8] = {"I8", 1, 1},
    };
    return info[dtype];
}

/* Bytes of n elements; n is a multiple of the type's block. */
static inline size_t rt_dtype_bytes(rt_dtype dtype, size_t n) {
    const rt_dtype_info info = rt_dtype_of(dtype);
    return n / info.block * info.block_bytes;
}

/* A borrowed row-major view, [rows, cols] with `stride` elements from row to row. Data is aligned to its
 * float or 16-bit part, no more; cols and stride are multiples of the type's block. */
typedef struct rt_matrix {
    rt_dtype dtype;
    size_t rows, cols, stride;
    const void *data;
} rt_matrix;

/* Row i of m. */
static inline const void *rt_matrix_row(const rt_matrix *m, size_t i) {
    return (const char *)m->data + rt_dtype_bytes(m->dtype, i * m->stride);
}

static inline rt_matrix rt_matrix_f32(const float *data, size_t rows, size_t cols, size_t stride) {
    return (rt_matrix){.dtype = RT_F32, .rows = rows, .cols = cols, .stride = stride, .data = data};
}

#endif

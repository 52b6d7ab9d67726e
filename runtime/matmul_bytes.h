/* C = A B^T by 8-bit products: the linear layer of --compute q8.
 *
 * B is static and has an 8-bit copy (screen.h), each row with a scale of its own; A's rows get theirs when they come:
 *
 *     C[i, j] = scale[j] scale of i (q[j] . p[i]),    A[i] ~ scale of i * p[i],  B[j] ~ scale[j] * q[j],  |p|, |q| <= 127
 *
 * The product of whole numbers is exact in any order, so an element has the same bits for every m, block, number of threads and instruction
 * set. A row of A that is not finite gives NaN. k is at most RT_BYTES_MAX_K. */
#ifndef RUNTIME_MATMUL_BYTES_H
#define RUNTIME_MATMUL_BYTES_H

#include "runtime/compute.h"
#include "runtime/screen.h"

/* Rows [m, k] as 8-bit numbers. */
typedef struct rt_byte_rows {
    rt_screen_query *query; /* [m] */
    int8_t *p;              /* [m, k rounded up to 4] */
} rt_byte_rows;

/* Room for up to m rows of up to k. */
void rt_byte_rows_place(rt_arena *arena, size_t m, size_t k, rt_byte_rows *rows);

/* A [m, k]. On all threads. */
void rt_byte_rows_fill(const rt_compute *compute, size_t m, const float *A, size_t lda, size_t k, rt_byte_rows *rows);

/* C[i, j - first] for j = first .. first + n - 1, on the calling thread; first a multiple of RT_SCREEN_PANEL. The rows are `rows` from
 * number `row` on. */
void rt_dot_bytes_rows(const rt_kernels *kernels, size_t m, const rt_byte_rows *rows, size_t row, const rt_screen *B, size_t first, size_t n,
                       float *C, size_t ldc);

/* C [m, B->n], on all threads. */
void rt_matmul_bytes(const rt_compute *compute, size_t m, const rt_byte_rows *rows, const rt_screen *B, float *C, size_t ldc);

#endif

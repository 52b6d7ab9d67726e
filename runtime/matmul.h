/* C = A B^T: the linear layer, C[i, j] = sum over c of A[i, c] B[j, c], for weights B of any stored type.
 *
 * Each element is the dot kernel's sum of its own row pair, so it has the same bits for every m, block and number of threads, and equals
 * that pair computed alone. Weights of 16 bits are widened to f32, exactly, a few rows at a time. */
#ifndef RUNTIME_MATMUL_H
#define RUNTIME_MATMUL_H

#include "runtime/compute.h"

/* Bytes of scratch a thread needs for rt_dot_rows with rows of k elements. */
size_t rt_dot_rows_scratch(const rt_kernels *kernels, size_t k);

/* C[i, j - first] = A[i] . B[j] for j = first .. first + n - 1, on the calling thread;  A [m, B->cols], C [m, n]. */
void rt_dot_rows(const rt_kernels *kernels, size_t m, const float *A, size_t lda, const rt_matrix *B, size_t first, size_t n, float *C,
                 size_t ldc, float *scratch);

/* out[t] = a . B[first + index[t]] for t < n, the same bits, on the calling thread; index rises. Scratch, for types
 * other than f32: as of rt_dot_rows. */
void rt_dot_indexed(const rt_kernels *kernels, size_t n, const uint32_t *index, const float *a, const rt_matrix *B, size_t first, float *out,
                    float *scratch);

/* C [m, B->rows] = A [m, B->cols] B^T, on all threads. Scratch: rt_dot_rows_scratch. */
void rt_matmul(const rt_compute *compute, size_t m, const float *A, size_t lda, const rt_matrix *B, float *C, size_t ldc);

#endif

/* Products with one block of a weight matrix for each head, which is what is left of a projection once it is absorbed into its neighbour:
 *
 *     mix   out[i, h, c] = sum over j of P[i, h, j] W[h * n + j, c]        (q_h^T W_k,h: a query carried to where the keys come from)
 *     dot   out[i, h, j] = sum over c of X[i, h, c] W[h * n + j, c]        (W_v,h x_h: a mixture of inputs carried on to values)
 *
 * i = 0 .. m - 1, h = 0 .. n_heads - 1, j = 0 .. n - 1, c = 0 .. W->cols - 1; W [n_heads * n, cols] of any stored type. Each element's sum has
 * one order (mix: sequence, dot: lanes), so its bits do not depend on m or the threads. Scratch: rt_heads_scratch. */
#ifndef RUNTIME_HEADS_H
#define RUNTIME_HEADS_H

#include "runtime/compute.h"

size_t rt_heads_scratch(const rt_kernels *kernels, size_t cols);

/* P [m, n_heads * n], out [m, n_heads * cols] */
void rt_heads_mix(const rt_compute *compute, size_t m, size_t n_heads, size_t n, const float *P, const rt_matrix *W, float *out);

/* X [m, n_heads * cols], out [m, n_heads * n] */
void rt_heads_dot(const rt_compute *compute, size_t m, size_t n_heads, size_t n, const float *X, const rt_matrix *W, float *out);

#endif

/* The k best of a row.
 *
 * Definition. Element i goes before element j if x[i] > x[j], or x[i] = x[j] and i < j; -0 equals +0. The result is the first min(k, n)
 * elements in that order, given in ascending index (which fixes the order of the sums that follow). It is unique, and the result for k is part
 * of that for k + 1. A row with NaN has no result. */
#ifndef RUNTIME_TOPK_H
#define RUNTIME_TOPK_H

#include "runtime/kernels.h"

/* x [n], n >= 1, k >= 1; index and value have room for min(k, n); value may be x. Returns min(k, n), or 0 if any x is NaN. */
size_t rt_topk(const rt_kernels *kernels, size_t n, const float *x, size_t k, uint32_t *index, float *value);

/* A number that at least k of x are not below, and, if it can be had, few more; -inf if fewer than k of x are numbers. n >= 1. */
float rt_topk_bound(const rt_kernels *kernels, size_t n, const float *x, size_t k);

#endif

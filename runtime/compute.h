/* What every computation is handed: the kernels, the number of threads, and a piece of scratch for each thread. */
#ifndef RUNTIME_COMPUTE_H
#define RUNTIME_COMPUTE_H

#include "runtime/kernels.h"

typedef struct rt_compute {
    const rt_kernels *kernels;
    size_t n_threads;
    char *scratch;        /* [n_threads, scratch_bytes], aligned to 64 */
    size_t scratch_bytes; /* a multiple of 64; at least what the called function's own *_scratch says */
} rt_compute;

static inline void *rt_scratch(const rt_compute *compute, size_t worker) { return compute->scratch + worker * compute->scratch_bytes; }

/* Runs body(context, item, worker) for item = 0 .. n_items - 1 on the threads, in any order; worker < n_threads, and no two items run at
 * once under the same worker. Which thread takes an item must not change what the item writes. Returns when all are done. */
void rt_parallel(const rt_compute *compute, size_t n_items, void (*body)(void *context, size_t item, size_t worker), void *context);

/* Y[i] += X[i];  both [m, n] without gaps. */
void rt_add_rows(const rt_compute *compute, size_t m, size_t n, const float *X, float *Y);

/* out[i] = RMS norm of X[i];  X, out [m, n], w [n]. Returns the first row whose mean square is not finite, or m. */
size_t rt_rms_norm_rows(const rt_compute *compute, size_t m, size_t n, const float *X, const float *w, float eps, float *out);

#endif

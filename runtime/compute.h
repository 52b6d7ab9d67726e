/* What every computation is handed: the kernels, the threads, and a piece of scratch for each thread. */
#ifndef RUNTIME_COMPUTE_H
#define RUNTIME_COMPUTE_H

#include "runtime/kernels.h"
#include "runtime/threads.h"

typedef struct rt_compute {
    const rt_kernels *kernels;
    rt_threads *threads;  /* NULL: the calling thread alone */
    char *scratch;        /* [threads, scratch_bytes], aligned to 64 */
    size_t scratch_bytes; /* a multiple of 64; at least what the called function's own *_scratch says */
} rt_compute;

static inline size_t rt_n_threads(const rt_compute *compute) { return compute->threads != NULL ? rt_threads_count(compute->threads) : 1; }

static inline void *rt_scratch(const rt_compute *compute, size_t worker) { return compute->scratch + worker * compute->scratch_bytes; }

/* A rough guess, in nanoseconds, of so many multiply-adds on so many bytes that are read for the first time: 100 a nanosecond, 40 bytes a
 * nanosecond. It only decides whether other threads are woken. */
static inline size_t rt_guess_ns(size_t multiply_adds, size_t bytes) { return multiply_adds / 100 + bytes / 40; }

/* rt_threads_run, but work of less than about 20 microseconds in all (guess_ns) stays on the calling thread: sharing it would cost more. Which
 * thread takes an item must not change what the item writes. */
void rt_parallel(const rt_compute *compute, size_t n_items, size_t guess_ns, void (*body)(void *context, size_t item, size_t worker),
                 void *context);

/* Y[i] += X[i];  both [m, n] without gaps. */
void rt_add_rows(const rt_compute *compute, size_t m, size_t n, const float *X, float *Y);

/* out[i] = RMS norm of X[i];  X, out [m, n], w [n]. Returns the first row whose mean square is not finite, or m. */
size_t rt_rms_norm_rows(const rt_compute *compute, size_t m, size_t n, const float *X, const float *w, float eps, float *out);

#endif

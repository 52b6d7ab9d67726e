/* Sharing work, and operations on rows; see compute.h. */
#include "runtime/compute.h"

#include <math.h>
#include <stdatomic.h>

enum { WORTH_THREADS_NS = 20000 };

void rt_parallel(const rt_compute *compute, size_t n_items, size_t guess_ns, void (*body)(void *context, size_t item, size_t worker),
                 void *context) {
    if (rt_n_threads(compute) > 1 && n_items > 1 && guess_ns >= WORTH_THREADS_NS) {
        rt_threads_run(compute->threads, n_items, body, context);
        return;
    }
    for (size_t item = 0; item < n_items; item++) body(context, item, 0);
}

enum { ROWS_PER_ITEM = 32 };

typedef struct rows_job {
    const rt_kernels *kernels;
    size_t m, n;
    const float *X, *w;
    float eps;
    float *out;
    atomic_size_t first_bad;
} rows_job;

static size_t end_of_item(const rows_job *job, size_t item) {
    const size_t end = (item + 1) * ROWS_PER_ITEM;
    return end < job->m ? end : job->m;
}

static size_t n_items(size_t m) { return (m + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM; }

static void add_item(void *context, size_t item, size_t worker) {
    (void)worker;
    const rows_job *job = context;
    const size_t begin = item * ROWS_PER_ITEM, end = end_of_item(job, item);
    job->kernels->add((end - begin) * job->n, job->X + begin * job->n, job->out + begin * job->n);
}

void rt_add_rows(const rt_compute *compute, size_t m, size_t n, const float *X, float *Y) {
    rows_job job = {.kernels = compute->kernels, .m = m, .n = n, .X = X, .out = Y};
    rt_parallel(compute, n_items(m), rt_guess_ns(0, m * n * sizeof *X), add_item, &job);
}

static void rms_norm_item(void *context, size_t item, size_t worker) {
    (void)worker;
    rows_job *job = context;
    for (size_t i = item * ROWS_PER_ITEM; i < end_of_item(job, item); i++) {
        const float mean_square = job->kernels->rms_norm(job->n, job->X + i * job->n, job->w, job->eps, job->out + i * job->n);
        if (isfinite(mean_square)) continue;
        size_t seen = atomic_load(&job->first_bad);
        while (i < seen && !atomic_compare_exchange_weak(&job->first_bad, &seen, i)) {
        }
    }
}

size_t rt_rms_norm_rows(const rt_compute *compute, size_t m, size_t n, const float *X, const float *w, float eps, float *out) {
    rows_job job = {.kernels = compute->kernels, .m = m, .n = n, .X = X, .w = w, .eps = eps, .out = out};
    atomic_init(&job.first_bad, m);
    rt_parallel(compute, n_items(m), rt_guess_ns(0, m * n * sizeof *X), rms_norm_item, &job);
    return atomic_load(&job.first_bad);
}

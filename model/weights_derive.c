/* Widening and turning; see weights_derive.h. */
#include "model/weights_derive.h"

#include <string.h>

#include "runtime/topk_attention.h"

enum { WIDEN_AT_ONCE = 64 };

/* Through a copy, since a file promises no alignment. */
void t5_widen(const rt_kernels *kernels, const ckpt_tensor *tensor, size_t first, size_t n, float *out) {
    uint32_t copy[WIDEN_AT_ONCE]; /* no type has more than 4 bytes an element */
    for (size_t i = 0; i < n; i += WIDEN_AT_ONCE) {
        const size_t part = n - i < WIDEN_AT_ONCE ? n - i : WIDEN_AT_ONCE;
        memcpy(copy, tensor->data + rt_dtype_bytes(tensor->dtype, first + i), rt_dtype_bytes(tensor->dtype, part));
        kernels->widen[tensor->dtype](part, copy, out + i);
    }
}

typedef struct transpose_job {
    const rt_kernels *kernels;
    const ckpt_tensor *t; /* wo [d_model, d_ff] */
    size_t d_model, d_ff;
    rt_dtype dtype; /* of the result */
    char *out;      /* [panels, d_ff, RT_PANEL] */
} transpose_job;

/* One panel: RT_PANEL rows of wo, read along, written across, a square at a time, which stays in the first-level cache. */
static void transpose_panel(void *context, size_t panel, size_t worker) {
    (void)worker;
    const transpose_job *job = context;
    const size_t e = rt_dtype_bytes(job->dtype, 1), first = panel * RT_PANEL;
    const size_t n_c = job->d_model - first < RT_PANEL ? job->d_model - first : RT_PANEL;
    char *out = job->out + panel * job->d_ff * RT_PANEL * e;
    float widened[WIDEN_AT_ONCE];
    if (n_c < RT_PANEL) memset(out, 0, job->d_ff * RT_PANEL * e);
    for (size_t j0 = 0; j0 < job->d_ff; j0 += WIDEN_AT_ONCE) {
        const size_t n = job->d_ff - j0 < WIDEN_AT_ONCE ? job->d_ff - j0 : WIDEN_AT_ONCE;
        for (size_t c = 0; c < n_c; c++) {
            const size_t at = (first + c) * job->d_ff + j0;
            const char *in = (const char *)widened;
            if (job->dtype == job->t->dtype) in = (const char *)job->t->data + at * e;
            else t5_widen(job->kernels, job->t, at, n, widened);
            for (size_t j = 0; j < n; j++) memcpy(out + ((j0 + j) * RT_PANEL + c) * e, in + j * e, e == 4 ? 4 : 2);
        }
    }
}

void t5_transpose(const rt_kernels *kernels, rt_threads *threads, const ckpt_tensor *wo, rt_dtype dtype, void *out) {
    transpose_job job = {.kernels = kernels, .t = wo, .d_model = wo->shape[0], .d_ff = wo->shape[1], .dtype = dtype, .out = out};
    const rt_compute compute = {.threads = threads};
    rt_parallel(&compute, (job.d_model + RT_PANEL - 1) / RT_PANEL, rt_guess_ns(0, wo->n_bytes), transpose_panel, &job);
}

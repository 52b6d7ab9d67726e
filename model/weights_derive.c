/* Widening and turning; see weights_derive.h. */
#include "model/weights_derive.h"

#include <math.h>
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

/* ---- wo as 8-bit numbers ---- */

typedef struct bytes_job {
    const rt_kernels *kernels;
    const ckpt_tensor *t; /* wo [d_model, d_ff], or its panels */
    bool is_packed;
    size_t d_model, d_ff, n_panels;
    int8_t *out;  /* [panels, d_ff, RT_PANEL] */
    float *scale; /* [d_ff] */
} bytes_job;

typedef float square[WIDEN_AT_ONCE][RT_PANEL]; /* some rows of wo^T, the columns of one panel */

static void read_square(const bytes_job *job, size_t panel, size_t j0, size_t n, square to) {
    const size_t first = panel * RT_PANEL, left = job->is_packed ? RT_PANEL : job->d_model - first, n_c = left < RT_PANEL ? left : RT_PANEL;
    float column[WIDEN_AT_ONCE];
    if (job->is_packed) {
        for (size_t j = 0; j < n; j++) t5_widen(job->kernels, job->t, (panel * job->d_ff + j0 + j) * RT_PANEL, RT_PANEL, to[j]);
        return;
    }
    if (n_c < RT_PANEL) memset(to, 0, sizeof(square));
    for (size_t c = 0; c < n_c; c++) {
        t5_widen(job->kernels, job->t, (first + c) * job->d_ff + j0, n, column);
        for (size_t j = 0; j < n; j++) to[j][c] = column[j];
    }
}

/* Rows j0 .. of wo^T: their largest numbers first, then the numbers in 127ths of these. */
static void bytes_of_rows(void *context, size_t item, size_t worker) {
    (void)worker;
    const bytes_job *job = context;
    const size_t j0 = item * WIDEN_AT_ONCE, n = job->d_ff - j0 < WIDEN_AT_ONCE ? job->d_ff - j0 : WIDEN_AT_ONCE;
    float largest[WIDEN_AT_ONCE] = {0}, per_step[WIDEN_AT_ONCE];
    square v;
    for (size_t panel = 0; panel < job->n_panels; panel++) {
        read_square(job, panel, j0, n, v);
        for (size_t j = 0; j < n; j++) {
            for (size_t c = 0; c < RT_PANEL; c++) {
                const float size = fabsf(v[j][c]);
                if (!(size <= largest[j]) && !isnan(largest[j])) largest[j] = size;
            }
        }
    }
    for (size_t j = 0; j < n; j++) {
        const bool is_finite = largest[j] < INFINITY;
        job->scale[j0 + j] = is_finite ? largest[j] / 127.0f : NAN;
        per_step[j] = is_finite && largest[j] > 1e-30f ? 127.0f / largest[j] : 0.0f;
    }
    for (size_t panel = 0; panel < job->n_panels; panel++) {
        int8_t *out = job->out + (panel * job->d_ff + j0) * RT_PANEL;
        read_square(job, panel, j0, n, v);
        for (size_t j = 0; j < n; j++) {
            for (size_t c = 0; c < RT_PANEL; c++) out[j * RT_PANEL + c] = (int8_t)(per_step[j] > 0.0f ? lrintf(v[j][c] * per_step[j]) : 0);
        }
    }
}

void t5_values_to_bytes(const rt_kernels *kernels, rt_threads *threads, const ckpt_tensor *wo_or_panels, int8_t *out, float *scale) {
    const ckpt_tensor *t = wo_or_panels;
    bytes_job job = {.kernels = kernels, .t = t, .is_packed = t->rank == 3, .d_ff = t->shape[1], .out = out, .scale = scale};
    job.d_model = job.is_packed ? t->shape[0] * RT_PANEL : t->shape[0];
    job.n_panels = (job.d_model + RT_PANEL - 1) / RT_PANEL;
    const rt_compute compute = {.threads = threads};
    rt_parallel(&compute, (job.d_ff + WIDEN_AT_ONCE - 1) / WIDEN_AT_ONCE, rt_guess_ns(0, 2 * t->n_bytes), bytes_of_rows, &job);
}

/* Per-head products; see heads.h. */
#include "runtime/heads.h"

#include <string.h>

#include "runtime/matmul.h"

/* An item of mix takes so many columns of one head, and so many of its rows at a time: rows are read along, as memory likes it, and with few
 * queries the sums go through the first-level cache in between. */
enum { MIX_COLS = 256, MIX_ROWS = 8 };

typedef struct heads_job {
    const rt_compute *compute;
    size_t m, n_heads, n;
    const float *in;
    const rt_matrix *W;
    float *out;
} heads_job;

size_t rt_heads_scratch(const rt_kernels *kernels, size_t cols) {
    const size_t block = MIX_ROWS * MIX_COLS * sizeof(float), tile = rt_dot_rows_scratch(kernels, cols);
    return block > tile ? block : tile;
}

static void mix_item(void *context, size_t item, size_t worker) {
    const heads_job *job = context;
    const rt_kernels *kernels = job->compute->kernels;
    const size_t cols = job->W->cols, head = item % job->n_heads, c = item / job->n_heads * MIX_COLS;
    const size_t n_c = cols - c < MIX_COLS ? cols - c : MIX_COLS, ldp = job->n_heads * job->n, ldo = job->n_heads * cols;
    const float *P = job->in + head * job->n;
    float *out = job->out + head * cols + c, *block = rt_scratch(job->compute, worker);
    for (size_t i = 0; i < job->m; i++) memset(out + i * ldo, 0, n_c * sizeof *out);
    for (size_t j = 0; j < job->n; j += MIX_ROWS) {
        const size_t n = job->n - j < MIX_ROWS ? job->n - j : MIX_ROWS;
        for (size_t r = 0; job->W->dtype != RT_F32 && r < n; r++) {
            const char *row = rt_matrix_row(job->W, head * job->n + j + r);
            kernels->widen[job->W->dtype](n_c, row + rt_dtype_bytes(job->W->dtype, c), block + r * n_c);
        }
        const float *rows = job->W->dtype == RT_F32 ? (const float *)rt_matrix_row(job->W, head * job->n + j) + c : block;
        kernels->weighted_rows(job->m, n, n_c, P + j, ldp, rows, job->W->dtype == RT_F32 ? job->W->stride : n_c, out, ldo);
    }
}

void rt_heads_mix(const rt_compute *compute, size_t m, size_t n_heads, size_t n, const float *P, const rt_matrix *W, float *out) {
    heads_job job = {.compute = compute, .m = m, .n_heads = n_heads, .n = n, .in = P, .W = W, .out = out};
    const size_t guess_ns = rt_guess_ns(m * W->rows * W->cols, rt_dtype_bytes(W->dtype, W->rows * W->cols));
    rt_parallel(compute, n_heads * ((W->cols + MIX_COLS - 1) / MIX_COLS), guess_ns, mix_item, &job);
}

static void dot_item(void *context, size_t head, size_t worker) {
    const heads_job *job = context;
    const size_t cols = job->W->cols;
    rt_dot_rows(job->compute->kernels, job->m, job->in + head * cols, job->n_heads * cols, job->W, head * job->n, job->n, job->out + head * job->n,
                job->n_heads * job->n, rt_scratch(job->compute, worker));
}

void rt_heads_dot(const rt_compute *compute, size_t m, size_t n_heads, size_t n, const float *X, const rt_matrix *W, float *out) {
    heads_job job = {.compute = compute, .m = m, .n_heads = n_heads, .n = n, .in = X, .W = W, .out = out};
    const size_t guess_ns = rt_guess_ns(m * W->rows * W->cols, rt_dtype_bytes(W->dtype, W->rows * W->cols));
    rt_parallel(compute, n_heads, guess_ns, dot_item, &job);
}

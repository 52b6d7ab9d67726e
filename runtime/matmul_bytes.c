/* The linear layer by 8-bit products; see matmul_bytes.h. */
#include "runtime/matmul_bytes.h"

/* A block of 128 rows (96 KiB at 768 bytes each) and the panels of an item (48 KiB each) pass through the second-level cache together. */
enum { BLOCK_ROWS = 128, BLOCK_PANELS = 3, FILL_ROWS = 32 };

void rt_byte_rows_place(rt_arena *arena, size_t m, size_t k, rt_byte_rows *rows) {
    rows->query = rt_arena_alloc(arena, m, sizeof *rows->query);
    rows->p = rt_arena_alloc(arena, m, rt_screen_of(0, k).k_padded);
}

typedef struct bytes_job {
    const rt_kernels *kernels;
    size_t m, k, n_row_blocks;
    const float *A;
    size_t lda;
    const rt_byte_rows *rows;
    const rt_screen *B;
    float *C;
    size_t ldc;
} bytes_job;

static size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

static void fill_item(void *context, size_t item, size_t worker) {
    (void)worker;
    const bytes_job *job = context;
    const size_t k_padded = rt_screen_of(0, job->k).k_padded;
    for (size_t i = item * FILL_ROWS; i < job->m && i < (item + 1) * FILL_ROWS; i++) {
        job->kernels->quantise(job->k, job->A + i * job->lda, job->rows->p + i * k_padded, &job->rows->query[i]);
    }
}

void rt_byte_rows_fill(const rt_compute *compute, size_t m, const float *A, size_t lda, size_t k, rt_byte_rows *rows) {
    bytes_job job = {.kernels = compute->kernels, .m = m, .k = k, .A = A, .lda = lda, .rows = rows};
    rt_parallel(compute, divide_up(m, FILL_ROWS), rt_guess_ns(0, 2 * m * k * sizeof *A), fill_item, &job);
}

void rt_dot_bytes_rows(const rt_kernels *kernels, size_t m, const rt_byte_rows *rows, size_t row, const rt_screen *B, size_t first, size_t n,
                       float *C, size_t ldc) {
    const size_t k = B->k_padded;
    for (size_t j = 0; j < n; j += RT_SCREEN_PANEL) {
        const size_t units = n - j < RT_SCREEN_PANEL ? n - j : RT_SCREEN_PANEL;
        kernels->dot_bytes(m, units, k, rows->p + row * k, k, rows->query + row, B->q + (first + j) * k, B->scale + first + j, C + j, ldc);
    }
}

static void matmul_item(void *context, size_t item, size_t worker) {
    (void)worker;
    const bytes_job *job = context;
    const size_t i = item % job->n_row_blocks * BLOCK_ROWS, j = item / job->n_row_blocks * BLOCK_PANELS * RT_SCREEN_PANEL;
    const size_t m = job->m - i < BLOCK_ROWS ? job->m - i : BLOCK_ROWS, left = job->B->n - j, n = BLOCK_PANELS * RT_SCREEN_PANEL;
    rt_dot_bytes_rows(job->kernels, m, job->rows, i, job->B, j, left < n ? left : n, job->C + i * job->ldc + j, job->ldc);
}

void rt_matmul_bytes(const rt_compute *compute, size_t m, const rt_byte_rows *rows, const rt_screen *B, float *C, size_t ldc) {
    bytes_job job = {.kernels = compute->kernels, .m = m, .n_row_blocks = divide_up(m, BLOCK_ROWS), .rows = rows, .B = B, .C = C, .ldc = ldc};
    const size_t guess_ns = rt_guess_ns(m * B->n * B->k / 4, B->n * B->k);
    rt_parallel(compute, job.n_row_blocks * divide_up(B->n, BLOCK_PANELS * RT_SCREEN_PANEL), guess_ns, matmul_item, &job);
}

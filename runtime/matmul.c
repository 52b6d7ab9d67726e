/* The linear layer; see matmul.h. */
#include "runtime/matmul.h"

/* A block of rows of A (96 rows of 768 floats are 288 KiB) stays in the second-level cache while up to 192 rows of B pass by it. Blocks of
 * 64 to 128 rows and 96 to 384 columns were within 2 % of each other at T5-base's shapes; smaller blocks only serve to feed all threads. */
enum { BLOCK_ROWS = 96, BLOCK_COLS = 192, BLOCK_COLS_MIN = 24, BLOCKS_PER_THREAD = 4 };

size_t rt_dot_rows_scratch(const rt_kernels *kernels, size_t k) { return kernels->dot_tile_cols * k * sizeof(float); }

void rt_dot_rows(const rt_kernels *kernels, size_t m, const float *A, size_t lda, const rt_matrix *B, size_t first, size_t n, float *C,
                 size_t ldc, float *scratch) {
    const size_t k = B->cols;
    if (B->dtype == RT_F32) {
        kernels->dot(m, n, k, A, lda, rt_matrix_row(B, first), B->stride, C, ldc);
        return;
    }
    for (size_t j = 0; j < n; j += kernels->dot_tile_cols) {
        const size_t cols = n - j < kernels->dot_tile_cols ? n - j : kernels->dot_tile_cols;
        for (size_t q = 0; q < cols; q++) kernels->widen[B->dtype](k, rt_matrix_row(B, first + j + q), scratch + q * k);
        kernels->dot(m, cols, k, A, lda, scratch, k, C + j, ldc);
    }
}

void rt_dot_indexed(const rt_kernels *kernels, size_t n, const uint32_t *index, const float *a, const rt_matrix *B, size_t first, float *out,
                    float *scratch) {
    if (B->dtype == RT_F32) {
        kernels->dot_indexed(n, index, B->cols, rt_matrix_row(B, first), B->stride, a, out);
        return;
    }
    for (size_t t = 0; t < n; t++) rt_dot_rows(kernels, 1, a, B->cols, B, first + index[t], 1, out + t, 1, scratch);
}

typedef struct matmul_job {
    const rt_compute *compute;
    size_t m, block_rows, n_row_blocks, block_cols;
    const float *A;
    size_t lda;
    const rt_matrix *B;
    float *C;
    size_t ldc;
} matmul_job;

static void matmul_item(void *context, size_t item, size_t worker) {
    const matmul_job *job = context;
    const size_t i = item % job->n_row_blocks * job->block_rows, j = item / job->n_row_blocks * job->block_cols;
    if (i >= job->m) return;
    const size_t m = job->m - i < job->block_rows ? job->m - i : job->block_rows;
    const size_t n = job->B->rows - j < job->block_cols ? job->B->rows - j : job->block_cols;
    rt_dot_rows(job->compute->kernels, m, job->A + i * job->lda, job->lda, job->B, j, n, job->C + i * job->ldc + j, job->ldc,
                rt_scratch(job->compute, worker));
}

static size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

void rt_matmul(const rt_compute *compute, size_t m, const float *A, size_t lda, const rt_matrix *B, float *C, size_t ldc) {
    if (m == 0) return;
    matmul_job job = {.compute = compute, .m = m, .block_cols = BLOCK_COLS, .A = A, .lda = lda, .B = B, .C = C, .ldc = ldc};
    job.n_row_blocks = divide_up(m, BLOCK_ROWS);
    const size_t tile = compute->kernels->dot_tile_rows;
    job.block_rows = divide_up(divide_up(m, job.n_row_blocks), tile) * tile;
    while (job.block_cols > BLOCK_COLS_MIN && job.n_row_blocks * divide_up(B->rows, job.block_cols) < BLOCKS_PER_THREAD * rt_n_threads(compute)) {
        job.block_cols /= 2;
    }
    const size_t guess_ns = rt_guess_ns(m * B->rows * B->cols, rt_dtype_bytes(B->dtype, B->rows * B->cols));
    rt_parallel(compute, job.n_row_blocks * divide_up(B->rows, job.block_cols), guess_ns, matmul_item, &job);
}

/* The matrix products against OpenBLAS's: two ways to add up the same terms differ by no more than their roundings can, element by element.
 *
 * A sum of products in which no term goes through more than r roundings is off by at most g(r) S, g(r) = r u / (1 - r u), u = 2^-24, S the sum
 * of the terms' magnitudes. dot: k / 16 multiply-adds of a lane, rounded up, and 4 additions of lanes. weighted_rows: one multiply-add for
 * each row. OpenBLAS promises no order: a product and an addition for each term. With the largest k here, 3,072, the bound is 0.0002 of S: a
 * term that is missing or doubled stands out unless it is as small as that. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/matmul.h"
#include "tests/support/floats.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { THREADS = 2 };

static double g(size_t roundings) {
    const double r = (double)roundings * 0x1p-24;
    return r / (1 - r);
}

static size_t dot_roundings(size_t k) { return (k + RT_LANES - 1) / RT_LANES + 4; }

/* An element of A B^T by each. */
static void compare(float ours, float theirs, double magnitudes, size_t our_roundings, size_t their_roundings, const char *what) {
    const double difference = fabs((double)ours - (double)theirs), bound = (g(our_roundings) + g(their_roundings)) * magnitudes;
    REQUIRE(difference <= bound, "%s: %.9g and %.9g are %.3g apart, at most %.3g can be", what, (double)ours, (double)theirs, difference, bound);
}

static double magnitudes_of(size_t k, const float *a, const float *b, size_t stride_b) {
    double sum = 0;
    for (size_t c = 0; c < k; c++) sum += fabs((double)a[c] * (double)b[c * stride_b]);
    return sum;
}

static float *random_floats(random_source *r, size_t n) {
    float *x = malloc((n + 1) * sizeof *x);
    if (x == NULL) ck_abort_msg("out of memory");
    fill_floats(r, FLOATS_UNIT, n, x);
    return x;
}

/* ---- A B^T ---- */

typedef struct product {
    size_t m, n, k, lda, ldb, ldc;
    const float *A, *B; /* B as OpenBLAS reads it */
    float *ours, *theirs;
} product;

static void compare_product(const product *p, const char *what) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)p->m, (blasint)p->n, (blasint)p->k, 1.0f, p->A, (blasint)p->lda, p->B,
                (blasint)p->ldb, 0.0f, p->theirs, (blasint)p->ldc);
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            compare(p->ours[i * p->ldc + j], p->theirs[i * p->ldc + j], magnitudes_of(p->k, p->A + i * p->lda, p->B + j * p->ldb, 1),
                    dot_roundings(p->k), p->k, what);
        }
    }
}

START_TEST(dot_of_small_shapes) {
    enum { MAX_M = 9, MAX_N = 14, MAX_K = 800 };
    random_source r = {1};
    float *A = random_floats(&r, MAX_M * MAX_K), *B = random_floats(&r, MAX_N * MAX_K), *C = random_floats(&r, 2 * MAX_M * (MAX_N + 2));
    for (size_t m = 1; m <= MAX_M; m++) {
        for (size_t n = 1; n <= MAX_N; n++) {
            for (size_t k = 0; k < MAX_K - 3; k += k < 70 ? 1 + 4 * SANITIZED : 241) {
                const product p = {m, n, k, k + 3, k | 1, n + 2, A, B, C, C + MAX_M * (MAX_N + 2)};
                variant(_i)->dot(m, n, k, A, p.lda, B, p.ldb, p.ours, p.ldc);
                compare_product(&p, "dot");
            }
        }
    }
    free(A), free(B), free(C);
}
END_TEST

/* B of n rows, those of the shape in T5-base; stored in every float type. */
static const struct {
    const char *name;
    size_t n, k, stride, max_m;
} shapes[] = {
    {"q, k, v, o", 768, 768, 768, 64}, {"wi", 3072, 768, 768, 9}, {"wo", 768, 3072, 3072, 9}, {"lm_head", 32128, 768, 768, 2},
    {"keys of a head", 512, 64, 768, 64},
};

enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void matmul(const rt_kernels *kernels, const product *p, const rt_matrix *B) {
    rt_error err;
    rt_compute compute = {.kernels = kernels, .scratch_bytes = rt_dot_rows_scratch(kernels, p->k)};
    compute.scratch = aligned_alloc(64, THREADS * compute.scratch_bytes);
    ck_assert_ptr_nonnull(compute.scratch);
    ck_assert_int_eq(rt_threads_open(THREADS, &compute.threads, &err), RT_OK);
    rt_matmul(&compute, p->m, p->A, p->lda, B, p->ours, p->ldc);
    rt_threads_close(compute.threads);
    free(compute.scratch);
}

START_TEST(matmul_of_t5_base) {
    random_source r = {2};
    const rt_kernels *kernels = variant(_i / N_SHAPES);
    const size_t s = (size_t)_i % N_SHAPES, n = shapes[s].n, k = shapes[s].k, n_floats = n * shapes[s].stride;
    float *A = random_floats(&r, shapes[s].max_m * k), *B = random_floats(&r, n_floats), *C = random_floats(&r, 2 * shapes[s].max_m * n);
    void *stored = malloc(n_floats * sizeof *B);
    ck_assert_ptr_nonnull(stored);
    for (rt_dtype dtype = RT_F32; dtype <= RT_BF16; dtype++) {
        const size_t m = dtype == RT_F32 && !SANITIZED ? shapes[s].max_m : 2;
        const product p = {m, n, k, k, shapes[s].stride, n, A, B, C, C + shapes[s].max_m * n};
        fill_stored(&r, dtype, n_floats, stored, B);
        matmul(kernels, &p, &(rt_matrix){.dtype = dtype, .rows = n, .cols = k, .stride = shapes[s].stride, .data = stored});
        compare_product(&p, shapes[s].name);
    }
    free(A), free(B), free(C), free(stored);
}
END_TEST

/* ---- out + P V ---- */

START_TEST(weighted_rows_of_small_shapes) {
    enum { MAX_M = 14, MAX_N = 515, MAX_C = 70 };
    random_source r = {3};
    float *P = random_floats(&r, MAX_M * (MAX_N + 3)), *V = random_floats(&r, MAX_N * (MAX_C + 1));
    float *was = random_floats(&r, MAX_M * MAX_C), *out = random_floats(&r, MAX_M * MAX_C), *theirs = random_floats(&r, MAX_M * MAX_C);
    for (size_t m = 1; m <= MAX_M; m += 1 + 3 * SANITIZED) {
        for (size_t n = 1; n <= MAX_N; n += n < 20 ? 3 : 245) {
            for (size_t n_c = 1; n_c <= MAX_C; n_c += 1 + 6 * SANITIZED) {
                for (size_t i = 0; i < m * n_c; i++) out[i] = theirs[i] = was[i];
                variant(_i)->weighted_rows(m, n, n_c, P, n + 3, V, n_c | 1, out, n_c);
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n_c, (blasint)n, 1.0f, P, (blasint)(n + 3), V,
                            (blasint)(n_c | 1), 1.0f, theirs, (blasint)n_c);
                for (size_t i = 0; i < m * n_c; i++) {
                    const double magnitudes = magnitudes_of(n, P + i / n_c * (n + 3), V + i % n_c, n_c | 1) + fabs((double)was[i]);
                    compare(out[i], theirs[i], magnitudes, n, n + 1, "weighted_rows");
                }
            }
        }
    }
    free(P), free(V), free(was), free(out), free(theirs);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("openblas");
    TCase *tc = tcase_create("openblas");
    openblas_set_num_threads(1); /* every test is a process of its own, forked */
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, dot_of_small_shapes, 0, n_variants());
    tcase_add_loop_test(tc, matmul_of_t5_base, 0, n_variants() * N_SHAPES);
    tcase_add_loop_test(tc, weighted_rows_of_small_shapes, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

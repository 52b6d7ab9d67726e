/* Work over threads: each item once, no worker twice at a time; and the products and row operations built on it, which give the same bits
 * for every number of threads, equal to sums worked out here in the order of runtime/kernels.h. */
#include "runtime/compute.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/heads.h"
#include "runtime/kernels_isa.h"
#include "runtime/matmul.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { MAX_THREADS = 5, ENOUGH_NS = 1000000 };
static const size_t thread_counts[] = {1, 2, 3, MAX_THREADS};

/* A compute with threads, and scratch that ends at an unmapped page. */
typedef struct bench {
    rt_compute compute;
    guarded scratch;
} bench;

static bench bench_open(const rt_kernels *kernels, size_t n_threads, size_t scratch_bytes) {
    const size_t each = (scratch_bytes + 63) / 64 * 64;
    bench b = {.compute = {.kernels = kernels, .scratch_bytes = each}, .scratch = guarded_open(each * n_threads)};
    REQUIRE(rt_threads_open(n_threads, &b.compute.threads, NULL) == RT_OK, "no %zu threads", n_threads);
    REQUIRE(rt_n_threads(&b.compute) == n_threads, "not %zu threads", n_threads);
    b.compute.scratch = guarded_tail(&b.scratch, each * n_threads);
    return b;
}

static void bench_close(bench *b) {
    rt_threads_close(b->compute.threads);
    guarded_close(&b->scratch);
}

enum { MAX_ITEMS = 1000 };

typedef struct tally {
    atomic_int done[MAX_ITEMS], busy[MAX_THREADS];
    atomic_int strangers, overlaps, begun;
} tally;

static void count_item(void *context, size_t item, size_t worker) {
    tally *t = context;
    if (worker >= MAX_THREADS) {
        atomic_fetch_add(&t->strangers, 1);
        return;
    }
    if (atomic_fetch_add(&t->busy[worker], 1) != 0) atomic_fetch_add(&t->overlaps, 1);
    atomic_fetch_add(&t->done[item], 1);
    atomic_fetch_sub(&t->busy[worker], 1);
}

START_TEST(each_item_runs_once) {
    static const size_t counts[] = {0, 1, 2, 7, MAX_ITEMS};
    for (size_t i = 0; i < sizeof thread_counts / sizeof *thread_counts; i++) {
        bench b = bench_open(variant(0), thread_counts[i], 0);
        for (size_t repeat = 0; repeat < 2000; repeat++) {
            const size_t n = counts[repeat % (repeat % 100 == 99 ? 5 : 4)];
            tally t = {0};
            rt_parallel(&b.compute, n, ENOUGH_NS, count_item, &t);
            REQUIRE(t.strangers == 0 && t.overlaps == 0, "%d workers that there are not, %d used twice at a time", t.strangers, t.overlaps);
            for (size_t item = 0; item < MAX_ITEMS; item++) {
                REQUIRE(t.done[item] == (item < n), "item %zu of %zu ran %d times", item, n, t.done[item]);
            }
        }
        bench_close(&b);
    }
}
END_TEST

/* Waits until another item has begun as well, ten seconds at most. */
static void meet(void *context, size_t item, size_t worker) {
    (void)worker;
    tally *t = context;
    atomic_fetch_add(&t->begun, 1);
    const time_t start = time(NULL);
    while (atomic_load(&t->begun) < 2 && time(NULL) - start < 10) sched_yield();
    atomic_store(&t->done[item], atomic_load(&t->begun));
}

START_TEST(items_run_side_by_side) {
    bench b = bench_open(variant(0), 2, 0);
    tally t = {0};
    rt_parallel(&b.compute, 2, ENOUGH_NS, meet, &t);
    ck_assert_int_eq(t.done[0], 2);
    ck_assert_int_eq(t.done[1], 2);
    bench_close(&b);
}
END_TEST

/* Slow enough for any other thread to come and take an item, if it were asked. */
static void note_worker(void *context, size_t item, size_t worker) {
    (void)item;
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    if (worker != 0) atomic_fetch_add((atomic_int *)context, 1);
}

START_TEST(little_work_stays_on_the_caller) {
    bench b = bench_open(variant(0), MAX_THREADS, 0);
    atomic_int elsewhere = 0;
    rt_parallel(&b.compute, MAX_ITEMS, 100, note_worker, &elsewhere);
    ck_assert_int_eq(elsewhere, 0);
    bench_close(&b);
    const rt_compute alone = {.kernels = variant(0)};
    rt_parallel(&alone, MAX_ITEMS, ENOUGH_NS, note_worker, &elsewhere);
    ck_assert_int_eq(elsewhere, 0);
    rt_threads_close(NULL);
}
END_TEST

/* A stored matrix of random bytes where it is made of blocks, else of small numbers; and the same as f32 without gaps. */
typedef struct weights {
    rt_matrix matrix;
    guarded room;
    float *wide;
} weights;

static weights weights_open(random_source *r, rt_dtype dtype, size_t rows, size_t cols) {
    const size_t stride = cols + 2 * rt_dtype_of(dtype).block, n = (rows - 1) * stride + cols, bytes = rt_dtype_bytes(dtype, n);
    weights w = {.room = guarded_open(bytes), .wide = malloc(n * sizeof *w.wide)};
    void *stored = guarded_tail(&w.room, bytes);
    if (dtype < RT_N_FLOAT_DTYPES) fill_stored(r, dtype, n, stored, w.wide);
    else for (size_t i = 0; i < bytes; i++) ((uint8_t *)stored)[i] = (uint8_t)(random_bits(r) & 0xbf); /* no infinite scale */
    w.matrix = (rt_matrix){dtype, rows, cols, stride, stored};
    for (size_t i = 0; i < rows; i++) rt_kernels_ref.widen[dtype](cols, rt_matrix_row(&w.matrix, i), w.wide + i * cols);
    return w;
}

static void weights_close(weights *w) {
    guarded_close(&w->room);
    free(w->wide);
}

static void check_matmul(const rt_kernels *kernels, random_source *r, rt_dtype dtype, size_t m, size_t n, size_t k) {
    enum { GAP = 3 };
    const size_t n_in = (m - 1) * (k + GAP) + k, n_out = (m - 1) * (n + GAP) + n;
    weights B = weights_open(r, dtype, n, k);
    guarded in = guarded_open(n_in * sizeof(float)), out = guarded_open(n_out * sizeof(float));
    float *A = guarded_floats(&in, n_in), *want = malloc(n_out * sizeof *want);
    fill_floats(r, FLOATS_UNIT, n_in, A);
    memcpy(want, guarded_paint(&out, n_out * sizeof *want), n_out * sizeof *want);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) want[i * (n + GAP) + j] = dot_by_lanes(k, A + i * (k + GAP), B.wide + j * k);
    }
    for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++) {
        bench b = bench_open(kernels, thread_counts[t], rt_dot_rows_scratch(kernels, k));
        float *C = guarded_paint(&out, n_out * sizeof *C);
        rt_matmul(&b.compute, m, A, k + GAP, &B.matrix, C, n + GAP);
        REQUIRE(same_floats(n_out, C, want), "%s, %s, [%zu, %zu, %zu]", kernels->isa, rt_dtype_of(dtype).name, m, n, k);
        REQUIRE(guarded_intact(&out, n_out * sizeof *C), "writes before C");
        bench_close(&b);
    }
    guarded_close(&in);
    guarded_close(&out);
    weights_close(&B);
    free(want);
}

START_TEST(matmul_is_its_dots) {
    static const size_t sizes[][3] = {{1, 1, 32}, {1, 700, 96}, {5, 24, 64}, {97, 193, 32}, {200, 400, 64}, {3, 1, 768}};
    random_source r = {1};
    for (rt_dtype dtype = 0; dtype < RT_N_DTYPES; dtype++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            check_matmul(variant(_i), &r, dtype, sizes[s][0], sizes[s][1], sizes[s][2]);
        }
    }
    check_matmul(variant(_i), &r, RT_F32, 7, 13, 5);
    const rt_compute alone = {.kernels = variant(_i)};
    rt_matmul(&alone, 0, NULL, 0, &(rt_matrix){.rows = 3, .cols = 2, .stride = 2}, NULL, 0);
}
END_TEST

enum { HEADS = 3, HEAD_ROWS = 13 };

/* mix takes in [m, HEADS * HEAD_ROWS] to want [m, HEADS * cols] by sequence; dot goes the other way by lanes. */
static void heads_by_hand(bool mix, size_t m, size_t cols, const float *in, const float *W, float *want) {
    for (size_t ih = 0; ih < m * HEADS; ih++) {
        const float *block = W + ih % HEADS * HEAD_ROWS * cols;
        for (size_t j = 0; !mix && j < HEAD_ROWS; j++) want[ih * HEAD_ROWS + j] = dot_by_lanes(cols, in + ih * cols, block + j * cols);
        for (size_t c = 0; mix && c < cols; c++) {
            float sum = 0.0f;
            for (size_t j = 0; j < HEAD_ROWS; j++) sum = fmaf(in[ih * HEAD_ROWS + j], block[j * cols + c], sum);
            want[ih * cols + c] = sum;
        }
    }
}

static void check_heads(const rt_kernels *kernels, random_source *r, rt_dtype dtype, size_t m, size_t cols, bool mix) {
    const size_t n_in = m * HEADS * (mix ? HEAD_ROWS : cols), n_out = m * HEADS * (mix ? cols : HEAD_ROWS);
    weights W = weights_open(r, dtype, HEADS * HEAD_ROWS, cols);
    guarded in = guarded_open(n_in * sizeof(float)), out = guarded_open(n_out * sizeof(float));
    float *X = guarded_floats(&in, n_in), *want = malloc(n_out * sizeof *want);
    fill_floats(r, FLOATS_UNIT, n_in, X);
    heads_by_hand(mix, m, cols, X, W.wide, want);
    for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++) {
        bench b = bench_open(kernels, thread_counts[t], rt_heads_scratch(kernels, cols));
        float *Y = guarded_paint(&out, n_out * sizeof *Y);
        (mix ? rt_heads_mix : rt_heads_dot)(&b.compute, m, HEADS, HEAD_ROWS, X, &W.matrix, Y);
        const char *what = mix ? "mix" : "dot";
        REQUIRE(same_floats(n_out, Y, want), "%s: %s of %s [%zu, %zu]", kernels->isa, what, rt_dtype_of(dtype).name, m, cols);
        REQUIRE(guarded_intact(&out, n_out * sizeof *Y), "writes before out");
        bench_close(&b);
    }
    guarded_close(&in);
    guarded_close(&out);
    weights_close(&W);
    free(want);
}

START_TEST(heads_are_their_sums) {
    random_source r = {2};
    for (rt_dtype dtype = RT_F32; dtype <= RT_BF16; dtype++) {
        for (size_t m = 1; m <= 9; m += 4) {
            for (size_t cols = 1; cols <= 800; cols = cols * 3 + 17) {
                check_heads(variant(_i), &r, dtype, m, cols, true);
                check_heads(variant(_i), &r, dtype, m, cols, false);
            }
        }
    }
}
END_TEST

/* The rows that are not finite, in ascending order; the first of them is the answer. */
static const struct {
    size_t m, n_bad, bad[3];
} row_cases[] = {{0, 0, {0}}, {1, 0, {0}}, {33, 0, {0}}, {1, 1, {0}}, {100, 1, {99}}, {400, 3, {31, 32, 64}}, {400, 2, {65, 399}}};

START_TEST(rows_are_normed_and_added) {
    enum { N = 300, MAX_M = 400 };
    float *X = malloc(MAX_M * N * sizeof *X), *Y = malloc(MAX_M * N * sizeof *Y), *want = malloc(MAX_M * N * sizeof *want), w[N];
    random_source r = {3};
    fill_floats(&r, FLOATS_UNIT, N, w);
    for (size_t i = 0; i < sizeof row_cases / sizeof *row_cases; i++) {
        const size_t m = row_cases[i].m, n_bad = row_cases[i].n_bad;
        fill_floats(&r, FLOATS_UNIT, m * N, X);
        for (size_t b = 0; b < n_bad; b++) X[row_cases[i].bad[b] * N + b * 7] = b % 2 == 0 ? NAN : 1e38f;
        for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++) {
            bench b = bench_open(variant(_i), thread_counts[t], 0);
            ck_assert_uint_eq(rt_rms_norm_rows(&b.compute, m, N, X, w, 1e-6f, Y), n_bad > 0 ? row_cases[i].bad[0] : m);
            for (size_t row = 0; row < m; row++) rt_kernels_ref.rms_norm(N, X + row * N, w, 1e-6f, want + row * N);
            ck_assert(same_floats(m * N, Y, want));
            rt_add_rows(&b.compute, m, N, X, Y);
            for (size_t e = 0; e < m * N; e++) want[e] += X[e];
            ck_assert(same_floats(m * N, Y, want));
            bench_close(&b);
        }
    }
    free(X);
    free(Y);
    free(want);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compute");
    TCase *tc = tcase_create("compute");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, each_item_runs_once);
    tcase_add_test(tc, items_run_side_by_side);
    tcase_add_test(tc, little_work_stays_on_the_caller);
    tcase_add_loop_test(tc, matmul_is_its_dots, 0, n_variants());
    tcase_add_loop_test(tc, heads_are_their_sums, 0, n_variants());
    tcase_add_loop_test(tc, rows_are_normed_and_added, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

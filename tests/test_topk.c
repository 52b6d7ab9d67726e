/* rt_topk against a plain sort by (value descending, index ascending), for every variant: ties, both zeros, infinities, denormals, NaN, in
 * place, and rows from 1 to 65,536. Inputs and outputs end at unmapped pages. */
#include "runtime/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { MAX_ROW = 65536 };

typedef struct ranked {
    float value;
    uint32_t index;
} ranked;

static int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* A row and what rt_topk makes of it. order[]: the whole row in rank order; rank_of[i]: the place of element i in it. */
typedef struct row {
    guarded x, index, value;
    ranked *order;
    uint32_t *rank_of;
} row;

static row open_row(void) {
    const size_t bytes = MAX_ROW * sizeof(float);
    return (row){guarded_open(bytes), guarded_open(bytes), guarded_open(bytes), malloc(MAX_ROW * sizeof(ranked)), malloc(bytes)};
}

static void close_row(row *r) {
    guarded_close(&r->x);
    guarded_close(&r->index);
    guarded_close(&r->value);
    free(r->order);
    free(r->rank_of);
}

static void rank(const row *r, size_t n) {
    const float *x = guarded_floats(&r->x, n);
    for (size_t i = 0; i < n; i++) r->order[i] = (ranked){x[i], (uint32_t)i};
    qsort(r->order, n, sizeof *r->order, by_rank);
    for (size_t i = 0; i < n; i++) r->rank_of[r->order[i].index] = (uint32_t)i;
}

/* index[], value[] are the elements that rank among the first k, in ascending index. */
static void expect_first(const row *r, size_t n, size_t k, const uint32_t *index, const float *value, const char *how) {
    const float *x = guarded_floats(&r->x, n);
    size_t t = 0;
    for (size_t i = 0; i < n; i++) {
        if (r->rank_of[i] >= k) continue;
        REQUIRE(index[t] == i, "%s: n = %zu, k = %zu: kept number %zu is %u, not %zu", how, n, k, t, index[t], i);
        REQUIRE(memcmp(value + t, x + i, sizeof *x) == 0, "%s: n = %zu, k = %zu: value %zu", how, n, k, t);
        t++;
    }
}

/* The row is ranked already. */
static void check_topk(const rt_kernels *kernels, const row *r, size_t n, size_t k) {
    const size_t kept = k < n ? k : n, bytes = kept * sizeof(float);
    const float *x = guarded_floats(&r->x, n);
    uint32_t *index = guarded_paint(&r->index, bytes);
    float *value = guarded_paint(&r->value, bytes);
    const size_t n_apart = rt_topk(kernels, n, x, k, index, value);
    REQUIRE(n_apart == kept, "n = %zu, k = %zu: keeps %zu", n, k, n_apart);
    expect_first(r, n, k, index, value, "apart");
    REQUIRE(guarded_intact(&r->index, bytes) && guarded_intact(&r->value, bytes), "n = %zu, k = %zu: writes before its outputs", n, k);
    float *row_copy = memcpy(guarded_paint(&r->value, n * sizeof *x), x, n * sizeof *x);
    const size_t n_in_place = rt_topk(kernels, n, row_copy, k, index, row_copy);
    REQUIRE(n_in_place == kept, "in place: n = %zu, k = %zu: keeps %zu", n, k, n_in_place);
    expect_first(r, n, k, index, row_copy, "in place");
}

enum row_form { NEGATIVE = N_FLOAT_KINDS, ZEROS, DENORMALS, INFINITE, N_ROW_FORMS };

/* The kinds of floats.h, and rows of few values of one sort, so that ties and the edges of the order of floats are common. */
static void fill_row(random_source *r, int form, size_t n, float *x) {
    static const float few[][3] = {{-1.0f, -2.0f, -1e-20f}, {0.0f, -0.0f, -1.0f}, {1e-45f, -1e-45f, 0.0f}, {INFINITY, -INFINITY, 0.0f}};
    if (form < N_FLOAT_KINDS) {
        fill_floats(r, form == FLOATS_NAN ? FLOATS_AWKWARD : (float_kind)form, n, x);
        return;
    }
    for (size_t i = 0; i < n; i++) x[i] = few[form - NEGATIVE][random_below(r, 3)];
}

/* All k on one row: so the result for k is also shown to be part of that for k + 1. */
START_TEST(equals_a_sort_on_short_rows) {
    row r = open_row();
    random_source random = {1};
    for (int form = 0; form < N_ROW_FORMS; form++) {
        for (size_t n = 1; n <= 40; n++) {
            for (size_t repeat = 0; repeat < (SANITIZED ? 3 : 20); repeat++) {
                fill_row(&random, form, n, guarded_floats(&r.x, n));
                rank(&r, n);
                for (size_t k = 1; k <= n + 2; k++) check_topk(variant(_i), &r, n, k);
            }
        }
    }
    close_row(&r);
}
END_TEST

START_TEST(equals_a_sort_on_long_rows) {
    static const size_t lengths[] = {3072, 4097, MAX_ROW};
    row r = open_row();
    random_source random = {2};
    for (int form = 0; form < N_ROW_FORMS; form++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            const size_t n = lengths[l], some[] = {1, 2, 16, 64, 1000, n / 2, n - 1, n, n + 1, 1 + random_below(&random, n)};
            fill_row(&random, form, n, guarded_floats(&r.x, n));
            rank(&r, n);
            for (size_t s = 0; s < sizeof some / sizeof *some; s++) check_topk(variant(_i), &r, n, some[s]);
        }
    }
    close_row(&r);
}
END_TEST

/* A column of equal values, whole, with one above and with one below. */
START_TEST(equal_values_go_by_index) {
    static const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, 1e-45f, -1e-45f};
    row r = open_row();
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (size_t n = 1; n <= 40; n++) {
            for (int odd_one = -1; odd_one <= 1; odd_one++) {
                float *x = guarded_floats(&r.x, n);
                for (size_t i = 0; i < n; i++) x[i] = values[v];
                if (odd_one != 0) x[n / 2] = nextafterf(values[v], (float)odd_one * INFINITY);
                rank(&r, n);
                for (size_t k = 1; k <= n + 2; k++) check_topk(variant(_i), &r, n, k);
            }
        }
    }
    close_row(&r);
}
END_TEST

START_TEST(a_row_with_nan_has_no_result) {
    row r = open_row();
    random_source random = {3};
    for (size_t n = 1; n <= 40; n++) {
        float *x = guarded_floats(&r.x, n);
        for (size_t at = 0; at < n; at++) {
            fill_floats(&random, FLOATS_AWKWARD, n, x);
            x[at] = at % 2 == 0 ? NAN : -NAN;
            for (size_t k = 1; k <= n + 2; k++) {
                uint32_t *index = guarded_tail(&r.index, n * sizeof *index);
                const size_t kept = rt_topk(variant(_i), n, x, k, index, guarded_floats(&r.value, n));
                REQUIRE(kept == 0, "n = %zu, k = %zu, NaN at %zu: keeps %zu", n, k, at, kept);
            }
        }
    }
    close_row(&r);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("topk");
    TCase *tc = tcase_create("topk");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, equals_a_sort_on_short_rows, 0, n_variants());
    tcase_add_loop_test(tc, equals_a_sort_on_long_rows, 0, n_variants());
    tcase_add_loop_test(tc, equal_values_go_by_index, 0, n_variants());
    tcase_add_loop_test(tc, a_row_with_nan_has_no_result, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

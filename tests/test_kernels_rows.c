/* The kernels on single rows: every variant gives the reference's bits on ordinary, tied, huge, denormal, infinite and NaN values, and
 * touches nothing outside the row; every operand ends at an unmapped page. Small cases by hand pin the meaning of the reference itself. */
#include <math.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { MAX_ROW = 1000 };

static float largest_number(size_t n, const float *x) {
    float largest = -INFINITY;
    for (size_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* One operation of a table on x[n] and, in place, y[n]; returns the number that it gives, or 0. */
typedef double row_function(const rt_kernels *kernels, size_t n, const float *x, float *y);

static double run_add(const rt_kernels *kernels, size_t n, const float *x, float *y) { return kernels->add(n, x, y), 0.0; }
static double run_mul(const rt_kernels *kernels, size_t n, const float *x, float *y) { return kernels->mul(n, x, y), 0.0; }
static double run_scale(const rt_kernels *kernels, size_t n, const float *x, float *y) { return kernels->scale(n, x[0], y), 0.0; }
static double run_gelu_tanh(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    (void)x;
    return kernels->activate(RT_GELU_TANH, n, y), 0.0;
}
static double run_gelu_erf(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    (void)x;
    return kernels->activate(RT_GELU_ERF, n, y), 0.0;
}
static double run_silu(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    (void)x;
    return kernels->activate(RT_SILU, n, y), 0.0;
}
static double run_rms_norm(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    float w[MAX_ROW];
    memcpy(w, y, n * sizeof *w);
    return (double)kernels->rms_norm(n, x, w, 1e-6f, y);
}
static double run_max(const rt_kernels *kernels, size_t n, const float *x, float *y) { return (void)y, (double)kernels->max(n, x); }
static double run_argmax(const rt_kernels *kernels, size_t n, const float *x, float *y) { return (void)y, (double)kernels->argmax(n, x); }
static double run_exp_sum(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    return (double)kernels->exp_sum(n, x, largest_number(n, x), y);
}
static double run_exp_sum_in_place(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    (void)x;
    return (double)kernels->exp_sum(n, y, largest_number(n, y), y);
}
static double run_count_ge(const rt_kernels *kernels, size_t n, const float *x, float *y) {
    return (void)y, (double)kernels->count_ge(n, x, x[n / 2]);
}

static const struct {
    const char *name;
    row_function *run;
} operations[] = {
    {"add", run_add},         {"mul", run_mul},           {"scale", run_scale},
    {"gelu_tanh", run_gelu_tanh}, {"gelu_erf", run_gelu_erf}, {"silu", run_silu},
    {"rms_norm", run_rms_norm}, {"max", run_max},         {"argmax", run_argmax},
    {"exp_sum", run_exp_sum}, {"exp_sum in place", run_exp_sum_in_place}, {"count_ge", run_count_ge},
};

enum { N_OPERATIONS = sizeof operations / sizeof operations[0] };

typedef struct rows {
    guarded x, y, want;
    float y0[MAX_ROW]; /* what y holds before the operation */
} rows;

static void check_operation(const rt_kernels *kernels, const rows *r, size_t op, size_t n) {
    const size_t bytes = n * sizeof(float);
    const float *x = guarded_floats(&r->x, n);
    float *y = memcpy(guarded_paint(&r->y, bytes), r->y0, bytes), *want = memcpy(guarded_paint(&r->want, bytes), r->y0, bytes);
    const double got = operations[op].run(kernels, n, x, y), expected = operations[op].run(&rt_kernels_ref, n, x, want);
    const char *name = operations[op].name;
    REQUIRE(same_floats(n, y, want), "%s of %zu: %s differs from the reference", name, n, kernels->isa);
    REQUIRE(got == expected || (isnan(got) && isnan(expected)), "%s of %zu: %g, not %g", name, n, got, expected);
    REQUIRE(guarded_intact(&r->y, bytes), "%s of %zu writes before its row", name, n);
}

START_TEST(row_operations_equal_the_reference) {
    const size_t bytes = MAX_ROW * sizeof(float);
    rows r = {.x = guarded_open(bytes), .y = guarded_open(bytes), .want = guarded_open(bytes)};
    random_source random = {1};
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        for (size_t n = 1; n <= MAX_ROW; n += n < 70 ? 1 : 155) {
            for (size_t repeat = 0; repeat < (SANITIZED ? 3 : 20); repeat++) {
                fill_floats(&random, kind, n, guarded_floats(&r.x, n));
                fill_floats(&random, kind, n, r.y0);
                for (size_t op = 0; op < N_OPERATIONS; op++) check_operation(variant(_i), &r, op, n);
            }
        }
    }
    guarded_close(&r.x);
    guarded_close(&r.y);
    guarded_close(&r.want);
}
END_TEST

/* n = 0 is a row too, for all that give no number that needs an element. */
START_TEST(empty_rows_are_left_alone) {
    guarded room = guarded_open(16);
    float *end = guarded_floats(&room, 0);
    const rt_kernels *kernels = variant(_i);
    kernels->add(0, end, end);
    kernels->mul(0, end, end);
    kernels->scale(0, 2.0f, end);
    kernels->activate(RT_GELU_ERF, 0, end);
    ck_assert(kernels->exp_sum(0, end, 0.0f, end) == 0.0f);
    ck_assert_uint_eq(kernels->count_ge(0, end, 0.0f), 0);
    ck_assert_uint_eq(kernels->keep_above(0, end, 0.0f, 1, NULL, end), 0);
    ck_assert_uint_eq(kernels->list_above(0, end, 0.0f, NULL), 0);
    guarded_close(&room);
}
END_TEST

/* Bit patterns at even steps: every exponent, both signs, and NaN. */
START_TEST(activations_equal_the_reference_over_the_whole_range) {
    enum { BLOCK = 4096 };
    float x[BLOCK], want[BLOCK];
    uint32_t bits = 0;
    const uint32_t step = SANITIZED ? 160001 : 6001;
    for (size_t block = 0; block < 0xffffffffu / step / BLOCK; block++) {
        for (rt_activation act = RT_GELU_TANH; act <= RT_SILU; act++) {
            for (size_t i = 0; i < BLOCK; i++) x[i] = want[i] = float_of_bits(bits + (uint32_t)i * step);
            variant(_i)->activate(act, BLOCK, x);
            rt_kernels_ref.activate(act, BLOCK, want);
            REQUIRE(same_floats(BLOCK, x, want), "activation %d near bits %08x", (int)act, bits);
        }
        bits += BLOCK * step;
    }
}
END_TEST

/* x is kept where it is above t, is NaN, or is one of the first n_ties equal to t. */
static size_t keep_by_definition(size_t n, const float *x, float t, size_t n_ties, uint32_t *index, float *value) {
    size_t kept = 0, ties = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > t || isnan(x[i]) || isnan(t) || (x[i] == t && ties++ < n_ties))) continue;
        index[kept] = (uint32_t)i;
        value[kept++] = x[i];
    }
    return kept;
}

typedef struct keep_rooms {
    guarded x, index, value;
} keep_rooms;

static void check_kept(const keep_rooms *rooms, size_t kept, const uint32_t *index, const float *value, const uint32_t *want_index,
                       const float *want, const char *how) {
    REQUIRE(kept == 0 || memcmp(index, want_index, kept * sizeof *index) == 0, "%s: indices", how);
    REQUIRE(same_floats(kept, value, want), "%s: values", how);
    REQUIRE(guarded_intact(&rooms->index, kept * sizeof *index), "%s: writes before the indices", how);
}

static void check_keep_above(const rt_kernels *kernels, const keep_rooms *rooms, size_t n, float t, size_t n_ties) {
    uint32_t want_index[80];
    float want[80], *x = guarded_floats(&rooms->x, n);
    const size_t kept = keep_by_definition(n, x, t, n_ties, want_index, want), row_bytes = n * sizeof *x;
    uint32_t *index = guarded_paint(&rooms->index, kept * sizeof *index);
    float *value = guarded_paint(&rooms->value, kept * sizeof *value);
    const size_t n_apart = kernels->keep_above(n, x, t, n_ties, index, value);
    REQUIRE(n_apart == kept, "n = %zu, t = %g, %zu ties: keeps %zu, not %zu", n, (double)t, n_ties, n_apart, kept);
    check_kept(rooms, kept, index, value, want_index, want, "apart");
    REQUIRE(guarded_intact(&rooms->value, kept * sizeof *value), "writes before the values");
    guarded_paint(&rooms->index, kept * sizeof *index);
    float *row = memcpy(guarded_paint(&rooms->value, row_bytes), x, row_bytes);
    const size_t n_in_place = kernels->keep_above(n, row, t, n_ties, index, row);
    REQUIRE(n_in_place == kept, "n = %zu, t = %g, %zu ties: keeps %zu, not %zu", n, (double)t, n_ties, n_in_place, kept);
    check_kept(rooms, kept, index, row, want_index, want, "in place");
    REQUIRE(guarded_intact(&rooms->value, row_bytes), "in place: writes before the row");
}

/* The room that list_above may write to ends at the unmapped page. */
static void check_list_above(const rt_kernels *kernels, const keep_rooms *rooms, size_t n, float t) {
    uint32_t want_index[80];
    float want[80];
    const size_t bytes = (n + RT_LANES - 1) / RT_LANES * RT_LANES * sizeof(uint32_t);
    const size_t kept = keep_by_definition(n, guarded_floats(&rooms->x, n), t, 0, want_index, want);
    uint32_t *index = guarded_paint(&rooms->index, bytes);
    REQUIRE(kernels->list_above(n, guarded_floats(&rooms->x, n), t, index) == kept, "list_above, n = %zu, t = %g: not %zu", n, (double)t, kept);
    REQUIRE(memcmp(index, want_index, kept * sizeof *index) == 0, "list_above, n = %zu, t = %g: other indices", n, (double)t);
    REQUIRE(guarded_intact(&rooms->index, bytes), "list_above writes before the indices");
}

START_TEST(keep_above_equals_its_definition) {
    keep_rooms rooms = {guarded_open(4096), guarded_open(4096), guarded_open(4096)};
    random_source random = {2};
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        for (size_t n = 1; n <= 70; n++) {
            fill_floats(&random, kind, n, guarded_floats(&rooms.x, n));
            const float *x = guarded_floats(&rooms.x, n);
            const float thresholds[] = {x[0], x[n / 2], 0.0f, -INFINITY, INFINITY, NAN};
            for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
                check_list_above(variant(_i), &rooms, n, thresholds[t]);
                for (size_t n_ties = 0; n_ties <= n; n_ties++) check_keep_above(variant(_i), &rooms, n, thresholds[t], n_ties);
            }
        }
    }
    guarded_close(&rooms.x);
    guarded_close(&rooms.index);
    guarded_close(&rooms.value);
}
END_TEST

static const struct {
    float x[6];
    size_t n, argmax, n_ge_one;
    float max;
} meanings[] = {
    {{1, 3, 3, 2}, 4, 1, 4, 3},          {{-2, -1, -1}, 3, 1, 0, -1},
    {{-0.0f, 0.0f}, 2, 0, 0, 0},         {{5, NAN, 7, NAN}, 4, 1, 2, NAN},
    {{NAN, 1}, 2, 0, 1, NAN},            {{-INFINITY, -INFINITY}, 2, 0, 0, -INFINITY},
    {{1, INFINITY, INFINITY}, 3, 1, 3, INFINITY}, {{1}, 1, 0, 1, 1},
};

START_TEST(largest_and_counts_by_hand) {
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const float max = variant(_i)->max(meanings[i].n, meanings[i].x);
        REQUIRE(max == meanings[i].max || (isnan(max) && isnan(meanings[i].max)), "max of row %zu", i);
        ck_assert_uint_eq(variant(_i)->argmax(meanings[i].n, meanings[i].x), meanings[i].argmax);
        ck_assert_uint_eq(variant(_i)->count_ge(meanings[i].n, meanings[i].x, 1.0f), meanings[i].n_ge_one);
    }
}
END_TEST

/* Nothing is lost of a NaN, and exp is exactly 1 at 0 and exactly 0 below its cut. */
START_TEST(exp_sum_by_hand) {
    const float x[] = {2.0f, -INFINITY, 2.0f - 87.4f, 2.0f, -1e30f};
    float y[5];
    ck_assert(variant(_i)->exp_sum(5, x, 2.0f, y) == 2.0f);
    ck_assert(y[0] == 1.0f && y[1] == 0.0f && y[2] == 0.0f && y[3] == 1.0f && y[4] == 0.0f);
    const float with_nan[] = {1.0f, NAN};
    ck_assert(isnan(variant(_i)->exp_sum(2, with_nan, 1.0f, y)) && y[0] == 1.0f && isnan(y[1]));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernels_rows");
    TCase *tc = tcase_create("kernels_rows");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, row_operations_equal_the_reference, 0, n_variants());
    tcase_add_loop_test(tc, empty_rows_are_left_alone, 0, n_variants());
    tcase_add_loop_test(tc, activations_equal_the_reference_over_the_whole_range, 0, n_variants());
    tcase_add_loop_test(tc, keep_above_equals_its_definition, 0, n_variants());
    tcase_add_loop_test(tc, largest_and_counts_by_hand, 0, n_variants());
    tcase_add_loop_test(tc, exp_sum_by_hand, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

/* The kernels that multiply rows: every variant gives the reference's bits, whatever the sizes, strides and alignment; the reference gives
 * the order that runtime/kernels.h states; and none touches a byte outside its rows. Every operand ends at an unmapped page. */
#include <math.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { MAX_ROWS = 96, MAX_WIDTH = 800 };

/* Elements from the first to one past the last of a matrix. */
static size_t extent(size_t rows, size_t cols, size_t ld) { return rows == 0 || cols == 0 ? 0 : (rows - 1) * ld + cols; }

/* Two inputs, an output, and the same output from the reference. */
typedef struct operands {
    guarded a, b, out, want;
} operands;

static operands open_operands(void) {
    const size_t bytes = MAX_ROWS * MAX_WIDTH * sizeof(float);
    return (operands){guarded_open(bytes), guarded_open(bytes), guarded_open(bytes), guarded_open(bytes)};
}

static void close_operands(operands *o) {
    guarded_close(&o->a);
    guarded_close(&o->b);
    guarded_close(&o->out);
    guarded_close(&o->want);
}

static void fill_inputs(const operands *o, random_source *r, float_kind kind) {
    fill_floats(r, kind, MAX_ROWS * MAX_WIDTH, guarded_floats(&o->a, MAX_ROWS * MAX_WIDTH));
    fill_floats(r, kind, MAX_ROWS * MAX_WIDTH, guarded_floats(&o->b, MAX_ROWS * MAX_WIDTH));
}

/* Ends the test unless the outputs, gaps between rows included, are the same and nothing before them was written. */
static void compare_outputs(const operands *o, size_t n, const char *what, size_t x, size_t y, size_t z) {
    const float *out = guarded_floats(&o->out, n), *want = guarded_floats(&o->want, n);
    REQUIRE(same_floats(n, out, want), "%s [%zu, %zu, %zu] differs from the reference", what, x, y, z);
    REQUIRE(guarded_intact(&o->out, n * sizeof *out), "%s [%zu, %zu, %zu] writes before its output", what, x, y, z);
}

static void check_dot(const rt_kernels *kernels, const operands *o, size_t m, size_t n, size_t k) {
    const size_t lda = k + 3, ldb = k | 1, ldc = n + 2, n_out = extent(m, n, ldc);
    const float *A = guarded_floats(&o->a, extent(m, k, lda)), *B = guarded_floats(&o->b, extent(n, k, ldb));
    kernels->dot(m, n, k, A, lda, B, ldb, guarded_paint(&o->out, n_out * sizeof *A), ldc);
    rt_kernels_ref.dot(m, n, k, A, lda, B, ldb, guarded_paint(&o->want, n_out * sizeof *A), ldc);
    compare_outputs(o, n_out, "dot", m, n, k);
}

static const size_t dot_widths[] = {128, 767, 768};

START_TEST(dot_equals_the_reference) {
    operands o = open_operands();
    random_source r = {1};
    fill_inputs(&o, &r, FLOATS_UNIT);
    for (size_t m = 1; m <= 9; m++) {
        for (size_t n = 1; n <= 14; n++) {
            for (size_t k = 0; k <= 70; k += 1 + 4 * SANITIZED) check_dot(variant(_i), &o, m, n, k);
            for (size_t w = 0; w < sizeof dot_widths / sizeof *dot_widths; w++) check_dot(variant(_i), &o, m, n, dot_widths[w]);
        }
    }
    close_operands(&o);
}
END_TEST

START_TEST(dot_equals_the_reference_on_awkward_values) {
    operands o = open_operands();
    random_source r = {2};
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        fill_inputs(&o, &r, kind);
        for (size_t k = 0; k <= 70; k++) check_dot(variant(_i), &o, 1 + k % 9, 1 + k % 14, k);
    }
    close_operands(&o);
}
END_TEST

/* Every product underflows to -0, so that the sum is -0 as long as no lane meets a term that is not there. */
START_TEST(dot_keeps_a_negative_zero) {
    operands o = open_operands();
    float *a = guarded_floats(&o.a, MAX_ROWS * MAX_WIDTH), *b = guarded_floats(&o.b, MAX_ROWS * MAX_WIDTH), sum;
    for (size_t i = 0; i < MAX_ROWS * MAX_WIDTH; i++) a[i] = -1e-30f, b[i] = 1e-30f;
    for (size_t k = 0; k <= 70; k++) check_dot(variant(_i), &o, 1 + k % 9, 1 + k % 14, k);
    variant(_i)->dot(1, 1, 17, a, 17, b, 17, &sum, 1);
    ck_assert(sum == 0.0f && signbit(sum));
    close_operands(&o);
}
END_TEST

/* out goes on from what it holds. */
static void check_weighted_rows(const rt_kernels *kernels, const operands *o, size_t m, size_t n, size_t n_c) {
    const size_t ldp = n + 3, ldv = n_c | 1, ldo = n_c + 2, n_out = extent(m, n_c, ldo), bytes = n_out * sizeof(float);
    const float *P = guarded_floats(&o->a, extent(m, n, ldp)), *V = guarded_floats(&o->b, extent(n, n_c, ldv));
    float *out = memcpy(guarded_paint(&o->out, bytes), guarded_floats(&o->a, n_out), bytes);
    float *want = memcpy(guarded_paint(&o->want, bytes), guarded_floats(&o->a, n_out), bytes);
    kernels->weighted_rows(m, n, n_c, P, ldp, V, ldv, out, ldo);
    rt_kernels_ref.weighted_rows(m, n, n_c, P, ldp, V, ldv, want, ldo);
    compare_outputs(o, n_out, "weighted_rows", m, n, n_c);
}

START_TEST(weighted_rows_equals_the_reference) {
    operands o = open_operands();
    random_source r = {3};
    fill_inputs(&o, &r, FLOATS_UNIT);
    for (size_t m = 1; m <= 14; m++) {
        for (size_t n = 0; n <= 40; n += 1 + 12 * SANITIZED) {
            for (size_t n_c = 1; n_c <= 70; n_c++) check_weighted_rows(variant(_i), &o, m, n, n_c);
            check_weighted_rows(variant(_i), &o, m, n, 96);
            check_weighted_rows(variant(_i), &o, m, n, 128);
        }
    }
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        fill_inputs(&o, &r, kind);
        for (size_t n_c = 1; n_c <= 70; n_c++) check_weighted_rows(variant(_i), &o, 1 + n_c % 14, n_c % 41, n_c);
    }
    close_operands(&o);
}
END_TEST

enum { GATHER_ROWS = 60 };

/* How an index list is made: none at all, ascending with gaps, one row again and again, any rows in any order. */
typedef enum index_form { INDEX_NULL, INDEX_ASCENDING, INDEX_REPEATED, INDEX_ANY, N_INDEX_FORMS } index_form;

static const uint32_t *make_index(const guarded *g, random_source *r, index_form form, size_t n) {
    uint32_t *index = guarded_tail(g, n * sizeof *index);
    for (size_t t = 0; t < n; t++) {
        index[t] = form == INDEX_ASCENDING  ? (uint32_t)(t + t / 2)
                   : form == INDEX_REPEATED ? GATHER_ROWS - 1
                                            : (uint32_t)random_below(r, GATHER_ROWS);
    }
    return form == INDEX_NULL ? NULL : index;
}

static const rt_dtype value_types[] = {RT_F32, RT_F16, RT_BF16, RT_I8};

START_TEST(weighted_gather_equals_the_reference) {
    static const size_t lengths[] = {0, 1, 2, 5, 11, 12, 13, 14, 40}, widths_beyond[] = {96, 128};
    operands o = open_operands();
    guarded index_room = guarded_open(GATHER_ROWS * sizeof(uint32_t));
    float *wide = guarded_floats(&o.want, MAX_ROWS * MAX_WIDTH);
    random_source r = {4};
    fill_floats(&r, FLOATS_UNIT, MAX_ROWS * MAX_WIDTH, guarded_floats(&o.a, MAX_ROWS * MAX_WIDTH));
    for (size_t d = 0; d < sizeof value_types / sizeof *value_types; d++) {
        const rt_dtype dtype = value_types[d];
        fill_stored(&r, dtype, MAX_ROWS * MAX_WIDTH, guarded_tail(&o.b, rt_dtype_bytes(dtype, MAX_ROWS * MAX_WIDTH)), wide);
        for (index_form form = 0; form < N_INDEX_FORMS; form++) {
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                for (size_t w = 1; w <= 72; w++) {
                    const size_t n = lengths[l], n_c = w <= 70 ? w : widths_beyond[w - 71], ldv = n_c | 1;
                    const uint32_t *index = make_index(&index_room, &r, form, n);
                    const void *V = guarded_tail(&o.b, rt_dtype_bytes(dtype, extent(index != NULL ? GATHER_ROWS : n, n_c, ldv)));
                    const float *p = guarded_floats(&o.a, n);
                    variant(_i)->weighted_gather[dtype](n, index, p, n_c, V, ldv, guarded_paint(&o.out, n_c * sizeof *p));
                    rt_kernels_ref.weighted_gather[dtype](n, index, p, n_c, V, ldv, guarded_paint(&o.want, n_c * sizeof *p));
                    compare_outputs(&o, n_c, rt_dtype_of(dtype).name, form, n, n_c);
                }
            }
        }
    }
    guarded_close(&index_room);
    close_operands(&o);
}
END_TEST

static void check_weighted_lists(const rt_kernels *kernels, operands *o, random_source *r, rt_dtype dtype, size_t m, size_t n_c) {
    enum { LONGEST = 9 };
    uint8_t row[MAX_ROWS * LONGEST], count[MAX_ROWS];
    size_t n = 0;
    for (size_t i = 0; i < m; i++) {
        count[i] = (uint8_t)random_below(r, LONGEST + 1);
        for (size_t t = 0; t < count[i]; t++) row[n++] = (uint8_t)random_below(r, GATHER_ROWS);
    }
    const size_t ldv = n_c | 1, ldo = n_c + 2, n_out = extent(m, n_c, ldo), bytes = n_out * sizeof(float);
    const void *V = guarded_tail(&o->b, rt_dtype_bytes(dtype, extent(GATHER_ROWS, n_c, ldv)));
    float *out = memcpy(guarded_paint(&o->out, bytes), guarded_floats(&o->a, n_out), bytes);
    float *want = memcpy(guarded_paint(&o->want, bytes), guarded_floats(&o->a, n_out), bytes);
    const float *p = guarded_floats(&o->a, n);
    ck_assert_uint_eq(kernels->weighted_lists[dtype](m, count, row, p, n_c, V, ldv, out, ldo), n);
    ck_assert_uint_eq(rt_kernels_ref.weighted_lists[dtype](m, count, row, p, n_c, V, ldv, want, ldo), n);
    compare_outputs(o, n_out, rt_dtype_of(dtype).name, m, n, n_c);
}

START_TEST(weighted_lists_equals_the_reference) {
    operands o = open_operands();
    random_source r = {7};
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        for (size_t d = 0; d < sizeof value_types / sizeof *value_types; d++) {
            const rt_dtype dtype = value_types[d];
            float *wide = guarded_floats(&o.want, MAX_ROWS * MAX_WIDTH);
            fill_stored(&r, dtype, MAX_ROWS * MAX_WIDTH, guarded_tail(&o.b, rt_dtype_bytes(dtype, MAX_ROWS * MAX_WIDTH)), wide);
            fill_floats(&r, kind, MAX_ROWS * MAX_WIDTH, guarded_floats(&o.a, MAX_ROWS * MAX_WIDTH));
            for (size_t n_c = 1; n_c <= 130; n_c++) check_weighted_lists(variant(_i), &o, &r, dtype, n_c % 11, n_c);
        }
    }
    close_operands(&o);
}
END_TEST

START_TEST(weighted_gather_keeps_awkward_values) {
    operands o = open_operands();
    random_source r = {5};
    for (float_kind kind = 0; kind < N_FLOAT_KINDS; kind++) {
        fill_inputs(&o, &r, kind);
        for (size_t d = 0; d < sizeof value_types / sizeof *value_types; d++) {
            const rt_dtype dtype = value_types[d];
            for (size_t n_c = 1; n_c <= 70; n_c++) {
                const size_t n = n_c % 9;
                const void *V = guarded_tail(&o.b, rt_dtype_bytes(dtype, n * n_c));
                const float *p = guarded_floats(&o.a, n);
                variant(_i)->weighted_gather[dtype](n, NULL, p, n_c, V, n_c, guarded_paint(&o.out, n_c * sizeof *p));
                rt_kernels_ref.weighted_gather[dtype](n, NULL, p, n_c, V, n_c, guarded_paint(&o.want, n_c * sizeof *p));
                compare_outputs(&o, n_c, rt_dtype_of(dtype).name, (size_t)kind, n, n_c);
            }
        }
    }
    close_operands(&o);
}
END_TEST

/* dot by lanes; weighted_rows, weighted_gather and weighted_lists from the first term to the last. */
START_TEST(the_reference_sums_in_the_stated_order) {
    enum { N_C = 5 };
    float a[100], b[100 * N_C], out[N_C], gathered[N_C];
    random_source r = {6};
    for (size_t n = 0; n <= 100; n++) {
        fill_floats(&r, FLOATS_UNIT, n, a);
        fill_floats(&r, FLOATS_UNIT, n * N_C, b);
        rt_kernels_ref.dot(1, 1, n, a, n, b, n, out, 1);
        const float by_lanes = dot_by_lanes(n, a, b);
        ck_assert(same_floats(1, out, &by_lanes));
        float sum[N_C] = {0.25f, 0.25f, 0.25f, 0.25f, 0.25f}, from_zero[N_C] = {0};
        memcpy(out, sum, sizeof out);
        rt_kernels_ref.weighted_rows(1, n, N_C, a, n, b, N_C, out, N_C);
        rt_kernels_ref.weighted_gather[RT_F32](n, NULL, a, N_C, b, N_C, gathered);
        const uint8_t count[] = {0, (uint8_t)n};
        uint8_t row[100];
        for (size_t j = 0; j < n; j++) row[j] = (uint8_t)j;
        float listed[2][N_C] = {{0.5f}, {0.25f, 0.25f, 0.25f, 0.25f, 0.25f}};
        rt_kernels_ref.weighted_lists[RT_F32](2, count, row, a, N_C, b, N_C, listed[0], N_C);
        for (size_t c = 0; c < N_C; c++) {
            for (size_t j = 0; j < n; j++) {
                sum[c] = fmaf(a[j], b[j * N_C + c], sum[c]);
                from_zero[c] = fmaf(a[j], b[j * N_C + c], from_zero[c]);
            }
        }
        ck_assert(same_floats(N_C, out, sum));
        ck_assert(same_floats(N_C, listed[1], sum) && listed[0][0] == 0.5f);
        ck_assert(same_floats(N_C, gathered, from_zero));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernels_products");
    TCase *tc = tcase_create("kernels_products");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, dot_equals_the_reference, 0, n_variants());
    tcase_add_loop_test(tc, dot_equals_the_reference_on_awkward_values, 0, n_variants());
    tcase_add_loop_test(tc, dot_keeps_a_negative_zero, 0, n_variants());
    tcase_add_loop_test(tc, weighted_rows_equals_the_reference, 0, n_variants());
    tcase_add_loop_test(tc, weighted_gather_equals_the_reference, 0, n_variants());
    tcase_add_loop_test(tc, weighted_lists_equals_the_reference, 0, n_variants());
    tcase_add_loop_test(tc, weighted_gather_keeps_awkward_values, 0, n_variants());
    tcase_add_test(tc, the_reference_sums_in_the_stated_order);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

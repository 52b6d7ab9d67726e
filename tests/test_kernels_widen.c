/* The widening kernels: every stored type equals its definition, worked out here with ldexp and whole numbers; the input ends at an
 * unmapped page, and nothing outside the output is written. */
#include <math.h>
#include <string.h>

#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { N_PATTERNS = 65536, MAX_LENGTH = 40 };

/* Widens the last n of in[], and ends the test unless want[n] comes out. */
static void check_widen(const rt_kernels *kernels, rt_dtype dtype, const guarded *in, const guarded *out, size_t n, const float *want) {
    const size_t bytes = n * sizeof(float);
    float *x = guarded_paint(out, bytes);
    kernels->widen[dtype](n, guarded_tail(in, rt_dtype_bytes(dtype, n)), x);
    REQUIRE(same_floats(n, x, want), "%s: %zu elements of %s", kernels->isa, n, rt_dtype_of(dtype).name);
    REQUIRE(guarded_intact(out, bytes), "%s: writes before %zu elements of %s", kernels->isa, n, rt_dtype_of(dtype).name);
}

START_TEST(all_half_patterns_widen_exactly) {
    guarded in = guarded_open(N_PATTERNS * sizeof(uint16_t));
    guarded out = guarded_open(N_PATTERNS * sizeof(float)), want = guarded_open(N_PATTERNS * sizeof(float));
    for (rt_dtype dtype = RT_F16; dtype <= RT_BF16; dtype++) {
        uint16_t *pattern = guarded_tail(&in, N_PATTERNS * sizeof *pattern);
        float *expected = guarded_floats(&want, N_PATTERNS);
        for (size_t i = 0; i < N_PATTERNS; i++) {
            pattern[i] = (uint16_t)(i * 40503); /* odd: each pattern once, and all kinds among the last few */
            expected[i] = widen_by_formula(dtype, pattern[i]);
        }
        check_widen(variant(_i), dtype, &in, &out, N_PATTERNS, expected);
        for (size_t n = 0; n <= MAX_LENGTH; n++) check_widen(variant(_i), dtype, &in, &out, n, expected + N_PATTERNS - n);
    }
    guarded_close(&in);
    guarded_close(&out);
    guarded_close(&want);
}
END_TEST

START_TEST(bytes_widen_exactly) {
    enum { BYTES = 256 };
    guarded in = guarded_open(BYTES), out = guarded_open(BYTES * sizeof(float));
    int8_t *byte = guarded_tail(&in, BYTES);
    float expected[BYTES];
    for (int i = 0; i < BYTES; i++) {
        byte[i] = (int8_t)(i * 77 % BYTES - 128);
        expected[i] = (float)byte[i];
    }
    for (size_t n = 0; n <= BYTES; n++) check_widen(variant(_i), RT_I8, &in, &out, n, expected + BYTES - n);
    guarded_close(&in);
    guarded_close(&out);
}
END_TEST

START_TEST(f32_is_copied) {
    guarded in = guarded_open(MAX_LENGTH * sizeof(float)), out = guarded_open(MAX_LENGTH * sizeof(float));
    float *x = guarded_floats(&in, MAX_LENGTH);
    random_source r = {1};
    fill_floats(&r, FLOATS_NAN, MAX_LENGTH, x);
    for (size_t n = 0; n <= MAX_LENGTH; n++) check_widen(variant(_i), RT_F32, &in, &out, n, x + MAX_LENGTH - n);
    guarded_close(&in);
    guarded_close(&out);
}
END_TEST

/* Where the parts of a block of 32 stand, and what is taken off a quantum before it is scaled; -1: there is no such part. */
typedef struct block_form {
    rt_dtype dtype;
    int min_at, fifth_at, quanta_at, zero;
} block_form;

static const block_form block_forms[] = {
    {RT_Q8_0, -1, -1, 2, 0}, {RT_Q4_0, -1, -1, 2, 8}, {RT_Q4_1, 2, -1, 4, 0}, {RT_Q5_0, -1, 2, 6, 16}, {RT_Q5_1, 2, 4, 8, 0},
};

static float half_of(const uint8_t *p) { return widen_by_formula(RT_F16, (uint16_t)(p[0] + 256 * p[1])); }

/* Element e of a block, from the table in runtime/quant.h. */
static float block_element(const block_form *form, const uint8_t *block, int e) {
    int q = form->dtype == RT_Q8_0 ? (int8_t)block[2 + e] : block[form->quanta_at + e % 16] / (e < 16 ? 1 : 16) % 16;
    if (form->fifth_at >= 0) q += 16 * (block[form->fifth_at + e / 8] >> e % 8 & 1);
    const float scaled = half_of(block) * (float)(q - form->zero);
    return form->min_at >= 0 ? scaled + half_of(block + form->min_at) : scaled;
}

START_TEST(quantised_blocks_widen_by_their_definition) {
    enum { BLOCKS = 200 };
    float expected[BLOCKS * 32];
    random_source r = {2};
    for (size_t f = 0; f < sizeof block_forms / sizeof *block_forms; f++) {
        const block_form *form = block_forms + f;
        const size_t bytes = rt_dtype_bytes(form->dtype, BLOCKS * 32);
        guarded in = guarded_open(bytes), out = guarded_open(sizeof expected);
        uint8_t *block = guarded_tail(&in, bytes);
        for (size_t i = 0; i < bytes; i++) block[i] = (uint8_t)random_bits(&r);
        for (int i = 0; i < BLOCKS * 32; i++) expected[i] = block_element(form, block + (size_t)i / 32 * (bytes / BLOCKS), i % 32);
        for (size_t n = 0; n <= BLOCKS * 32; n += 32) check_widen(variant(_i), form->dtype, &in, &out, n, expected + BLOCKS * 32 - n);
        guarded_close(&in);
        guarded_close(&out);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernels_widen");
    TCase *tc = tcase_create("kernels_widen");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, all_half_patterns_widen_exactly, 0, n_variants());
    tcase_add_loop_test(tc, f32_is_copied, 0, n_variants());
    tcase_add_loop_test(tc, bytes_widen_exactly, 0, n_variants());
    tcase_add_loop_test(tc, quantised_blocks_widen_by_their_definition, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

/* rt_narrow against the definitions: every number of the 16-bit types comes back, and so do the nearest ones to what lies between; Q8_0 by
 * its formula; what a type cannot hold is told. */
#include "runtime/narrow.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/quant.h"
#include "tests/support/floats.h"
#include "tests/support/model.h"
#include "tests/support/require.h"

static const rt_dtype halves[] = {RT_F16, RT_BF16};

static uint16_t narrow_one(rt_dtype dtype, float x) {
    uint16_t bits;
    if (rt_narrow(dtype, 1, &x, &bits) != 1) ck_abort_msg("%s cannot hold %g", rt_dtype_of(dtype).name, (double)x);
    return bits;
}

static bool refuses(rt_dtype dtype, float x) {
    uint16_t bits;
    return rt_narrow(dtype, 1, &x, &bits) == 0;
}

/* Every finite number, what lies half way to its neighbour (even wins), and what lies closer to either. */
START_TEST(nearest_even) {
    const rt_dtype dtype = halves[_i];
    const uint16_t infinity = dtype == RT_F16 ? 0x7c00 : 0x7f80;
    for (uint16_t bits = 0; bits + 1 < infinity; bits++) {
        const uint16_t next = (uint16_t)(bits + 1), even = bits % 2 == 0 ? bits : next, sign = 0x8000;
        const float low = widen_by_formula(dtype, bits), high = widen_by_formula(dtype, next);
        const float middle = (float)(((double)low + (double)high) / 2);
        REQUIRE(narrow_one(dtype, low) == bits && narrow_one(dtype, -low) == (sign | bits), "%s %#x", rt_dtype_of(dtype).name, bits);
        REQUIRE(narrow_one(dtype, middle) == even && narrow_one(dtype, -middle) == (sign | even), "%s half way from %#x",
                rt_dtype_of(dtype).name, bits);
        REQUIRE(narrow_one(dtype, nextafterf(middle, 0)) == bits, "%s just below half way from %#x", rt_dtype_of(dtype).name, bits);
        REQUIRE(narrow_one(dtype, nextafterf(middle, INFINITY)) == next, "%s just above half way from %#x", rt_dtype_of(dtype).name, bits);
    }
}
END_TEST

START_TEST(too_large) {
    const float f16_limit = 65520.0f, bf16_limit = float_of_bits(0x7f7f8000);
    ck_assert_uint_eq(narrow_one(RT_F16, nextafterf(f16_limit, 0)), 0x7bff);
    ck_assert(refuses(RT_F16, f16_limit) && refuses(RT_F16, -f16_limit) && refuses(RT_F16, 1e30f));
    ck_assert_uint_eq(narrow_one(RT_BF16, nextafterf(bf16_limit, 0)), 0x7f7f);
    ck_assert(refuses(RT_BF16, bf16_limit) && refuses(RT_BF16, -bf16_limit));
    for (size_t i = 0; i < 2; i++) ck_assert(refuses(halves[i], INFINITY) && refuses(halves[i], -INFINITY) && refuses(halves[i], NAN));

    const float row[] = {1, 2, 1e6f, 4};
    uint16_t out[4];
    ck_assert_uint_eq(rt_narrow(RT_F16, 4, row, out), 2);
}
END_TEST

START_TEST(f32_is_a_copy) {
    const float row[] = {1, -0.0f, INFINITY, NAN};
    float out[4];
    ck_assert_uint_eq(rt_narrow(RT_F32, 4, row, out), 4);
    ck_assert_mem_eq(row, out, sizeof row);
}
END_TEST

/* d is the nearest F16 to largest / 127, q is round(x / (largest / 127)). */
static void check_block(const float *x, const uint8_t *block) {
    float largest = 0;
    for (size_t e = 0; e < 32; e++) largest = fmaxf(largest, fabsf(x[e]));
    const float d = largest / 127.0f;
    REQUIRE((block[0] | block[1] << 8) == narrow_one(RT_F16, d), "the scale of a block");
    for (size_t e = 0; e < 32; e++) {
        const float wanted = d > 0 ? roundf(x[e] * (1.0f / d)) : 0;
        REQUIRE((float)(int8_t)block[2 + e] == wanted, "element %zu: %d, not %g", e, (int8_t)block[2 + e], (double)wanted);
    }
}

START_TEST(q8_0_blocks) {
    random_source r = {.state = 7};
    float x[64], back[64];
    uint8_t blocks[68];
    for (size_t round = 0; round < 1000; round++) {
        fill_floats(&r, FLOATS_UNIT, 64, x);
        ck_assert_uint_eq(rt_narrow(RT_Q8_0, 64, x, blocks), 64);
        check_block(x, blocks);
        check_block(x + 32, blocks + 34);
        rt_widen_q8_0(64, blocks, back);
        for (size_t e = 0; e < 64; e++) REQUIRE(fabsf(back[e] - x[e]) < 1.0f / 127, "element %zu", e);
    }
    memset(x, 0, sizeof x);
    ck_assert_uint_eq(rt_narrow(RT_Q8_0, 64, x, blocks), 64);
    for (size_t i = 0; i < sizeof blocks; i++) REQUIRE(blocks[i] == 0, "byte %zu of a block of zeros", i);
    for (size_t e = 0; e < 64; e++) x[e] = 1e-40f; /* the scale vanishes */
    ck_assert_uint_eq(rt_narrow(RT_Q8_0, 64, x, blocks), 64);
    x[40] = NAN;
    ck_assert_uint_eq(rt_narrow(RT_Q8_0, 64, x, blocks), 32);
    x[40] = 9e6f;
    ck_assert_uint_eq(rt_narrow(RT_Q8_0, 64, x, blocks), 32);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("narrow");
    tcase_add_loop_test(tests, nearest_even, 0, 2);
    tcase_add_test(tests, too_large);
    tcase_add_test(tests, f32_is_a_copy);
    tcase_add_test(tests, q8_0_blocks);
    return run_tests("narrow", tests, 60);
}

/* Sums of kept rows by blocks: the bits of the sum of each query by itself, whatever the lists, their number and their length. */
#include <stdlib.h>
#include <string.h>

#include "runtime/kept_blocks.h"
#include "runtime/kernels_isa.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

/* n_c columns of V, `of` of so many keys kept on average by m queries: none for the first, all for the last. */
typedef struct lists_case {
    size_t m, n_keys, n_c;
    unsigned kept, of;
    rt_dtype dtype;
} lists_case;

static size_t make_list(const lists_case *c, random_source *r, size_t i, uint32_t *index) {
    size_t n = 0;
    for (size_t j = 0; j < c->n_keys; j++) {
        if ((i > 0 && random_below(r, c->of) < c->kept) || i + 1 == c->m) index[n++] = (uint32_t)j;
    }
    return n;
}

/* Goes through all queries; returns in how many fillings. */
static size_t check(const lists_case *c, const rt_kernels *kernels, random_source *r) {
    const size_t ld = c->n_keys, ldv = c->n_c + 3, ldo = c->n_c + 1, memory_bytes = rt_kept_blocks_bytes(c->n_keys);
    const size_t n_v = (c->n_keys - 1) * ldv + c->n_c, n_out = (c->m - 1) * ldo + c->n_c;
    uint32_t *index = malloc(c->m * ld * sizeof *index);
    size_t *n_kept = malloc(c->m * sizeof *n_kept), fillings = 0;
    float *weight = malloc(c->m * ld * sizeof *weight), *wide = malloc(n_v * sizeof *wide);
    guarded V = guarded_open(rt_dtype_bytes(c->dtype, n_v)), out = guarded_open(n_out * sizeof *wide), memory = guarded_open(memory_bytes);
    void *values = guarded_tail(&V, rt_dtype_bytes(c->dtype, n_v)), *room = guarded_tail(&memory, memory_bytes);
    float *sums = guarded_tail(&out, n_out * sizeof *sums), want[512];
    ck_assert(index != NULL && n_kept != NULL && weight != NULL && wide != NULL && c->n_c <= 512);
    fill_stored(r, c->dtype, n_v, values, wide);
    fill_floats(r, FLOATS_UNIT, c->m * ld, weight);
    for (size_t i = 0; i < c->m; i++) n_kept[i] = make_list(c, r, i, index + i * ld);
    memset(sums, 0, n_out * sizeof *sums);
    rt_kept_blocks kept;
    for (size_t i = 0; i < c->m; i += kept.m, fillings++) {
        rt_kept_blocks_fill(c->m - i, c->n_keys, index + i * ld, weight + i * ld, ld, n_kept + i, room, &kept);
        ck_assert(kept.m > 0 && kept.m <= c->m - i);
        rt_kept_blocks_sum(kernels, &kept, c->n_keys, c->dtype, values, ldv, c->n_c, sums + i * ldo, ldo);
    }
    for (size_t i = 0; i < c->m; i++) {
        rt_kernels_ref.weighted_gather[c->dtype](n_kept[i], index + i * ld, weight + i * ld, c->n_c, values, ldv, want);
        REQUIRE(same_floats(c->n_c, sums + i * ldo, want), "query %zu of %zu, %zu keys, %zu columns, type %d", i, c->m, c->n_keys, c->n_c,
                (int)c->dtype);
    }
    guarded_close(&V);
    guarded_close(&out);
    guarded_close(&memory);
    free(index);
    free(n_kept);
    free(weight);
    free(wide);
    return fillings;
}

START_TEST(blocks_give_the_bits_of_each_query_alone) {
    static const rt_dtype types[] = {RT_F32, RT_F16, RT_BF16, RT_I8};
    static const size_t keys[] = {1, 2, RT_KEPT_KEYS - 1, RT_KEPT_KEYS, RT_KEPT_KEYS + 1, 3 * RT_KEPT_KEYS, 700}, columns[] = {1, 17, 64, 130};
    random_source r = {1};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t m = 1; m <= 40; m += m < 10 ? 1 : 10) {
            for (size_t w = 0; w < sizeof columns / sizeof *columns; w++) {
                check(&(lists_case){.m = m, .n_keys = keys[k], .n_c = columns[w], .kept = 1, .of = 1 + (unsigned)(m % 7),
                                    .dtype = types[(k + m + w) % 4]}, variant(_i), &r);
            }
        }
    }
}
END_TEST

/* More kept keys than one filling has room for, more queries, and one list that is longer than the usual room. */
START_TEST(what_does_not_fit_goes_in_several_fillings) {
    random_source r = {2};
    ck_assert_uint_gt(check(&(lists_case){.m = 40, .n_keys = 3072, .n_c = 5, .kept = 9, .of = 10}, variant(_i), &r), 1);
    ck_assert_uint_eq(check(&(lists_case){.m = RT_KEPT_QUERIES, .n_keys = 300, .n_c = 5, .kept = 1, .of = 20}, variant(_i), &r), 1);
    ck_assert_uint_eq(check(&(lists_case){.m = RT_KEPT_QUERIES + 1, .n_keys = 300, .n_c = 5, .kept = 1, .of = 20}, variant(_i), &r), 2);
    ck_assert_uint_eq(check(&(lists_case){.m = 3, .n_keys = 70000, .n_c = 2, .kept = 1, .of = 50}, variant(_i), &r), 2);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kept_blocks");
    TCase *tc = tcase_create("kept_blocks");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, blocks_give_the_bits_of_each_query_alone, 0, n_variants());
    tcase_add_loop_test(tc, what_does_not_fit_goes_in_several_fillings, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

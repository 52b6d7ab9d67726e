/* rt_topk_attention against brute force, bit for bit, for every variant, chunk size and number of threads; and the properties that the
 * paper and runtime/topk_attention.h claim. Every operand ends at an unmapped page, and scratch has just the size that the function asks
 * for. */
#include <math.h>
#include <string.h>

#include "runtime/kept_blocks.h"
#include "runtime/screened.h"
#include "tests/support/attention_case.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const size_t chunks[] = {1, 7, 64, 1000}, thread_counts[] = {1, 2, 3, 5};
enum { N_WAYS = 16 };

/* One of the ways to cut the same work up. */
static void check_way(const attention_case *c, size_t way) {
    for (int v = 0; v < n_variants(); v++) attention_check(c, variant(v), chunks[way % 4], thread_counts[way / 4 % 4]);
}

/* The case, in every `step`-th way from `first` on. */
static void check_ways(const attention_spec *spec, uint64_t seed, size_t first, size_t step) {
    attention_case c;
    attention_open(&c, spec, seed);
    attention_expect(&c);
    for (size_t way = first; way < N_WAYS; way += step) check_way(&c, way);
    attention_close(&c);
}

/* Takes the lowest digit, to that base, off *number. */
static size_t digit(size_t *number, size_t base) {
    const size_t d = *number % base;
    *number /= base;
    return d;
}

static size_t topk_of(size_t choice, size_t n) {
    const size_t choices[] = {0, 1, 3, n - 1, n, n + 5};
    return choices[choice];
}

enum { N_ACTIVATIONS = RT_SOFTMAX + 1, N_TOPK = 6, N_SMALL = N_ACTIVATIONS * N_TOPK * 2 * 2 * 3 };

START_TEST(every_combination_on_a_small_batch) {
    for (size_t i = 0; i < N_SMALL; i += 1 + 6 * SANITIZED) {
        size_t rest = i;
        attention_spec spec = {.n_spans = 4, .shapes = {{1, 1}, {2, 2}, {0, 5}, {7, 7}}, .n_heads = 1, .d_k = 5, .d_v = 3};
        spec.act = (rt_activation)digit(&rest, N_ACTIVATIONS);
        spec.topk = topk_of(digit(&rest, N_TOPK), 7);
        spec.bias = digit(&rest, 2) == 1;
        spec.causal = digit(&rest, 2) == 1;
        spec.n_heads += rest == 1;
        spec.gate = rest == 2;
        spec.kind = i % 5 < 3 ? FLOATS_TIED : FLOATS_UNIT;
        spec.dtype_gate = (rt_dtype)(i % 3);
        attention_case c;
        attention_open(&c, &spec, i);
        attention_expect(&c);
        for (size_t way = 0; way < LENGTH(chunks); way++) check_way(&c, way); /* one thread: there is too little work for more */
        attention_close(&c);
    }
}
END_TEST

/* Batches of sizes on both sides of every block of the code. The last two are not for causal masks or a bias: they have fewer keys than
 * queries. */
static const struct {
    size_t n_spans, n;
    span_shape shapes[MAX_SPANS];
} batches[] = {
    {6, 130, {{1, 1}, {2, 2}, {7, 7}, {0, 5}, {65, 65}, {130, 130}}},
    {5, 65, {{1, 7}, {2, 65}, {1, 130}, {5, 12}, {0, 3}}},
    {1, 130, {{130, 130}}},
    {1, 2500, {{1, 2500}}},
    {1, 1000, {{3, 1000}}},
    {1, 700, {{66, 700}}},
    {1, 130, {{1, 130}}},
    {5, 65, {{3, 7}, {65, 2}, {1, 130}, {130, 65}, {7, 0}}},
    {1, 2, {{65, 2}}},
};

static attention_spec random_spec(random_source *r) {
    static const size_t widths[] = {1, 3, 5, 17, 64, 65, 130};
    attention_spec spec = {.d_k = widths[random_below(r, LENGTH(widths))], .d_v = widths[random_below(r, LENGTH(widths))]};
    spec.causal = random_below(r, 3) == 0;
    spec.bias = random_below(r, 2) == 0;
    const size_t b = random_below(r, LENGTH(batches) - (spec.causal || spec.bias ? 2 : 0));
    spec.n_spans = batches[b].n_spans;
    memcpy(spec.shapes, batches[b].shapes, sizeof spec.shapes);
    spec.topk = topk_of(random_below(r, N_TOPK), batches[b].n);
    spec.act = (rt_activation)random_below(r, N_ACTIVATIONS);
    spec.n_heads = 1 + (random_below(r, 2) == 0 ? random_below(r, 3) : 0);
    spec.kind = random_below(r, 2) == 0 ? FLOATS_TIED : FLOATS_UNIT;
    spec.dtype_k = (rt_dtype)random_below(r, 3);
    spec.dtype_gate = (rt_dtype)random_below(r, 3);
    if (spec.n_heads == 1) {
        spec.dtype_v = (rt_dtype)random_below(r, 3);
        spec.gate = random_below(r, 2) == 0;
        spec.panels = random_below(r, 2) == 0;
        spec.screen = spec.n_spans == 1 && spec.act == RT_RELU && !spec.bias && !spec.causal;
    }
    return spec;
}

enum { N_GROUPS = 8, CASES_PER_GROUP = SANITIZED ? 4 : 25, WAYS_PER_CASE = 4 };

START_TEST(random_cases_equal_brute_force) {
    random_source r = {(uint64_t)_i};
    for (size_t i = 0; i < CASES_PER_GROUP; i++) {
        const attention_spec spec = random_spec(&r);
        attention_case c;
        attention_open(&c, &spec, random_bits(&r));
        attention_expect(&c);
        for (size_t w = 0; w < WAYS_PER_CASE; w++) check_way(&c, 5 * w + i);
        attention_close(&c);
    }
}
END_TEST

/* So wide a row, or so many kept of so many positive, that scratch grows with just that. */
START_TEST(extremes_of_scratch_suffice) {
    static const attention_spec specs[] = {
        {.n_spans = 1, .shapes = {{5, 20}}, .n_heads = 1, .d_k = 2048, .d_v = 3, .topk = 7, .gate = true, .dtype_gate = RT_BF16},
        {.n_spans = 1, .shapes = {{5, 20}}, .n_heads = 1, .d_k = 2048, .d_v = 3, .topk = 7, .dtype_k = RT_F16},
        {.n_spans = 1, .shapes = {{1, 20000}}, .n_heads = 1, .d_k = 3, .d_v = 3, .topk = 9000, .act = RT_RELU},
    };
    for (size_t i = 0; i < LENGTH(specs); i++) {
        check_ways(&specs[i], i, 1, LENGTH(chunks)); /* chunks of 7 */
    }
}
END_TEST

static const attention_spec plain = {
    .n_spans = 3, .shapes = {{2, 2}, {65, 65}, {7, 40}}, .n_heads = 2, .d_k = 17, .d_v = 65, .bias = true, .kind = FLOATS_UNIT};

/* The feed-forward: one span, static keys, values by panels. */
static const attention_spec feed_forward = {
    .n_spans = 1, .shapes = {{9, 600}}, .n_heads = 1, .d_k = 64, .d_v = 130, .act = RT_RELU, .panels = true, .kind = FLOATS_UNIT};

/* Ends the test unless spec with this topk gives the bits that it gives with topk = 0. */
static void expect_dense(attention_spec spec, size_t topk) {
    attention_case dense, kept;
    spec.topk = 0;
    attention_open(&dense, &spec, 1);
    spec.topk = topk;
    attention_open(&kept, &spec, 1);
    ck_assert_int_eq(attention_run(&dense, variant(0), 64, 1, NULL), RT_OK);
    memcpy(kept.expected, attention_out(&dense), attention_out_size(&dense) * sizeof(float));
    for (size_t way = 0; way < N_WAYS; way += 5) check_way(&kept, way);
    attention_close(&dense);
    attention_close(&kept);
}

START_TEST(no_fewer_than_the_visible_keys_is_dense) {
    attention_spec specs[] = {plain, feed_forward};
    for (size_t i = 0; i < LENGTH(specs) * N_ACTIVATIONS; i++) {
        attention_spec spec = specs[i % LENGTH(specs)];
        const size_t n_keys = i % LENGTH(specs) == 0 ? 65 : 600;
        spec.act = (rt_activation)(i / LENGTH(specs));
        spec.gate = spec.n_heads == 1 && i % 4 < 2;
        for (size_t causal = 0; causal < 2; causal++) {
            spec.causal = causal == 1;
            expect_dense(spec, n_keys);
            expect_dense(spec, SIZE_MAX);
        }
    }
}
END_TEST

/* The most positive scores that a row has, of one head and one span without bias. */
static size_t most_positive(const attention_case *c) {
    size_t most = 0;
    for (size_t i = 0; i < c->n_queries; i++) {
        size_t positive = 0;
        const float *q = c->args.Q + i * c->args.ldq;
        for (size_t j = 0; j < c->n_keys; j++) positive += dot_by_lanes(c->spec.d_k, q, c->wide_K + j * c->spec.d_k) > 0.0f;
        if (positive > most) most = positive;
    }
    return most;
}

START_TEST(relu_needs_only_the_positive) {
    attention_spec spec = feed_forward;
    attention_case c;
    attention_open(&c, &spec, 1);
    const size_t most = most_positive(&c);
    ck_assert(most > 1 && most < c.n_keys);
    expect_dense(spec, most);
    attention_expect(&c);
    c.args.topk = most - 1;
    ck_assert_int_eq(attention_run(&c, variant(0), 7, 1, NULL), RT_OK);
    ck_assert_msg(!same_floats(attention_out_size(&c), attention_out(&c), c.expected), "one key fewer changes nothing");
    attention_close(&c);
    spec.gate = true;
    expect_dense(spec, most);
}
END_TEST

START_TEST(screening_changes_no_bit) {
    attention_spec spec = feed_forward;
    spec.screen = true;
    for (size_t i = 0; i < 3 * 3 * 2 * 2 * 2; i++) {
        size_t rest = i;
        spec.shapes[0].n_keys = digit(&rest, 2) == 1 ? 600 : 3 * RT_SCREEN_RANGE + 1; /* one unit in the last range */
        spec.dtype_k = (rt_dtype)digit(&rest, 3);
        spec.topk = 20 * digit(&rest, 3);
        spec.gate = digit(&rest, 2) == 1;
        spec.kind = rest == 0 ? FLOATS_UNIT : FLOATS_TIED;
        check_ways(&spec, i, 0, 5);
    }
}
END_TEST

/* So many queries, and so wide, that the kept rows of V are read by blocks; in chunks of 1000 more queries than one filling of blocks takes. */
START_TEST(blocks_of_kept_rows_change_no_bit) {
    attention_spec spec = {.n_spans = 1, .shapes = {{RT_KEPT_QUERIES + 4, 300}}, .n_heads = 1, .d_k = 16, .d_v = 4 * RT_PANEL + 1,
                           .panels = true};
    for (size_t i = 0; i < 3 * 2 * 2 * 2; i++) {
        size_t rest = i;
        spec.dtype_v = (rt_dtype)digit(&rest, 3);
        spec.topk = 20 * digit(&rest, 2);
        spec.gate = digit(&rest, 2) == 1;
        spec.act = rest == 0 ? RT_RELU : RT_SOFTMAX;
        check_ways(&spec, i, 3, 3); /* the first: one thread, chunks of 1000 */
    }
}
END_TEST

/* A span gives the same rows in a batch and by itself, and then no other row is written. */
START_TEST(a_span_alone_gives_the_same_bits) {
    attention_spec spec = plain;
    for (spec.topk = 0; spec.topk <= 10; spec.topk += 5) {
        attention_case c;
        spec.act = RT_SOFTMAX;
        attention_open(&c, &spec, 1);
        for (size_t s = 0; s < spec.n_spans; s++) {
            attention_case alone = c;
            alone.args.spans = alone.spans;
            alone.args.n_spans = alone.spec.n_spans = 1;
            alone.spans[0] = c.spans[s];
            attention_expect(&alone);
            for (size_t way = 0; way < N_WAYS; way++) check_way(&alone, way);
        }
        attention_close(&c);
    }
}
END_TEST

/* Row i of Q, to be written. */
static float *query(const attention_case *c, size_t i) {
    return guarded_floats(&c->Q, (size_t)((const float *)c->Q.end - c->args.Q)) + i * c->args.ldq;
}

/* In every activation: of ReLU, too, as more than topk scores are positive. */
START_TEST(nan_to_select_from_is_an_error) {
    attention_spec specs[] = {plain, feed_forward};
    for (size_t i = 0; i < LENGTH(specs) * N_ACTIVATIONS * N_WAYS; i++) {
        size_t rest = i;
        attention_spec spec = specs[digit(&rest, LENGTH(specs))];
        spec.act = (rt_activation)digit(&rest, N_ACTIVATIONS);
        spec.topk = 1;
        attention_case c;
        attention_open(&c, &spec, 1);
        const size_t row = c.spans[spec.n_spans - 1].query + 5;
        query(&c, row)[2] = NAN;
        for (int v = 0; v < n_variants(); v++) {
            rt_error err = {0};
            ck_assert_int_eq(attention_run(&c, variant(v), chunks[rest % 4], thread_counts[rest / 4], &err), RT_ERR_NUMERIC);
            ck_assert_int_eq(err.status, RT_ERR_NUMERIC);
            ck_assert_ptr_nonnull(strstr(err.message, "NaN"));
        }
        attention_close(&c);
    }
}
END_TEST

/* NaN in one query makes its own row NaN, and no other; NaN in one column of V makes that column NaN. */
START_TEST(nan_in_dense_rows_comes_out) {
    attention_spec specs[] = {plain, feed_forward};
    for (size_t i = 0; i < LENGTH(specs) * N_ACTIVATIONS * N_WAYS; i++) {
        size_t rest = i;
        attention_spec spec = specs[digit(&rest, LENGTH(specs))];
        spec.act = (rt_activation)digit(&rest, N_ACTIVATIONS);
        spec.gate = spec.n_heads == 1 && rest % 2 == 0;
        spec.screen = spec.n_heads == 1 && spec.act == RT_RELU && rest % 3 == 0;
        attention_case c;
        attention_open(&c, &spec, 1);
        const size_t row = c.spans[spec.n_spans - 1].query + 5;
        query(&c, row)[spec.d_k * spec.n_heads - 1] = NAN; /* of the last head */
        attention_expect(&c);
        const float *expected = c.expected + row * c.args.ldo;
        for (size_t col = (spec.n_heads - 1) * spec.d_v; col < spec.n_heads * spec.d_v; col++) ck_assert(isnan(expected[col]));
        ck_assert(!isnan(expected[0 - c.args.ldo]));
        check_way(&c, rest);
        attention_close(&c);
    }
}
END_TEST

/* Equal steps in the number of keys cost equal steps of scratch, on either side of the length where lists of kept keys outgrow their usual
 * room; and the number of queries beyond the chunk has no say. */
START_TEST(scratch_is_linear_in_the_keys) {
    static const size_t starts[] = {1024, 16384, 1048576};
    for (int v = 0; v < n_variants(); v++) {
        for (size_t s = 0; s < LENGTH(starts); s++) {
            size_t bytes[4];
            for (size_t i = 0; i < 4; i++) bytes[i] = rt_topk_attention_scratch(variant(v), 64, starts[s] + 2048 * i, 64, s == 1);
            ck_assert_uint_gt(bytes[1], bytes[0]);
            for (size_t i = 1; i < 3; i++) ck_assert_uint_eq(bytes[i + 1] - bytes[i], bytes[i] - bytes[i - 1]);
        }
    }
}
END_TEST

START_TEST(a_batch_without_queries_is_no_work) {
    const attention_spec spec = {.n_spans = 2, .shapes = {{0, 5}, {0, 0}}, .n_heads = 1, .d_k = 3, .d_v = 3};
    check_ways(&spec, 1, 0, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("topk_attention");
    TCase *tc = tcase_create("topk_attention");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, every_combination_on_a_small_batch);
    tcase_add_loop_test(tc, random_cases_equal_brute_force, 0, N_GROUPS);
    tcase_add_test(tc, extremes_of_scratch_suffice);
    tcase_add_test(tc, no_fewer_than_the_visible_keys_is_dense);
    tcase_add_test(tc, relu_needs_only_the_positive);
    tcase_add_test(tc, screening_changes_no_bit);
    tcase_add_test(tc, blocks_of_kept_rows_change_no_bit);
    tcase_add_test(tc, a_span_alone_gives_the_same_bits);
    tcase_add_test(tc, nan_to_select_from_is_an_error);
    tcase_add_test(tc, nan_in_dense_rows_comes_out);
    tcase_add_test(tc, scratch_is_linear_in_the_keys);
    tcase_add_test(tc, a_batch_without_queries_is_no_work);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

/* What rt_topk_attention counts on the way, against counts worked out from the scores row by row: the same for every variant, chunk and
 * number of threads, screened or not; and the outputs are not touched by the counting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/attention_case.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

typedef struct counted {
    rt_topk_statistics s;
    size_t n_counts;
} counted;

static counted counted_open(size_t n_keys) {
    counted c = {.n_counts = n_keys + 1};
    c.s.positive = calloc(c.n_counts, sizeof *c.s.positive);
    return c;
}

static void counted_close(counted *c) { free(c->s.positive); }

/* Scores of query i of a span under head h and the n keys that it sees. */
static void score_row(const attention_case *c, rt_span span, size_t h, size_t i, size_t n, float *scores) {
    const rt_topk_attention_args *a = &c->args;
    const size_t width = a->n_heads * a->d_k;
    for (size_t j = 0; j < n; j++) {
        rt_kernels_ref.dot(1, 1, a->d_k, a->Q + (span.query + i) * a->ldq + h * a->d_k, a->ldq,
                           c->wide_K + (span.key + j) * width + h * a->d_k, width, &scores[j], 1);
        const size_t position = span.n_keys - span.n_queries + i;
        if (a->bias != NULL) scores[j] += a->bias[h * a->bias_head + a->bias_zero + j - position];
    }
}

static int falling(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The share of the softmax weight that the topk largest have. */
static double kept_share(float *scores, size_t n, size_t topk) {
    double kept = 0, all = 0;
    qsort(scores, n, sizeof *scores, falling);
    for (size_t j = 0; j < n; j++) {
        all += exp((double)scores[j] - (double)scores[0]);
        if (topk == 0 || j < topk) kept = all;
    }
    return kept / all;
}

/* Works the counts out; *mass is the sum of the shares. */
static void expect_counts(const attention_case *c, counted *want, double *mass) {
    float *scores = malloc(c->max_keys * sizeof *scores);
    *mass = 0;
    for (size_t s = 0; s < c->args.n_spans; s++) {
        const rt_span span = c->spans[s];
        for (size_t h = 0; h < c->args.n_heads; h++) {
            for (size_t i = 0; i < span.n_queries; i++, want->s.rows++) {
                const size_t n = c->args.causal ? span.n_keys - span.n_queries + i + 1 : span.n_keys;
                size_t positive = 0;
                score_row(c, span, h, i, n, scores);
                for (size_t j = 0; j < n; j++) positive += scores[j] > 0.0f;
                if (c->args.act == RT_SOFTMAX) *mass += kept_share(scores, n, c->args.topk);
                else want->s.positive[positive]++;
            }
        }
    }
    free(scores);
}

static void run_counted(attention_case *c, const rt_kernels *kernels, size_t chunk, size_t n_threads, counted *got) {
    c->args.statistics = &got->s;
    attention_check(c, kernels, chunk, n_threads);
    c->args.statistics = NULL;
}

static void check_spec(const attention_spec *spec, const rt_kernels *kernels, uint64_t seed) {
    static const size_t chunks[] = {1, 7, 64}, threads[] = {1, 3};
    attention_case c;
    double mass;
    attention_open(&c, spec, seed);
    attention_expect(&c);
    counted want = counted_open(c.max_keys);
    expect_counts(&c, &want, &mass);
    for (size_t i = 0; i < 6; i++) {
        counted got = counted_open(c.max_keys);
        run_counted(&c, kernels, chunks[i % 3], threads[i / 3], &got);
        REQUIRE(got.s.rows == want.s.rows, "%s: %llu rows, not %llu", kernels->isa, got.s.rows, want.s.rows);
        for (size_t n = 0; n < want.n_counts; n++) {
            REQUIRE(got.s.positive[n] == want.s.positive[n], "%s: %llu rows have %zu positive, not %llu", kernels->isa, got.s.positive[n],
                    n, want.s.positive[n]);
        }
        const double off = fabs(0x1p-24 * (double)got.s.kept_mass - mass);
        REQUIRE(off <= 1e-6 * (double)want.s.rows, "%s: kept mass is off by %g over %llu rows", kernels->isa, off, want.s.rows);
        if (spec->act == RT_SOFTMAX && spec->topk == 0) {
            REQUIRE(got.s.kept_mass == got.s.rows << 24, "%s: all kept, and not the whole mass", kernels->isa);
        }
        counted_close(&got);
    }
    counted_close(&want);
    attention_close(&c);
}

START_TEST(feed_forward) {
    static const rt_activation acts[] = {RT_RELU, RT_GELU_TANH, RT_SILU};
    static const size_t topks[] = {0, 1, 9, 400};
    for (size_t a = 0; a < 3; a++) {
        for (size_t t = 0; t < 4; t++) {
            for (size_t gate = 0; gate < 2; gate++) {
                const attention_spec spec = {.n_spans = 1,
                                             .shapes = {{29, 300}},
                                             .n_heads = 1,
                                             .d_k = 24,
                                             .d_v = 70,
                                             .topk = topks[t],
                                             .act = acts[a],
                                             .gate = gate == 1,
                                             .panels = true,
                                             .dtype_k = RT_F32,
                                             .dtype_v = RT_F32,
                                             .dtype_gate = RT_F32,
                                             .kind = t % 2 == 0 ? FLOATS_UNIT : FLOATS_TIED}; /* with scores of just 0 */
                check_spec(&spec, variant(_i), 10 * a + t);
            }
        }
    }
}
END_TEST

START_TEST(screened) {
    if (variant(_i)->screen == NULL) return;
    for (size_t topk = 0; topk < 20; topk += 4) {
        const attention_spec spec = {.n_spans = 1,
                                     .shapes = {{7, 450}},
                                     .n_heads = 1,
                                     .d_k = 40,
                                     .d_v = 64,
                                     .topk = topk,
                                     .act = RT_RELU,
                                     .panels = true,
                                     .screen = true,
                                     .dtype_k = RT_F32,
                                     .dtype_v = RT_F32};
        check_spec(&spec, variant(_i), topk);
    }
}
END_TEST

START_TEST(attention) {
    static const size_t topks[] = {0, 1, 3, 17};
    for (size_t t = 0; t < 4; t++) {
        for (size_t form = 0; form < 4; form++) {
            const attention_spec spec = {.n_spans = 3,
                                         .shapes = {{5, 9}, {1, 1}, {13, 40}},
                                         .n_heads = 3,
                                         .d_k = 16,
                                         .d_v = 16,
                                         .topk = topks[t],
                                         .act = RT_SOFTMAX,
                                         .causal = form % 2 == 1,
                                         .bias = form / 2 == 1,
                                         .dtype_k = RT_F32,
                                         .dtype_v = RT_F32};
            check_spec(&spec, variant(_i), 4 * t + form);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("statistics");
    TCase *tests = tcase_create("statistics");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, feed_forward, 0, n_variants());
    tcase_add_loop_test(tests, screened, 0, n_variants());
    tcase_add_loop_test(tests, attention, 0, n_variants());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Attention that finds its kept keys by 8-bit estimates gives the same bits, and the same error, as attention that looks at every score: on
 * ordinary keys, on ties, outliers, tiny, huge and not finite ones. And it does leave scores out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "runtime/topk_attention.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { HEADS = 2, SPANS = 4, ROWS = 1500, MAX_D = 64, MAX_LD = HEADS * MAX_D };

typedef enum keys_form { ORDINARY, TIED, OUTLIERS, TINY, HUGE_KEYS, SAME_KEY, WIDE, NOT_FINITE, MISLEADING, N_KEYS_FORMS } keys_form;

static const rt_span spans[SPANS] = {{0, 9, 0, 700}, {9, 3, 700, 3}, {12, 5, 703, 512}, {17, 2, 1215, 285}};

typedef struct attention_rows {
    float Q[ROWS * MAX_LD], K[ROWS * MAX_LD], V[ROWS * MAX_LD], bias[HEADS * 2 * ROWS], out[ROWS * MAX_LD];
} attention_rows;

/* Queries that 8 bits hold exactly, and keys whose 8 bits lose what counts: all components lose the same, half the keys always towards the queries
 * and half away from them. So the error is the bound's own size (Cauchy and Schwarz, with equality), and where the whole numbers are
 * nearly equal the estimates put keys in the wrong order. */
static void mislead(random_source *r, size_t n, size_t width, float *Q, float *K) {
    float sign[MAX_D];
    for (size_t c = 0; c < MAX_D; c++) sign[c] = random_below(r, 2) == 0 ? 1.0f : -1.0f;
    for (size_t j = 0; j < n; j++) {
        const float lost = j % 2 == 0 ? 0.49f : -0.49f;
        for (size_t c = 0; c < width; c++) {
            const float s = sign[c % MAX_D];
            Q[j * width + c] = s;
            K[j * width + c] = c % MAX_D == 0 ? 127.0f : s * ((float)random_below(r, 3) - 1.0f + lost);
        }
    }
}

static void fill(random_source *r, keys_form form, attention_rows *rows) {
    const float_kind kind = form == TIED ? FLOATS_TIED : form == WIDE ? FLOATS_WIDE : FLOATS_UNIT;
    const float factor = form == TINY ? 1e-15f : form == HUGE_KEYS ? 1e15f : 1.0f;
    fill_floats(r, kind, ROWS * MAX_LD, rows->Q);
    fill_floats(r, kind, ROWS * MAX_LD, rows->K);
    fill_floats(r, FLOATS_UNIT, ROWS * MAX_LD, rows->V);
    fill_floats(r, form == TIED ? FLOATS_TIED : FLOATS_UNIT, HEADS * 2 * ROWS, rows->bias);
    for (size_t i = 0; i < ROWS * MAX_LD; i++) rows->K[i] *= factor;
    for (size_t i = 0; form == OUTLIERS && i < ROWS * MAX_LD; i += 61) rows->K[i] *= 1000.0f;
    for (size_t i = 0; form == OUTLIERS && i < ROWS * MAX_LD; i += 47) rows->Q[i] *= 100.0f;
    for (size_t i = MAX_LD; form == SAME_KEY && i < ROWS * MAX_LD; i++) rows->K[i] = rows->K[i % MAX_LD];
    if (form == NOT_FINITE) rows->K[301 * MAX_LD] = NAN;
    if (form == MISLEADING) mislead(r, ROWS, MAX_LD, rows->Q, rows->K);
}

static rt_status run(const rt_kernels *kernels, size_t d, size_t topk, bool with_bias, const rt_key_copies *copies, attention_rows *rows) {
    const rt_topk_attention_args args = {
        .n_heads = HEADS, .d_k = d, .d_v = d, .topk = topk, .chunk = 4, .act = RT_SOFTMAX, .spans = spans, .n_spans = SPANS,
        .Q = rows->Q, .ldq = MAX_LD, .K = rt_matrix_f32(rows->K, ROWS, d, MAX_LD),
        .V = {.dtype = RT_F32, .data = rows->V, .stride = MAX_LD, .panel = RT_PANEL}, .out = rows->out, .ldo = MAX_LD,
        .copies = copies,
        .bias = with_bias ? rows->bias : NULL, .bias_head = 2 * ROWS, .bias_zero = ROWS - 1,
    };
    const size_t bytes = rt_topk_attention_copies_scratch(kernels, args.chunk, 700, d);
    const rt_compute compute = {.kernels = kernels, .scratch = aligned_alloc(64, bytes), .scratch_bytes = bytes};
    memset(rows->out, 0, sizeof rows->out);
    const rt_status status = rt_topk_attention(&compute, &args, NULL);
    free(compute.scratch);
    return status;
}

START_TEST(estimates_change_no_bit) {
    static const size_t ds[] = {64, 5, 12}, topks[] = {1, 7, 64, 80};
    random_source r = {3};
    attention_rows *rows = malloc(sizeof *rows);
    float *want = malloc(sizeof rows->out);
    for (size_t i = 0; i < (size_t)N_KEYS_FORMS * 3 * 4 * 2; i++) {
        const keys_form form = (keys_form)(i % N_KEYS_FORMS);
        const size_t d = ds[i / N_KEYS_FORMS % 3], topk = topks[i / N_KEYS_FORMS / 3 % 4];
        const bool bias = i / N_KEYS_FORMS / 12 == 1;
        fill(&r, form, rows);
        rt_arena measured = {0}, memory = {0};
        rt_key_copies copies;
        rt_key_copies_place(&measured, ROWS, SPANS, HEADS, d, d, &copies);
        REQUIRE(rt_arena_provide(&memory, &measured, "copies", NULL) == RT_OK, "no memory");
        rt_key_copies_place(&memory, ROWS, SPANS, HEADS, d, d, &copies);
        const rt_status plain = run(variant(_i), d, topk, bias, NULL, rows);
        memcpy(want, rows->out, sizeof rows->out);
        const rt_status got = run(variant(_i), d, topk, bias, &copies, rows);
        REQUIRE(got == plain, "%s: form %d, d = %zu, k = %zu: status %d, not %d", variant(_i)->isa, (int)form, d, topk, (int)got, (int)plain);
        REQUIRE(plain != RT_OK || same_floats(ROWS * MAX_LD, rows->out, want), "%s: form %d, d = %zu, k = %zu, bias %d: other bits", variant(_i)->isa,
                (int)form, d, topk, (int)bias);
        REQUIRE(plain == (form == NOT_FINITE ? RT_ERR_NUMERIC : RT_OK) || form == WIDE, "form %d: status %d", (int)form, (int)plain);
        rt_arena_free(&memory);
    }
    free(rows);
    free(want);
}
END_TEST

enum { N_QUERIES = 40, N_PANELS = 4, N_KEYS = 200 };

/* Keys [N_KEYS, d] and their copy, queries [N_QUERIES, d] as kernels see them, and a bias. */
typedef struct estimated {
    float Q[N_QUERIES * MAX_D], K[N_KEYS * MAX_D], bias[N_QUERIES + N_KEYS];
    float upper[N_QUERIES * N_PANELS * RT_SCREEN_PANEL], lower[N_QUERIES * N_PANELS * RT_SCREEN_PANEL];
    rt_screen_query query[N_QUERIES];
    int8_t p[N_QUERIES * MAX_D];
} estimated;

/* Upper and lower ends of all scores of e; a panel's `most` starts at -inf, and so becomes the lower ends. */
static void find_ends(const rt_kernels *kernels, size_t d, estimated *e) {
    const rt_matrix K = rt_matrix_f32(e->K, N_KEYS, d, d);
    float scratch[2 * MAX_D];
    rt_arena measured = {0}, memory = {0};
    rt_screen copy;
    rt_screen_place(&measured, &K, &copy);
    REQUIRE(rt_arena_provide(&memory, &measured, "copy", NULL) == RT_OK, "no memory");
    rt_screen_place(&memory, &K, &copy);
    const size_t padded = copy.k_padded, ld = N_PANELS * RT_SCREEN_PANEL;
    for (size_t i = 0; i < N_QUERIES; i++) kernels->quantise(d, e->Q + i * d, e->p + i * padded, &e->query[i]);
    for (size_t i = 0; i < N_QUERIES * ld; i++) e->lower[i] = -INFINITY;
    for (size_t panel = 0; panel < N_PANELS; panel++) {
        const size_t first = panel * RT_SCREEN_PANEL, n = N_KEYS - first < RT_SCREEN_PANEL ? N_KEYS - first : RT_SCREEN_PANEL;
        rt_screen_fill(kernels, &K, panel, &copy, scratch);
        kernels->estimate_keys(N_QUERIES, n, padded, e->p, padded, e->query, copy.q + first * padded, copy.scale + first, copy.alpha + first,
                               copy.beta + first, e->bias + N_QUERIES + first, e->upper + first, ld, e->lower + first, ld);
    }
    rt_arena_free(&memory);
}

/* The two inequalities of topk_keys.h, in double; an upper end that is not a number says nothing, and keeps its key. */
START_TEST(scores_lie_between_their_ends) {
    static const size_t ds[] = {64, 5, 12};
    random_source r = {6};
    estimated *e = malloc(sizeof *e);
    attention_rows *rows = malloc(sizeof *rows);
    for (size_t t = 0; t < 3 * N_KEYS_FORMS; t++) {
        const keys_form form = (keys_form)(t % N_KEYS_FORMS);
        const size_t d = ds[t / N_KEYS_FORMS], ld = N_PANELS * RT_SCREEN_PANEL;
        fill(&r, form, rows);
        for (size_t i = 0; i < N_QUERIES; i++) memcpy(e->Q + i * d, rows->Q + i * MAX_LD, d * sizeof *e->Q);
        for (size_t j = 0; j < N_KEYS; j++) memcpy(e->K + j * d, rows->K + j * MAX_LD, d * sizeof *e->K);
        memcpy(e->bias, rows->bias, sizeof e->bias);
        find_ends(variant(_i), d, e);
        for (size_t i = 0; i < N_QUERIES; i++) {
            for (size_t j = 0; j < N_KEYS; j++) {
                const double score = (double)dot_by_lanes(d, e->Q + i * d, e->K + j * d) + (double)e->bias[N_QUERIES + j - i];
                const double upper = (double)e->upper[i * ld + j], lower = (double)e->lower[i * ld + j];
                REQUIRE(!(score > upper + 0x3p-24 * fabs(upper)), "form %d, d = %zu: score %g above %g", (int)form, d, score, upper);
                REQUIRE(!(score < lower - 0x3p-24 * fabs(lower)), "form %d, d = %zu: score %g below %g", (int)form, d, score, lower);
            }
            for (size_t j = N_KEYS; j < ld; j++) REQUIRE(e->upper[i * ld + j] == -INFINITY, "key %zu does not exist", j);
        }
    }
    free(e);
    free(rows);
}
END_TEST

/* Rows and keys in any number, with and without bias; what lies beyond them must stay as it is. */
START_TEST(estimate_keys_equals_its_reference) {
    enum { ROWS_MAX = 70, K_MAX = 128, PANEL = RT_SCREEN_PANEL };
    random_source r = {7};
    guarded p = guarded_open(ROWS_MAX * K_MAX), q = guarded_open(PANEL * K_MAX), query = guarded_open(ROWS_MAX * sizeof(rt_screen_query));
    guarded factors[3] = {guarded_open(PANEL * sizeof(float)), guarded_open(PANEL * sizeof(float)), guarded_open(PANEL * sizeof(float))};
    guarded bias = guarded_open((ROWS_MAX + PANEL) * sizeof(float));
    guarded upper = guarded_open(ROWS_MAX * (PANEL + 2) * sizeof(float)), most = guarded_open(ROWS_MAX * (PANEL + 2) * sizeof(float));
    float *want = malloc(ROWS_MAX * (PANEL + 2) * sizeof *want), *want_most = malloc(ROWS_MAX * (PANEL + 2) * sizeof *want_most);
    for (size_t t = 0; t < 6 * ROWS_MAX; t++) {
        static const size_t ks[] = {64, 4, 128, 20, 64, 8};
        const size_t k = ks[t % 6], m = 1 + t / 6, n = t % 3 == 0 ? PANEL : 1 + random_below(&r, PANEL), ldp = k + t % 2, ldu = PANEL + t % 2;
        const float_kind kind = (float_kind)(t % N_FLOAT_KINDS);
        int8_t *P = guarded_tail(&p, (m - 1) * ldp + k);
        uint8_t *Q = guarded_tail(&q, PANEL * k);
        rt_screen_query *rows = guarded_tail(&query, m * sizeof *rows);
        const float *f[3], *b = NULL;
        for (size_t c = 0; c < (m - 1) * ldp + k; c++) P[c] = (int8_t)((int)random_below(&r, 255) - 127);
        for (size_t c = 0; c < PANEL * k; c++) Q[c] = (uint8_t)(1 + random_below(&r, 255));
        for (size_t i = 0; i < m; i++) {
            float x[3];
            fill_floats(&r, kind, 3, x);
            rows[i] = (rt_screen_query){.scale = x[0], .norm = x[1], .loss = x[2]};
            for (size_t c = 0; c < k; c++) rows[i].sum += P[i * ldp + c];
        }
        for (size_t v = 0; v < 3; v++) {
            fill_floats(&r, kind, PANEL, guarded_floats(&factors[v], PANEL));
            f[v] = guarded_floats(&factors[v], PANEL);
        }
        if (t % 5 > 0) {
            fill_floats(&r, kind, m - 1 + n, guarded_floats(&bias, m - 1 + n));
            b = guarded_floats(&bias, m - 1 + n) + m - 1;
        }
        const size_t n_upper = (m - 1) * ldu + PANEL, n_most = (m - 1) * ldu + n;
        float *got = guarded_paint(&upper, n_upper * sizeof *got), *got_most = guarded_paint(&most, n_most * sizeof *got_most);
        fill_floats(&r, kind == FLOATS_NAN ? FLOATS_UNIT : kind, n_most, got_most);
        memcpy(want, got, n_upper * sizeof *got);
        memcpy(want_most, got_most, n_most * sizeof *got_most);
        rt_kernels_ref.estimate_keys(m, n, k, P, ldp, rows, Q, f[0], f[1], f[2], b, want, ldu, want_most, ldu);
        variant(_i)->estimate_keys(m, n, k, P, ldp, rows, Q, f[0], f[1], f[2], b, got, ldu, got_most, ldu);
        REQUIRE(same_floats(n_upper, got, want), "%s %s: upper, %zu rows of %zu, %zu keys", variant(_i)->isa, variant(_i)->bytes, m, k, n);
        REQUIRE(same_floats(n_most, got_most, want_most), "%s %s: most, %zu rows of %zu, %zu keys", variant(_i)->isa, variant(_i)->bytes, m, k, n);
        REQUIRE(guarded_intact(&upper, n_upper * sizeof *got) && guarded_intact(&most, n_most * sizeof *got_most), "writes before its output");
    }
    for (size_t v = 0; v < 3; v++) guarded_close(&factors[v]);
    guarded_close(&p);
    guarded_close(&q);
    guarded_close(&query);
    guarded_close(&bias);
    guarded_close(&upper);
    guarded_close(&most);
    free(want);
    free(want_most);
}
END_TEST

static size_t n_computed;

static void count_indexed(size_t n, const uint32_t *index, size_t k, const float *A, size_t lda, const float *b, float *out) {
    n_computed += n;
    rt_kernels_ref.dot_indexed(n, index, k, A, lda, b, out);
}

/* A pass that computed every score would prove nothing: of ordinary keys fewer than three in ten are. */
START_TEST(estimates_leave_scores_out) {
    enum { D = 64, K = 64 };
    rt_kernels counting = rt_kernels_ref;
    counting.dot_indexed = count_indexed;
    random_source r = {4};
    attention_rows *rows = malloc(sizeof *rows);
    fill(&r, ORDINARY, rows);
    rt_arena measured = {0}, memory = {0};
    rt_key_copies copies;
    rt_key_copies_place(&measured, ROWS, SPANS, HEADS, D, D, &copies);
    REQUIRE(rt_arena_provide(&memory, &measured, "copies", NULL) == RT_OK, "no memory");
    rt_key_copies_place(&memory, ROWS, SPANS, HEADS, D, D, &copies);
    n_computed = 0;
    REQUIRE(run(&counting, D, K, false, &copies, rows) == RT_OK, "fails");
    const size_t scores = HEADS * (9 * 700 + 5 * 512);
    REQUIRE(n_computed >= HEADS * 14 * K && n_computed < scores * 3 / 10, "%zu of %zu scores are computed", n_computed, scores);
    rt_arena_free(&memory);
    free(rows);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("topk_keys");
    TCase *tc = tcase_create("topk_keys");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, estimates_change_no_bit, 0, n_variants());
    tcase_add_loop_test(tc, scores_lie_between_their_ends, 0, n_variants());
    tcase_add_loop_test(tc, estimate_keys_equals_its_reference, 0, n_variants());
    tcase_add_test(tc, estimates_leave_scores_out);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

/* Attention that finds its kept keys by 8-bit estimates gives the same bits, and the same error, as attention that looks at every score: on
 * ordinary keys, on ties, outliers, tiny, huge and not finite ones. And it does leave scores out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "runtime/topk_attention.h"
#include "tests/support/floats.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { HEADS = 2, SPANS = 4, ROWS = 1500, MAX_D = 64, MAX_LD = HEADS * MAX_D };

typedef enum keys_form { ORDINARY, TIED, OUTLIERS, TINY, HUGE_KEYS, SAME_KEY, WIDE, NOT_FINITE, N_KEYS_FORMS } keys_form;

static const rt_span spans[SPANS] = {{0, 9, 0, 700}, {9, 3, 700, 3}, {12, 5, 703, 512}, {17, 2, 1215, 285}};

typedef struct attention_rows {
    float Q[ROWS * MAX_LD], K[ROWS * MAX_LD], V[ROWS * MAX_LD], bias[HEADS * 2 * ROWS], out[ROWS * MAX_LD];
} attention_rows;

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
    tcase_add_test(tc, estimates_leave_scores_out);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

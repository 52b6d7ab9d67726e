/* The largest score that screening certifies is the largest of all, computed and compared one by one: on ordinary rows, on rows that differ in
 * their last bits, on equal, tiny, huge and not finite ones, whatever is forbidden. And its kernel equals the reference and keeps its bounds. */
#include "runtime/screen_argmax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "runtime/matmul.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { MAX_ROWS = 20, UNITS = 1100, MAX_K = 768 };

typedef enum rows_form {
    ORDINARY, OUTLIERS, LAST_BITS, EQUAL, TINY, SUBNORMAL, ZERO_ROWS, HUGE_ROWS, WIDE, AWKWARD, ONE_NAN, ALL_NEGATIVE_INFINITY, N_FORMS
} rows_form;

/* X [m, k], W [n, k] */
static void fill(random_source *r, rows_form form, size_t m, size_t n, size_t k, float *X, float *W) {
    static const float_kind kinds[N_FORMS] = {[EQUAL] = FLOATS_TIED, [WIDE] = FLOATS_WIDE, [AWKWARD] = FLOATS_NAN};
    static const float factors[N_FORMS] = {[TINY] = 1e-15f, [SUBNORMAL] = 1e-40f, [HUGE_ROWS] = 1e13f};
    fill_floats(r, kinds[form], m * k, X);
    fill_floats(r, kinds[form], n * k, W);
    const float factor = factors[form] != 0.0f ? factors[form] : 1.0f;
    for (size_t i = 0; i < m * k; i++) X[i] *= factor;
    for (size_t j = 0; j < n; j++) {
        float *w = W + j * k;
        if (form == LAST_BITS) {
            for (size_t c = 0; c < k; c++) w[c] = X[c] + (random_below(r, 4) == 0 ? nextafterf(X[c], 2.0f) - X[c] : 0.0f);
        }
        if (form == ZERO_ROWS && random_below(r, 3) == 0) memset(w, 0, k * sizeof *w);
        if (j % 2 == 1) continue;
        for (size_t c = 0; c < k; c++) w[c] *= factor;
    }
    if (form == OUTLIERS) {
        for (size_t i = 0; i < m; i++) X[i * k + i % k] *= 100.0f;
    }
    if (form == ONE_NAN) W[random_below(r, n * k)] = random_below(r, 2) == 0 ? NAN : INFINITY;
    if (form == ALL_NEGATIVE_INFINITY) {
        for (size_t i = 0; i < m; i++) X[i * k] = 1.0f;
        for (size_t j = 0; j < n; j++) W[j * k] = -INFINITY;
    }
}

typedef struct copy {
    rt_arena room;
    rt_screen screen;
} copy;

static copy copy_of(const rt_kernels *kernels, const rt_matrix *W) {
    copy c = {0};
    rt_arena measured = {0};
    float *row = malloc(rt_screen_fill_scratch(W->cols) * sizeof *row);
    rt_screen_place(&measured, W, &c.screen);
    REQUIRE(rt_arena_provide(&c.room, &measured, "a screen", NULL) == RT_OK, "no memory for a screen");
    rt_screen_place(&c.room, W, &c.screen);
    for (size_t panel = 0; panel < rt_screen_panels(&c.screen); panel++) rt_screen_fill(kernels, W, panel, &c.screen, row);
    free(row);
    return c;
}

/* ---- the kernel ---- */

enum { QUERIES = 37 };

typedef struct bounds {
    float upper[QUERIES * RT_SCREEN_PANEL], lower[QUERIES];
} bounds;

static void run_estimate(const rt_kernels *kernels, const rt_screen *s, const int8_t *P, const rt_screen_query *query, const uint64_t *forbidden,
                         bounds *found) {
    guarded p = guarded_open(QUERIES * MAX_K), upper = guarded_open(sizeof found->upper), lower = guarded_open(sizeof found->lower);
    float *u = guarded_paint(&upper, sizeof found->upper), *l = guarded_paint(&lower, sizeof found->lower);
    for (size_t i = 0; i < QUERIES; i++) l[i] = -INFINITY;
    kernels->estimate(QUERIES, s->k_padded, memcpy(guarded_tail(&p, QUERIES * s->k_padded), P, QUERIES * s->k_padded), s->k_padded, query, s->q,
                      s->scale, s->alpha, s->beta, forbidden, 1, u, RT_SCREEN_PANEL, l);
    REQUIRE(guarded_intact(&upper, sizeof found->upper) && guarded_intact(&lower, sizeof found->lower), "%s: writes before its output", kernels->isa);
    memcpy(found->upper, u, sizeof found->upper);
    memcpy(found->lower, l, sizeof found->lower);
    guarded_close(&p);
    guarded_close(&upper);
    guarded_close(&lower);
}

static bool same_bounds(const bounds *a, const bounds *b) {
    for (size_t i = 0; i < QUERIES; i++) {
        if (!(a->lower[i] == b->lower[i])) return false;
    }
    return memcmp(a->upper, b->upper, sizeof a->upper) == 0;
}

static void check_bounds(const rt_kernels *kernels, random_source *r, rows_form form, size_t k) {
    float *X = malloc(QUERIES * k * sizeof *X), *W = malloc(RT_SCREEN_PANEL * k * sizeof *W), score[RT_SCREEN_PANEL];
    int8_t *P = malloc(QUERIES * MAX_K);
    rt_screen_query query[QUERIES];
    uint64_t forbidden[QUERIES];
    bounds got, want;
    fill(r, form, QUERIES, RT_SCREEN_PANEL, k, X, W);
    const rt_matrix matrix = rt_matrix_f32(W, RT_SCREEN_PANEL, k, k);
    copy c = copy_of(kernels, &matrix);
    for (size_t i = 0; i < QUERIES; i++) {
        kernels->quantise(k, X + i * k, P + i * c.screen.k_padded, &query[i]);
        /* One unit alone shows its own lower bound. */
        forbidden[i] = i % 3 == 0 ? ~(UINT64_C(1) << random_below(r, 64)) : i % 3 == 1 ? random_bits(r) * UINT64_C(0x100000001) : 0;
    }
    run_estimate(kernels, &c.screen, P, query, forbidden, &got);
    run_estimate(&rt_kernels_ref, &c.screen, P, query, forbidden, &want);
    REQUIRE(same_bounds(&got, &want), "%s, form %d, k %zu: other bounds than the reference", kernels->isa, (int)form, k);
    for (size_t i = 0; i < QUERIES; i++) {
        float largest = -INFINITY;
        bool is_known = true;
        rt_kernels_ref.dot(1, RT_SCREEN_PANEL, k, X + i * k, k, W, k, score, RT_SCREEN_PANEL);
        for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
            const float upper = got.upper[i * RT_SCREEN_PANEL + j];
            REQUIRE(isfinite(score[j]) ? score[j] <= upper : upper == INFINITY, "%s, form %d, k %zu: score %g above %g", kernels->isa, (int)form, k,
                    (double)score[j], (double)upper);
            if (forbidden[i] >> j & 1) continue;
            is_known &= !isnan(score[j]);
            if (score[j] > largest) largest = score[j];
        }
        REQUIRE(!is_known || got.lower[i] <= largest, "%s, form %d, k %zu: scores of at most %g, said to reach %g", kernels->isa, (int)form, k,
                (double)largest, (double)got.lower[i]);
    }
    rt_arena_free(&c.room);
    free(X);
    free(W);
    free(P);
}

static const size_t widths[] = {1, 2, 3, 5, 16, 17, 100, 511, MAX_K};

enum { N_WIDTHS = sizeof widths / sizeof *widths };

START_TEST(scores_lie_between_their_bounds) {
    random_source r = {5};
    for (rows_form form = 0; form < N_FORMS; form++) {
        for (size_t w = 0; w < N_WIDTHS; w++) {
            for (size_t repeat = 0; repeat < (SANITIZED ? 1 : 6); repeat++) check_bounds(variant(_i), &r, form, widths[w]);
        }
    }
}
END_TEST

/* ---- the largest ---- */

/* As greedy search has it from all scores. */
static int32_t best_of_all(size_t n, float *score, const uint64_t *forbidden) {
    const float max = rt_kernels_ref.max(n, score);
    if (!isfinite(max)) return RT_NO_BEST;
    for (size_t j = 0; j < n; j++) {
        if (forbidden[j / 64] >> j % 64 & 1) score[j] = -INFINITY;
    }
    return (int32_t)rt_kernels_ref.argmax(n, score);
}

static void forbid(random_source *r, size_t i, size_t n, const float *score, uint64_t *forbidden) {
    switch (i % 4) {
    case 0: break;
    case 1: { /* the best of all, and some others */
        const size_t best = rt_kernels_ref.argmax(n, score);
        forbidden[best / 64] |= UINT64_C(1) << best % 64;
        for (size_t t = 0; t < 40; t++) forbidden[random_below(r, n) / 64] |= UINT64_C(1) << random_below(r, 64);
        break;
    }
    case 2:
        for (size_t j = 0; j < n; j++) forbidden[j / 64] |= (uint64_t)(random_below(r, 2)) << j % 64;
        break;
    default:
        for (size_t j = 0; j < n; j++) forbidden[j / 64] |= (uint64_t)(i % 8 == 3 || j != n / 2) << j % 64;
    }
}

typedef struct shape {
    rows_form form;
    size_t m, n, k;
    rt_dtype dtype;
} shape;

static size_t check_best(const rt_compute *compute, random_source *r, const shape *s) {
    const size_t m = s->m, n = s->n, k = s->k;
    float *X = malloc(m * k * sizeof *X), *W = malloc(n * k * sizeof *W), *score = malloc(m * n * sizeof *score);
    uint16_t *halves = malloc(n * k * sizeof *halves);
    rt_matrix matrix = rt_matrix_f32(W, n, k, k);
    fill(r, s->form, m, n, k, X, W);
    if (s->dtype == RT_BF16) {
        for (size_t i = 0; i < n * k; i++) {
            uint32_t bits;
            memcpy(&bits, &W[i], sizeof bits);
            halves[i] = (uint16_t)(bits >> 16);
        }
        matrix.dtype = RT_BF16;
        matrix.data = halves;
    }
    copy c = copy_of(compute->kernels, &matrix);
    rt_arena measured = {0}, block = {0};
    rt_argmax_room room;
    int32_t got[MAX_ROWS];
    rt_screen_tally tally;
    atomic_init(&tally.scores, 0);
    atomic_init(&tally.computed, 0);
    rt_argmax_place(&measured, &c.screen, m, &room);
    float *uppers = rt_arena_alloc(&measured, m * rt_argmax_uppers(&c.screen), sizeof *uppers);
    REQUIRE(rt_arena_provide(&block, &measured, "room", NULL) == RT_OK, "no memory");
    rt_argmax_place(&block, &c.screen, m, &room);
    uppers = rt_arena_alloc(&block, m * rt_argmax_uppers(&c.screen), sizeof *uppers);
    memset(room.forbidden, 0, m * room.n_panels * sizeof *room.forbidden);
    rt_dot_rows(&rt_kernels_ref, m, X, k, &matrix, 0, n, score, n, (float *)rt_scratch(compute, 0));
    for (size_t i = 0; i < m; i++) forbid(r, i, n, score + i * n, room.forbidden + i * room.n_panels);
    rt_screen_argmax(compute, &c.screen, &matrix, m, X, &room, uppers, &tally, got);
    for (size_t i = 0; i < m; i++) {
        const int32_t want = best_of_all(n, score + i * n, room.forbidden + i * room.n_panels);
        REQUIRE(got[i] == want, "%s, form %d, %zu x %zu x %zu, row %zu: unit %d, not %d", compute->kernels->isa, (int)s->form, m, n, k, i,
                got[i], want);
    }
    const size_t computed = atomic_load(&tally.computed);
    ck_assert_uint_eq(atomic_load(&tally.scores), m * n);
    rt_arena_free(&block);
    rt_arena_free(&c.room);
    free(X);
    free(W);
    free(score);
    free(halves);
    return computed;
}

START_TEST(the_largest_of_all) {
    static const size_t units[] = {1, 63, 64, 65, 512, 513, UNITS};
    random_source r = {6};
    for (size_t threads = 1; threads <= 3; threads++) {
        rt_compute compute = {.kernels = variant(_i), .scratch_bytes = rt_dot_rows_scratch(variant(_i), MAX_K)};
        REQUIRE(rt_threads_open(threads, &compute.threads, NULL) == RT_OK, "no threads");
        compute.scratch_bytes = (compute.scratch_bytes + 63) / 64 * 64;
        compute.scratch = aligned_alloc(64, threads * compute.scratch_bytes);
        for (shape s = {.form = 0}; s.form < N_FORMS; s.form++) {
            for (s.m = 1; s.m <= MAX_ROWS; s.m += SANITIZED ? 6 : 1) {
                s.dtype = s.m % 3 == 2 ? RT_BF16 : RT_F32;
                s.n = units[random_below(&r, sizeof units / sizeof *units)];
                s.k = widths[random_below(&r, N_WIDTHS)];
                check_best(&compute, &r, &s);
            }
        }
        free(compute.scratch);
        rt_threads_close(compute.threads);
    }
}
END_TEST

START_TEST(few_are_computed) {
    const rt_kernels *kernels = variant(_i);
    random_source r = {7};
    rt_compute compute = {.kernels = kernels, .scratch_bytes = (rt_dot_rows_scratch(kernels, MAX_K) + 63) / 64 * 64};
    compute.scratch = aligned_alloc(64, compute.scratch_bytes);
    const shape s = {.form = ORDINARY, .m = 1, .n = UNITS, .k = MAX_K, .dtype = RT_F32};
    ck_assert_uint_le(check_best(&compute, &r, &s), 100);
    free(compute.scratch);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("screen_argmax");
    TCase *tc = tcase_create("screen_argmax");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, scores_lie_between_their_bounds, 0, n_variants());
    tcase_add_loop_test(tc, the_largest_of_all, 0, n_variants());
    tcase_add_loop_test(tc, few_are_computed, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

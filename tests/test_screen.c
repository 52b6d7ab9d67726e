/* Screening leaves out no score that the dot kernel finds positive, or NaN: on ordinary rows, on rows that are nearly at right angles, on
 * tiny, huge and not finite ones. And its kernels equal their reference bit for bit. */
#include "runtime/screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { QUERIES = 45, UNITS = 100, MAX_K = 768, PANELS = (UNITS + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL };

START_TEST(dot_listed_equals_dot) {
    enum { ROWS = 40 };
    random_source r = {1};
    guarded A = guarded_open(ROWS * MAX_K * sizeof(float)), b = guarded_open(MAX_K * sizeof(float));
    guarded list = guarded_open(ROWS), out = guarded_open(ROWS * sizeof(float));
    for (size_t k = 0; k <= 140; k++) {
        const size_t lda = k | 1, n_A = (ROWS - 1) * lda + k;
        fill_floats(&r, (float_kind)(k % N_FLOAT_KINDS), n_A, guarded_floats(&A, n_A));
        fill_floats(&r, (float_kind)(k % N_FLOAT_KINDS), k, guarded_floats(&b, k));
        for (size_t n = 0; n <= ROWS; n += n < 20 ? 1 : 7) {
            uint8_t *row = guarded_tail(&list, n);
            float want[ROWS], *got = guarded_paint(&out, n * sizeof *got);
            for (size_t t = 0; t < n; t++) {
                row[t] = (uint8_t)random_below(&r, ROWS);
                rt_kernels_ref.dot(1, 1, k, guarded_floats(&A, n_A) + row[t] * lda, lda, guarded_floats(&b, k), k, want + t, 1);
            }
            variant(_i)->dot_listed(n, row, k, guarded_floats(&A, n_A), lda, guarded_floats(&b, k), got);
            REQUIRE(same_floats(n, got, want), "%s: %zu rows of %zu", variant(_i)->isa, n, k);
            REQUIRE(guarded_intact(&out, n * sizeof *got), "%s: writes before its output", variant(_i)->isa);
        }
    }
    guarded_close(&A);
    guarded_close(&b);
    guarded_close(&list);
    guarded_close(&out);
}
END_TEST

START_TEST(dot_indexed_equals_dot) {
    enum { ROWS = 300 };
    random_source r = {5};
    guarded A = guarded_open(ROWS * 150 * sizeof(float)), b = guarded_open(150 * sizeof(float));
    guarded list = guarded_open(ROWS * sizeof(uint32_t)), out = guarded_open(ROWS * sizeof(float));
    for (size_t k = 0; k <= 140; k++) {
        const size_t lda = k | 1, n_A = (ROWS - 1) * lda + k;
        fill_floats(&r, (float_kind)(k % N_FLOAT_KINDS), n_A, guarded_floats(&A, n_A));
        fill_floats(&r, (float_kind)(k % N_FLOAT_KINDS), k, guarded_floats(&b, k));
        for (size_t n = 0; n <= 70; n++) {
            uint32_t *index = guarded_tail(&list, n * sizeof *index);
            float want[70], *got = guarded_paint(&out, n * sizeof *got);
            for (size_t t = 0; t < n; t++) {
                index[t] = t + 1 == n ? ROWS - 1 : (uint32_t)random_below(&r, ROWS);
                rt_kernels_ref.dot(1, 1, k, guarded_floats(&A, n_A) + index[t] * lda, lda, guarded_floats(&b, k), k, want + t, 1);
            }
            variant(_i)->dot_indexed(n, index, k, guarded_floats(&A, n_A), lda, guarded_floats(&b, k), got);
            REQUIRE(same_floats(n, got, want), "%s: %zu rows of %zu", variant(_i)->isa, n, k);
            REQUIRE(guarded_intact(&out, n * sizeof *got), "%s: writes before its output", variant(_i)->isa);
        }
    }
    guarded_close(&A);
    guarded_close(&b);
    guarded_close(&list);
    guarded_close(&out);
}
END_TEST

/* Bytes of any value, the largest of either sign among them; scales with infinities and NaN. */
START_TEST(dot_bytes_equals_its_reference) {
    enum { ROWS_MAX = 70, K_MAX = 200 };
    random_source r = {3};
    guarded p = guarded_open(ROWS_MAX * K_MAX), q = guarded_open(RT_SCREEN_PANEL * K_MAX), query = guarded_open(ROWS_MAX * sizeof(rt_screen_query));
    guarded scale = guarded_open(RT_SCREEN_PANEL * sizeof(float)), C = guarded_open(ROWS_MAX * RT_SCREEN_PANEL * sizeof(float));
    float *want = malloc(ROWS_MAX * RT_SCREEN_PANEL * sizeof *want);
    for (size_t k = 0; k <= 192; k += k < 24 ? 4 : k == 24 ? 40 : 64) {
        uint8_t *Q = guarded_tail(&q, RT_SCREEN_PANEL * k);
        for (size_t c = 0; c < RT_SCREEN_PANEL * k; c++) Q[c] = (uint8_t)(k == 128 ? random_below(&r, 2) * 254 + 1 : 1 + random_below(&r, 255));
        for (size_t m = 0; m <= ROWS_MAX; m++) {
            const size_t ldp = k + m % 3, n = m % 4 == 0 ? RT_SCREEN_PANEL : 1 + random_below(&r, RT_SCREEN_PANEL), ldc = n + m % 2;
            const size_t n_P = m > 0 ? (m - 1) * ldp + k : 0, n_C = m > 0 ? (m - 1) * ldc + n : 0;
            int8_t *P = guarded_tail(&p, n_P);
            rt_screen_query *rows = guarded_tail(&query, m * sizeof *rows);
            for (size_t c = 0; c < n_P; c++) P[c] = (int8_t)(k == 128 ? (int)random_below(&r, 2) * 254 - 127 : (int)random_below(&r, 255) - 127);
            for (size_t i = 0; i < m; i++) {
                rows[i] = (rt_screen_query){.scale = (float)i * 0.25f - 3.0f};
                for (size_t c = 0; c < k; c++) rows[i].sum += P[i * ldp + c];
            }
            fill_floats(&r, (float_kind)(m % N_FLOAT_KINDS), RT_SCREEN_PANEL, guarded_floats(&scale, RT_SCREEN_PANEL));
            float *got = guarded_paint(&C, n_C * sizeof *got);
            memcpy(want, got, n_C * sizeof *got);
            rt_kernels_ref.dot_bytes(m, n, k, P, ldp, rows, Q, guarded_floats(&scale, RT_SCREEN_PANEL), want, ldc);
            variant(_i)->dot_bytes(m, n, k, P, ldp, rows, Q, guarded_floats(&scale, RT_SCREEN_PANEL), got, ldc);
            REQUIRE(same_floats(n_C, got, want), "%s %s: %zu rows of %zu, %zu units", variant(_i)->isa, variant(_i)->bytes, m, k, n);
            REQUIRE(guarded_intact(&C, n_C * sizeof *got), "%s %s: writes before its output", variant(_i)->isa, variant(_i)->bytes);
        }
    }
    guarded_close(&p);
    guarded_close(&q);
    guarded_close(&query);
    guarded_close(&scale);
    guarded_close(&C);
    free(want);
}
END_TEST

/* What a case puts in the queries X [QUERIES, k] and the units W [UNITS, k]. */
typedef enum rows_form { ORDINARY, MOSTLY_NEGATIVE, RIGHT_ANGLES, TINY, SUBNORMAL, HUGE_ROWS, NOT_FINITE, WIDE, N_ROWS_FORMS } rows_form;

static void fill_rows(random_source *r, rows_form form, size_t k, float *X, float *W) {
    static const float scales[N_ROWS_FORMS] = {[TINY] = 1e-15f, [SUBNORMAL] = 1e-39f, [HUGE_ROWS] = 1e19f};
    const float_kind kind = form == NOT_FINITE ? FLOATS_NAN : form == WIDE ? FLOATS_WIDE : FLOATS_UNIT;
    const float factor = scales[form] != 0.0f ? scales[form] : 1.0f;
    fill_floats(r, kind, QUERIES * k, X);
    fill_floats(r, kind, UNITS * k, W);
    for (size_t i = 0; i < QUERIES * k; i++) X[i] *= factor;
    for (size_t j = 0; j < UNITS; j++) {
        float *w = W + j * k;
        const float *x = X + j % QUERIES * k;
        if (j % 2 == 0) {
            for (size_t c = 0; c < k; c++) w[c] *= factor;
        }
        double along = 0, square = 0;
        for (size_t c = 0; c < k; c++) along += (double)w[c] * (double)x[c], square += (double)x[c] * (double)x[c];
        for (size_t c = 0; c < k; c++) {
            if (form == MOSTLY_NEGATIVE) w[c] -= x[c];
            if (form == RIGHT_ANGLES) w[c] = (float)((double)w[c] - along / square * (double)x[c]);
        }
    }
}

/* All that screening keeps of the queries, by one variant. */
typedef struct screened {
    int8_t p[QUERIES * MAX_K];
    rt_screen_query query[QUERIES];
    uint64_t mask[PANELS][QUERIES];
} screened;

static void run_screen(const rt_kernels *kernels, const rt_screen *screen, const float *X, screened *s) {
    memset(s, 0, sizeof *s);
    guarded row = guarded_open(MAX_K * sizeof *X), p = guarded_open(QUERIES * MAX_K), mask = guarded_open(QUERIES * sizeof(uint64_t));
    const size_t k = screen->k, padded = screen->k_padded;
    int8_t *P = guarded_tail(&p, QUERIES * padded);
    for (size_t i = 0; i < QUERIES; i++) {
        kernels->quantise(k, memcpy(guarded_floats(&row, k), X + i * k, k * sizeof *X), s->p + i * padded, &s->query[i]);
    }
    memcpy(P, s->p, QUERIES * padded);
    for (size_t panel = 0; panel < PANELS; panel++) {
        const size_t first = panel * RT_SCREEN_PANEL;
        uint64_t *found = guarded_paint(&mask, sizeof s->mask[panel]);
        kernels->screen(QUERIES, padded, P, padded, s->query, screen->q + first * padded, screen->scale + first, screen->alpha + first,
                        screen->beta + first, found);
        memcpy(s->mask[panel], found, sizeof s->mask[panel]);
        REQUIRE(guarded_intact(&mask, sizeof s->mask[panel]), "%s: writes before the masks", kernels->isa);
    }
    guarded_close(&row);
    guarded_close(&p);
    guarded_close(&mask);
}

/* Returns how many scores are left out; ends the test if one of them is not known to be at most 0. */
static size_t check_left_out(const rt_kernels *kernels, const screened *s, rows_form form, size_t k, const float *X, const float *W) {
    size_t left_out = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        for (size_t j = 0; j < UNITS; j++) {
            if (s->mask[j / RT_SCREEN_PANEL][i] >> j % RT_SCREEN_PANEL & 1) continue;
            float score;
            rt_kernels_ref.dot(1, 1, k, X + i * k, k, W + j * k, k, &score, 1);
            REQUIRE(score <= 0.0f, "%s, form %d, k %zu: leaves out score %g of unit %zu", kernels->isa, (int)form, k, (double)score, j);
            left_out++;
        }
    }
    return left_out;
}

static size_t check_form(const rt_kernels *kernels, random_source *r, rows_form form, size_t k) {
    static const size_t n_X = QUERIES * MAX_K, n_W = UNITS * MAX_K;
    float *X = malloc(n_X * sizeof *X), *W = malloc(n_W * sizeof *W), *row = malloc(rt_screen_fill_scratch(MAX_K) * sizeof *row);
    screened *got = malloc(sizeof *got), *want = malloc(sizeof *want);
    rt_arena measured = {0}, room = {0};
    rt_screen screen;
    const rt_matrix matrix = rt_matrix_f32(W, UNITS, k, k);
    fill_rows(r, form, k, X, W);
    rt_screen_place(&measured, &matrix, &screen);
    REQUIRE(rt_arena_provide(&room, &measured, "a screen", NULL) == RT_OK, "no memory for a screen");
    rt_screen_place(&room, &matrix, &screen);
    for (size_t panel = 0; panel < PANELS; panel++) rt_screen_fill(kernels, &matrix, panel, &screen, row);
    run_screen(kernels, &screen, X, got);
    run_screen(&rt_kernels_ref, &screen, X, want);
    REQUIRE(memcmp(got->p, want->p, sizeof got->p) == 0, "%s, form %d, k %zu: other 8-bit queries", kernels->isa, (int)form, k);
    REQUIRE(memcmp(got->query, want->query, sizeof got->query) == 0, "%s, form %d, k %zu: other norms", kernels->isa, (int)form, k);
    REQUIRE(memcmp(got->mask, want->mask, sizeof got->mask) == 0, "%s, form %d, k %zu: other masks", kernels->isa, (int)form, k);
    const size_t left_out = check_left_out(kernels, got, form, k, X, W);
    rt_arena_free(&room);
    free(X);
    free(W);
    free(row);
    free(got);
    free(want);
    return left_out;
}

START_TEST(no_positive_score_is_left_out) {
    static const size_t widths[] = {1, 2, 3, 4, 5, 15, 16, 17, 64, 100, 511, MAX_K};
    const rt_kernels *kernels = variant(_i);
    random_source r = {2};
    for (rows_form form = 0; form < N_ROWS_FORMS; form++) {
        size_t left_out = 0;
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            for (size_t repeat = 0; repeat < (SANITIZED ? 2 : 8); repeat++) left_out += check_form(kernels, &r, form, widths[w]);
        }
        ck_assert_msg(form > MOSTLY_NEGATIVE || left_out > 2000, "form %d: screening leaves out %zu scores only", (int)form, left_out);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("screen");
    TCase *tc = tcase_create("screen");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, dot_listed_equals_dot, 0, n_variants());
    tcase_add_loop_test(tc, dot_indexed_equals_dot, 0, n_variants());
    tcase_add_loop_test(tc, dot_bytes_equals_its_reference, 0, n_variants());
    tcase_add_loop_test(tc, no_positive_score_is_left_out, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

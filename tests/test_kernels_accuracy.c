/* How far the kernels' arithmetic is from the truth, taken from libm in double.
 *
 *   exp_sum     relative error below 1e-7 on [-87.3, 0]
 *   activate    error below 2e-7 |x| (GELU by erf: 4e-7 |x|) for every x. That is a bound relative to the result where x > 0, but an
 *               absolute one on the tail where x < 0. Relative to the result SiLU stays below 3e-7 down to the cut of exp; the tanh form
 *               of GELU leaves 4e-7 below x = -1 (the argument of exp, large by then, is itself rounded), and the erf form is within
 *               4e-7 only from 0.5 on (the polynomial of erf has an absolute error of 1.5e-7)
 *   dot         half an ulp of the magnitudes for each addition of its lane and of the tree
 *   rms_norm    its mean square by the same bound as dot, and a few roundings more */
#include <float.h>
#include <math.h>

#include "tests/support/floats.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

enum { BLOCK = 512, SWEEP = SANITIZED ? 100000 : 6000000 };

/* How often eps may enter a sum of n terms by lanes: each term's own chain, then 4 halvings. */
static double sum_bound(size_t n) { return ((double)(n / 16) + 1 + 4) * (double)FLT_EPSILON / 2; }

static void expect_below(const char *what, double error, double bound, double x) {
    REQUIRE(error <= bound, "%s: error %.3g over %.3g at %.9g", what, error, bound, x);
}

START_TEST(exp_is_within_1e_7) {
    float x[BLOCK], y[BLOCK];
    for (size_t block = 0; block < SWEEP / BLOCK; block++) {
        double exact_sum = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            x[i] = (float)(-87.3 * (double)(block * BLOCK + i) / SWEEP);
            exact_sum += exp((double)x[i]);
        }
        const double sum = (double)variant(_i)->exp_sum(BLOCK, x, 0.0f, y);
        for (size_t i = 0; i < BLOCK; i++) {
            const double exact = exp((double)x[i]);
            expect_below("exp", fabs((double)y[i] - exact) / exact, 1e-7, (double)x[i]);
        }
        expect_below("sum of exp", fabs(sum - exact_sum) / exact_sum, 1e-7 + sum_bound(BLOCK), (double)x[0]);
    }
}
END_TEST

static double sigmoid(double u) { return u >= 0 ? 1 / (1 + exp(-u)) : exp(u) / (1 + exp(u)); }

static double exact_activation(rt_activation act, double x) {
    switch (act) {
    case RT_GELU_TANH: return x * sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
    case RT_GELU_ERF: return x * 0.5 * erfc(-x * M_SQRT1_2);
    default: return x * sigmoid(x);
    }
}

/* For every x the error is below of_x |x|; for x > from it is also below of_result times the result. Below -87.3 exp is cut to 0, and the
 * exact result is under 1e-36. */
static const struct {
    rt_activation act;
    double of_x, from, of_result;
} activations[] = {{RT_GELU_TANH, 2e-7, -1.0, 4e-7}, {RT_GELU_ERF, 4e-7, 0.5, 4e-7}, {RT_SILU, 2e-7, -87.3, 3e-7}};

START_TEST(activations_are_within_their_bounds) {
    float x[BLOCK], y[BLOCK];
    for (size_t a = 0; a < sizeof activations / sizeof *activations; a++) {
        for (size_t block = 0; block < SWEEP / BLOCK; block++) {
            /* Cubed, so that small values are as dense as they are many: from -90 to 90. */
            for (size_t i = 0; i < BLOCK; i++) {
                const double t = 2.0 * (double)(block * BLOCK + i) / SWEEP - 1;
                x[i] = y[i] = (float)(90 * t * t * t);
            }
            variant(_i)->activate(activations[a].act, BLOCK, y);
            for (size_t i = 0; i < BLOCK; i++) {
                const double exact = exact_activation(activations[a].act, (double)x[i]), error = fabs((double)y[i] - exact);
                expect_below("activation", error, activations[a].of_x * fabs((double)x[i]), (double)x[i]);
                if ((double)x[i] <= activations[a].from) continue;
                expect_below("activation, of its result", error, activations[a].of_result * fabs(exact), (double)x[i]);
            }
        }
    }
}
END_TEST

START_TEST(dot_is_within_its_bound) {
    enum { MAX = 1000 };
    float a[MAX], b[MAX], sum;
    random_source r = {1};
    for (size_t n = 1; n <= MAX; n += 1 + 10 * SANITIZED) {
        fill_floats(&r, FLOATS_UNIT, n, a);
        fill_floats(&r, FLOATS_UNIT, n, b);
        double exact = 0, magnitude = 0;
        for (size_t i = 0; i < n; i++) {
            exact += (double)a[i] * (double)b[i];
            magnitude += fabs((double)a[i] * (double)b[i]);
        }
        variant(_i)->dot(1, 1, n, a, n, b, n, &sum, 1);
        expect_below("dot", fabs((double)sum - exact), sum_bound(n) * magnitude, (double)n);
    }
}
END_TEST

START_TEST(rms_norm_is_within_its_bound) {
    enum { MAX = 1000 };
    float x[MAX], w[MAX], out[MAX];
    random_source r = {2};
    for (size_t n = 1; n <= MAX; n += 1 + 10 * SANITIZED) {
        fill_floats(&r, FLOATS_UNIT, n, x);
        fill_floats(&r, FLOATS_UNIT, n, w);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
        const double exact = sum / (double)n, mean = (double)variant(_i)->rms_norm(n, x, w, 1e-6f, out);
        const double bound = sum_bound(n) + 5 * (double)FLT_EPSILON;
        expect_below("mean square", fabs(mean - exact) / exact, bound, (double)n);
        for (size_t i = 0; i < n; i++) {
            const double want = (double)x[i] / sqrt(exact + 1e-6) * (double)w[i];
            expect_below("rms_norm", fabs((double)out[i] - want), bound * fabs(want), (double)n);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernels_accuracy");
    TCase *tc = tcase_create("kernels_accuracy");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, exp_is_within_1e_7, 0, n_variants());
    tcase_add_loop_test(tc, activations_are_within_their_bounds, 0, n_variants());
    tcase_add_loop_test(tc, dot_is_within_its_bound, 0, n_variants());
    tcase_add_loop_test(tc, rms_norm_is_within_its_bound, 0, n_variants());
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

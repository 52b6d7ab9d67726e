/* Means and intervals of scores that are not kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/model.h"
#include "tools/eval_tally.h"
#include "tools/metrics/significance.h"

/* The Poisson bootstrap agrees with the one that draws n of n, on scores of each kind. */
START_TEST(intervals_agree) {
    enum { N = 2000 };
    static double scores[N];
    static bootstrap_mean mean;
    uint8_t weights[BOOTSTRAP_RESAMPLES];
    uint64_t seed = 1;
    double sum = 0;
    memset(&mean, 0, sizeof mean);
    for (size_t i = 0; i < N; i++) {
        scores[i] = _i == 0 ? (double)(i % 10 < 7) : (double)(i * i % 101) / 100;
        sum += scores[i];
        bootstrap_weights(&seed, weights);
        bootstrap_add(&mean, weights, scores[i]);
    }
    interval drawn;
    must(bootstrap_95(scores, N, 4000, 7, &drawn, NULL), NULL);
    const interval poisson = bootstrap_interval(&mean);
    ck_assert_double_eq_tol(mean.sum, sum, 1e-9);
    ck_assert_double_eq_tol(poisson.low, drawn.low, 0.1 * (drawn.high - drawn.low));
    ck_assert_double_eq_tol(poisson.high, drawn.high, 0.1 * (drawn.high - drawn.low));
}
END_TEST

/* The weights are Poisson variables of mean 1: P(0) = P(1) = 1/e, P(2) = 1/(2e), P(3) = 1/(6e). */
START_TEST(poisson_weights) {
    enum { TIMES = 1000 };
    uint8_t weights[BOOTSTRAP_RESAMPLES];
    uint64_t seed = 3;
    double n[256] = {0};
    for (size_t i = 0; i < TIMES; i++) {
        bootstrap_weights(&seed, weights);
        for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) n[weights[r]]++;
    }
    double expected = TIMES * BOOTSTRAP_RESAMPLES / exp(1), total = 0;
    for (int k = 0; k < 9; k++) {
        ck_assert_double_eq_tol(n[k], expected, 6 * sqrt(expected) + 6); /* six standard deviations */
        total += n[k];
        expected /= k + 1;
    }
    ck_assert_double_eq(total, TIMES * BOOTSTRAP_RESAMPLES);
}
END_TEST

START_TEST(few_scores) {
    static bootstrap_mean mean;
    memset(&mean, 0, sizeof mean);
    interval i = bootstrap_interval(&mean);
    ck_assert(i.low == 0 && i.high == 0);
    uint8_t weights[BOOTSTRAP_RESAMPLES] = {0}; /* a score that is in no resample */
    bootstrap_add(&mean, weights, 0.25);
    i = bootstrap_interval(&mean);
    ck_assert(i.low == 0.25 && i.high == 0.25);
}
END_TEST

START_TEST(sets_and_tasks) {
    eval_tally *tally;
    eval_group all;
    const eval_group *tasks;
    size_t n_tasks;
    must(eval_tally_open("set", &tally, NULL), NULL);
    eval_tally_result(tally, &all, &tasks, &n_tasks);
    ck_assert(all.n_questions == 0 && all.exact_match.n == 0 && n_tasks == 0);
    const eval_score right = {.scored = true, .exact_match = 1, .f1 = 1, .has_own = true, .own = 1}, unscored = {.scored = false};
    const eval_score half = {.scored = true, .exact_match = 0, .f1 = 0.5};
    must(eval_tally_add(tally, slice_of("b"), DATA_CHOICE, &right, NULL), NULL);
    must(eval_tally_add(tally, slice_of("a"), DATA_EM_F1, &half, NULL), NULL);
    must(eval_tally_add(tally, slice_of("b"), DATA_EM_F1, &half, NULL), NULL);
    must(eval_tally_add(tally, slice_of(""), DATA_EM_F1, &half, NULL), NULL);
    must(eval_tally_add(tally, slice_of("c"), DATA_EM_F1, &unscored, NULL), NULL);
    eval_tally_result(tally, &all, &tasks, &n_tasks);
    ck_assert_str_eq(all.name, "set");
    ck_assert_uint_eq(all.n_questions, 4);
    ck_assert_double_eq(all.exact_match.mean, 0.25);
    ck_assert_double_eq(all.f1.mean, 0.625);
    ck_assert(all.f1.low >= 0.5 && all.f1.low < 0.625 && all.f1.high > 0.625 && all.f1.high <= 1);
    ck_assert(all.own.n == 1 && all.own.mean == 1);
    ck_assert_str_eq(all.own_name, "accuracy");
    ck_assert_uint_eq(n_tasks, 2);
    ck_assert_str_eq(tasks[0].name, "b");
    ck_assert(tasks[0].n_questions == 2 && tasks[0].exact_match.mean == 0.5 && tasks[0].own.n == 1);
    ck_assert_str_eq(tasks[1].name, "a");
    ck_assert(tasks[1].n_questions == 1 && tasks[1].own.n == 0 && tasks[1].own_name == NULL);
    eval_tally_close(tally);
}
END_TEST

/* Above EVAL_MAX_TASKS questions count in the set alone. */
START_TEST(many_tasks) {
    eval_tally *tally;
    eval_group all;
    const eval_group *tasks;
    size_t n_tasks;
    const eval_score right = {.scored = true, .exact_match = 1, .f1 = 1};
    must(eval_tally_open("set", &tally, NULL), NULL);
    for (size_t i = 0; i < EVAL_MAX_TASKS + 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu", i);
        must(eval_tally_add(tally, slice_of(name), DATA_EM_F1, &right, NULL), NULL);
    }
    eval_tally_result(tally, &all, &tasks, &n_tasks);
    ck_assert_uint_eq(all.n_questions, EVAL_MAX_TASKS + 10);
    ck_assert_uint_eq(n_tasks, EVAL_MAX_TASKS);
    eval_tally_close(tally);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("eval_tally");
    tcase_add_loop_test(tests, intervals_agree, 0, 2);
    tcase_add_test(tests, poisson_weights);
    tcase_add_test(tests, few_scores);
    tcase_add_test(tests, sets_and_tasks);
    tcase_add_test(tests, many_tasks);
    return run_tests("eval_tally", tests, 60);
}

/* What compare makes of its options and its sums: lists of settings, paired differences, the published tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model.h"
#include "tests/support/require.h"
#include "tools/compare_paper.h"
#include "tools/compare_print.h"
#include "tools/compare_tally.h"

static void expect_settings(const char *ff, const char *attn, const char *names) {
    compare_settings settings;
    rt_error err;
    char got[512] = "";
    must(compare_settings_list(ff, attn, 512, &settings, &err), &err);
    for (size_t i = 0; i < settings.n; i++) {
        const size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%s<%zu", i > 0 ? "; " : "", settings.v[i].name, settings.v[i].encoded_by);
    }
    ck_assert_str_eq(got, names);
}

START_TEST(lists_of_settings) {
    expect_settings(NULL, NULL, "dense<0; ff 16<1; ff 32<2; ff 64<3; ff 128<4; ff 256<5");
    expect_settings("16,all,16,512", NULL, "dense<0; ff 16<1; ff 512<2");
    expect_settings(NULL, "8,dec=4,cross=2,all", "dense<0; dec 4<0; cross 2<0; attn 8<3");
    expect_settings("64,64+cross=8,32+attn=16", "enc=4,enc=4+dec=4,ff=64+dec=1",
                    "dense<0; ff 64<1; ff 64, cross 8<1; ff 64, dec 1<1; ff 32, attn 16<4; enc 4<5; enc 4, dec 4<5");
}
END_TEST

START_TEST(wrong_settings) {
    static const char *const wrong[] = {"",    "16,",         ",16", "0",     "-1",  "1e3",  "x",         "ff",
                                        "ff=", "enc=all,dec", "16+", "16+32", "16 ", "ff=0", "encoder=3", "513"};
    compare_settings settings;
    rt_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        REQUIRE(compare_settings_list(wrong[i], NULL, 512, &settings, &err) == RT_ERR_USAGE, "\"%s\" is taken", wrong[i]);
        REQUIRE(strncmp(err.message, "--ff-topk ", 10) == 0, "%s", err.message);
    }
    char many[1024] = "1";
    for (size_t k = 2; k < 100; k++) snprintf(many + strlen(many), sizeof many - strlen(many), ",%zu", k);
    ck_assert_int_eq(compare_settings_list(NULL, many, 512, &settings, &err), RT_ERR_USAGE);
}
END_TEST

START_TEST(paired_scores) {
    rt_error err;
    compare_settings settings;
    compare_tally tally;
    compare_outcome *o = calloc(2, sizeof *o);
    t5_model *model = must_open(GOLDEN("relu_tied"));
    must(compare_settings_list("16", NULL, 64, &settings, &err), &err);
    must(compare_tally_open(&settings, model, &tally, &err), &err);
    for (size_t i = 0; i < 100; i++) { /* dense is right in 80; of those top-k loses 12, and gains 3 of the others */
        const eval_score scores[] = {{.scored = true, .exact_match = i < 80, .f1 = 1},
                                     {.scored = true, .exact_match = i >= 12 && i < 83, .f1 = 0.5}};
        compare_tally_scores(&tally, scores);
    }
    compare_tally_scores(&tally, (eval_score[2]){{.scored = false}});
    must(compare_tally_result(&tally, o, &err), &err);
    ck_assert_uint_eq(o[1].exact_match.n, 100);
    ck_assert_double_eq_tol(o[0].exact_match.mean, 0.80, 1e-12);
    ck_assert_double_eq_tol(o[1].exact_match_change.mean.mean, -0.09, 1e-12);
    ck_assert_uint_eq(o[1].exact_match_change.n_better, 3);
    ck_assert_uint_eq(o[1].exact_match_change.n_worse, 12);
    ck_assert_double_eq_tol(o[1].exact_match_change.p, 0.03515625, 1e-9); /* 2 (C(15,0) + ... + C(15,3)) / 2^15 */
    ck_assert(o[1].exact_match_change.mean.low < -0.09 && o[1].exact_match_change.mean.high > -0.09 &&
              o[1].exact_match_change.mean.high < 0);
    ck_assert_uint_eq(o[1].f1_change.n_worse, 100);
    compare_outcomes_free(o, 2);
    compare_tally_close(&tally);
    t5_model_close(model);
}
END_TEST

START_TEST(published) {
    paper_score score;
    ck_assert(paper_published(3072, "arc_easy", "dev", 64, &score) && score.exact_match == 53.2 && score.f1 == 61.1);
    ck_assert(paper_published(3072, "ARC-Easy", "dev", 0, &score) && score.exact_match == 54.7);
    ck_assert(paper_published(3072, "mctest_corrected_the_separator", "dev", 3072, &score) && score.f1 == 89.3);
    ck_assert(paper_published(65536, "boolq", "dev", 64, &score) && score.exact_match == 88.7 && score.f1 < 0);
    ck_assert(!paper_published(3072, "arc_easy", "test", 64, &score));
    ck_assert(!paper_published(3072, "arc_easy", "dev", 63, &score));
    ck_assert(!paper_published(2048, "arc_easy", "dev", 64, &score));
    ck_assert(!paper_published(3072, "arc", "dev", 64, &score));
    ck_assert(!paper_published(16384, "boolq", "dev", 512, &score));
}
END_TEST

/* The published row stands beside the measured one where d_ff and the set match, and not elsewhere. */
START_TEST(table_beside_the_paper) {
    rt_error err;
    rt_text out = {0};
    compare_layer layers[1] = {{.positive_mean = 307.2}};
    compare_outcome outcomes[4];
    compare_set set = {.path = "arc_easy", .dataset = "arc_easy", .split = "dev", .n_questions = 10, .complete = true, .outcomes = outcomes};
    compare_result result = {.d_ff = 3072, .n_encoder = 1, .isa = "ref", .sets = &set, .n_sets = 1};
    must(compare_settings_list("16,17,64+enc=8", NULL, 3072, &result.settings, &err), &err);
    ck_assert_uint_eq(result.settings.n, 4);
    for (size_t s = 0; s < 4; s++) {
        outcomes[s] = (compare_outcome){.exact_match = {10, 0.5, 0.2, 0.8}, .f1 = {10, 0.6, 0.3, 0.9}, .encoder = layers};
    }
    must(compare_print_table(&result, &out, &err), &err);
    ck_assert_ptr_nonnull(strstr(out.v, "  paper\n"));
    ck_assert_ptr_nonnull(strstr(out.v, "  54.7 / 62.9\n"));
    ck_assert_ptr_nonnull(strstr(out.v, "  47.7 / 56.7\n"));
    ck_assert_ptr_null(strstr(out.v, "61.1")); /* of k = 64 alone */
    ck_assert_ptr_nonnull(strstr(out.v, "encoder  1     307.2 (10.0 %)"));
    out.n = 0;
    result.d_ff = 2048;
    must(compare_print_table(&result, &out, &err), &err);
    ck_assert_ptr_null(strstr(out.v, "paper"));
    rt_text_free(&out);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("compare results");
    tcase_add_test(tests, lists_of_settings);
    tcase_add_test(tests, wrong_settings);
    tcase_add_test(tests, paired_scores);
    tcase_add_test(tests, published);
    tcase_add_test(tests, table_beside_the_paper);
    return run_tests("compare results", tests, 60);
}

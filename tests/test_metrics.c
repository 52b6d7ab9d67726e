/* Scores by hand: each rule of the official evaluations has a case here. Values are what the rules give on paper. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/buffer.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"
#include "tools/metrics/assignment.h"
#include "tools/metrics/bleu.h"
#include "tools/metrics/choice.h"
#include "tools/metrics/drop.h"
#include "tools/metrics/number_text.h"
#include "tools/metrics/rouge.h"
#include "tools/metrics/significance.h"
#include "tools/metrics/squad.h"
#include "tools/metrics/unicode.h"

enum { MAX_TEXTS = 4 };

/* Texts up to the first NULL. */
static size_t list_texts(const char *const *texts, slice *out) {
    size_t n = 0;
    for (; n < MAX_TEXTS && texts[n] != NULL; n++) out[n] = slice_of(texts[n]);
    return n;
}

typedef struct text_row {
    const char *text, *want;
} text_row;

static void expect_text(const text_row *row, rt_status (*function)(slice, rt_text *, rt_error *)) {
    rt_text out = {0};
    ck_assert_int_eq(function(slice_of(row->text), &out, NULL), RT_OK);
    ck_assert_str_eq(out.v, row->want);
    rt_text_free(&out);
}

static const text_row normal_rows[] = {
    {"", ""},
    {"The  Cat, a dog and AN owl.", "cat dog and owl"},
    {"the", ""},
    {"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~x", "x"},
    {"co-op", "coop"},                                     /* punctuation goes without a trace */
    {"a.n owl", "owl"},                                    /* and before the articles */
    {"U.S.A", "usa"},
    {"theatre an\xc3\xa9 \xc3\xa9" "a", "theatre an\xc3\xa9 \xc3\xa9" "a"}, /* a letter beside an article makes it a word */
    {"a\xe2\x80\x93" "b", "\xe2\x80\x93" "b"},             /* a dash (U+2013) does not, and is no ASCII punctuation */
    {"the\xe2\x80\x99s", "\xe2\x80\x99s"},
    {"54\xc2\xa0Mbit/s", "54 mbits"},                      /* U+00A0 is white space */
    {"x\xe3\x80\x80y\xe2\x80\x89z\x1c.", "x y z"},
    {"x\xe2\x80\x8by", "x\xe2\x80\x8by"},                  /* U+200B is not */
    {"\xc3\x96\xc3\x89 \xc4\x90 \xc5\x81\xc5\x9a \xd0\x9d\xd0\xa2 \xe1\xbf\xac",
     "\xc3\xb6\xc3\xa9 \xc4\x91 \xc5\x82\xc5\x9b \xd0\xbd\xd1\x82 \xe1\xbf\xa5"},
    {"\xff the \xc3", "\xff \xc3"},                        /* bytes that are no UTF-8 stay */
};

START_TEST(squad_normalisation) { expect_text(&normal_rows[_i], squad_normalise); }
END_TEST

static const text_row lower_rows[] = {
    {"AZ[", "az["},
    {"\xc4\xb0", "i\xcc\x87"},                                                                         /* U+0130 */
    {"\xce\xa3\xce\x91\xce\xa3 \xce\xa3", "\xcf\x83\xce\xb1\xcf\x82 \xcf\x83"},                        /* sigma, and its final form */
    {"\xc7\x85\xe2\x85\xab\xf0\x90\x90\x80\xef\xbc\xa1", "\xc7\x86\xe2\x85\xbb\xf0\x90\x90\xa8\xef\xbd\x81"}, /* U+01C5 216B 10400 FF21 */
    {"\xe1\xba\x9e\xe2\x84\xaa", "\xc3\x9fk"},                                                         /* U+1E9E 212A */
    {"\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80", "\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80"},
};

START_TEST(small_letters) { expect_text(&lower_rows[_i], unicode_lower); }
END_TEST

typedef struct squad_row {
    const char *prediction, *references[MAX_TEXTS];
    double exact_match, f1;
} squad_row;

static const squad_row squad_rows[] = {
    {"The cat", {"a cat!"}, 1, 1},
    {"black cat", {"cat"}, 0, 2 * 0.5 * 1 / 1.5},
    {"cat cat cat", {"cat dog"}, 0, 2 * (1.0 / 3) * 0.5 / (1.0 / 3 + 0.5)}, /* multisets */
    {"cat", {"dog", "cat"}, 1, 1},
    {"red fox", {"fox", "a red fox runs home", "owl"}, 0, 2.0 / 3},         /* 2/3 with either */
    {"dog", {"cat"}, 0, 0},
    {"", {"the"}, 1, 0},                                                    /* both empty: equal, but no token shared */
    {"dog", {NULL}, 0, 0},
    {"no answer>", {"<No Answer>"}, 1, 1},
};

START_TEST(squad_scores) {
    const squad_row *row = &squad_rows[_i];
    slice references[MAX_TEXTS];
    squad_score score;
    ck_assert_int_eq(squad_best(slice_of(row->prediction), references, list_texts(row->references, references), &score, NULL), RT_OK);
    ck_assert_double_eq(score.exact_match, row->exact_match);
    ck_assert_double_eq_tol(score.f1, row->f1, 1e-12);
}
END_TEST

static const squad_row squad2_rows[] = {
    {"<no answer>", {"<No Answer>"}, 1, 1},
    {"there is NO ANSWER here", {"cat", "no answer"}, 1, 1}, /* one such reference is enough */
    {"no answer", {"cat"}, 0, 0},
    {"cat", {"<No Answer>"}, 0, 0},
    {"the", {"<No Answer>"}, 1, 1},                          /* empty after normalisation */
    {"cat", {"cat", "dog"}, 1, 1},
    {"no", {"answer"}, 0, 0},
};

START_TEST(squad2_scores) {
    const squad_row *row = &squad2_rows[_i];
    slice references[MAX_TEXTS];
    squad_score score;
    ck_assert_int_eq(squad2_best(slice_of(row->prediction), references, list_texts(row->references, references), &score, NULL), RT_OK);
    ck_assert_double_eq(score.exact_match, row->exact_match);
    ck_assert_double_eq(score.f1, row->f1);
}
END_TEST

typedef struct choice_row {
    const char *input, *prediction;
    choice_rules rules;
    size_t choice, n_choices;
} choice_row;

static const choice_row choice_rows[] = {
    {"q? \\n (A) red fox (B) owl", "owl", {'e', false}, 1, 2},
    {"q? \\n (A) red fox (B) owl \\n (c) text", "owl", {'e', false}, 1, 2},         /* up to the second separator */
    {"q? \\n (A) red fox (B) big red fox", "red fox big", {'e', false}, 1, 2},      /* tokens in common over the larger number: 2/3,
     3/3 */
    {"q? \\n (A) fox (B) owl", "cat", {'e', false}, 0, 2},                          /* none: the first */
    {"q? \\n (A) owls (B) owl's", "owls", {'e', false}, 0, 2},                      /* 3 before 2 */
    {"q? \\n (A) fox (B) owl's", "owls", {'e', false}, 1, 2},                       /* quotes do not count */
    {"q? \\n (A) fox (B) x{y", "x\xe2\x81\x87y", {'e', false}, 1, 2},               /* characters without a piece: a space */
    {"q? \\n (A) red  fox (B) red fox x", "fox  red", {'e', false}, 0, 2},          /* two spaces: an empty token; 3/3 against 2/3 */
    {"q? \\n (A) fox fox (B) fox", "fox cat", {'e', false}, 0, 2},                  /* 1/2 each: repeats count below,
     not above; the first wins */
    {"q? \\n (A) owl (B) Fox", "Fox", {'e', false}, 0, 2},                          /* choices are in small letters,
     the prediction is not */
    {"q? \\n (A) owl (B) Fox", "Fox", {'e', true}, 1, 2},
    {"q? \\n (A) see (a) here (B) x", "x", {'e', false}, 2, 3},                     /* a choice that breaks the split */
    {"q? \\n (A) x (B) y (F) z", "z", {'e', false}, 1, 2},
                              /* (f) splits for QASC alone: "y (f) z" shares a token */
    {"q? \\n (A) x (B) y (F) z", "z", {'h', false}, 2, 3},
    {"q? \\n (A) (B) owl", "owl", {'e', false}, 0, 1},                              /* an empty choice is lost */
    {"no choices", "owl", {'e', false}, 0, 0},
    {"q? \\n", "owl", {'e', false}, 0, 0},
};

START_TEST(nearest_choice) {
    const choice_row *row = &choice_rows[_i];
    size_t choice, n_choices;
    ck_assert_int_eq(choice_nearest(slice_of(row->input), slice_of(row->prediction), &row->rules, &choice, &n_choices, NULL), RT_OK);
    ck_assert_msg(choice == row->choice && n_choices == row->n_choices, "%s: %zu of %zu", row->input, choice, n_choices);
}
END_TEST

static const text_row drop_rows[] = {
    {"The 3 dogs", "3.0 dogs"},
    {"co-op", "co op"},
    {"1,000 men", "1000.0 men"},
    {"$7.50", "750.0"},                 /* no number with the sign, so the point goes too */
    {"7.50", "7.5"},
    {"24\xe2\x80\x93" "10", "24\xe2\x80\x93" "10"},
    {"1e3 inf NaN 1_0 +4 .5 5.", "1000.0 inf nan 10.0 4.0 0.5 5.0"},
    {"1__0 _1 0x10 e5 .", "10.0 1.0 0x10 e5"}, /* without their underscores two of these are numbers */
    {"a - the", ""},
};

START_TEST(drop_normalisation) { expect_text(&drop_rows[_i], drop_normalise); }
END_TEST

typedef struct drop_row {
    const char *predicted[MAX_TEXTS], *gold[MAX_TEXTS];
    double exact_match, f1;
} drop_row;

static const drop_row drop_score_rows[] = {
    {{"3"}, {"3.0"}, 1, 1},
    {{"3 dogs"}, {"4 dogs"}, 0, 0},                          /* the gold's number is not there */
    {{"3 dogs"}, {"dogs"}, 0, 0.67},                         /* without a number in the gold: 2 · ½ · 1 / 1½, rounded */
    {{"fox fox fox"}, {"fox"}, 0, 1},                        /* sets */
    {{"fox"}, {"fox", "owl"}, 0, 0.5},                       /* the mean over the larger number of spans */
    {{"fox", "owl"}, {"owl", "fox"}, 1, 1},
    {{"fox", "owl", "cat"}, {"owl"}, 0, 0.33},
    {{"red fox", "red owl"}, {"red owl", "owl"}, 0, 0.58},   /* ½ + ⅔; the pair that is equal would leave 1 + 0 */
    {{""}, {""}, 1, 1},
    {{""}, {"fox"}, 0, 0},
};

START_TEST(drop_scores) {
    const drop_row *row = &drop_score_rows[_i];
    slice predicted[MAX_TEXTS], gold[MAX_TEXTS];
    drop_score score;
    const size_t n = list_texts(row->predicted, predicted);
    ck_assert_int_eq(drop_best(predicted, n, gold, list_texts(row->gold, gold), &score, NULL), RT_OK);
    ck_assert_double_eq(score.exact_match, row->exact_match);
    ck_assert_double_eq_tol(score.f1, row->f1, 1e-12);
}
END_TEST

/* The best of all permutations, of small matrices. */
static double best_by_trial(const double *score, size_t rows, size_t columns, size_t row, unsigned used) {
    if (row == rows) return 0;
    double best = 0;
    for (size_t j = 0; j < columns; j++) {
        if ((used >> j & 1) != 0) continue;
        const double sum = score[row * columns + j] + best_by_trial(score, rows, columns, row + 1, used | 1u << j);
        if (sum > best) best = sum;
    }
    return best;
}

START_TEST(assignment_is_the_best) {
    double score[36];
    unsigned state = 1;
    for (int trial = 0; trial < 500; trial++) {
        const size_t rows = 1 + (size_t)trial % 5, columns = rows + (size_t)trial / 5 % 2;
        for (size_t i = 0; i < rows * columns; i++) {
            state = state * 1103515245u + 12345u;
            score[i] = (state >> 16) % 8 / 8.0;
        }
        double sum;
        ck_assert_int_eq(assignment_best(score, rows, columns, &sum, NULL), RT_OK);
        ck_assert_double_eq_tol(sum, best_by_trial(score, rows, columns, 0, 0), 1e-12);
    }
}
END_TEST

START_TEST(numbers_as_text) {
    static const struct {
        double value;
        const char *want;
    } rows[] = {{3, "3.0"}, {0, "0.0"}, {-0.0, "-0.0"}, {0.1, "0.1"}, {1e15, "1000000000000000.0"}, {1e16, "1e+16"}, {0.0001, "0.0001"},
                {0.00001, "1e-05"}, {1.5e300, "1.5e+300"}, {123.456, "123.456"}, {1.2345678901234568e17, "1.2345678901234568e+17"},
                {1.0 / 3, "0.3333333333333333"}, {-HUGE_VAL, "-inf"}};
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_eq(number_write(rows[i].value, text), strlen(rows[i].want));
        ck_assert_str_eq(text, rows[i].want);
    }
    double value;
    ck_assert(number_read(slice_of("  -1_000.2_5e1_0 "), &value) && value == -1000.25e10);
    ck_assert(number_read(slice_of("+Infinity"), &value) && isinf(value));
    static const char *const none[] = {"", " ", ".", "1e", "e1", "1 2", "--1", "1_", "_1",
                                       "1__0", "1._5", "1_.5", "0x1", "1e+", "infi", "+"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) ck_assert_msg(!number_read(slice_of(none[i]), &value), "%s", none[i]);
}
END_TEST

START_TEST(rouge_l) {
    double f;
    const slice references[] = {slice_of("The queen's old castle"), slice_of("a mill")};
    /* the queen s old castle; the queen sold a castle: L = 3 of 5 and 5 */
    ck_assert_int_eq(rouge_l_best(slice_of("the QUEEN sold, a castle!"), references, 2, &f, NULL), RT_OK);
    ck_assert_double_eq_tol(f, 0.6, 1e-12);
    ck_assert_int_eq(rouge_l_best(slice_of("old mill"), references, 2, &f, NULL), RT_OK);
    ck_assert_double_eq_tol(f, 0.5, 1e-12); /* 1 of 2 and 2; with the first 1 of 2 and 5: 0.29 */
    ck_assert_int_eq(rouge_l_best(slice_of("castle queen"), references, 1, &f, NULL), RT_OK);
    ck_assert_double_eq_tol(f, 0.29, 1e-12); /* in order: one word. 2 / 7 rounded */
    ck_assert_int_eq(rouge_l_best(slice_of(""), references, 2, &f, NULL), RT_OK);
    ck_assert_double_eq(f, 0);
}
END_TEST

/* 100 words of each text count. */
START_TEST(rouge_l_cuts) {
    rt_text text = {0};
    for (int i = 0; i < 120; i++) text_append(&text, "w%d ", i);
    const slice reference = slice_of("w99 w100");
    double f;
    ck_assert_int_eq(rouge_l_best((slice){text.v, text.n}, &reference, 1, &f, NULL), RT_OK);
    ck_assert_double_eq_tol(f, 0.02, 1e-12);
    rt_text_free(&text);
}
END_TEST

typedef struct bleu_row {
    const char *prediction, *references[MAX_TEXTS];
    double score;
} bleu_row;

static const bleu_row bleu_rows[] = {
    {"the red fox", {"Red fox!"}, 1},
    {"fox fox fox", {"fox"}, 1.0 / 3},                      /* clipped */
    {"fox fox owl", {"fox fox", "owl"}, 1},                 /* the largest count in one reference, word by word */
    {"fox", {"red fox"}, 0.36787944117144233},              /* exp(1 − 2 / 1) */
    {"fox owl", {"fox", "owl runs up"}, 1},                 /* lengths 1 and 3 are as near: the shorter, so no penalty */
    {"cat", {"fox"}, 0},
    {"", {"fox"}, 0},
    {"the", {"fox"}, 0},
    {"fox", {NULL}, 0},
};

START_TEST(bleu) {
    const bleu_row *row = &bleu_rows[_i];
    slice references[MAX_TEXTS];
    double score;
    ck_assert_int_eq(bleu_1(slice_of(row->prediction), references, list_texts(row->references, references), &score, NULL), RT_OK);
    ck_assert_double_eq_tol(score, row->score, 1e-12);
}
END_TEST

START_TEST(bootstrap) {
    double scores[400];
    interval a, b;
    for (size_t i = 0; i < 400; i++) scores[i] = i % 4 == 0;
    ck_assert_int_eq(bootstrap_95(scores, 400, 2000, 7, &a, NULL), RT_OK);
    ck_assert_int_eq(bootstrap_95(scores, 400, 2000, 7, &b, NULL), RT_OK);
    ck_assert_double_eq(a.low, b.low);
    ck_assert_double_eq(a.high, b.high);
    /* the normal approximation: 0.25 ± 1.96 · √(0.25 · 0.75 / 400) */
    ck_assert_double_eq_tol(a.low, 0.2076, 0.01);
    ck_assert_double_eq_tol(a.high, 0.2924, 0.01);
    ck_assert_int_eq(bootstrap_95(scores, 400, 2000, 8, &b, NULL), RT_OK);
    ck_assert(a.low != b.low || a.high != b.high);
    scores[1] = 1;
    ck_assert_int_eq(bootstrap_95(scores, 2, 50, 7, &a, NULL), RT_OK);
    ck_assert(a.low == 1 && a.high == 1);
    rt_error err;
    ck_assert_int_eq(bootstrap_95(scores, 0, 50, 7, &a, &err), RT_ERR_USAGE);
    ck_assert_int_eq(bootstrap_95(scores, 2, 0, 7, &a, &err), RT_ERR_USAGE);
}
END_TEST

START_TEST(sign) {
    ck_assert_double_eq(sign_test(0, 0), 1);
    ck_assert_double_eq(sign_test(3, 3), 1);
    ck_assert_double_eq_tol(sign_test(5, 0), 2.0 / 32, 1e-12);
    ck_assert_double_eq_tol(sign_test(0, 5), 2.0 / 32, 1e-12);
    ck_assert_double_eq_tol(sign_test(8, 2), 2 * (1 + 10 + 45) / 1024.0, 1e-12);
    ck_assert_double_eq_tol(sign_test(60, 40), 0.0568879, 1e-6);
    ck_assert_double_lt(sign_test(100000, 90000), 1e-100);
}
END_TEST

static void add_tests(TCase *tc) {
    tcase_add_loop_test(tc, squad_normalisation, 0, sizeof normal_rows / sizeof *normal_rows);
    tcase_add_loop_test(tc, small_letters, 0, sizeof lower_rows / sizeof *lower_rows);
    tcase_add_loop_test(tc, squad_scores, 0, sizeof squad_rows / sizeof *squad_rows);
    tcase_add_loop_test(tc, squad2_scores, 0, sizeof squad2_rows / sizeof *squad2_rows);
    tcase_add_loop_test(tc, nearest_choice, 0, sizeof choice_rows / sizeof *choice_rows);
    tcase_add_loop_test(tc, drop_normalisation, 0, sizeof drop_rows / sizeof *drop_rows);
    tcase_add_loop_test(tc, drop_scores, 0, sizeof drop_score_rows / sizeof *drop_score_rows);
    tcase_add_test(tc, assignment_is_the_best);
    tcase_add_test(tc, numbers_as_text);
    tcase_add_test(tc, rouge_l);
    tcase_add_test(tc, rouge_l_cuts);
    tcase_add_loop_test(tc, bleu, 0, sizeof bleu_rows / sizeof *bleu_rows);
    tcase_add_test(tc, bootstrap);
    tcase_add_test(tc, sign);
}

int main(void) {
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("metrics");
    add_tests(tc);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

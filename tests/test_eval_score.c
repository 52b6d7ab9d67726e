/* eval's conventions: the table of protocols, text to the model and from it, the scores of an answer, names out of paths. */
#include <stdlib.h>

#include "tests/support/model.h"
#include "tools/eval_input.h"
#include "tools/eval_name.h"
#include "tools/eval_protocol.h"
#include "tools/eval_score.h"

enum { T5K, UNIFIEDQA, PAPER };

static opt_values with_protocol(size_t protocol) {
    opt_values options = opt_defaults();
    options.eval.protocol = protocol;
    must(eval_protocol_apply(&options, NULL), NULL);
    return options;
}

/* The rules of the two published evaluations, and that what the user gives stands. */
START_TEST(protocols) {
    const opt_values unifiedqa = with_protocol(UNIFIEDQA), paper = with_protocol(PAPER);
    ck_assert_uint_eq(unifiedqa.max_input_tokens, 512);
    ck_assert_uint_eq(unifiedqa.generate.max_new_tokens, 100);
    ck_assert_uint_eq(unifiedqa.eval.letter_case, EVAL_CASE_LOWER);
    ck_assert_uint_eq(unifiedqa.eval.apostrophes, EVAL_APOSTROPHES_STRIP);
    ck_assert_uint_eq(unifiedqa.eval.unknown, EVAL_UNKNOWN_MARK);
    ck_assert_uint_eq(unifiedqa.eval.metric, EVAL_METRIC_OWN);
    ck_assert_uint_eq(unifiedqa.eval.nq_references, EVAL_NQ_FIRST);
    ck_assert_uint_eq(paper.max_input_tokens, 512);
    ck_assert_uint_eq(paper.generate.max_new_tokens, 19);
    ck_assert_uint_eq(paper.eval.letter_case, EVAL_CASE_KEEP);
    ck_assert_uint_eq(paper.eval.apostrophes, EVAL_APOSTROPHES_KEEP);
    ck_assert_uint_eq(paper.eval.clean_up, EVAL_CLEAN_UP_YES);
    ck_assert_uint_eq(paper.eval.metric, EVAL_METRIC_SQUAD);
    ck_assert_uint_eq(paper.eval.lost_records, EVAL_LOST_WRONG);

    opt_values given = opt_defaults();
    given.eval.protocol = PAPER;
    given.given[OPT_CASE] = given.given[OPT_MAX_NEW_TOKENS] = true;
    given.eval.letter_case = EVAL_CASE_LOWER;
    given.generate.max_new_tokens = 7;
    must(eval_protocol_apply(&given, NULL), NULL);
    ck_assert_uint_eq(given.eval.letter_case, EVAL_CASE_LOWER);
    ck_assert_uint_eq(given.generate.max_new_tokens, 7);
    given.generate.min_new_tokens = 8;
    ck_assert_int_eq(eval_protocol_apply(&given, NULL), RT_ERR_USAGE);
}
END_TEST

static const struct {
    size_t protocol;
    const char *text, *want;
} inputs[] = {
    {T5K, "Who's 'he'? \\n (A) \xc3\x89", "who's 'he'? \\n (a) \xc3\x89"}, /* ASCII alone */
    {UNIFIEDQA, "It's Tom's. He's here", "its tom's. hes here"},           /* the first and the last */
    {UNIFIEDQA, "Tom's", "tom's"},                                       /* one alone stays */
    {UNIFIEDQA, "''", ""},
    {UNIFIEDQA, "", ""},
    {PAPER, "It's (A) Tom's", "It's (A) Tom's"},
    {T5K, "a\xff", "a\xef\xbf\xbd"},
};

START_TEST(input_text) {
    const opt_values options = with_protocol(inputs[_i].protocol);
    rt_text out = {0};
    must(rt_text_append(&out, "O'K'", 4, NULL), NULL); /* what is there already stays */
    must(eval_input_text(&options, slice_of(inputs[_i].text), &out, NULL), NULL);
    ck_assert_str_eq(out.v + 4, inputs[_i].want);
    ck_assert(memcmp(out.v, "O'K'", 4) == 0);
    rt_text_free(&out);
}
END_TEST

/* A cut keeps </s> in the last place. */
START_TEST(input_cut) {
    opt_values options = with_protocol(T5K);
    tok_tokenizer *tokenizer;
    rt_ids whole = {0}, cut = {0};
    bool was_cut;
    must(tok_open(QA_MINI, &tokenizer, NULL), NULL);
    must(eval_input_ids(&options, tokenizer, slice_of("who wrote the book?"), &whole, &was_cut, NULL), NULL);
    ck_assert(!was_cut);
    options.max_input_tokens = whole.n;
    must(eval_input_ids(&options, tokenizer, slice_of("who wrote the book?"), &cut, &was_cut, NULL), NULL);
    ck_assert(!was_cut && cut.n == whole.n);
    options.max_input_tokens = 3;
    cut.n = 1;
    must(eval_input_ids(&options, tokenizer, slice_of("who wrote the book?"), &cut, &was_cut, NULL), NULL);
    ck_assert(was_cut && cut.n == 4);
    ck_assert_int_eq(cut.v[1], whole.v[0]);
    ck_assert_int_eq(cut.v[2], whole.v[1]);
    ck_assert_int_eq(cut.v[3], TOK_EOS);
    rt_ids_free(&whole);
    rt_ids_free(&cut);
    tok_close(tokenizer);
}
END_TEST

static const struct {
    size_t unknown, clean_up;
    const char *text, *want; /* text goes through the tokenizer and back; '{' has no piece */
} answers[] = {
    {EVAL_UNKNOWN_DROP, EVAL_CLEAN_UP_NO, "a { b", "a  b"},
    {EVAL_UNKNOWN_MARK, EVAL_CLEAN_UP_NO, "a { b", "a  \xe2\x81\x87  b"},
    {EVAL_UNKNOWN_MARK, EVAL_CLEAN_UP_NO, "{", " \xe2\x81\x87 "},
    {EVAL_UNKNOWN_MARK, EVAL_CLEAN_UP_NO, "", ""},
    {EVAL_UNKNOWN_MARK, EVAL_CLEAN_UP_NO, "no", "no"},
    {EVAL_UNKNOWN_DROP, EVAL_CLEAN_UP_NO, "it is , he said .", "it is , he said ."},
    {EVAL_UNKNOWN_DROP, EVAL_CLEAN_UP_YES, "it is , he said . why ? !", "it is, he said. why?!"},
    {EVAL_UNKNOWN_DROP, EVAL_CLEAN_UP_YES, "do n't tom 's i 'm we 've you 're x ' y", "don't tom's i'm we've you're x'y"},
};

START_TEST(answer_text) {
    opt_values options = with_protocol(T5K);
    options.eval.unknown = answers[_i].unknown;
    options.eval.clean_up = answers[_i].clean_up;
    tok_tokenizer *tokenizer;
    rt_ids ids = {0};
    rt_text out = {0};
    must(tok_open(QA_MINI, &tokenizer, NULL), NULL);
    must(tok_encode(tokenizer, answers[_i].text, strlen(answers[_i].text), &ids, NULL), NULL);
    must(rt_text_append(&out, " .", 2, NULL), NULL);
    must(eval_answer_text(&options, tokenizer, ids.v, ids.n, &out, NULL), NULL);
    ck_assert_str_eq(out.v + 2, answers[_i].want);
    ck_assert(memcmp(out.v, " .", 2) == 0);
    rt_text_free(&out);
    rt_ids_free(&ids);
    tok_close(tokenizer);
}
END_TEST

/* Seven choices, of which (g) is right, so that a split at (a) to (e) leaves "(f) … (g) …" in the fifth piece. */
#define SEVEN "q \\n (A) a1 (B) b1 (C) c1 (D) d1 (E) e1 (F) f1 (G) g1"

static const struct {
    const char *why;
    size_t protocol;
    const char *path, *form;
    data_metric metric;
    const char *input, *answer;
    size_t chosen;
    const char *references[2];
    size_t n_choices, gold;
    double exact_match, f1, own; /* own below 0: none */
} scores[] = {
    {"SQuAD", T5K, "s", "SQuAD", DATA_EM_F1, "q", "The cat", DATA_NO_GOLD, {"dog", "cat!"}, 0, DATA_NO_GOLD, 1, 1, -1},
    {"no answer said", T5K, "s", "SQuAD", DATA_SQUAD2, "q", "There is no answer", DATA_NO_GOLD, {"<No Answer>"}, 0, DATA_NO_GOLD, 1, 1, -1},
    {"no answer as a string", PAPER, "s", "SQuAD", DATA_SQUAD2, "q", "There is no answer", DATA_NO_GOLD, {"<No Answer>"}, 0, DATA_NO_GOLD,
     0, 2.0 / 3, -1},
    {"all letters", T5K, "s", "ARC", DATA_CHOICE, SEVEN, "g1", DATA_NO_GOLD, {"g1"}, 7, 6, 1, 1, 1},
    {"published letters", UNIFIEDQA, "s", "ARC", DATA_CHOICE, SEVEN, "g1", DATA_NO_GOLD, {"g1"}, 7, 6, 1, 1, 0},
    {"QASC's letters", UNIFIEDQA, "s", "QASC", DATA_CHOICE, SEVEN, "g1", DATA_NO_GOLD, {"g1"}, 7, 6, 1, 1, 1},
    {"QASC by its folder", UNIFIEDQA, "x/qasc/dev.tsv", "UnifiedQA", DATA_CHOICE, SEVEN, "g1", DATA_NO_GOLD, {"g1"}, 7, 6, 1, 1, 1},
    {"capitals, lowered", T5K, "s", "ARC", DATA_CHOICE, SEVEN, "B1", DATA_NO_GOLD, {"b1"}, 7, 1, 1, 1, 1},
    {"capitals, kept", UNIFIEDQA, "s", "ARC", DATA_CHOICE, SEVEN, "B1", DATA_NO_GOLD, {"b1"}, 7, 1, 1, 1, 0},
    {"SQuAD's scores alone", PAPER, "s", "ARC", DATA_CHOICE, SEVEN, "g1", DATA_NO_GOLD, {"g1"}, 7, 6, 1, 1, -1},
    {"the likeliest", PAPER, "s", "ARC", DATA_CHOICE, SEVEN, "c1", 2, {"g1"}, 7, 6, 0, 0, 0},
    {"the likeliest is right", PAPER, "s", "ARC", DATA_CHOICE, SEVEN, "g1", 6, {"g1"}, 7, 6, 1, 1, 1},
    {"all of NQ's references", T5K, "s", "NQ-open", DATA_EM_F1, "q", "b", DATA_NO_GOLD, {"x", "b"}, 0, DATA_NO_GOLD, 1, 1, -1},
    {"NQ's first", UNIFIEDQA, "s", "NQ-open", DATA_EM_F1, "q", "b", DATA_NO_GOLD, {"x", "b"}, 0, DATA_NO_GOLD, 0, 0, -1},
    {"DROP's numbers", T5K, "s", "DROP", DATA_SPANS, "q", "3.0", DATA_NO_GOLD, {"3"}, 0, DATA_NO_GOLD, 0, 0, 1},
    {"BLEU", T5K, "s", "TweetQA", DATA_BLEU_1, "q", "so", DATA_NO_GOLD, {"so"}, 0, DATA_NO_GOLD, 1, 1, 1},
    {"ROUGE", T5K, "s", "NarrativeQA", DATA_ROUGE_L, "q", "so", DATA_NO_GOLD, {"so"}, 0, DATA_NO_GOLD, 1, 1, 1},
};

START_TEST(answer_scores) {
    const opt_values options = with_protocol(scores[_i].protocol);
    const eval_source from = {scores[_i].path, scores[_i].form};
    slice references[2];
    data_question q = {.metric = scores[_i].metric, .input = slice_of(scores[_i].input), .references = references,
                       .n_choices = scores[_i].n_choices, .gold = scores[_i].gold};
    while (q.n_references < 2 && scores[_i].references[q.n_references] != NULL) {
        references[q.n_references] = slice_of(scores[_i].references[q.n_references]);
        q.n_references++;
    }
    eval_score score;
    must(eval_score_answer(&options, &from, &q, slice_of(scores[_i].answer), scores[_i].chosen, &score, NULL), NULL);
    ck_assert_msg(score.scored && score.has_own == (scores[_i].own >= 0), "%s", scores[_i].why);
    ck_assert_msg(score.exact_match == scores[_i].exact_match, "%s: %g", scores[_i].why, score.exact_match);
    ck_assert_double_eq_tol(score.f1, scores[_i].f1, 1e-12);
    if (score.has_own) ck_assert_msg(score.own == scores[_i].own, "%s: %g", scores[_i].why, score.own);
    q.n_references = 0;
    must(eval_score_answer(&options, &from, &q, slice_of(scores[_i].answer), DATA_NO_GOLD, &score, NULL), NULL);
    ck_assert(!score.scored);
}
END_TEST

static const struct {
    const char *path, *dataset, *split;
} names[] = {
    {"sets/arc_easy/dev.tsv", "arc_easy", "dev"},
    {"sets/squad1_1/dev-v1.1.json.gz", "squad1_1", "dev"},
    {"squad-test.json.gz", "squad", "test"},
    {"qa-mini-test.jsonl", "qa-mini", "test"},
    {"ARC-Challenge-Dev.jsonl", "ARC-Challenge", "dev"},
    {"validation.csv", "validation.csv", "validation"},
    {"qa.jsonl", "qa", "-"},
    {"device.jsonl", "device", "-"}, /* a word of its own */
    {".hidden", ".hidden", "-"},
    {"data/models/", "models", "-"}, /* a folder */
    {"/", "/", "-"},
    {"", "", "-"},
};

START_TEST(path_names) {
    char dataset[EVAL_NAME_SIZE], split[EVAL_NAME_SIZE];
    eval_name_of(names[_i].path, dataset, split);
    ck_assert_str_eq(dataset, names[_i].dataset);
    ck_assert_str_eq(split, names[_i].split);
}
END_TEST

#define N(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void) {
    TCase *tests = tcase_create("eval_score");
    tcase_add_test(tests, protocols);
    tcase_add_loop_test(tests, input_text, 0, N(inputs));
    tcase_add_test(tests, input_cut);
    tcase_add_loop_test(tests, answer_text, 0, N(answers));
    tcase_add_loop_test(tests, answer_scores, 0, N(scores));
    tcase_add_loop_test(tests, path_names, 0, N(names));
    return run_tests("eval_score", tests, 60);
}

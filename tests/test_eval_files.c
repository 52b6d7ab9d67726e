/* Files of answers made elsewhere, and the predictions file with its resume. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/expect.h"
#include "tests/support/model.h"
#include "tests/support/scratch.h"
#include "tools/eval_answers.h"
#include "tools/eval_predictions.h"

/* ---- answers ---- */

static const struct {
    const char *why, *text;
    const char *set, *id, *input;
    const char *want; /* NULL: none */
} found[] = {
    {"one object", "{\"a\": \"x\", \"b\" : \"y\"}", "s", "b", "i", "y"},
    {"one object over lines", "{\n\"a\": \"x\",\n\"b\": \"\\u00e9\"\n}\n", "s", "b", "i", "\xc3\xa9"},
    {"no such id", "{\"a\": \"x\"}", "s", "b", "i", NULL},
    {"an id is not an input", "{\"a\": \"x\"}", "s", "", "a", NULL},
    {"an empty object", "{}", "s", "b", "i", NULL},
    {"lines by id", "{\"id\":\"a\",\"answer\":\"x\"}\n{\"id\":7,\"answer\":\"y\"}\n", "s", "7", "i", "y"},
    {"lines by input", "{\"input\":\"q \\\\n p\",\"answer\":\"x\"}\n", "s", "", "q \\n p", "x"},
    {"by input where the id is unknown", "{\"input\":\"q\",\"answer\":\"x\"}", "s", "1", "q", "x"},
    {"the set's own line first", "{\"id\":1,\"answer\":\"x\"}\n{\"set\":\"s\",\"id\":1,\"answer\":\"y\"}", "s", "1", "i", "y"},
    {"another set's line", "{\"set\":\"t\",\"id\":1,\"answer\":\"y\"}", "s", "1", "i", NULL},
    {"predictions", "{\"t5k_predictions\":{}}\n{\"set\":\"s\",\"id\":\"1\",\"input\":\"q\",\"answer\":\"y\"}\n", "s", "1", "i", "y"},
    {"the same twice", "{\"input\":\"q\",\"answer\":\"y\"}\n{\"input\":\"q\",\"answer\":\"y\"}\n", "s", "", "q", "y"},
    {"blank lines, CRLF, byte-order mark", "\xef\xbb\xbf{\"input\":\"q\",\"answer\":\"y\"}\r\n\r\n", "s", "", "q", "y"},
};

START_TEST(answers_found) {
    scratch s;
    eval_answers *answers;
    rt_error err;
    slice answer;
    scratch_open(&s);
    const char *path = scratch_write_text(&s, "answers", found[_i].text);
    expect_ok(found[_i].why, eval_answers_open(path, &answers, &err), &err);
    const bool have = eval_answers_find(answers, found[_i].set, slice_of(found[_i].id), slice_of(found[_i].input), &answer);
    ck_assert_msg(have == (found[_i].want != NULL), "%s", found[_i].why);
    if (have) ck_assert_msg(answer.n == strlen(found[_i].want) && memcmp(answer.v, found[_i].want, answer.n) == 0, "%s", found[_i].why);
    ck_assert_uint_eq(eval_answers_count(answers) - eval_answers_unused(answers), have);
    eval_answers_close(answers);
    scratch_close(&s);
}
END_TEST

static const struct {
    const char *text, *part;
} refused[] = {
    {"", "must follow"},
    {"x", "must follow"},
    {"[]", "must follow"},
    {"{\"a\": 1}", "a string"},
    {"{\"a\": \"x\"", "must follow"},
    {"{\"a\": \"x\"} {}", "end"},
    {"{\"a\": \"x\", \"a\": \"y\"}", "a second answer for id \"a\""},
    {"{\"id\":1,\"answer\":\"x\"}\n{\"id\":1,\"answer\":\"y\"}", "line 2: a second answer for id \"1\""},
    {"{\"input\":\"q\",\"answer\":\"x\"}\n{\"input\":\"q\",\"answer\":\"y\"}", "line 2: a second answer for input \"q\""},
    {"{\"id\":1,\"answer\":\"x\"}\n{\"id\":2}", "line 2: no member 'answer'"},
    {"{\"id\":1,\"answer\":\"x\"}\n{\"answer\":\"y\"}", "line 2: neither 'id' nor 'input'"},
    {"{\"id\":1,\"answer\":\"x\"}\n{\"id\":[],\"answer\":\"y\"}", "line 2: 'id' is a list"},
    {"{\"id\":1,\"answer\":\"x\"}\n7", "line 2: not a JSON object"},
    {"{\"id\":1,\"answer\":\"x\"}\n{\"id\":2,\"answer\":\"y\"", "line 2: not a JSON object"},
};

START_TEST(answers_refused) {
    scratch s;
    eval_answers *answers;
    rt_error err;
    scratch_open(&s);
    const char *path = scratch_write_text(&s, "answers", refused[_i].text);
    expect_failure(refused[_i].text, eval_answers_open(path, &answers, &err), &err, RT_ERR_MALFORMED, refused[_i].part);
    expect_failure("missing", eval_answers_open(scratch_path(&s, "none"), &answers, &err), &err, RT_ERR_READ, "cannot open");
    scratch_close(&s);
}
END_TEST

/* More than the table has room for at first, gzipped, on one line. */
START_TEST(many_answers) {
    enum { N = 5000 };
    scratch s;
    eval_answers *answers;
    slice answer;
    char id[16];
    scratch_open(&s);
    gzFile file = gzopen(scratch_path(&s, "answers.gz"), "wb");
    for (int i = 0; i < N; i++) gzprintf(file, "%s\"q%d\":\"answer %d\"", i == 0 ? "{" : ",", i, i);
    gzputs(file, "}");
    gzclose(file);
    must(eval_answers_open(s.path, &answers, NULL), NULL);
    ck_assert_uint_eq(eval_answers_count(answers), N);
    for (int i = 0; i < N; i += 7) {
        snprintf(id, sizeof id, "q%d", i);
        ck_assert(eval_answers_find(answers, "s", slice_of(id), slice_of(""), &answer));
        ck_assert(answer.n == strlen("answer ") + strlen(id) - 1 && memcmp(answer.v + 7, id + 1, answer.n - 7) == 0);
    }
    ck_assert_uint_eq(eval_answers_unused(answers), N - (N + 6) / 7);
    eval_answers_close(answers);
    scratch_close(&s);
}
END_TEST

/* ---- predictions ---- */

static const eval_line lines[] = {
    {.set = "a", .number = 1, .id = {"i\"1", 3}, .input = {"who?", 4}, .metric = DATA_EM_F1,
     .answer = {.text = {"x", 1}, .score = -0.1F, .input_tokens = 4, .output_tokens = 2, .choice = DATA_NO_GOLD},
     .score = {.scored = true, .exact_match = 1, .f1 = 2.0 / 3}},
    {.set = "a", .number = 2, .task = {"t", 1}, .input = {"\xc3\xa9\n", 3}, .metric = DATA_CHOICE,
     .answer = {.text = {"", 0}, .score = -1e-7F, .input_tokens = 512, .output_tokens = 1, .choice = 3, .cut = true},
     .score = {.scored = true, .has_own = true, .own = 1}},
    {.set = "b", .number = 1, .input = {"", 0}, .metric = DATA_EM_F1,
     .answer = {.text = {"y", 1}, .score = 0, .input_tokens = 1, .output_tokens = 2, .choice = DATA_NO_GOLD}},
};
enum { N_LINES = sizeof lines / sizeof *lines };

#define HEAD "{\"t5k_predictions\":{\"version\":\"1\",\"model\":\"m\"}}\n"
#define LINE_1 \
    "{\"set\":\"a\",\"question\":1,\"id\":\"i\\\"1\",\"input\":\"who?\",\"answer\":\"x\",\"score\":-0.100000001,\"input_tokens\":4," \
    "\"output_tokens\":2,\"exact_match\":1,\"f1\":0.666666667}\n"
#define LINE_2 \
    "{\"set\":\"a\",\"question\":2,\"task\":\"t\",\"input\":\"\xc3\xa9\\n\",\"answer\":\"\",\"score\":-1.00000001e-07," \
    "\"input_tokens\":512,\"output_tokens\":1,\"cut\":true,\"choice\":3,\"exact_match\":0,\"f1\":0,\"accuracy\":1}\n"
#define LINE_3 \
    "{\"set\":\"b\",\"question\":1,\"input\":\"\",\"answer\":\"y\",\"score\":0,\"input_tokens\":1,\"output_tokens\":2}\n"
#define WHOLE HEAD LINE_1 LINE_2 LINE_3

static const eval_settings settings = {.v = {{"version", "1"}, {"model", "m"}}, .n = 2};

static void expect_file(const char *path, const char *want) {
    char bytes[2048];
    const int fd = open(path, O_RDONLY);
    const ssize_t n = read(fd, bytes, sizeof bytes - 1);
    close(fd);
    ck_assert_int_ge(n, 0);
    bytes[n] = '\0';
    ck_assert_str_eq(bytes, want);
}

/* Does what a run over the three questions does: takes the answers that are there, makes the others. How many were there. */
static size_t run_over_lines(eval_predictions *p) {
    size_t n_there = 0;
    for (size_t i = 0; i < N_LINES; i++) {
        eval_answer answer;
        bool have;
        must(eval_predictions_next(p, &answer, &have, NULL), NULL);
        n_there += have;
        if (!have) {
            must(eval_predictions_add(p, &lines[i], NULL), NULL);
            must(eval_predictions_flush(p, NULL), NULL);
            continue;
        }
        eval_line line = lines[i];
        line.answer = answer;
        ck_assert(answer.score == lines[i].answer.score && answer.choice == lines[i].answer.choice && answer.cut == lines[i].answer.cut);
        must(eval_predictions_check(p, &line, NULL), NULL);
    }
    must(eval_predictions_end(p, NULL), NULL);
    return n_there;
}

START_TEST(written) {
    scratch s;
    eval_predictions p;
    rt_error err;
    scratch_open(&s);
    const char *path = scratch_path(&s, "p");
    must(eval_predictions_open(path, false, &settings, &p, NULL), NULL);
    eval_predictions other;
    expect_failure("two runs", eval_predictions_open(path, true, &settings, &other, &err), &err, RT_ERR_DISAGREE,
                   "another run is writing it");
    ck_assert_uint_eq(run_over_lines(&p), 0);
    eval_predictions_close(&p);
    expect_file(path, WHOLE);
    expect_failure("is there", eval_predictions_open(path, false, &settings, &p, &err), &err, RT_ERR_WRITE, "is there already");
    expect_failure("nowhere", eval_predictions_open("/nonexistent/p", false, &settings, &p, &err), &err, RT_ERR_WRITE, "cannot create");
    expect_failure("resume nowhere", eval_predictions_open("/nonexistent/p", true, &settings, &p, &err), &err, RT_ERR_WRITE, "cannot open");
    expect_failure("no file", eval_predictions_open("/dev/null", true, &settings, &p, &err), &err, RT_ERR_READ, "not a regular file");
    expect_file(path, WHOLE);
    scratch_close(&s);
}
END_TEST

/* A run that ended after any byte goes on to the same file. */
START_TEST(resumed) {
    scratch s;
    scratch_open(&s);
    for (size_t n = 0; n <= strlen(WHOLE); n++) {
        eval_predictions p;
        const char *path = scratch_write(&s, "p", WHOLE, n);
        must(eval_predictions_open(path, true, &settings, &p, NULL), NULL);
        const size_t n_there = run_over_lines(&p);
        eval_predictions_close(&p);
        const bool whole[] = {n >= strlen(HEAD LINE_1), n >= strlen(HEAD LINE_1 LINE_2), n == strlen(WHOLE)};
        ck_assert_uint_eq(n_there, (size_t)whole[0] + (size_t)whole[1] + (size_t)whole[2]);
        expect_file(path, WHOLE);
    }
    scratch_close(&s);
}
END_TEST

static const struct {
    const char *text;
    rt_status status;
    const char *part;
} not_resumed[] = {
    {"x\n", RT_ERR_MALFORMED, "no predictions file"},
    {"{}\n", RT_ERR_MALFORMED, "no predictions file"},
    {LINE_1, RT_ERR_MALFORMED, "no predictions file"},
    {"{\"t5k_predictions\":{\"version\":\"2\",\"model\":\"m\"}}\n", RT_ERR_DISAGREE, "other settings: version (\"2\" there, \"1\" now)"},
    {"{\"t5k_predictions\":{\"version\":\"2\"}}\n", RT_ERR_DISAGREE, "version (\"2\" there, \"1\" now), model (\"\" there, \"m\" now)"},
    {"{\"t5k_predictions\":{\"version\":1,\"model\":\"m\"}}\n", RT_ERR_DISAGREE, "version"},
};

START_TEST(not_resumable) {
    scratch s;
    eval_predictions p;
    rt_error err;
    scratch_open(&s);
    const char *path = scratch_write_text(&s, "p", not_resumed[_i].text);
    expect_failure(not_resumed[_i].text, eval_predictions_open(path, true, &settings, &p, &err), &err, not_resumed[_i].status,
                   not_resumed[_i].part);
    expect_file(path, not_resumed[_i].text);
    scratch_close(&s);
}
END_TEST

/* Lines that are not those of the run. */
START_TEST(other_lines) {
    static const char *const broken[] = {"{}\n", "x\n", "\n", "{\"answer\":\"x\",\"score\":0,\"input_tokens\":-1,\"output_tokens\":1}\n",
                                         "{\"answer\":\"x\",\"score\":0,\"input_tokens\":1,\"output_tokens\":1,\"choice\":\"a\"}\n"};
    scratch s;
    eval_predictions p;
    eval_answer answer;
    bool have;
    rt_error err;
    char text[1024];
    scratch_open(&s);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        snprintf(text, sizeof text, HEAD "%s", broken[i]);
        must(eval_predictions_open(scratch_write_text(&s, "p", text), true, &settings, &p, NULL), NULL);
        expect_failure(broken[i], eval_predictions_next(&p, &answer, &have, &err), &err, RT_ERR_MALFORMED,
                       "line 2: no line of a predictions");
        eval_predictions_close(&p);
    }
    must(eval_predictions_open(scratch_write_text(&s, "p", HEAD LINE_3 LINE_1), true, &settings, &p, NULL), NULL);
    must(eval_predictions_next(&p, &answer, &have, NULL), NULL);
    eval_line line = lines[0];
    line.answer = answer;
    expect_failure("check", eval_predictions_check(&p, &line, &err), &err, RT_ERR_DISAGREE,
                   "line 2: is not about question 1 of a as it is now");
    expect_failure("end", eval_predictions_end(&p, &err), &err, RT_ERR_DISAGREE, "line 3: the data sets have no question for it");
    eval_predictions_close(&p);
    scratch_close(&s);
}
END_TEST

#define N(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void) {
    TCase *tests = tcase_create("eval_files");
    tcase_add_loop_test(tests, answers_found, 0, N(found));
    tcase_add_loop_test(tests, answers_refused, 0, N(refused));
    tcase_add_test(tests, many_answers);
    tcase_add_test(tests, written);
    tcase_add_test(tests, resumed);
    tcase_add_loop_test(tests, not_resumable, 0, N(not_resumed));
    tcase_add_test(tests, other_lines);
    return run_tests("eval_files", tests, 60);
}

/* What data files may look like on disk: gzip, line ends, byte-order mark, broken frames, files beside them, folders, limits. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/question_list.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"
#include "tools/data/source.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

static const char *write_gzip(const char *name, const char *text, size_t n_cut) {
    unsigned char packed[4096];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)strlen(text), .next_out = packed, .avail_out = sizeof packed};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return scratch_write(&files, name, packed, z.total_out - n_cut);
}

/* Ends the test unless the set has the inputs, joined by '/', and so many defects. */
static void expect_inputs(const char *path, const char *inputs, size_t n_defects, rt_status status) {
    question_list list;
    rt_text joined = {0};
    question_list_read(path, &list);
    text_append(&joined, "%s", "");
    for (size_t i = 0; i < list.n; i++) text_append(&joined, "%s%s", i > 0 ? "/" : "", list.v[i].input);
    ck_assert_str_eq(joined.v, inputs);
    ck_assert_uint_eq(list.n_defects, n_defects);
    ck_assert_msg(list.status == status, "status %d: %s", (int)list.status, list.status == RT_OK ? "" : list.err.message);
    rt_text_free(&joined);
    question_list_free(&list);
}

static const char two[] = "{\"input\":\"one\",\"answer\":\"1\"}\n{\"input\":\"two\",\"answer\":\"2\"}\n";

START_TEST(gzip_is_found_by_content) {
    expect_inputs(write_gzip("plain.jsonl", two, 0), "one/two", 0, RT_OK);
    expect_inputs(scratch_write_text(&files, "packed.gz", two), "one/two", 0, RT_OK);
}
END_TEST

START_TEST(gzip_cut_short) {
    rt_text long_text = {0};
    for (int i = 0; i < 3; i++) text_append(&long_text, "{\"input\":\"question %d\",\"answer\":\"a\"}\n", i);
    refuse_data_set(write_gzip("cut.gz", long_text.v, 12), RT_ERR_MALFORMED, "cut.gz: broken gzip data: the stream is cut short");
    rt_text_free(&long_text);
}
END_TEST

START_TEST(gzip_broken_inside) {
    unsigned char bytes[] = "\x1f\x8b\x08\0\0\0\0\0\0\3garbage that is no deflate stream";
    refuse_data_set(scratch_write(&files, "bad.gz", bytes, sizeof bytes - 1), RT_ERR_MALFORMED, "bad.gz: broken gzip data: ");
}
END_TEST

static const char *const same_lines[] = {
    "{\"input\":\"one\",\"answer\":\"1\"}\n{\"input\":\"two\",\"answer\":\"2\"}",
    "{\"input\":\"one\",\"answer\":\"1\"}\r\n{\"input\":\"two\",\"answer\":\"2\"}\r\n",
    "\xef\xbb\xbf{\"input\":\"one\",\"answer\":\"1\"}\n{\"input\":\"two\",\"answer\":\"2\"}\n",
    "\n  \n{\"input\":\"one\",\"answer\":\"1\"}\n\n\t\n{\"input\":\"two\",\"answer\":\"2\"}\n\n\n",
    "[{\"input\":\"one\",\"answer\":\"1\"},\n {\"input\":\"two\",\"answer\":\"2\"}]",
    "\xef\xbb\xbf [ {\"input\":\"one\",\"answer\":\"1\"} , {\"input\":\"two\",\"answer\":\"2\"} ] \n",
    "one\t1\ntwo\t2\n",
    "one\t1\r\n\r\ntwo\t2",
};

START_TEST(line_ends_do_not_matter) { expect_inputs(scratch_write_text(&files, "x", same_lines[_i]), "one/two", 0, RT_OK); }
END_TEST

typedef struct frame_row {
    const char *text, *inputs, *defect;
} frame_row;

#define ONE "{\"input\":\"one\",\"answer\":\"1\"}"
#define TWO "{\"input\":\"two\",\"answer\":\"2\"}"
#define ARTICLE(id) \
    "{\"paragraphs\":[{\"context\":\"c\",\"qas\":[{\"id\":\"" id "\",\"question\":\"" id "?\",\"answers\":[{\"text\":\"x\"}]}]}]}"

static const frame_row frames[] = {
    {ONE "\n{\"input\":\"cut", "one", "line 2: not JSON"},
    {"{\"input\":\n" TWO "\n", "two", "line 1: not JSON"},
    {"nonsense\n", NULL, NULL},
    {ONE "\n\n[1]\n" TWO "\n", "one/two", "line 3: not a JSON object"},
    {"{\"input\":\"a\",\"input\":\"b\",\"answer\":\"1\"}\n" TWO "\n", "two", "line 1: the key 'input' is there twice"},
    {"{\"input\":\"nul \\u0000\",\"answer\":\"1\"}\n" TWO "\n", "two", "line 1: not JSON"},
    {"{\"input\":\"\xff\",\"answer\":\"1\"}\n" TWO "\n", "two", "line 1: not JSON: a string that is not UTF-8"},
    {"[" ONE ",\n" TWO, "one/two", "line 2: the file ends where a comma or ']' is needed"},
    {"[" ONE ",\n{\"input\":\"two\"", "one", "line 2: the file ends where the end of a value is needed"},
    {"[" ONE "\n" TWO "]", "one", "line 2: '{' where a comma or ']' is needed"},
    {"[" ONE "]\nmore", "one", "line 2: 'm' where the end of the file is needed"},
    {"[{\"input\":\"a \\\"]}, \\\\\",\"answer\":\"1\"}," TWO "]", "a \"]}, \\/two", NULL},
    {"[" ONE ",]", "one", "line 1: ']' where a value is needed"},
    {"[" ONE ",{\"input\":\"two\",}," TWO "]", "one/two", "element 2: not JSON"},
    {"{\"data\":[" ARTICLE("a") "]", "a? \\n c", "line 1: the file ends where a comma or '}' is needed"},
    {"{\"version\":1.1,\"data\":[" ARTICLE("a") "],\"more\":[1,{\"x\":\"]}\"}]}", "a? \\n c", NULL},
    {"{\"data\":[" ARTICLE("a") ",\"no\"," ARTICLE("b") "]}", "a? \\n c/b? \\n c", "element 2: not a JSON object"},
    {"{\"data\":[" ARTICLE("a") "],x}", "a? \\n c", "line 1: 'x' where a key is needed"},
};

START_TEST(broken_frames) {
    const frame_row *row = &frames[_i];
    const char *path = scratch_write_text(&files, "x", row->text);
    if (row->inputs == NULL) {
        refuse_data_set(path, RT_ERR_UNSUPPORTED, "none of the known forms of data sets (it begins with 'nonsense\\x0a')");
        return;
    }
    question_list list;
    expect_inputs(path, row->inputs, row->defect != NULL, RT_OK);
    question_list_read(path, &list);
    if (row->defect != NULL) ck_assert_msg(strstr(list.defects[0], row->defect) != NULL, "%s", list.defects[0]);
    question_list_free(&list);
}
END_TEST

START_TEST(files_that_are_none) {
    refuse_data_set(scratch_path(&files, "absent"), RT_ERR_READ, "cannot open (No such file or directory)");
    refuse_data_set(scratch_write_text(&files, "empty", ""), RT_ERR_MALFORMED, "empty: no records");
    refuse_data_set(scratch_write_text(&files, "blank", "\n \n"), RT_ERR_MALFORMED, "blank: no records");
    refuse_data_set(files.folder, RT_ERR_UNSUPPORTED, "a folder without dev.tsv, test.tsv or *.txt");
    refuse_data_set(scratch_write_text(&files, "key.jsonl", "{\"id\":\"1\",\"answerKey\":\"A\"}\n"), RT_ERR_UNSUPPORTED,
                    "none of the known forms");
    refuse_data_set(scratch_write_text(&files, "bad.jsonl", "{\"input\":}\n"), RT_ERR_MALFORMED, "bad.jsonl, line 1: not JSON");
    refuse_data_set(scratch_write_text(&files, "list", "[]"), RT_ERR_MALFORMED, "list: no records");
}
END_TEST

START_TEST(line_too_long) {
    const size_t n = SOURCE_LINE_BYTES + 2;
    char *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', n);
    refuse_data_set(scratch_write(&files, "long", bytes, n), RT_ERR_LIMIT, "long, line 1: too long (at most 16777216 bytes)");
    bytes[0] = '{';
    refuse_data_set(scratch_write(&files, "long.jsonl", bytes, n), RT_ERR_LIMIT, "long.jsonl, line 1: too long");
    free(bytes);
}
END_TEST

#define PIQA "{\"goal\":\"g\",\"sol1\":\"x\",\"sol2\":\"y\"}\n"

START_TEST(labels_missing_short_and_long) {
    question_list list;
    const char *path = scratch_write_text(&files, "valid.jsonl", PIQA PIQA);
    question_list_read(path, &list);
    ck_assert_uint_eq(list.n, 2);
    ck_assert_uint_eq(list.v[0].n_references, 0);
    ck_assert_msg(strstr(list.note, "valid.jsonl: no file valid-labels.lst beside it: its questions have no answers") != NULL, "%s",
                  list.note);
    question_list_free(&list);

    scratch_write_text(&files, "valid-labels.lst", "0\n");
    path = scratch_path(&files, "valid.jsonl");
    question_list_read(path, &list);
    ck_assert_int_eq(list.status, RT_ERR_DISAGREE);
    ck_assert_uint_eq(list.n, 1);
    ck_assert_msg(strstr(list.err.message, "valid-labels.lst: ends after 1 line") != NULL, "%s", list.err.message);
    question_list_free(&list);

    scratch_write_text(&files, "valid-labels.lst", "0\n1\n1\n");
    path = scratch_path(&files, "valid.jsonl");
    question_list_read(path, &list);
    ck_assert_int_eq(list.status, RT_ERR_DISAGREE);
    ck_assert_uint_eq(list.n, 2);
    ck_assert_msg(strstr(list.err.message, "valid-labels.lst, line 3: ") != NULL, "%s", list.err.message);
    question_list_free(&list);
}
END_TEST

START_TEST(labels_may_be_packed) {
    question_list list;
    write_gzip("valid-labels.lst.gz", "1\n", 0);
    question_list_read(write_gzip("valid.jsonl.gz", PIQA, 0), &list);
    ck_assert_str_eq(list.v[0].references, "y");
    ck_assert_str_eq(list.note, "");
    question_list_free(&list);
}
END_TEST

START_TEST(lists_of_references) {
    static const char *const lines[] = {"[]\n", "[\"a\"\n", "[1]\n", "\"a\"\n", "[\"a\"] x\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        scratch_write_text(&files, "dev_ans.jsonl", lines[i]);
        expect_inputs(scratch_write_text(&files, "dev.tsv", "q\ta\n"), "", 1, RT_OK);
    }
    scratch_write_text(&files, "dev_ans.jsonl", "[\"a\", \"b \\u00e9\"]\n");
    expect_inputs(scratch_write_text(&files, "dev.tsv", "q\ta\n"), "q", 0, RT_OK);
    expect_inputs(files.folder, "q", 0, RT_OK);
}
END_TEST

START_TEST(summaries_missing) {
    static const char table[] = "document_id,set,question,answer1,answer2\nd,test,q,a,b\n";
    refuse_data_set(scratch_write_text(&files, "qaps.csv", table), RT_ERR_READ, "qaps.csv: no file summaries.csv beside it");
    scratch_write_text(&files, "summaries.csv", "document_id,set\nd,test\n");
    refuse_data_set(scratch_path(&files, "qaps.csv"), RT_ERR_MALFORMED, "summaries.csv, line 1: the number of columns is 2");
}
END_TEST

START_TEST(quotes_in_a_table_with_commas) {
    static const char head[] = "id,context,question,answer0,answer1,answer2,answer3,label\n";
    rt_text table = {0};
    text_append(&table, "%s1,\"a \"\"b\"\", c\",q,w,x,y,z,3\n2,\"open,q,w,x,y,z,3\n", head);
    expect_inputs(scratch_write(&files, "c.csv", table.v, table.n), "q? \\n (A) w (B) x (C) y (D) z \\n a \"b\", c", 1, RT_OK);
    rt_text_free(&table);
}
END_TEST

START_TEST(nul_and_bytes_that_are_not_utf8_stay_in_a_table) {
    data_set *set;
    data_item item;
    const char bytes[] = "a\0b\xff\tc\n";
    ck_assert_int_eq(data_open(scratch_write(&files, "x", bytes, sizeof bytes - 1), &set, NULL), RT_OK);
    ck_assert_int_eq(data_next(set, &item, NULL), RT_OK);
    ck_assert_int_eq(item.kind, DATA_QUESTION);
    ck_assert_uint_eq(item.question.input.n, 4);
    ck_assert_mem_eq(item.question.input.v, "a\0b\xff", 4);
    data_close(set);
}
END_TEST

/* The text after each cut opens or not, and nothing breaks. */
START_TEST(every_cut_of_a_document) {
    static const char text[] = "{\"version\":\"1\",\"data\":[" ARTICLE("a") "," ARTICLE("b\\\"") "]}";
    for (size_t n = 0; n <= sizeof text - 1; n++) {
        data_set *set;
        data_item item;
        rt_error err;
        if (data_open(scratch_write(&files, "cut", text, n), &set, &err) != RT_OK) continue;
        while (data_next(set, &item, &err) == RT_OK && item.kind != DATA_END) continue;
        ck_assert_uint_ge(data_n_questions(set) + data_n_defects(set), 1);
        ck_assert_msg(n == sizeof text - 1 || data_n_defects(set) > 0, "cut at %zu goes unseen", n);
        data_close(set);
    }
}
END_TEST

START_TEST(memory_is_flat) {
    rt_text lines = {0};
    for (int i = 0; i < 20000; i++) text_append(&lines, "question %d\tanswer\n", i);
    source s;
    slice line;
    bool have = true;
    ck_assert_int_eq(source_open(scratch_write(&files, "many", lines.v, lines.n), &s, NULL), RT_OK);
    source_release(&s);
    size_t n = 0;
    while (source_line(&s, &line, &have, NULL) == RT_OK && have) n++;
    ck_assert_uint_eq(n, 20000);
    ck_assert_uint_lt(s.buffer.capacity, 300000);
    source_close(&s);
    rt_text_free(&lines);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("data_files");
    TCase *tc = tcase_create("data_files");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, gzip_is_found_by_content);
    tcase_add_test(tc, gzip_cut_short);
    tcase_add_test(tc, gzip_broken_inside);
    tcase_add_loop_test(tc, line_ends_do_not_matter, 0, sizeof same_lines / sizeof *same_lines);
    tcase_add_loop_test(tc, broken_frames, 0, sizeof frames / sizeof *frames);
    tcase_add_test(tc, files_that_are_none);
    tcase_add_test(tc, line_too_long);
    tcase_add_test(tc, labels_missing_short_and_long);
    tcase_add_test(tc, labels_may_be_packed);
    tcase_add_test(tc, lists_of_references);
    tcase_add_test(tc, summaries_missing);
    tcase_add_test(tc, quotes_in_a_table_with_commas);
    tcase_add_test(tc, nul_and_bytes_that_are_not_utf8_stay_in_a_table);
    tcase_add_test(tc, every_cut_of_a_document);
    tcase_add_test(tc, memory_is_flat);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

/* JSON files: what the standard forbids, and what would let two readers see two things, is refused; everything else is read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/json_file.h"
#include "runtime/buffer.h"
#include "tests/support/expect.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

/* From a block of exactly n bytes, so that the address sanitizer sees any read past the end. */
static rt_status parse(const char *text, size_t n, rt_error *err) {
    cJSON *json = NULL;
    uint8_t *exact = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, n);
    const rt_status status = t5_json_parse("config.json", exact, n, &json, err);
    cJSON_Delete(json);
    free(exact);
    return status;
}

/* Values that are not JSON; each stands in {"a":VALUE}. The kinds are those that a suite of parsing tests would have. */
static const char *const bad_values[] = {
    "", "nul", "True", "NaN", "Infinity", "-Infinity", "nan", "'a'", "undefined", "a", "+1", "01", "-01", "-", "1.", ".5", "-.5", "1e",
    "1e+", "1.e1", "0x10", "1 2", "1,", "--1", "1-1", "1+1", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[", "[1", "]", "[1}", "{", "{]",
    "{\"b\"}", "{\"b\":}", "{\"b\":1,}", "{,}", "{b:1}", "{1:1}", "{\"b\":1 \"c\":2}", "{\"b\"::1}", "{\"b\":1}}", "\"", "\"abc",
    "\"\\\"", "\"\\", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"",
    "\"\n\"", "\"\t\"", "\"\x01\"", "\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
    "\"\xf5\x80\x80\x80\"", "\"\\u0000\"",
    "1/**/", "1//x", "\v1", "\f1", "\xc2\xa0", "1\xe2\x80\xa8", "1;", "1#", "truetrue", "1true", "\"a\"\"b\"",
    "1000000000000000000000000000000000000000000000000000000000000000",
};

static const char *const good_values[] = {
    "0", "-0", "-1", "1.5", "1e5", "1E+5", "1e-5", "-0.0e0", "1e999", "true", "false", "null", "\"\"", "\"a b\"", "[]", "{}", "[1, 2,3 ]",
    "{\"b\" : {\"c\":[{}]}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\\uD83D\\uDE00\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "\"\x7f\"", " \t\r\n1 \t\r\n", "[[[[[[[[[[]]]]]]]]]]",
    "100000000000000000000000000000000000000000000000000000000000000",
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void wrap(const char *value, rt_text *text) { text_append(text, "{\"a\":%s}", value); }

START_TEST(bad_value) {
    rt_text text = {0};
    rt_error err;
    wrap(bad_values[_i], &text);
    expect_failure(bad_values[_i], parse(text.v, text.n, &err), &err, RT_ERR_MALFORMED, "byte offset ");
    rt_text_free(&text);
}
END_TEST

START_TEST(good_value) {
    rt_text text = {0};
    rt_error err;
    wrap(good_values[_i], &text);
    expect_ok(good_values[_i], parse(text.v, text.n, &err), &err);
    for (size_t n = 0; n < text.n; n++) ck_assert_int_eq(parse(text.v, n, NULL), RT_ERR_MALFORMED);
    rt_text_free(&text);
}
END_TEST

typedef struct row {
    const char *text;
    size_t n;
    const char *message;
} row;

#define TEXT(literal) literal, sizeof(literal) - 1

static const row bad_texts[] = {
    {TEXT("\xef\xbb\xbf{}"), "begins with a byte-order mark"},
    {TEXT("\xff\xfe{\0}\0"), "begins with '\\xff'"},
    {TEXT("{\0}"), "found '\\x00'"},
    {TEXT("{}\0"), "the end of the text"},
    {TEXT("{} {}"), "the end of the text"},
    {TEXT("{}x"), "the end of the text"},
    {TEXT("[1]"), "begins with '['"},
    {TEXT("\"a\""), "not a JSON object"},
    {TEXT("12"), "not a JSON object"},
    {TEXT("  "), "not a JSON object: begins with ''"},
    {TEXT("<html>"), "a web page"},
    {TEXT("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer"},
    {TEXT("{\"a\":1,\"b\":2,\"a\":1}"), "the key 'a' is there twice in one object"},
    {TEXT("{\"a\":1,\"\\u0061\":2}"), "the key 'a' is there twice"},
    {TEXT("{\"x\":[1,{\"y\":{\"b\":1,\"b\":1}}]}"), "the key 'b' is there twice"},
    {TEXT("{\"x\":{\"y\":1},\"z\":[{},{\"\":1,\"\":1}]}"), "the key '' is there twice"},
};

START_TEST(bad_text) {
    rt_error err;
    expect_failure(bad_texts[_i].message, parse(bad_texts[_i].text, bad_texts[_i].n, &err), &err, RT_ERR_MALFORMED, bad_texts[_i].message);
}
END_TEST

START_TEST(equal_keys_of_two_objects) {
    rt_error err;
    expect_ok("two objects", parse(TEXT("{\"a\":{\"a\":1},\"b\":{\"a\":1},\"A\":[{\"a\":1},{\"a\":2}]}"), &err), &err);
}
END_TEST

/* The object at the top and `depth` - 1 lists in it. */
static void nest(int depth, rt_text *text) {
    text_append(text, "{\"a\":");
    for (int i = 1; i < depth; i++) text_append(text, "[");
    for (int i = 1; i < depth; i++) text_append(text, "]");
    text_append(text, "}");
}

START_TEST(nesting) {
    rt_text deep = {0}, deepest = {0}, absurd = {0};
    rt_error err;
    nest(T5_JSON_MAX_DEPTH, &deepest);
    expect_ok("32 levels", parse(deepest.v, deepest.n, &err), &err);
    nest(T5_JSON_MAX_DEPTH + 1, &deep);
    expect_failure("33 levels", parse(deep.v, deep.n, &err), &err, RT_ERR_MALFORMED, "nested too deep (byte offset 36, at most 32 levels)");
    nest(100000, &absurd);
    expect_failure("100,000 levels", parse(absurd.v, absurd.n, &err), &err, RT_ERR_MALFORMED, "nested too deep");
    rt_text_free(&deep);
    rt_text_free(&deepest);
    rt_text_free(&absurd);
}
END_TEST

START_TEST(many_values) {
    rt_text text = {0};
    rt_error err;
    text_append(&text, "{\"a\":[0");
    for (int i = 3; i < T5_JSON_MAX_VALUES; i++) text_append(&text, ",0");
    rt_text more = {0};
    ck_assert_int_eq(rt_text_append(&more, text.v, text.n, NULL), RT_OK);
    text_append(&text, "]}");
    expect_ok("as many as allowed", parse(text.v, text.n, &err), &err);
    text_append(&more, ",0]}");
    expect_failure("one more", parse(more.v, more.n, &err), &err, RT_ERR_LIMIT, "too many values");
    rt_text_free(&text);
    rt_text_free(&more);
}
END_TEST

/* 100,000 keys, in falling order: to compare each with each would take minutes under the sanitizers. */
START_TEST(many_keys) {
    rt_text text = {0};
    rt_error err;
    text_append(&text, "{");
    for (int i = 100000; i > 0; i--) text_append(&text, "\"%06d\":0,", i);
    text_append(&text, "\"last\":0");
    rt_text twice = {0};
    ck_assert_int_eq(rt_text_append(&twice, text.v, text.n, NULL), RT_OK);
    text_append(&text, "}");
    expect_ok("many keys", parse(text.v, text.n, &err), &err);
    text_append(&twice, ",\"050000\":0}");
    expect_failure("one twice", parse(twice.v, twice.n, &err), &err, RT_ERR_MALFORMED, "'050000' is there twice");
    rt_text_free(&text);
    rt_text_free(&twice);
}
END_TEST

START_TEST(read_from_file) {
    scratch files;
    cJSON *json = NULL;
    rt_error err;
    scratch_open(&files);
    const char *path = scratch_write_text(&files, "config.json", "{\"a\":1}");
    expect_ok("file", t5_json_read(path, 7, &json, &err), &err);
    ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(json, "a")->valueint, 1);
    cJSON_Delete(json);
    expect_failure("too large", t5_json_read(path, 6, &json, &err), &err, RT_ERR_LIMIT, "config.json: too large (7 bytes, at most 6)");
    expect_failure("missing", t5_json_read(scratch_path(&files, "none.json"), 6, &json, &err), &err, RT_ERR_READ, "none.json: cannot read");
    scratch_close(&files);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json");
    TCase *rows = tcase_create("rows"), *whole = tcase_create("whole files");
    tcase_set_timeout(whole, 60);
    tcase_add_loop_test(rows, bad_value, 0, COUNT(bad_values));
    tcase_add_loop_test(rows, good_value, 0, COUNT(good_values));
    tcase_add_loop_test(rows, bad_text, 0, COUNT(bad_texts));
    tcase_add_test(rows, equal_keys_of_two_objects);
    tcase_add_test(whole, nesting);
    tcase_add_test(whole, many_values);
    tcase_add_test(whole, many_keys);
    tcase_add_test(whole, read_from_file);
    suite_add_tcase(suite, rows);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}

/* Text to ids and back with T5's own vocabulary: known ids, special tokens in both modes, decoding, and the settings file. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"
#include "tokenizer/tokenizer.h"

static const char model_folder[] = "data/models/qa-mini";
static const char model_file[] = "data/models/qa-mini/spiece.model";

enum { MAX_IDS = 32 };

/* ---- a tokenizer for each test, and folders with settings of their own ---- */

static tok_tokenizer *tokenizer;
static char folder[64];
static rt_ids ids;
static rt_text text;
static rt_error err;

static void set_up(void) {
    ck_assert_msg(tok_open(model_folder, &tokenizer, &err) == RT_OK, "%s", err.message);
    strcpy(folder, "/tmp/test_tokenizer.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void) {
    char path[128];
    static const char *const files[] = {"spiece.model", "tokenizer_config.json"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    tok_close(tokenizer);
    rt_ids_free(&ids);
    rt_text_free(&text);
}

/* Opens T5's vocabulary with this tokenizer_config.json beside it. */
static rt_status open_with_config(const char *json, size_t n_bytes, tok_tokenizer **opened) {
    char path[128], *target = realpath(model_file, NULL);
    ck_assert_ptr_nonnull(target);
    snprintf(path, sizeof path, "%s/spiece.model", folder);
    if (access(path, F_OK) != 0) ck_assert_int_eq(symlink(target, path), 0);
    free(target);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(json, 1, n_bytes, f), n_bytes);
    ck_assert_int_eq(fclose(f), 0);
    return tok_open(folder, opened, &err);
}

static void reopen_with_config(const char *json) {
    tok_close(tokenizer);
    tokenizer = NULL;
    ck_assert_msg(open_with_config(json, strlen(json), &tokenizer) == RT_OK, "%s", err.message);
}

/* ---- comparisons ---- */

static void encode(const char *s, size_t n_bytes) {
    ids.n = 0;
    ck_assert_msg(tok_encode(tokenizer, s, n_bytes, &ids, &err) == RT_OK, "%s", err.message);
}

static void assert_ids(const char *what, const int32_t *expected, size_t n) {
    ck_assert_msg(ids.n == n, "%s: %zu ids, expected %zu", what, ids.n, n);
    for (size_t i = 0; i < n; i++) ck_assert_msg(ids.v[i] == expected[i], "%s: id %zu is %d, expected %d", what, i, ids.v[i], expected[i]);
}

typedef struct known {
    const char *text;
    size_t n_bytes;
    int32_t ids[MAX_IDS]; /* </s> ends them */
} known;

#define TEXT(s) s, sizeof s - 1

static void assert_known(const known *k) {
    size_t n = MAX_IDS;
    while (k->ids[n - 1] == 0) n--;
    encode(k->text, k->n_bytes);
    assert_ids(k->text, k->ids, n);
}

static void assert_decodes(const int32_t *v, size_t n, const char *expected) {
    text.n = 0;
    ck_assert_msg(tok_decode(tokenizer, v, n, &text, &err) == RT_OK, "%s", err.message);
    ck_assert_str_eq(text.v, expected);
}

/* ---- text to ids ---- */

static const known plain[] = {
    {TEXT("Hello world"), {8774, 296, 1}},
    {TEXT("which is best conductor? \\n (a) iron (b) feather"),
     {84, 19, 200, 3498, 127, 58, 3, 2, 29, 41, 9, 61, 3575, 41, 115, 61, 17597, 1}},
    {TEXT(""), {1}},
    {TEXT("   "), {1}},
    {TEXT("\t\n \xc2\xa0"), {1}},
    {TEXT("! ! !"), {3, 55, 3, 55, 3, 55, 1}},
    {TEXT("!!!!!!"), {3, 17065, 55, 1}},
    {TEXT("  Hello \n  world  "), {8774, 296, 1}},
    {TEXT("\xef\xbd\x86\xef\xbd\x95\xef\xbd\x8c\xef\xbd\x8c"), {423, 1}}, /* full width "full" */
    {TEXT("<"), {3, 2, 1}},
    {TEXT("{}^~`"), {3, 2, 1}}, /* a run of unknown characters is one unknown */
    {TEXT("{ }"), {3, 2, 3, 2, 1}},
    {TEXT("a\xff"
          "b"),
     {3, 9, 2, 115, 1}},
    {TEXT("a\xc0\x80"
          "b"),
     {3, 9, 2, 115, 1}}, /* overlong */
    {TEXT("a\xe2\x82"), {3, 9, 2, 1}}, /* cut */
    {TEXT("\xed\xa0\x80"), {3, 2, 1}}, /* surrogate */
    {TEXT("\xf4\x90\x80\x80x"), {3, 2, 226, 1}}, /* above U+10FFFF */
    {TEXT("\x80 \x80"), {3, 2, 3, 2, 1}},
    {TEXT("\0"), {3, 2, 1}},
    {TEXT("a\0b"), {3, 9, 2, 115, 1}},
};

START_TEST(plain_text_gives_the_known_ids) { assert_known(&plain[_i]); }
END_TEST

/* Texts that the normaliser makes equal. */
static const char *const equal[][2] = {
    {"\xef\xac\x81ne", "fine"},
    {"caf\xc3\xa9", "cafe\xcc\x81"},
    {"no\xc2\xa0"
     "break\xe3\x80\x80here",
     "no break here"},
    {"\xe2\x84\x83", "\xc2\xb0"
                     "C"},
    {"\xe2\x96\x81marked", "marked"},
};

START_TEST(normalised_texts_are_equal) {
    rt_ids other = {0};
    encode(equal[_i][0], strlen(equal[_i][0]));
    ck_assert_int_eq(tok_encode(tokenizer, equal[_i][1], strlen(equal[_i][1]), &other, NULL), RT_OK);
    assert_ids(equal[_i][0], other.v, other.n);
    rt_ids_free(&other);
}
END_TEST

static const known legacy[] = {
    {TEXT("<extra_id_0>. Hello"), {32099, 3, 5, 8774, 1}},
    {TEXT("Hello <extra_id_0>."), {8774, 32099, 3, 5, 1}},
    {TEXT("Hello<extra_id_0>world"), {8774, 32099, 296, 1}},
    {TEXT("Hello <extra_id_0> world"), {8774, 32099, 296, 1}},
    {TEXT("<extra_id_99><extra_id_98>"), {32000, 32001, 1}},
    {TEXT("Hello</s>world"), {8774, 1, 296, 1}},
    {TEXT("Hello</s>"), {8774, 1}},
    {TEXT("</s>"), {1}},
    {TEXT("</s></s>"), {1, 1}},
    {TEXT("<pad>Hello<unk>"), {0, 8774, 2, 1}},
    {TEXT("<<extra_id_0>"), {3, 2, 32099, 1}},
};

static const known not_legacy[] = {
    {TEXT("<extra_id_0>. Hello"), {32099, 5, 8774, 1}},
    {TEXT("Hello <extra_id_0>."), {8774, 32099, 5, 1}},
    {TEXT("Hello<extra_id_0>world"), {8774, 32099, 7276, 1}},
    {TEXT("Hello <extra_id_0> world"), {8774, 32099, 7276, 1}},
    {TEXT("Hello</s> world"), {8774, 1, 296, 1}},
    {TEXT("Hello</s>world"), {8774, 1, 7276, 1}},
    {TEXT("</s>"), {1}},
    {TEXT("   "), {1}},
    {TEXT("a----  \xc3\xa9! "), {3, 9, 14817, 18, 3, 154, 55, 1}}, /* a tie that rounding decides */
};

START_TEST(special_tokens_legacy) { assert_known(&legacy[_i]); }
END_TEST

START_TEST(special_tokens_not_legacy) {
    reopen_with_config("{\"legacy\": false}");
    assert_known(&not_legacy[_i]);
}
END_TEST

START_TEST(what_only_looks_like_a_sentinel_is_text) {
    static const char *const texts[] = {"<extra_id_100>", "<extra_id_00>", "<extra_id_>", "<extra_id_5", "<extra_id_99999999999999999999>"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        encode(texts[i], strlen(texts[i]));
        for (size_t j = 0; j < ids.n; j++) ck_assert_int_lt(ids.v[j], 32000);
        ck_assert_uint_gt(ids.n, 5);
    }
}
END_TEST

START_TEST(ids_are_appended) {
    ids.n = 0;
    ck_assert_int_eq(tok_encode(tokenizer, "Hello", 5, &ids, &err), RT_OK);
    ck_assert_int_eq(tok_encode(tokenizer, "", 0, &ids, &err), RT_OK);
    assert_ids("twice", (const int32_t[]){8774, 1, 1}, 3);
}
END_TEST

START_TEST(long_texts) {
    enum { N = 100000, TOO_LONG = (2 << 20) + 1, RUN = 50000 };
    static const char name[] = "<extra_id_0>";
    for (size_t i = 0; i < N; i++) ck_assert_int_eq(rt_text_append(&text, name, sizeof name - 1, NULL), RT_OK);
    encode(text.v, text.n);
    ck_assert_uint_eq(ids.n, N + 1);
    encode(text.v, text.n - 1); /* the last name is cut short */
    ck_assert_uint_gt(ids.n, N);
    memset(text.v, '<', RUN);
    encode(text.v, RUN);
    assert_ids("a long run of one unknown character", (const int32_t[]){3, 2, 1}, 3);

    char *long_text = calloc(TOO_LONG, 1);
    ck_assert_int_eq(tok_encode(tokenizer, long_text, TOO_LONG, &ids, &err), RT_ERR_LIMIT);
    ck_assert_uint_eq(ids.n, 3);
    free(long_text);
}
END_TEST

/* ---- ids to text ---- */

START_TEST(decoding) {
    assert_decodes((const int32_t[]){8774, 296, 1}, 3, "Hello world");
    assert_decodes((const int32_t[]){0, 3, 8774, 1}, 4, " Hello");
    assert_decodes((const int32_t[]){7276, 3, 1}, 3, "world ");
    assert_decodes((const int32_t[]){3, 2, 3, 2, 1}, 5, " ");
    assert_decodes((const int32_t[]){2, 3, 2, 1}, 4, "");
    assert_decodes((const int32_t[]){5, 8774, 32099, 296, 5, 55}, 6, ". Hello world.!");
    assert_decodes((const int32_t[]){32100, 8774, 32127, 2000000000}, 4, "Hello");
    assert_decodes(NULL, 0, "");
    ck_assert_int_eq(tok_decode(tokenizer, (const int32_t[]){8774}, 1, &text, &err), RT_OK); /* appended: first of a text of its own */
    ck_assert_str_eq(text.v, "Hello");
    ck_assert_int_eq(tok_decode(tokenizer, (const int32_t[]){8774, -1}, 2, &text, &err), RT_ERR_USAGE);
    ck_assert_str_eq(text.v, "Hello");
    ck_assert_uint_eq(text.n, 5);
}
END_TEST

START_TEST(pieces) {
    static const struct {
        int32_t id;
        const char *piece;
    } known_pieces[] = {
        {0, "<pad>"},
        {1, "</s>"},
        {2, "<unk>"},
        {3, "\xe2\x96\x81"},
        {296, "\xe2\x96\x81world"},
        {32000, "<extra_id_99>"},
        {32099, "<extra_id_0>"},
        {32100, "<32100>"},
    };
    for (size_t i = 0; i < sizeof known_pieces / sizeof *known_pieces; i++) {
        text.n = 0;
        ck_assert_int_eq(tok_piece(tokenizer, known_pieces[i].id, &text, &err), RT_OK);
        ck_assert_str_eq(text.v, known_pieces[i].piece);
    }
    ck_assert_int_eq(tok_piece(tokenizer, -1, &text, &err), RT_ERR_USAGE);
}
END_TEST

/* ---- files and settings ---- */

START_TEST(settings) {
    ck_assert(tok_lower_case(tokenizer)); /* the default model's file says so */
    ck_assert_uint_eq(tok_n_ids(tokenizer), 32100);
    reopen_with_config("{\"extra_ids\": 10, \"legacy\": null, \"do_lower_case\": true, \"do_lower_case\": false}\r\n\t ");
    ck_assert(!tok_lower_case(tokenizer));
    ck_assert_uint_eq(tok_n_ids(tokenizer), 32010);
    encode(TEXT("<extra_id_0>.<extra_id_9>"));
    assert_ids("ten sentinels", (const int32_t[]){32009, 3, 5, 32000, 1}, 5);
    reopen_with_config("{\"extra_ids\": 0}");
    ck_assert_uint_eq(tok_n_ids(tokenizer), 32000);
}
END_TEST

START_TEST(a_file_by_itself_has_the_default_settings) {
    tok_close(tokenizer);
    ck_assert_msg(tok_open(model_file, &tokenizer, &err) == RT_OK, "%s", err.message);
    ck_assert(!tok_lower_case(tokenizer));
    assert_known(&legacy[0]);
}
END_TEST

START_TEST(bad_settings_are_refused) {
    static const char *const bad[] = {
        "",
        "{",
        "{\"legacy\"",
        "{\"a\": 1,}",
        "{} {}",
        "[]",
        "null",
        "{\"legacy\": 1}",
        "{\"do_lower_case\": \"true\"}",
        "{\"extra_ids\": -1}",
        "{\"extra_ids\": 1.5}",
        "{\"extra_ids\": 65537}",
        "{\"extra_ids\": \"100\"}",
    };
    tok_tokenizer *none = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(open_with_config(bad[i], strlen(bad[i]), &none) == RT_ERR_MALFORMED, "%s", bad[i]);
        ck_assert_msg(strstr(err.message, "tokenizer_config.json") != NULL, "%s", err.message);
        ck_assert_ptr_null(none);
    }
    enum { LARGE = (1 << 20) + 1, DEEP = 200000 };
    char *json = malloc(LARGE);
    ck_assert_int_eq(open_with_config(memset(json, ' ', LARGE), LARGE, &none), RT_ERR_LIMIT);
    ck_assert_int_eq(open_with_config(memset(json, '[', DEEP), DEEP, &none), RT_ERR_MALFORMED);
    free(json);
}
END_TEST

START_TEST(unreadable_paths) {
    tok_tokenizer *none = NULL;
    ck_assert_int_eq(tok_open("no/such/folder", &none, &err), RT_ERR_READ);
    ck_assert_int_eq(tok_open(folder, &none, &err), RT_ERR_READ); /* a folder without spiece.model */
    ck_assert_int_eq(tok_open("/dev/null", &none, NULL), RT_ERR_READ);
    ck_assert_int_eq(tok_open(model_folder, &none, NULL), RT_OK);
    tok_close(none);
    tok_close(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tokenizer");
    TCase *tests = tcase_create("tokenizer");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, plain_text_gives_the_known_ids, 0, sizeof plain / sizeof *plain);
    tcase_add_loop_test(tests, normalised_texts_are_equal, 0, sizeof equal / sizeof *equal);
    tcase_add_loop_test(tests, special_tokens_legacy, 0, sizeof legacy / sizeof *legacy);
    tcase_add_loop_test(tests, special_tokens_not_legacy, 0, sizeof not_legacy / sizeof *not_legacy);
    tcase_add_test(tests, what_only_looks_like_a_sentinel_is_text);
    tcase_add_test(tests, ids_are_appended);
    tcase_add_test(tests, long_texts);
    tcase_add_test(tests, decoding);
    tcase_add_test(tests, pieces);
    tcase_add_test(tests, settings);
    tcase_add_test(tests, a_file_by_itself_has_the_default_settings);
    tcase_add_test(tests, bad_settings_are_refused);
    tcase_add_test(tests, unreadable_paths);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

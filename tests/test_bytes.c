/* ByT5's tokenizer through tok_open: ids and texts as transformers' ByT5Tokenizer gives them, its settings file, and other tokenizers'. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/golden.h"
#include "tests/support/model.h"
#include "tests/support/scratch.h"
#include "tokenizer/tokenizer.h"

#define BYT5 "tests/golden/cases/byt5"
#define TEXT(literal) literal, sizeof(literal) - 1

enum { MAX_IDS = 20, N_IDS = 384 };

static scratch files;
static tok_tokenizer *tokenizer;
static rt_ids ids;
static rt_text text;
static rt_error err;

static void set_up(void) {
    scratch_open(&files);
    must(tok_open(BYT5 "/safetensors", &tokenizer, &err), &err);
}

static void tear_down(void) {
    tok_close(tokenizer);
    rt_ids_free(&ids);
    rt_text_free(&text);
    scratch_close(&files);
}

static void reopen(const char *json) {
    scratch_write_text(&files, "tokenizer_config.json", json);
    tok_close(tokenizer);
    tokenizer = NULL;
    must(tok_open(files.folder, &tokenizer, &err), &err);
}

static void assert_encodes(const char *s, size_t n_bytes, const int32_t *expected, size_t n) {
    ids.n = 0;
    must(tok_encode(tokenizer, s, n_bytes, &ids, &err), &err);
    ck_assert_msg(ids.n == n, "%s: %zu ids, not %zu", s, ids.n, n);
    for (size_t i = 0; i < n; i++) ck_assert_msg(ids.v[i] == expected[i], "%s: id %zu is %d, not %d", s, i, ids.v[i], expected[i]);
}

static void assert_decodes(const int32_t *v, size_t n, const char *expected, size_t n_bytes) {
    text.n = 0;
    must(tok_decode(tokenizer, v, n, &text, &err), &err);
    ck_assert_msg(text.n == n_bytes && memcmp(text.v, expected, n_bytes) == 0, "\"%s\", not \"%s\"", text.v, expected);
}

/* ---- text to ids ---- */

typedef struct encoded {
    const char *text;
    size_t n_bytes;
    int32_t ids[MAX_IDS]; /* </s>, the only last one, ends them */
} encoded;

/* From transformers 5.23. */
static const encoded texts[] = {
    {TEXT(""), {1}},
    {TEXT("hello"), {107, 104, 111, 111, 114, 1}},
    {TEXT("a\012\011b"), {100, 13, 12, 101, 1}},
    {TEXT("  "), {35, 35, 1}},
    {TEXT("caf\303\251"), {102, 100, 105, 198, 172, 1}},
    {TEXT("\360\237\230\200"), {243, 162, 155, 131, 1}},
    {TEXT("a <extra_id_0> b"), {100, 35, 259, 35, 101, 1}},
    {TEXT("<extra_id_124>"), {383, 1}},
    {TEXT("<extra_id_125>"), {63, 104, 123, 119, 117, 100, 98, 108, 103, 98, 52, 53, 56, 65, 1}},
    {TEXT("<extra_id_07>"), {63, 104, 123, 119, 117, 100, 98, 108, 103, 98, 51, 58, 65, 1}},
    {TEXT("<extra_id_>"), {63, 104, 123, 119, 117, 100, 98, 108, 103, 98, 65, 1}},
    {TEXT("<extra_id_1<extra_id_1>"), {63, 104, 123, 119, 117, 100, 98, 108, 103, 98, 52, 260, 1}},
    {TEXT("<pad"), {63, 115, 100, 103, 1}},
    {TEXT("<</s>"), {63, 1}},
    {TEXT("a </s> b"), {100, 1, 101, 1}},
    {TEXT("</s>"), {1}},
    {TEXT(" </s>"), {1}},
    {TEXT("a</s>"), {100, 1}},
    {TEXT("a </s> "), {100, 1}},
    {TEXT("</s> x"), {1, 123, 1}},
    {TEXT("x  <pad>\343\200\200 y"), {123, 0, 124, 1}},
    {TEXT("<unk> <unk>"), {2, 2, 1}},
    {TEXT("a \012</s>\011 <pad> b"), {100, 1, 0, 101, 1}},
    {TEXT("<extra_id_1> </s> <extra_id_2> z"), {260, 1, 261, 35, 125, 1}},
    {TEXT("\034\035\036\037</s>\013\014\015\302\205z"), {1, 125, 1}},
    {TEXT("a\342\200\213</s>"), {100, 229, 131, 142, 1}},
    {TEXT("a\302\240</s>\341\232\200b\341\240\216</s>\357\273\277"), {100, 1, 101, 228, 163, 145, 1, 242, 190, 194, 1}},
    {TEXT("a\342\200\200\342\200\212\342\200\250\342\200\251\342\200\257\342\201\237\343\200\200</s>"
          "\342\200\200\342\200\212\342\200\250\342\200\251\342\200\257\342\201\237\343\200\200b"), {100, 1, 101, 1}},
    {TEXT("a\342\200\213\302\240<unk>\342\201\240"), {100, 229, 131, 142, 2, 229, 132, 163, 1}},
    {TEXT("\303\202</s>\302\241"), {198, 133, 1, 197, 164, 1}},
    {TEXT("a\000 </s> \000"), {100, 3, 1, 3, 1}},
};
enum { N_TEXTS = sizeof texts / sizeof *texts };

static size_t count_ids(const encoded *e) {
    size_t n = MAX_IDS;
    while (e->ids[n - 1] != TOK_EOS) n--;
    return n;
}

START_TEST(encoding) { assert_encodes(texts[_i].text, texts[_i].n_bytes, texts[_i].ids, count_ids(&texts[_i])); }
END_TEST

/* Every byte by itself, sound or not, and ids are appended. */
START_TEST(all_bytes) {
    char all[256];
    int32_t expected[257];
    for (int b = 0; b < 256; b++) {
        all[b] = (char)b;
        expected[b] = b + 3;
    }
    expected[256] = TOK_EOS;
    assert_encodes(all, sizeof all, expected, 257);
    must(tok_encode(tokenizer, "a", 1, &ids, &err), &err);
    ck_assert_uint_eq(ids.n, 259);
    ck_assert_int_eq(ids.v[257], 'a' + 3);
}
END_TEST

START_TEST(too_long) {
    const size_t most = 2 << 20;
    char *longest = malloc(most + 1);
    ck_assert_ptr_nonnull(longest);
    memset(longest, 'a', most + 1);
    must(tok_encode(tokenizer, longest, most, &ids, &err), &err);
    ck_assert_uint_eq(ids.n, most + 1);
    ck_assert_int_eq(tok_encode(tokenizer, longest, most + 1, &ids, &err), RT_ERR_LIMIT);
    ck_assert_uint_eq(ids.n, most + 1);
    free(longest);
}
END_TEST

/* ---- ids to text ---- */

typedef struct decoded {
    int32_t ids[MAX_IDS];
    size_t n;
    const char *text;
    size_t n_bytes;
} decoded;

static const decoded answers[] = {
    {{104, 300, 105}, 3, TEXT("ef")},
    {{259, 104}, 2, TEXT("e")},
    {{198, 172}, 2, TEXT("\303\251")},
    {{198, 104}, 2, TEXT("e")},
    {{104, 2, 105}, 3, TEXT("ef")},
    {{229, 133, 259, 175}, 4, TEXT("\342\202\254")},
    {{258, 104}, 2, TEXT("e")},
    {{243, 147, 131, 104}, 4, TEXT("e")},
    {{229, 43, 164, 104}, 4, TEXT("(e")},
    {{240, 163, 131, 104}, 4, TEXT("e")},
    {{247, 147, 131, 131, 104}, 5, TEXT("e")},
    {{3, 0, 1, 4}, 4, TEXT("\000\001")},
    {{35, 104, 35}, 3, TEXT(" e ")},
    {{243, 162, 155, 131}, 4, TEXT("\360\237\230\200")},
    {{243, 162, 155, 243, 162, 155, 131}, 7, TEXT("\360\237\230\200")},
    {{195, 131, 104}, 3, TEXT("e")},
    {{227, 163, 131, 104}, 4, TEXT("\340\240\200e")},
    {{383, 384, 1000000, 105}, 4, TEXT("f")}, /* ids without a name, which transformers cannot decode */
    {{0}, 0, TEXT("")},
};
enum { N_ANSWERS = sizeof answers / sizeof *answers };

START_TEST(decoding) { assert_decodes(answers[_i].ids, answers[_i].n, answers[_i].text, answers[_i].n_bytes); }
END_TEST

START_TEST(decoding_appends) {
    const int32_t tail[] = {0x82 + 3, 0xac + 3, 'b' + 3}, negative[] = {'a' + 3, -1};
    must(rt_text_append(&text, "a\xe2", 2, &err), &err);
    must(tok_decode(tokenizer, tail, 3, &text, &err), &err);
    ck_assert_str_eq(text.v, "a\xe2" "b");
    ck_assert_int_eq(tok_decode(tokenizer, negative, 2, &text, &err), RT_ERR_USAGE);
    ck_assert_str_eq(err.message, "not a token id (position 1, id -1, allowed 0 and above)");
    ck_assert_str_eq(text.v, "a\xe2" "b");
}
END_TEST

START_TEST(pieces) {
    static const struct {
        int32_t id;
        const char *piece;
    } rows[] = {{0, "<pad>"}, {1, "</s>"},     {2, "<unk>"},       {3, "<0x00>"},        {3 + ' ', "<0x20>"}, {3 + '!', "!"},
                {129, "~"},   {130, "<0x7F>"}, {258, "<0xFF>"},    {259, "<extra_id_0>"}, {383, "<extra_id_124>"}, {384, "<384>"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text.n = 0;
        must(tok_piece(tokenizer, rows[i].id, &text, &err), &err);
        ck_assert_str_eq(text.v, rows[i].piece);
    }
}
END_TEST

/* ---- the golden cases, and settings ---- */

static size_t read_ids(const cJSON *array, int32_t *out) {
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array) out[n++] = item->valueint;
    return n;
}

START_TEST(golden_texts) {
    cJSON *meta = golden_json(BYT5 "/meta.json");
    const cJSON *a_case;
    size_t n_texts = 0;
    cJSON_ArrayForEach(a_case, cJSON_GetObjectItem(meta, "cases")) {
        const cJSON *input = cJSON_GetObjectItem(a_case, "text"), *output = cJSON_GetObjectItem(a_case, "output_text");
        int32_t v[128];
        if (input == NULL) continue;
        assert_encodes(input->valuestring, strlen(input->valuestring), v, read_ids(cJSON_GetObjectItem(a_case, "input_ids"), v));
        assert_decodes(v, read_ids(cJSON_GetObjectItem(a_case, "output_ids"), v), output->valuestring, strlen(output->valuestring));
        n_texts++;
    }
    ck_assert_uint_eq(n_texts, 3);
    cJSON_Delete(meta);
}
END_TEST

START_TEST(settings) {
    static const struct {
        const char *json;
        size_t n_ids;
        bool lower_case;
    } rows[] = {
        {"{\"tokenizer_class\":\"ByT5Tokenizer\"}", N_IDS, false},
        {"{\"extra_ids\":125,\"tokenizer_class\":\"ByT5Tokenizer\"}", N_IDS, false},
        {"{\"extra_ids\":0,\"tokenizer_class\":\"ByT5Tokenizer\"}", N_IDS, false},
        {"{\"tokenizer_class\":\"ByT5Tokenizer\",\"extra_ids\":2,\"do_lower_case\":true}", 261, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reopen(rows[i].json);
        ck_assert_msg(tok_n_ids(tokenizer) == rows[i].n_ids && tok_lower_case(tokenizer) == rows[i].lower_case, "%s", rows[i].json);
    }
    assert_encodes(TEXT("<extra_id_1>"), (const int32_t[]){260, 1}, 2);
    assert_encodes(TEXT("<extra_id_2"), (const int32_t[]){63, 104, 123, 119, 117, 100, 98, 108, 103, 98, 53, 1}, 12);
}
END_TEST

/* Other classes need their file, and a file that is there is taken. */
START_TEST(other_tokenizers) {
    static const char *const others[] = {"{}", "{\"tokenizer_class\":\"T5Tokenizer\"}", "{\"tokenizer_class\":5}",
                                         "{\"tokenizer_class\":null}"};
    tok_tokenizer *opened = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        scratch_write_text(&files, "tokenizer_config.json", others[i]);
        expect_failure(others[i], tok_open(files.folder, &opened, &err), &err, RT_ERR_READ, "spiece.model");
        ck_assert_ptr_null(opened);
    }
    scratch_write_text(&files, "tokenizer_config.json", "{\"tokenizer_class\":\"ByT5Tokenizer\"}");
    scratch_write_text(&files, "spiece.model", "no model");
    expect_failure("with a model", tok_open(files.folder, &opened, &err), &err, RT_ERR_MALFORMED, "spiece.model");
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("bytes");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, encoding, 0, N_TEXTS);
    tcase_add_test(tests, all_bytes);
    tcase_add_test(tests, too_long);
    tcase_add_loop_test(tests, decoding, 0, N_ANSWERS);
    tcase_add_test(tests, decoding_appends);
    tcase_add_test(tests, pieces);
    tcase_add_test(tests, golden_texts);
    tcase_add_test(tests, settings);
    tcase_add_test(tests, other_tokenizers);
    return run_tests("bytes", tests, 60);
}

/* The tokenizer inside a GGUF file: the same ids, pieces and texts as from the spiece.model it was made of, and what is refused (Q9,
 * Q19). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tokenizer/tokenizer.h"

#define REAL "tests/golden/cases/real_vocab/gguf_f16/model.gguf"
#define SMALL "tests/golden/cases/relu_tied/gguf_q8_0/model.gguf" /* 312 pieces of 320 ids */
#define SPIECE "data/models/qa-mini/spiece.model"
#define TOKENS "tokenizer.ggml.tokens"
#define SCORES "tokenizer.ggml.scores"
#define TYPES "tokenizer.ggml.token_type"

enum { VOCABULARY = 32128, N_PIECES = 32000, N_SENTINELS = 100 };

static scratch files;
static rt_text bytes, text, other_text;
static rt_ids ids, other_ids;
static tok_tokenizer *gguf, *spiece;
static rt_error err;

static void set_up(void) { scratch_open(&files); }

static void tear_down(void) {
    tok_close(gguf);
    tok_close(spiece);
    gguf = spiece = NULL;
    rt_text_free(&bytes);
    rt_text_free(&text);
    rt_text_free(&other_text);
    rt_ids_free(&ids);
    rt_ids_free(&other_ids);
    scratch_close(&files);
}

/* ---- helpers ---- */

static tok_tokenizer *open_tokenizer(const char *path) {
    tok_tokenizer *t = NULL;
    expect_ok(path, tok_open(path, &t, &err), &err);
    return t;
}

static const char *edited(const char *from, const gguf_edit *edits) {
    bytes.n = 0;
    gguf_rewrite(from, edits, &bytes);
    return scratch_write(&files, "edited.gguf", bytes.v, bytes.n);
}

static void encode(const tok_tokenizer *t, const char *s, size_t n, rt_ids *out) {
    out->n = 0;
    if (tok_encode(t, s, n, out, &err) != RT_OK) ck_abort_msg("%s", err.message);
}

/* Both give the same ids for s and the same text for these. */
static void compare(const char *s, size_t n) {
    encode(gguf, s, n, &ids);
    encode(spiece, s, n, &other_ids);
    if (ids.n != other_ids.n || memcmp(ids.v, other_ids.v, ids.n * sizeof *ids.v) != 0) ck_abort_msg("other ids: %.*s", (int)n, s);
    text.n = other_text.n = 0;
    if (tok_decode(gguf, ids.v, ids.n, &text, &err) != RT_OK) ck_abort_msg("%s", err.message);
    if (tok_decode(spiece, ids.v, ids.n, &other_text, &err) != RT_OK) ck_abort_msg("%s", err.message);
    if (text.n != other_text.n || memcmp(text.v, other_text.v, text.n) != 0) ck_abort_msg("other text: %.*s", (int)n, s);
}

static size_t compare_lines(FILE *f) {
    char *line = NULL;
    size_t capacity = 0, n_lines = 0;
    for (ssize_t n; (n = getline(&line, &capacity, f)) > 0; n_lines++) compare(line, (size_t)n - (line[n - 1] == '\n'));
    free(line);
    return n_lines;
}

/* ---- equality ---- */

START_TEST(same_pieces) {
    gguf = open_tokenizer(REAL);
    spiece = open_tokenizer(SPIECE);
    ck_assert_uint_eq(tok_n_ids(gguf), N_PIECES + N_SENTINELS);
    ck_assert_uint_eq(tok_n_ids(spiece), N_PIECES + N_SENTINELS);
    for (int32_t id = 0; id < VOCABULARY; id++) {
        text.n = other_text.n = 0;
        if (tok_piece(gguf, id, &text, &err) != RT_OK || tok_piece(spiece, id, &other_text, &err) != RT_OK) ck_abort_msg("%d", (int)id);
        if (strcmp(text.v, other_text.v) != 0) ck_abort_msg("piece %d: %s, not %s", (int)id, text.v, other_text.v);
    }
    text.n = 0;
    ck_assert_int_eq(tok_piece(gguf, N_PIECES + N_SENTINELS - 1 - 7, &text, &err), RT_OK);
    ck_assert_str_eq(text.v, "<extra_id_7>");
    ck_assert(!tok_lower_case(gguf));
}
END_TEST

static const char *const settings[] = {NULL, "{\"legacy\": true}", "{\"legacy\": false}", "{\"legacy\": false, \"extra_ids\": 10}"};

/* The GGUF file in a folder with settings, against spiece.model in one. */
START_TEST(same_ids) {
    static const char *const lines[] = {
        "", " ", "  two  spaces  ", "The <extra_id_0> walks in <extra_id_1> park <extra_id_99>", "a<extra_id_100>b", "</s>x <pad> y <unk>z",
        "\xef\xac\x81ne \xe2\x91\xa0 \xef\xbd\x81 \xc2\xa0|\xe3\x80\x80 caf\xc3\xa9 cafe\xcc\x81",
        "\xf0\x9f\x98\x80 \xff\xfe", "\xe2\x96\x81x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "who? \\n (a) x (b) y \\n z",
    };
    scratch folder;
    scratch_open(&folder);
    ck_assert_int_eq(symlink(realpath(REAL, files.path), scratch_path(&folder, "any.gguf")), 0);
    ck_assert_int_eq(symlink(realpath(SPIECE, folder.path), scratch_path(&files, "spiece.model")), 0);
    if (settings[_i] != NULL) {
        scratch_write_text(&folder, "tokenizer_config.json", settings[_i]);
        scratch_write_text(&files, "tokenizer_config.json", settings[_i]);
    }
    gguf = open_tokenizer(folder.folder);
    spiece = open_tokenizer(files.folder);
    scratch_close(&folder);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) compare(lines[i], strlen(lines[i]));
    compare("a\0b", 3);
    FILE *f = fopen("tests/data/tokenizer/golden.tsv", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_ge(compare_lines(f), 300);
    fclose(f);
}
END_TEST

START_TEST(lines_of_the_data_sets) {
    if (access("../shared/datasets", R_OK) != 0) {
        fputs("test_gguf_tokenizer: ../shared/datasets is not there: its lines are skipped\n", stderr);
        return;
    }
    gguf = open_tokenizer(REAL);
    spiece = open_tokenizer(SPIECE);
    FILE *f = popen("for f in $(find ../shared/datasets -name '*.gz' | sort); do zcat $f | awk 'NR % 7 == 0' | head -n 200; done", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_ge(compare_lines(f), 5000);
    ck_assert_int_eq(pclose(f), 0);
}
END_TEST

/* ---- keys ---- */

#define END {GGUF_END, NULL, 0, 0, NULL}

START_TEST(optional_keys) {
    static const gguf_edit plain[] = {END};
    static const gguf_edit without[] = {{GGUF_DROP, "tokenizer.ggml.add_space_prefix", 0, 0, NULL},
                                        {GGUF_DROP, "tokenizer.ggml.remove_extra_whitespaces", 0, 0, NULL},
                                        {GGUF_DROP, "tokenizer.ggml.eos_token_id", 0, 0, NULL},
                                        {GGUF_DROP, "tokenizer.ggml.padding_token_id", 0, 0, NULL},
                                        END};
    static const gguf_edit no_prefix[] = {{GGUF_NUMBER, "tokenizer.ggml.add_space_prefix", RT_GGUF_BOOL, 0, NULL}, END};
    static const gguf_edit spaces[] = {{GGUF_NUMBER, "tokenizer.ggml.remove_extra_whitespaces", RT_GGUF_BOOL, 0, NULL}, END};
    static const char line[] = "b  a";
    gguf = open_tokenizer(edited(SMALL, plain));
    spiece = open_tokenizer(edited(SMALL, without));
    compare(line, sizeof line - 1);
    const size_t n = ids.n;
    tok_close(spiece);
    spiece = open_tokenizer(edited(SMALL, no_prefix));
    encode(spiece, line, sizeof line - 1, &other_ids);
    ck_assert_int_ne(other_ids.v[0], ids.v[0]); /* "b", not "▁b" */
    tok_close(spiece);
    spiece = open_tokenizer(edited(SMALL, spaces));
    encode(spiece, line, sizeof line - 1, &other_ids);
    ck_assert_uint_eq(other_ids.n, n + 1);
}
END_TEST

/* Without the charsmap the text is taken as it is: U+FB01 is no longer "fi". */
START_TEST(charsmap) {
    static const gguf_edit without[] = {{GGUF_DROP, "tokenizer.ggml.precompiled_charsmap", 0, 0, NULL}, END};
    static const gguf_edit is_signed[] = {{GGUF_ELEMENT, "tokenizer.ggml.precompiled_charsmap", RT_GGUF_I8, 237539, NULL}, END};
    static const gguf_edit is_cut[] = {{GGUF_ELEMENT, "tokenizer.ggml.precompiled_charsmap", RT_GGUF_U8, 237538, NULL}, END};
    static const char line[] = "\xef\xac\x81ne";
    gguf = open_tokenizer(REAL);
    spiece = open_tokenizer(edited(REAL, is_signed));
    compare(line, sizeof line - 1);
    tok_close(spiece);
    spiece = open_tokenizer(edited(REAL, without));
    encode(gguf, line, sizeof line - 1, &ids);
    encode(spiece, line, sizeof line - 1, &other_ids);
    ck_assert_int_eq(other_ids.v[1], TOK_UNK);
    ck_assert_int_ne(ids.v[1], TOK_UNK);
    tok_tokenizer *t;
    expect_failure("cut", tok_open(edited(REAL, is_cut), &t, &err), &err, RT_ERR_MALFORMED, "precompiled_charsmap");
}
END_TEST

/* ---- sentinels ---- */

START_TEST(no_room_for_sentinels) {
    gguf = open_tokenizer(SMALL);
    ck_assert_uint_eq(tok_n_ids(gguf), 312);
    encode(gguf, "<extra_id_0>", 12, &ids);
    ck_assert_uint_gt(ids.n, 2);
}
END_TEST

/* A converter that knew the sentinels: they are pieces, and [PADn] that are not the last ones stay pieces too. */
START_TEST(sentinels_of_its_own) {
    static const gguf_edit edits[] = {{GGUF_TOKEN, TOKENS, 0, 318, "<extra_id_0>"}, {GGUF_VALUE, TYPES, 318, 4, NULL}, END};
    gguf = open_tokenizer(edited(SMALL, edits));
    ck_assert_uint_eq(tok_n_ids(gguf), 319);
    encode(gguf, "<extra_id_0>", 12, &ids);
    ck_assert_uint_eq(ids.n, 2);
    ck_assert_int_eq(ids.v[0], 318);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    gguf_edit edit;
    rt_status status;
    const char *message;
} bad_keys[] = {
    {{GGUF_DROP, "tokenizer.ggml.model", 0, 0, NULL}, RT_ERR_MALFORMED, ": no tokenizer.ggml.model"},
    {{GGUF_TEXT, "tokenizer.ggml.model", 0, 0, "llama"}, RT_ERR_UNSUPPORTED, "(tokenizer.ggml.model, 'llama', allowed t5)"},
    {{GGUF_DROP, TOKENS, 0, 0, NULL}, RT_ERR_MALFORMED, ": no " TOKENS},
    {{GGUF_TEXT, TOKENS, 0, 0, "x"}, RT_ERR_MALFORMED, "key '" TOKENS "' has another type"},
    {{GGUF_DROP, SCORES, 0, 0, NULL}, RT_ERR_MALFORMED, ": no " SCORES},
    {{GGUF_DROP, TYPES, 0, 0, NULL}, RT_ERR_MALFORMED, ": no " TYPES},
    {{GGUF_ELEMENT, SCORES, RT_GGUF_I8, 320, NULL}, RT_ERR_MALFORMED, "array of i8, allowed array of f32"},
    {{GGUF_ELEMENT, TYPES, RT_GGUF_I8, 320, NULL}, RT_ERR_MALFORMED, "array of i8, allowed array of i32"},
    {{GGUF_ELEMENT, SCORES, RT_GGUF_F32, 319, NULL}, RT_ERR_DISAGREE, "scores has 319 elements, but tokenizer.ggml.tokens 320"},
    {{GGUF_ELEMENT, TYPES, RT_GGUF_I32, 1, NULL}, RT_ERR_DISAGREE, "token_type has 1 elements"},
    {{GGUF_ELEMENT, TOKENS, RT_GGUF_STRING, 319, NULL}, RT_ERR_DISAGREE, "has 320 elements, but tokenizer.ggml.tokens 319"},
    {{GGUF_NUMBER, "tokenizer.ggml.eos_token_id", RT_GGUF_U32, 2, NULL}, RT_ERR_UNSUPPORTED, "eos_token_id, 2, allowed 1"},
    {{GGUF_NUMBER, "tokenizer.ggml.unknown_token_id", RT_GGUF_U32, 3, NULL}, RT_ERR_UNSUPPORTED, "unknown_token_id, 3, allowed 2"},
    {{GGUF_NUMBER, "tokenizer.ggml.add_space_prefix", RT_GGUF_U8, 1, NULL}, RT_ERR_MALFORMED, "u8, allowed bool"},
    {{GGUF_NUMBER, "tokenizer.ggml.add_space_prefix", RT_GGUF_BOOL, 2, NULL}, RT_ERR_MALFORMED, "is no truth value"},
    {{GGUF_TEXT, "tokenizer.ggml.precompiled_charsmap", 0, 0, "x"}, RT_ERR_MALFORMED, "string, allowed array of u8"},
    {{GGUF_VALUE, SCORES, 5, 0x7fc00000, NULL}, RT_ERR_MALFORMED, "its vocabulary: a score is not finite (piece 5"},
    {{GGUF_VALUE, TYPES, 5, 7, NULL}, RT_ERR_MALFORMED, "not a type of piece (piece 5"},
    {{GGUF_VALUE, TYPES, 5, UINT32_MAX, NULL}, RT_ERR_MALFORMED, "not a type of piece (piece 5"},
    {{GGUF_VALUE, TYPES, 5, 2, NULL}, RT_ERR_MALFORMED, "a second unknown piece"},
    {{GGUF_VALUE, TYPES, 2, 1, NULL}, RT_ERR_MALFORMED, "no unknown piece"},
    {{GGUF_TOKEN, TOKENS, 0, 5, "</s>"}, RT_ERR_MALFORMED, "a duplicate piece"},
    {{GGUF_TOKEN, TOKENS, 0, 5, ""}, RT_ERR_MALFORMED, "a piece has a wrong length"},
    {{GGUF_TOKEN, TOKENS, 0, 5, "\xff"}, RT_ERR_MALFORMED, "a piece is not UTF-8"},
    {{GGUF_TOKEN, TOKENS, 0, 1, "eos"}, RT_ERR_UNSUPPORTED, "not a vocabulary of T5 (piece 1 is \"eos\""},
};

START_TEST(a_bad_key) {
    const gguf_edit edits[] = {bad_keys[_i].edit, END};
    expect_failure(bad_keys[_i].message, tok_open(edited(SMALL, edits), &gguf, &err), &err, bad_keys[_i].status, bad_keys[_i].message);
    ck_assert_ptr_null(gguf);
    if (_i == 0) gguf = open_tokenizer(edited(SMALL, edits + 1));
}
END_TEST

/* The key that tells the unknown piece does so even where its type does not. */
START_TEST(unknown_piece_by_its_key) {
    static const gguf_edit edits[] = {{GGUF_NUMBER, "tokenizer.ggml.unknown_token_id", RT_GGUF_U32, 2, NULL},
                                      {GGUF_VALUE, TYPES, 2, 1, NULL}, END};
    gguf = open_tokenizer(edited(SMALL, edits));
}
END_TEST

/* Q19: names of byte pieces. One that is right still needs the other 255. */
START_TEST(byte_pieces) {
    static const char *const pieces[] = {"<0x-1>", "<0xZZ>", "<0x100>", "<0x41>", "<0x41"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const gguf_edit edits[] = {{GGUF_TOKEN, TOKENS, 0, 5, pieces[i]}, {GGUF_VALUE, TYPES, 5, 6, NULL}, END};
        expect_failure(pieces[i], tok_open(edited(SMALL, edits), &gguf, &err), &err, RT_ERR_MALFORMED, "its vocabulary: SentencePiece");
    }
}
END_TEST

START_TEST(a_piece_too_long) {
    char *piece = malloc(5000);
    memset(piece, 'x', 4999);
    piece[4999] = '\0';
    const gguf_edit edits[] = {{GGUF_TOKEN, TOKENS, 0, 5, piece}, END};
    expect_failure("4999 bytes", tok_open(edited(SMALL, edits), &gguf, &err), &err, RT_ERR_LIMIT, "a piece is too long");
    free(piece);
}
END_TEST

/* ---- files ---- */

START_TEST(without_a_vocabulary) {
    gguf_write(GGUF_NOTHING, 0, &bytes);
    scratch_write(&files, "sample.gguf", bytes.v, bytes.n);
    expect_failure("by its name", tok_open(files.path, &gguf, &err), &err, RT_ERR_READ, "no vocabulary (tokenizer.ggml.tokens), and no");
    expect_failure("by the folder", tok_open(files.folder, &gguf, &err), &err, RT_ERR_READ, "spiece.model: cannot read: No such file");
    char real[PATH_MAX];
    ck_assert_int_eq(symlink(realpath(SPIECE, real), scratch_path(&files, "spiece.model")), 0);
    scratch_write_text(&files, "tokenizer_config.json", "{\"do_lower_case\": true}");
    gguf = open_tokenizer(scratch_path(&files, "sample.gguf"));
    ck_assert(tok_lower_case(gguf));
    ck_assert_uint_eq(tok_n_ids(gguf), N_PIECES + N_SENTINELS);
    scratch_write_text(&files, "x.gguf", "x");
    expect_failure("not GGUF", tok_open(files.path, &spiece, &err), &err, RT_ERR_MALFORMED, "not a GGUF file");
    expect_failure("missing", tok_open("/nonexistent.gguf", &spiece, &err), &err, RT_ERR_READ, "No such file");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gguf_tokenizer");
    TCase *tests = tcase_create("gguf_tokenizer");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, same_pieces);
    tcase_add_loop_test(tests, same_ids, 0, sizeof settings / sizeof *settings);
    tcase_add_test(tests, lines_of_the_data_sets);
    tcase_add_test(tests, optional_keys);
    tcase_add_test(tests, charsmap);
    tcase_add_test(tests, no_room_for_sentinels);
    tcase_add_test(tests, sentinels_of_its_own);
    tcase_add_loop_test(tests, a_bad_key, 0, sizeof bad_keys / sizeof *bad_keys);
    tcase_add_test(tests, unknown_piece_by_its_key);
    tcase_add_test(tests, byte_pieces);
    tcase_add_test(tests, a_piece_too_long);
    tcase_add_test(tests, without_a_vocabulary);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

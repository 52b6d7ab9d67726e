/* SentencePiece models made here, byte by byte: bad ones are refused with the right status, and what is not refused can be used. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/spm_builder.h"
#include "tests/support/suite.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/tokenizer.h"

static rt_text model;
static rt_error err;

static void tear_down(void) { rt_text_free(&model); }

/* ---- pieces ---- */

START_TEST(the_sound_twin_passes) {
    spm_start_model(&model);
    spm_assert_status(&model, "small model", RT_OK);
    spm_add_trainer_spec(&model, 1);
    spm_assert_status(&model, "with a trainer_spec", RT_OK);
    spm_add_trainer_spec(&model, 1);
    spm_put_bytes(&model, 3, "", 0);
    spm_put_bytes(&model, 1000, "anything", 8);
    spm_assert_status(&model, "messages given twice, and unknown fields", RT_OK);
    spm_use_if_sound(&model);
}
END_TEST

static const struct {
    const char *what, *bytes;
    size_t n;
    float score;
    unsigned type;
    rt_status status;
} bad_pieces[] = {
    {"duplicate", "a", 1, -3, NORMAL, RT_ERR_MALFORMED},
    {"duplicate of another type", "a", 1, -3, USER_DEFINED, RT_ERR_MALFORMED},
    {"empty", "", 0, -3, NORMAL, RT_ERR_MALFORMED},
    {"NUL inside", "x\0y", 3, -3, NORMAL, RT_ERR_MALFORMED},
    {"not UTF-8", "\xc3", 1, -3, NORMAL, RT_ERR_MALFORMED},
    {"NaN score", "x", 1, NAN, NORMAL, RT_ERR_MALFORMED},
    {"infinite score", "x", 1, INFINITY, NORMAL, RT_ERR_MALFORMED},
    {"minus infinite score", "x", 1, -INFINITY, NORMAL, RT_ERR_MALFORMED},
    {"type 0", "x", 1, -3, 0, RT_ERR_MALFORMED},
    {"type 7", "x", 1, -3, 7, RT_ERR_MALFORMED},
    {"second unknown piece", "x", 1, -3, UNKNOWN, RT_ERR_MALFORMED},
    {"sound", "x", 1, -3, NORMAL, RT_OK},
};

START_TEST(a_bad_piece) {
    spm_start_model(&model);
    spm_add_piece(&model, bad_pieces[_i].bytes, bad_pieces[_i].n, bad_pieces[_i].score, bad_pieces[_i].type);
    spm_assert_status(&model, bad_pieces[_i].what, bad_pieces[_i].status);
}
END_TEST

START_TEST(sizes_of_pieces) {
    char *piece = malloc(TOK_MAX_PIECE_BYTES + 1);
    memset(piece, 'x', TOK_MAX_PIECE_BYTES + 1);
    spm_start_model(&model);
    spm_add_piece(&model, piece, TOK_MAX_PIECE_BYTES, -3, NORMAL);
    spm_assert_status(&model, "the longest piece", RT_OK);
    spm_use_if_sound(&model);
    spm_add_piece(&model, piece, TOK_MAX_PIECE_BYTES + 1, -3, NORMAL);
    spm_assert_status(&model, "one byte more", RT_ERR_LIMIT);

    spm_start_model(&model); /* pieces that begin alike */
    for (size_t n = 1; n <= TOK_MAX_NESTED_SYMBOLS; n++) spm_add_piece(&model, piece, n, 0, USER_DEFINED);
    spm_assert_status(&model, "nested user-defined pieces", RT_OK);
    spm_use_if_sound(&model);
    spm_add_piece(&model, piece, TOK_MAX_NESTED_SYMBOLS + 1, 0, USER_DEFINED);
    spm_assert_status(&model, "one more", RT_ERR_LIMIT);
    free(piece);
}
END_TEST

START_TEST(numbers_of_pieces) {
    model.n = 0;
    spm_put_bytes(&model, 2, "", 0);
    spm_assert_status(&model, "no pieces", RT_ERR_MALFORMED);
    spm_add_text(&model, "a", -3, NORMAL);
    spm_assert_status(&model, "no unknown piece", RT_ERR_MALFORMED);
    spm_start_model(&model);
    spm_put_bytes(&model, 1, "", 0);
    spm_assert_status(&model, "a piece without text", RT_ERR_MALFORMED);
    spm_start_model(&model);
    char *empty_pieces = malloc(2 * (TOK_MAX_PIECES + 1));
    for (size_t i = 0; i <= TOK_MAX_PIECES; i++) memcpy(empty_pieces + 2 * i, "\x0a\0", 2);
    spm_put(&model, empty_pieces, 2 * (TOK_MAX_PIECES + 1));
    free(empty_pieces);
    spm_assert_status(&model, "too many pieces", RT_ERR_LIMIT);
    ck_assert_int_eq(spm_check_bytes("", 0), RT_ERR_MALFORMED);
}
END_TEST

START_TEST(model_types) {
    for (unsigned type = 0; type <= 5; type++) {
        spm_start_model(&model);
        spm_add_trainer_spec(&model, type);
        spm_assert_status(&model, "model type", type == 1 ? RT_OK : RT_ERR_UNSUPPORTED);
    }
}
END_TEST

/* ---- wire format ---- */

#define WIRE(s) s, sizeof s - 1
static const struct {
    const char *what, *bytes;
    size_t n;
} bad_wire[] = {
    {"tag cut short", WIRE("\x80")},
    {"varint of 11 bytes", WIRE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
    {"varint above 64 bits", WIRE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")},
    {"varint cut short", WIRE("\x20\xff")},
    {"field 0", WIRE("\x02\x00")},
    {"field above 2^29 - 1", WIRE("\x80\x80\x80\x80\x10\x00")},
    {"wire type 3", WIRE("\x0b")},
    {"wire type 4", WIRE("\x0c")},
    {"wire type 6", WIRE("\x0e")},
    {"wire type 7", WIRE("\x0f")},
    {"four bytes cut short", WIRE("\x25\0\0\0")},
    {"eight bytes cut short", WIRE("\x21\0\0\0\0\0\0\0")},
    {"length one past the end", WIRE("\x0a\x01")},
    {"length 2^31", WIRE("\x0a\x80\x80\x80\x80\x08")},
    {"length 2^63", WIRE("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
    {"pieces as a number", WIRE("\x08\x01")},
    {"trainer_spec as a number", WIRE("\x10\x01")},
    {"normalizer_spec as a number", WIRE("\x18\x01")},
    {"inner length past its parent", WIRE("\x0a\x02\x0a\x05zzzzz")},
    {"piece as a number", WIRE("\x0a\x02\x08\x01")},
    {"score as a varint", WIRE("\x0a\x05\x0a\x01z\x10\x01")},
    {"type as bytes", WIRE("\x0a\x05\x0a\x01z\x1a\x00")},
    {"charsmap as a number", WIRE("\x1a\x02\x10\x01")},
    {"charsmap of 3 bytes", WIRE("\x1a\x05\x12\x03\0\0\0")},
};

START_TEST(bad_wire_format) {
    spm_start_model(&model);
    spm_put(&model, bad_wire[_i].bytes, bad_wire[_i].n);
    spm_assert_status(&model, bad_wire[_i].what, RT_ERR_MALFORMED);
}
END_TEST

START_TEST(every_cut_and_every_changed_byte) {
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    spm_start_model(&model);
    const size_t n_pieces = model.n;
    spm_add_trainer_spec(&model, 1);
    for (size_t n = 0; n < model.n; n++) {
        if (spm_check_bytes(model.v, n) != RT_OK) continue;
        size_t at = 0; /* only a cut between two fields leaves a message */
        while (at < n) at += 2 + (uint8_t)model.v[at + 1];
        ck_assert_msg(at == n && n <= n_pieces, "cut at %zu of %zu", n, model.n);
    }
    for (size_t i = 0; i < model.n; i++) {
        for (size_t k = 0; k < sizeof flips; k++) {
            model.v[i] = (char)(model.v[i] ^ flips[k]);
            spm_use_if_sound(&model);
            model.v[i] = (char)(model.v[i] ^ flips[k]);
        }
    }
}
END_TEST

/* ---- whole files ---- */

static rt_status open_file(tok_tokenizer **t) {
    char path[] = "/tmp/test_spm_check.XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, model.v, model.n), (ssize_t)model.n);
    close(fd);
    const rt_status status = tok_open(path, t, &err);
    unlink(path);
    return status;
}

START_TEST(sentinels_of_the_file_itself) {
    tok_tokenizer *t;
    rt_ids ids = {0};
    rt_text text = {0};
    spm_start_model(&model);
    spm_add_text(&model, "<extra_id_0>", -9, NORMAL);
    spm_add_text(&model, "<extra_id_2>", -9, NORMAL);
    ck_assert_msg(open_file(&t) == RT_OK, "%s", err.message);
    ck_assert_uint_eq(tok_n_ids(t), 10);
    ck_assert_int_eq(tok_encode(t, "<extra_id_2>b<extra_id_0>", 25, &ids, &err), RT_OK);
    ck_assert_uint_eq(ids.n, 5);
    ck_assert_int_eq(ids.v[0], 9);
    ck_assert_int_eq(ids.v[3], 8);
    ck_assert_int_eq(tok_decode(t, ids.v, ids.n, &text, &err), RT_OK);
    ck_assert_str_eq(text.v, "b");
    rt_ids_free(&ids);
    rt_text_free(&text);
    tok_close(t);
}
END_TEST

START_TEST(a_byte_piece_needs_all_256) {
    tok_tokenizer *t = NULL;
    spm_start_model(&model);
    spm_add_text(&model, "<0x41>", -9, BYTE);
    ck_assert_int_eq(open_file(&t), RT_ERR_MALFORMED); /* the library's own check, as a status */
    spm_put_bytes(&model, 2, "\x98\x02\x01", 3); /* byte_fallback (35) = true */
    ck_assert_int_eq(open_file(&t), RT_ERR_MALFORMED);
    for (unsigned byte = 0; byte < 256; byte++) {
        char piece[8];
        snprintf(piece, sizeof piece, "<0x%02X>", byte);
        if (byte != 0x41) spm_add_text(&model, piece, -9, BYTE);
    }
    ck_assert_msg(open_file(&t) == RT_OK, "%s", err.message);
    rt_ids ids = {0};
    rt_text text = {0};
    ck_assert_int_eq(tok_encode(t, "ab\xf0\x9f\x98\x80", 6, &ids, &err), RT_OK);
    ck_assert_int_eq(tok_decode(t, ids.v, ids.n, &text, &err), RT_OK);
    ck_assert_str_eq(text.v, "ab\xf0\x9f\x98\x80");
    rt_ids_free(&ids);
    rt_text_free(&text);
    tok_close(t);
}
END_TEST

START_TEST(other_vocabularies) {
    tok_tokenizer *t = NULL;
    model.n = 0;
    spm_add_text(&model, "<unk>", 0, UNKNOWN);
    spm_add_text(&model, "a", -1, NORMAL);
    spm_add_text(&model, "<s>", 0, CONTROL);
    spm_add_text(&model, "</s>", 0, CONTROL);
    ck_assert_int_eq(open_file(&t), RT_ERR_UNSUPPORTED);
    model.n = 0;
    ck_assert_int_eq(open_file(&t), RT_ERR_MALFORMED);
    spm_start_model(&model);
    ck_assert_int_eq(open_file(&t), RT_OK);
    tok_close(t);
}
END_TEST

START_TEST(models_of_others) {
    if (access("../shared/oracle", R_OK) != 0) {
        fprintf(stderr, "test_spm_check: ../shared is not there: its models are skipped\n");
        return;
    }
    FILE *f = popen("find ../shared/oracle/cases ../shared/tokenizer -name 'spiece.model' -o -name 'sentencepiece.model'", "r");
    ck_assert_ptr_nonnull(f);
    char path[512];
    size_t n_models = 0;
    for (; fgets(path, sizeof path, f) != NULL; n_models++) {
        tok_tokenizer *t;
        path[strcspn(path, "\n")] = '\0';
        ck_assert_msg(tok_open(path, &t, &err) == RT_OK, "%s", err.message);
        tok_close(t);
    }
    ck_assert_int_eq(pclose(f), 0);
    ck_assert_uint_ge(n_models, 9);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("spm_check");
    TCase *tests = tcase_create("spm_check");
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_sound_twin_passes);
    tcase_add_loop_test(tests, a_bad_piece, 0, sizeof bad_pieces / sizeof *bad_pieces);
    tcase_add_test(tests, sizes_of_pieces);
    tcase_add_test(tests, numbers_of_pieces);
    tcase_add_test(tests, model_types);
    tcase_add_loop_test(tests, bad_wire_format, 0, sizeof bad_wire / sizeof *bad_wire);
    tcase_add_test(tests, every_cut_and_every_changed_byte);
    tcase_add_test(tests, sentinels_of_the_file_itself);
    tcase_add_test(tests, a_byte_piece_needs_all_256);
    tcase_add_test(tests, other_vocabularies);
    tcase_add_test(tests, models_of_others);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

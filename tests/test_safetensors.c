/* One safetensors file: every kind of defect is refused with its status and a sentence that names it, and the same file without the defect
 * loads. */
#include <check.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

typedef struct row {
    const char *name;
    st_part part;
    const char *by;
    rt_status status;
    const char *message; /* a part of it */
} row;

#define NAME_257                                                                                                                      \
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefX\""

static const row bad_rows[] = {
    {"S2 length 0", ST_LENGTH, "0", RT_ERR_MALFORMED, "length of the header (byte offset 0, 0, allowed 2"},
    {"S2 length 1", ST_LENGTH, "1", RT_ERR_MALFORMED, "(byte offset 0, 1, allowed 2"},
    {"S2 past the file", ST_LENGTH, "100000", RT_ERR_MALFORMED, "(byte offset 0, 100000, allowed 2"},
    {"S3 over the limit", ST_LENGTH, "100000001", RT_ERR_MALFORMED, "100000001"},
    {"S3 2^31", ST_LENGTH, "2147483648", RT_ERR_MALFORMED, "2147483648"},
    {"S3 2^63", ST_LENGTH, "9223372036854775808", RT_ERR_MALFORMED, "9223372036854775808"},
    {"S3 2^64 - 1", ST_LENGTH, "18446744073709551615", RT_ERR_MALFORMED, "18446744073709551615"},
    {"S3 wraps", ST_LENGTH, "18446744073709551608", RT_ERR_MALFORMED, "18446744073709551608"},
    {"S4 not UTF-8", ST_NAME, "\"\xc3\x28\"", RT_ERR_MALFORMED, "not UTF-8 (byte offset 97)"},
    {"S4 overlong", ST_NAME, "\"\xc0\x80\"", RT_ERR_MALFORMED, "not UTF-8"},
    {"S4 surrogate in UTF-8", ST_NAME, "\"\xed\xa0\x80\"", RT_ERR_MALFORMED, "not UTF-8"},
    {"S4 over U+10FFFF", ST_NAME, "\"\xf4\x90\x80\x80\"", RT_ERR_MALFORMED, "not UTF-8"},
    {"S4 not JSON", ST_HEADER, "tensors", RT_ERR_MALFORMED, "'{' must follow (byte offset 8)"},
    {"S4 cut", ST_HEADER, "{\"a\":{\"dtype\":", RT_ERR_MALFORMED, "ends where a string must follow (byte offset 22)"},
    {"S4 array", ST_HEADER, "[1,2]", RT_ERR_MALFORMED, "'{' must follow"},
    {"S4 string", ST_HEADER, "\"abc\"", RT_ERR_MALFORMED, "'{' must follow"},
    {"S4 number", ST_HEADER, "12", RT_ERR_MALFORMED, "'{' must follow"},
    {"S4 rubbish behind", ST_AFTER, " x", RT_ERR_MALFORMED, "found 'x' where the end of the text"},
    {"S4 second object", ST_AFTER, "{}", RT_ERR_MALFORMED, "the end of the text"},
    {"S4 comma behind", ST_EXTRA, ",", RT_ERR_MALFORMED, "a string must follow"},
    {"S4 no comma", ST_EXTRA, " \"x\":1", RT_ERR_MALFORMED, "',' or '}'"},
    {"S4 byte-order mark", ST_BEFORE, "\xef\xbb\xbf", RT_ERR_MALFORMED, "found '\\xef'"},
    {"S6 tensor twice", ST_NAME, "\"a\"", RT_ERR_MALFORMED, "'a' is there twice (byte offsets 40 and"},
    {"S6 tensor twice, escaped", ST_NAME, "\"\\u0061\"", RT_ERR_MALFORMED, "'a' is there twice (byte offsets 40 and"},
    {"S6 key twice", ST_EXTRA, ",\"dtype\":\"F16\"", RT_ERR_MALFORMED, "dtype is there twice (byte offsets"},
    {"S6 offsets twice", ST_EXTRA, ",\"data_offsets\":[24,32]", RT_ERR_MALFORMED, "data_offsets is there twice (byte offsets"},
    {"S6 metadata twice", ST_NAME, "\"__metadata__\"", RT_ERR_MALFORMED, "'__metadata__' is there twice (byte offsets 9 and"},
    {"S6 metadata key twice", ST_METADATA, "{\"x\":\"1\",\"y\":\"2\",\"x\":\"1\"}", RT_ERR_MALFORMED, "'x' is there twice"},
    {"S6 unknown key", ST_EXTRA, ",\"strides\":[1]", RT_ERR_MALFORMED, "a key other than"},
    {"S7 metadata number", ST_METADATA, "{\"format\":1}", RT_ERR_MALFORMED, "a string must follow"},
    {"S7 metadata null", ST_METADATA, "{\"format\":null}", RT_ERR_MALFORMED, "a string must follow"},
    {"S7 metadata object", ST_METADATA, "{\"format\":{}}", RT_ERR_MALFORMED, "a string must follow"},
    {"S7 metadata is no object", ST_METADATA, "null", RT_ERR_MALFORMED, "'{' must follow"},
    {"S8 no dtype", ST_ENTRY, "{\"shape\":[4],\"data_offsets\":[24,32]}", RT_ERR_MALFORMED, "'b': no dtype"},
    {"S8 no shape", ST_ENTRY, "{\"dtype\":\"F16\",\"data_offsets\":[24,32]}", RT_ERR_MALFORMED, "'b': no shape"},
    {"S8 no offsets", ST_ENTRY, "{\"dtype\":\"F16\",\"shape\":[4]}", RT_ERR_MALFORMED, "'b': no data_offsets"},
    {"S8 empty entry", ST_ENTRY, "{}", RT_ERR_MALFORMED, "'b': no dtype"},
    {"S8 unknown dtype", ST_DTYPE, "\"F17\"", RT_ERR_MALFORMED, "'F17'"},
    {"S8 dtype in small letters", ST_DTYPE, "\"f16\"", RT_ERR_MALFORMED, "'f16'"},
    {"S8 dtype, long", ST_DTYPE, "\"F16F16F16F16F16F16F16F16\"", RT_ERR_MALFORMED, "not a type of the format"},
    {"S8 dtype is no text", ST_DTYPE, "16", RT_ERR_MALFORMED, "a string must follow"},
    {"S9 begin > end", ST_OFFSETS, "[32,24]", RT_ERR_MALFORMED, "ends before it begins"},
    {"S9 end past data", ST_OFFSETS, "[36,44]", RT_ERR_MALFORMED, "'b': reaches past the end"},
    {"S9 begin at 2^64 - 8", ST_OFFSETS, "[18446744073709551607,18446744073709551615]", RT_ERR_MALFORMED, "'b': reaches past the end"},
    {"S9 negative", ST_OFFSETS, "[-24,32]", RT_ERR_MALFORMED, "found '-'"},
    {"S9 fraction", ST_OFFSETS, "[24.0,32]", RT_ERR_MALFORMED, "found '.' where a whole number"},
    {"S9 exponent", ST_OFFSETS, "[24,32e0]", RT_ERR_MALFORMED, "found 'e' where a whole number"},
    {"S9 leading zero", ST_OFFSETS, "[024,32]", RT_ERR_MALFORMED, "leading zero"},
    {"S9 2^64", ST_OFFSETS, "[24,18446744073709551616]", RT_ERR_MALFORMED, "over 2^64 - 1"},
    {"S9 40 digits", ST_OFFSETS, "[24,1000000000000000000000000000000000000000]", RT_ERR_MALFORMED, "over 2^64 - 1"},
    {"S9 one offset", ST_OFFSETS, "[24]", RT_ERR_MALFORMED, "',' must follow"},
    {"S9 three offsets", ST_OFFSETS, "[24,32,36]", RT_ERR_MALFORMED, "']' must follow"},
    {"S10 a hole", ST_OFFSETS, "[25,33]", RT_ERR_MALFORMED, "leaves a hole before it"},
    {"S11 overlap by a byte", ST_OFFSETS, "[23,31]", RT_ERR_MALFORMED, "lies over another tensor"},
    {"S12 bytes behind", ST_TAIL, "PK", RT_ERR_MALFORMED, "bytes after the last tensor (38 bytes of data, 36 in tensors)"},
    {"S13 shape too small", ST_SHAPE, "[3]", RT_ERR_MALFORMED, "span 8 bytes, shape of F16 needs 6)"},
    {"S13 shape too large", ST_SHAPE, "[2,3]", RT_ERR_MALFORMED, "span 8 bytes, shape of F16 needs 12)"},
    {"S13 half a byte", ST_ENTRY, "{\"dtype\":\"F4\",\"shape\":[17],\"data_offsets\":[24,32]}", RT_ERR_MALFORMED, "whole bytes"},
    {"S14 product wraps", ST_SHAPE, "[4294967296,4294967296]", RT_ERR_MALFORMED, "larger than can be counted"},
    {"S14 wraps to the span", ST_SHAPE, "[9223372036854775812]", RT_ERR_MALFORMED, "larger than can be counted"},
    {"S14 wraps before a zero", ST_SHAPE, "[4294967296,4294967296,0]", RT_ERR_MALFORMED, "larger than can be counted"},
    {"S16 rank 5", ST_SHAPE, "[1,1,1,2,2]", RT_ERR_LIMIT, "at most 4)"},
    {"S17 shape nests", ST_SHAPE, "[[4]]", RT_ERR_MALFORMED, "found '['"},
    {"S19 empty name", ST_NAME, "\"\"", RT_ERR_MALFORMED, "tensor name of 0 bytes"},
    {"S19 long name", ST_NAME, NAME_257, RT_ERR_MALFORMED, "tensor name of 257 bytes (byte offset 96, allowed 1 to 256)"},
    {"S19 NUL", ST_NAME, "\"b\\u0000\"", RT_ERR_MALFORMED, "\\u0000 is not accepted (byte offset 98)"},
    {"S19 lone high surrogate", ST_NAME, "\"\\ud800\"", RT_ERR_MALFORMED, "lone surrogate"},
    {"S19 lone low surrogate", ST_NAME, "\"\\udc00\"", RT_ERR_MALFORMED, "lone surrogate"},
    {"S19 surrogate and letter", ST_NAME, "\"\\ud800\\u0041\"", RT_ERR_MALFORMED, "lone surrogate"},
    {"S19 control byte", ST_NAME, "\"b\x1b[0m\"", RT_ERR_MALFORMED, "control byte inside a string"},
    {"S19 escaped control byte", ST_NAME, "\"b\\u001b[0m\"", RT_ERR_MALFORMED, "control byte ('b\\x1b[0m'"},
    {"S19 bad escape", ST_NAME, "\"\\x41\"", RT_ERR_MALFORMED, "an escape of JSON"},
    {"S19 bad digit", ST_NAME, "\"\\u00g1\"", RT_ERR_MALFORMED, "a hexadecimal digit"},
    {"S19 no end", ST_AFTER, "\"", RT_ERR_MALFORMED, "the end of the text"},
};

/* Variations that the format allows. */
static const row good_rows[] = {
    {.name = "S5 white space before", .part = ST_BEFORE, .by = " \t\r\n"},
    {.name = "S5 white space behind", .part = ST_AFTER, .by = "  \n      "},
    {.name = "S15 rank 0", .part = ST_ENTRY, .by = "{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[24,32]}"},
    {.name = "S15 a zero dimension", .part = ST_NAME, .by = "\"z\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[24,24]},\"b\""},
    {.name = "S15 a zero dimension at the end", .part = ST_NAME,
     .by = "\"z\":{\"dtype\":\"F32\",\"shape\":[7,0],\"data_offsets\":[36,36]},\"b\""},
    {.name = "S20 odd start of the data", .part = ST_AFTER, .by = " "},
    {.name = "rank 4", .part = ST_SHAPE, .by = "[1,2,1,2]"},
    {.name = "no metadata keys", .part = ST_METADATA, .by = "{}"},
    {.name = "an escaped name", .part = ST_NAME, .by = "\"\\u0041\\ud83d\\ude00\""},
    {.name = "members in another order", .part = ST_ENTRY, .by = "{ \"data_offsets\" : [ 24 , 32 ] , \"shape\":[4],\"dtype\":\"F16\"}"},
};

START_TEST(sound_file) {
    rt_text bytes = {0};
    ckpt_header header;
    size_t data_at;
    rt_error err;
    st_write(ST_NOTHING, NULL, &bytes);
    expect_ok("sound", st_parse(&bytes, &header, &data_at, &err), &err);
    ck_assert_uint_eq(header.n, 3);
    ck_assert_uint_eq(data_at, bytes.n - 36);
    const ckpt_entry *a = &header.entries[0], *b = &header.entries[1], *c = &header.entries[2];
    ck_assert_str_eq(a->name, "a");
    ck_assert_str_eq(a->element->name, "F32");
    ck_assert_uint_eq(a->rank, 2);
    ck_assert_uint_eq(a->shape[0], 2);
    ck_assert_uint_eq(a->shape[1], 3);
    ck_assert_uint_eq(b->begin, 24);
    ck_assert_uint_eq(b->end, 32);
    ck_assert_int_eq(b->element->dtype, RT_F16);
    ck_assert_int_eq(c->element->dtype, RT_BF16);
    ckpt_header_free(&header);
    rt_text_free(&bytes);
}
END_TEST

START_TEST(bad_row) {
    const row *r = &bad_rows[_i];
    rt_error err, twin;
    expect_failure(r->name, st_parse_part(r->part, r->by, &err), &err, r->status, r->message);
    expect_ok(r->name, st_parse_part(ST_NOTHING, NULL, &twin), &twin);
    ck_assert_msg(strncmp(err.message, "model.safetensors: ", 19) == 0, "%s", err.message);
}
END_TEST

START_TEST(good_row) {
    rt_error err;
    expect_ok(good_rows[_i].name, st_parse_part(good_rows[_i].part, good_rows[_i].by, &err), &err);
}
END_TEST

START_TEST(names_are_decoded) {
    rt_text bytes = {0};
    ckpt_header header;
    size_t data_at;
    rt_error err;
    st_write(ST_NAME, "\"\\u00e9\\ud83d\\ude00\\/\\u20ac\"", &bytes);
    expect_ok("escapes", st_parse(&bytes, &header, &data_at, &err), &err);
    ck_assert_str_eq(header.entries[2].name, "\xc3\xa9\xf0\x9f\x98\x80/\xe2\x82\xac");
    ckpt_header_free(&header);
    rt_text_free(&bytes);
}
END_TEST

START_TEST(known_other_files) {
    static const struct {
        const char *bytes, *message;
    } rows[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a Git LFS pointer"},
        {"<!DOCTYPE html>\n<html><head></head></html>", "a web page"},
        {"\n<html lang=en></html>", "a web page"},
        {"PK\x03\x04 and a zip archive", "a zip archive"},
        {"GGUF\x03\x01\x01\x01\x01\x01\x01", "a GGUF file"},
        {"plain text that is nothing at all", "impossible length of the header"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ckpt_header header = {0};
        size_t data_at;
        rt_error err;
        rt_text bytes = {0};
        text_append(&bytes, "%s", rows[i].bytes);
        expect_failure("G6", st_parse(&bytes, &header, &data_at, &err), &err, RT_ERR_MALFORMED, rows[i].message);
        rt_text_free(&bytes);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("safetensors");
    TCase *rows = tcase_create("rows");
    tcase_add_test(rows, sound_file);
    tcase_add_loop_test(rows, bad_row, 0, (int)(sizeof bad_rows / sizeof *bad_rows));
    tcase_add_loop_test(rows, good_row, 0, (int)(sizeof good_rows / sizeof *good_rows));
    tcase_add_test(rows, names_are_decoded);
    tcase_add_test(rows, known_other_files);
    suite_add_tcase(suite, rows);
    return run_suite(suite);
}

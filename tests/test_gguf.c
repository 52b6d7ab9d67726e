/* The GGUF container: files made here, sound and with every defect of the list (Q1 to Q16), and files of other writers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static rt_text bytes;
static uint8_t *exact;
static rt_gguf gguf;
static rt_error err;

static void tear_down(void) {
    rt_text_free(&bytes);
    rt_gguf_free(&gguf);
    free(exact);
    exact = NULL;
}

/* ---- helpers ---- */

static rt_status parse_bytes(void) {
    rt_gguf_free(&gguf);
    free(exact);
    return gguf_parse(&bytes, &exact, &gguf, &err);
}

static rt_status parse_sample(gguf_part replaced, uint64_t by) {
    bytes.n = 0;
    gguf_write(replaced, by, &bytes);
    return parse_bytes();
}

/* Every value by every getter, and every byte of every tensor: whatever has been parsed can be used. */
static void use(void) {
    volatile unsigned sum = 0;
    for (size_t i = 0; i < gguf.n_pairs; i++) {
        const rt_gguf_pair *p = &gguf.pairs[i];
        uint64_t count;
        double number;
        bool flag;
        rt_gguf_text text;
        (void)rt_gguf_count(&gguf, p, &count, NULL);
        (void)rt_gguf_float(&gguf, p, &number, NULL);
        (void)rt_gguf_bool(&gguf, p, &flag, NULL);
        if (rt_gguf_string(&gguf, p, &text, NULL) == RT_OK && text.n > 0) sum += (unsigned char)text.v[text.n - 1];
        const uint8_t *at = p->value;
        const bool strings = rt_gguf_array(&gguf, p, RT_GGUF_STRING, NULL) == RT_OK;
        const bool ints = rt_gguf_array(&gguf, p, RT_GGUF_I32, NULL) == RT_OK, floats = rt_gguf_array(&gguf, p, RT_GGUF_F32, NULL) == RT_OK;
        for (size_t e = 0; e < p->n; e++) {
            if (strings) sum += (unsigned)rt_gguf_next_string(&at).n;
            if (ints) sum += (unsigned)rt_gguf_i32_at(p, e);
            if (floats) sum += rt_gguf_f32_at(p, e) > 0;
        }
    }
    for (size_t i = 0; i < gguf.n_tensors; i++) {
        for (size_t e = 0; e < gguf.tensors[i].n_bytes; e++) sum += gguf.tensors[i].data[e];
    }
}

/* ---- the sound sample ---- */

START_TEST(pairs_of_the_sample) {
    rt_gguf_text text;
    uint64_t count = 0;
    expect_ok("sample", parse_sample(GGUF_NOTHING, 0), &err);
    ck_assert_uint_eq(gguf.n_pairs, 5);
    ck_assert_uint_eq(gguf.alignment, 64);
    ck_assert_int_eq(rt_gguf_string(&gguf, rt_gguf_find(&gguf, "text"), &text, &err), RT_OK);
    ck_assert(rt_gguf_text_is(text, "hello"));
    ck_assert(!rt_gguf_text_is(text, "hell") && !rt_gguf_text_is(text, "hello!"));
    ck_assert_int_eq(rt_gguf_count(&gguf, rt_gguf_find(&gguf, "number"), &count, &err), RT_OK);
    ck_assert_uint_eq(count, 7);
    const rt_gguf_pair *list = rt_gguf_find(&gguf, "list"), *words = rt_gguf_find(&gguf, "words");
    ck_assert_int_eq(rt_gguf_array(&gguf, list, RT_GGUF_I32, &err), RT_OK);
    ck_assert_uint_eq(list->n, 3);
    ck_assert_int_eq(rt_gguf_i32_at(list, 1), -2);
    ck_assert_int_eq(rt_gguf_array(&gguf, words, RT_GGUF_STRING, &err), RT_OK);
    const uint8_t *at = words->value;
    ck_assert(rt_gguf_text_is(rt_gguf_next_string(&at), "a"));
    ck_assert(rt_gguf_text_is(rt_gguf_next_string(&at), ""));
    ck_assert(rt_gguf_text_is(rt_gguf_next_string(&at), "bc"));
    ck_assert_ptr_null(rt_gguf_find(&gguf, "tex"));
    ck_assert_ptr_null(rt_gguf_find(&gguf, "texts"));
    use();
}
END_TEST

START_TEST(tensors_of_the_sample) {
    expect_ok("sample", parse_sample(GGUF_NOTHING, 0), &err);
    ck_assert_uint_eq(gguf.n_tensors, 3);
    const rt_gguf_tensor *first = rt_gguf_find_tensor(&gguf, "first"), *second = rt_gguf_find_tensor(&gguf, "second");
    const rt_gguf_tensor *third = rt_gguf_find_tensor(&gguf, "third");
    ck_assert_uint_eq(first->rank, 2);
    ck_assert_uint_eq(first->shape[0], 2);
    ck_assert_uint_eq(first->shape[1], 3);
    ck_assert_int_eq(first->element->dtype, RT_F32);
    ck_assert_uint_eq(first->n_bytes, 24);
    ck_assert_str_eq(second->element->name, "Q8_0");
    ck_assert_uint_eq(second->n_bytes, 68);
    ck_assert_uint_eq(second->data[67], 67);
    ck_assert_uint_eq((size_t)(second->data - exact) % 64, 0);
    ck_assert_uint_eq(third->rank, 1);
    ck_assert_ptr_eq(third->data + third->n_bytes, exact + bytes.n);
    ck_assert_ptr_null(rt_gguf_find_tensor(&gguf, "four"));
}
END_TEST

static const struct {
    gguf_part part;
    uint64_t by;
} sound_changes[] = {
    {GGUF_VERSION, 2}, {GGUF_ALIGNMENT, 64}, {GGUF_KEY_BYTE, 'N'}, {GGUF_VALUE_TYPE, RT_GGUF_F32}, {GGUF_VALUE_TYPE, RT_GGUF_I32},
    {GGUF_LIST_TYPE, RT_GGUF_F32}, {GGUF_TYPE, 8}, {GGUF_NAME_BYTE, 'x'}, {GGUF_LAST_OFFSET, 192},
};

START_TEST(sound_twins) {
    expect_ok("twin", parse_sample(sound_changes[_i].part, sound_changes[_i].by), &err);
    use();
}
END_TEST

/* ---- defects ---- */

static const struct {
    const char *row;
    gguf_part part;
    uint64_t by;
    rt_status status;
    const char *message;
} defects[] = {
    {"Q1 magic", GGUF_MAGIC, 0x47475546, RT_ERR_MALFORMED, "not a GGUF file (byte offset 0, 'FUGG"},
    {"Q1 version 0", GGUF_VERSION, 0, RT_ERR_MALFORMED, "version"},
    {"Q1 version 1", GGUF_VERSION, 1, RT_ERR_UNSUPPORTED, "version"},
    {"Q1 version 4", GGUF_VERSION, 4, RT_ERR_UNSUPPORTED, "(version, byte offset 4, 4, allowed 2 and 3)"},
    {"Q1 version 3 swapped", GGUF_VERSION, 0x03000000, RT_ERR_UNSUPPORTED, "endianness"},
    {"Q2 n_pairs 2^63", GGUF_N_PAIRS, (uint64_t)1 << 63, RT_ERR_MALFORMED, "n_pairs, byte offset 16"},
    {"Q2 n_pairs 2^64 - 1", GGUF_N_PAIRS, UINT64_MAX, RT_ERR_MALFORMED, "n_pairs"},
    {"Q2 n_pairs wraps", GGUF_N_PAIRS, UINT64_MAX / 14 + 2, RT_ERR_MALFORMED, "n_pairs"},
    {"Q2 n_tensors 2^63", GGUF_N_TENSORS, (uint64_t)1 << 63, RT_ERR_MALFORMED, "n_tensors, byte offset 8"},
    {"Q2 n_tensors 2^64 - 1", GGUF_N_TENSORS, UINT64_MAX, RT_ERR_MALFORMED, "n_tensors"},
    {"Q2 n_tensors wraps", GGUF_N_TENSORS, UINT64_MAX / 33 + 2, RT_ERR_MALFORMED, "n_tensors"},
    {"Q3 n_pairs 10^8", GGUF_N_PAIRS, 100000000, RT_ERR_MALFORMED, "n_pairs"},
    {"one pair too many", GGUF_N_PAIRS, 6, RT_ERR_MALFORMED, "the file ends too early"},
    {"one tensor too many", GGUF_N_TENSORS, 4, RT_ERR_MALFORMED, "name of a tensor"},
    {"Q4 key 2^64 - 1", GGUF_KEY_LENGTH, UINT64_MAX, RT_ERR_MALFORMED, "the file ends too early (key"},
    {"Q4 key past the end", GGUF_KEY_LENGTH, 900, RT_ERR_MALFORMED, "the file ends too early (key"},
    {"Q4 key of 0", GGUF_KEY_LENGTH, 0, RT_ERR_MALFORMED, "a key of 0 bytes"},
    {"key with a control byte", GGUF_KEY_BYTE, '\n', RT_ERR_MALFORMED, "'\\x0aumber'"},
    {"key not ASCII", GGUF_KEY_BYTE, 0xe9, RT_ERR_MALFORMED, "'\\xe9umber'"},
    {"Q6 type 13", GGUF_VALUE_TYPE, 13, RT_ERR_MALFORMED, "key 'number': not a type of values"},
    {"Q6 type -1", GGUF_VALUE_TYPE, UINT32_MAX, RT_ERR_MALFORMED, "4294967295, allowed 0 to 12"},
    {"Q6 type 0x7fffffff", GGUF_VALUE_TYPE, 0x7fffffff, RT_ERR_MALFORMED, "not a type of values"},
    {"Q6 array of type 13", GGUF_LIST_TYPE, 13, RT_ERR_MALFORMED, "key 'list': not a type of elements"},
    {"Q6 array of arrays", GGUF_LIST_TYPE, RT_GGUF_ARRAY, RT_ERR_MALFORMED, "key 'list': not a type of elements"},
    {"string past the end", GGUF_STRING_LENGTH, 100000, RT_ERR_MALFORMED, "the file ends too early (value"},
    {"Q7 array 2^62", GGUF_LIST_LENGTH, (uint64_t)1 << 62, RT_ERR_MALFORMED, "more than the file has room for (array"},
    {"Q7 array past the end", GGUF_LIST_LENGTH, 1000, RT_ERR_MALFORMED, "more than the file has room for (array"},
    {"Q7 strings 2^61", GGUF_WORDS_LENGTH, (uint64_t)1 << 61, RT_ERR_MALFORMED, "more than the file has room for (array"},
    {"Q7 strings run out", GGUF_WORD_LENGTH, 100000, RT_ERR_MALFORMED, "the file ends too early (array"},
    {"Q8 alignment i32", GGUF_ALIGNMENT_TYPE, RT_GGUF_I32, RT_ERR_MALFORMED, "key 'general.alignment': not of the right type"},
    {"Q8 alignment f32", GGUF_ALIGNMENT_TYPE, RT_GGUF_F32, RT_ERR_MALFORMED, "key 'general.alignment': not of the right type"},
    {"Q8 alignment 0", GGUF_ALIGNMENT, 0, RT_ERR_MALFORMED, "not an alignment"},
    {"Q8 alignment 3", GGUF_ALIGNMENT, 3, RT_ERR_MALFORMED, "not an alignment"},
    {"Q8 alignment 4", GGUF_ALIGNMENT, 4, RT_ERR_MALFORMED, "not an alignment"},
    {"Q8 alignment 24", GGUF_ALIGNMENT, 24, RT_ERR_MALFORMED, "not an alignment"},
    {"Q8 alignment 8192", GGUF_ALIGNMENT, 8192, RT_ERR_MALFORMED, "not an alignment"},
    {"Q8 alignment 2^31", GGUF_ALIGNMENT, (uint64_t)1 << 31, RT_ERR_MALFORMED, "2147483648, allowed a power of two from 8 to 4096"},
    {"alignment 8, offsets of 64", GGUF_ALIGNMENT, 8, RT_ERR_MALFORMED, "tensor 'second': its offset is not where"},
    {"Q10 name of 257", GGUF_NAME_LENGTH, 257, RT_ERR_MALFORMED, "a name of a tensor of 257 bytes"},
    {"Q10 name of 0", GGUF_NAME_LENGTH, 0, RT_ERR_MALFORMED, "a name of a tensor of 0 bytes"},
    {"Q10 name 2^64 - 1", GGUF_NAME_LENGTH, UINT64_MAX, RT_ERR_MALFORMED, "the file ends too early"},
    {"name with a control byte", GGUF_NAME_BYTE, 0x1b, RT_ERR_MALFORMED, "'\\x1becond'"},
    {"Q11 rank 0", GGUF_RANK, 0, RT_ERR_MALFORMED, "tensor 'second': not a number of dimensions"},
    {"Q11 rank 5", GGUF_RANK, 5, RT_ERR_MALFORMED, "5, allowed 1 to 4"},
    {"Q11 rank 2^32 - 1", GGUF_RANK, UINT32_MAX, RT_ERR_MALFORMED, "not a number of dimensions"},
    {"Q12 dimension 0", GGUF_ROW, 0, RT_ERR_MALFORMED, "an empty dimension"},
    {"Q12 other dimension 0", GGUF_ROWS, 0, RT_ERR_MALFORMED, "an empty dimension"},
    {"Q12 dimension -1", GGUF_ROWS, UINT64_MAX, RT_ERR_MALFORMED, "larger than the file"},
    {"Q12 (INT64_MAX, 2)", GGUF_ROW, INT64_MAX, RT_ERR_MALFORMED, "do not fill whole blocks"},
    {"Q12 (2, INT64_MAX)", GGUF_ROWS, INT64_MAX, RT_ERR_MALFORMED, "larger than the file"},
    {"Q12 2^42 + 1", GGUF_ROW, ((uint64_t)1 << 42) + 1, RT_ERR_MALFORMED, "do not fill whole blocks"},
    {"Q12 2^42 + 32", GGUF_ROW, ((uint64_t)1 << 42) + 32, RT_ERR_MALFORMED, "larger than the file"},
    {"Q12 rows x row bytes = 2^64 + 68", GGUF_ROWS, (UINT64_MAX / 34) + 3, RT_ERR_MALFORMED, "larger than the file"},
    {"Q12 2^62 in F32", GGUF_ROW, (uint64_t)1 << 62, RT_ERR_MALFORMED, "larger than the file"},
    {"Q13 near 2^64 bytes", GGUF_ROWS, UINT64_MAX / 34, RT_ERR_MALFORMED, "larger than the file"},
    {"Q14 type -1", GGUF_TYPE, UINT32_MAX, RT_ERR_UNSUPPORTED, "an element type that is not known"},
    {"Q14 type unknown", GGUF_TYPE, 1000, RT_ERR_UNSUPPORTED, "tensor 'second': an element type that is not known"},
    {"Q14 type withdrawn", GGUF_TYPE, 4, RT_ERR_UNSUPPORTED, "type 4"},
    {"Q14 row of half a block", GGUF_ROW, 16, RT_ERR_MALFORMED, "16, allowed multiples of 32"},
    {"Q14 row of part of a super-block", GGUF_TYPE, 12, RT_ERR_MALFORMED, "32, allowed multiples of 256"},
    {"Q15 misaligned", GGUF_OFFSET, 65, RT_ERR_MALFORMED, "its offset is not where the tensor before it ends"},
    {"Q15 overlapping", GGUF_OFFSET, 0, RT_ERR_MALFORMED, "0, allowed 64"},
    {"Q15 out of order", GGUF_LAST_OFFSET, 64, RT_ERR_MALFORMED, "tensor 'third': its offset is not where"},
    {"Q15 past the end", GGUF_OFFSET, 6400, RT_ERR_MALFORMED, "its offset is not where"},
    {"Q15 offset + size wraps", GGUF_OFFSET, UINT64_MAX - 63, RT_ERR_MALFORMED, "its offset is not where"},
    {"Q16 larger than what is left", GGUF_ROWS, 7, RT_ERR_MALFORMED, "reaches past the end of the file"},
};

START_TEST(a_defect) {
    expect_failure(defects[_i].row, parse_sample(defects[_i].part, defects[_i].by), &err, defects[_i].status, defects[_i].message);
    ck_assert_int_eq(rt_gguf_parse("x", exact, bytes.n, &gguf, NULL), defects[_i].status);
    ck_assert_ptr_null(gguf.pairs);
    expect_ok("twin", parse_sample(GGUF_NOTHING, 0), &err);
}
END_TEST

/* G2, G3, Q16: no prefix is a file. */
START_TEST(every_cut) {
    gguf_write(GGUF_NOTHING, 0, &bytes);
    for (bytes.n--;; bytes.n--) {
        const rt_status status = parse_bytes();
        if (status != RT_ERR_MALFORMED) ck_abort_msg("cut at %zu: status %d", bytes.n, (int)status);
        if (bytes.n == 0) break;
    }
}
END_TEST

/* G4 */
START_TEST(every_changed_byte) {
    static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};
    gguf_write(GGUF_NOTHING, 0, &bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        const char sound = bytes.v[i];
        for (size_t k = 0; k < 12; k++) {
            bytes.v[i] = k < 4 ? (char)values[k] : (char)(sound ^ 1 << (k - 4));
            const rt_status status = parse_bytes();
            if (status == RT_OK) use();
            else if (status != RT_ERR_MALFORMED && status != RT_ERR_UNSUPPORTED) ck_abort_msg("byte %zu: status %d", i, (int)status);
        }
        bytes.v[i] = sound;
    }
}
END_TEST

/* Q5, Q10, and that neither takes quadratic time. */
START_TEST(large_counts) {
    gguf_write_pairs(60000, false, &bytes);
    expect_ok("Q5 60,000 keys", parse_bytes(), &err);
    ck_assert_uint_eq(gguf.n_pairs, 60000);
    bytes.n = 0;
    gguf_write_pairs(60000, true, &bytes);
    expect_failure("Q5 duplicate", parse_bytes(), &err, RT_ERR_MALFORMED, "the key 'p0' is there twice (byte offsets 24 and ");
    bytes.n = 0;
    gguf_write_pairs(RT_GGUF_MAX_PAIRS + 1, false, &bytes);
    expect_failure("too many keys", parse_bytes(), &err, RT_ERR_LIMIT, "n_pairs, 65537, at most 65536");
    bytes.n = 0;
    gguf_write_tensors(60000, false, &bytes);
    expect_ok("60,000 tensors", parse_bytes(), &err);
    bytes.n = 0;
    gguf_write_tensors(60000, true, &bytes);
    expect_failure("Q10 duplicate", parse_bytes(), &err, RT_ERR_MALFORMED, "the tensor 't0' is there twice");
    bytes.n = 0;
    gguf_write_tensors(RT_GGUF_MAX_TENSORS + 1, false, &bytes);
    expect_failure("too many tensors", parse_bytes(), &err, RT_ERR_LIMIT, "n_tensors, 65537, at most 65536");
    bytes.n = 0;
    gguf_write_pairs(0, false, &bytes);
    expect_ok("an empty file of the format", parse_bytes(), &err);
}
END_TEST

/* ---- values of the wrong type ---- */

START_TEST(types_of_values) {
    uint64_t count;
    double number;
    bool flag;
    rt_gguf_text text;
    expect_ok("sample", parse_sample(GGUF_NOTHING, 0), &err);
    const rt_gguf_pair *word = rt_gguf_find(&gguf, "text"), *seven = rt_gguf_find(&gguf, "number"), *list = rt_gguf_find(&gguf, "list");
    expect_failure("count", rt_gguf_count(&gguf, word, &count, &err), &err, RT_ERR_MALFORMED, "key 'text' has another type");
    expect_failure("float", rt_gguf_float(&gguf, seven, &number, &err), &err, RT_ERR_MALFORMED, "u32, allowed f32 or f64");
    expect_failure("bool", rt_gguf_bool(&gguf, seven, &flag, &err), &err, RT_ERR_MALFORMED, "u32, allowed bool");
    expect_failure("string", rt_gguf_string(&gguf, list, &text, &err), &err, RT_ERR_MALFORMED, "array of i32, allowed string");
    expect_failure("array", rt_gguf_array(&gguf, list, RT_GGUF_F32, &err), &err, RT_ERR_MALFORMED, "array of i32, allowed array of f32");
    expect_failure("array", rt_gguf_array(&gguf, seven, RT_GGUF_U32, &err), &err, RT_ERR_MALFORMED, "u32, allowed array of u32");
}
END_TEST

/* One pair of each type, with all bits set. */
START_TEST(numbers_of_every_type) {
    static const struct {
        rt_gguf_type type;
        uint64_t count; /* 0: below 0 */
    } types[] = {{RT_GGUF_U8, UINT8_MAX}, {RT_GGUF_I8, 0}, {RT_GGUF_U16, UINT16_MAX}, {RT_GGUF_I16, 0}, {RT_GGUF_U32, UINT32_MAX},
                 {RT_GGUF_I32, 0}, {RT_GGUF_U64, UINT64_MAX}, {RT_GGUF_I64, 0}};
    const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255}, half[8] = {0, 0, 0, 0, 0, 0, 0xe0, 0x3f};
    const uint8_t quarter[4] = {0, 0, 0x80, 0x3e};
    rt_gguf_pair pair = {.key = {.v = "k", .n = 1}, .value = ones};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint64_t count = 0;
        pair.type = types[i].type;
        const rt_status status = rt_gguf_count(&gguf, &pair, &count, &err);
        ck_assert_int_eq(status, types[i].count > 0 ? RT_OK : RT_ERR_MALFORMED);
        ck_assert_uint_eq(count, types[i].count);
    }
    double number = 0;
    pair.type = RT_GGUF_F64;
    pair.value = half;
    ck_assert_int_eq(rt_gguf_float(&gguf, &pair, &number, &err), RT_OK);
    ck_assert(number == 0.5);
    pair.type = RT_GGUF_F32;
    pair.value = quarter;
    ck_assert_int_eq(rt_gguf_float(&gguf, &pair, &number, &err), RT_OK);
    ck_assert(number == 0.25);
    bool flag = true;
    pair.type = RT_GGUF_BOOL;
    ck_assert_int_eq(rt_gguf_bool(&gguf, &pair, &flag, &err), RT_OK);
    ck_assert(!flag);
    pair.value = ones;
    ck_assert_int_eq(rt_gguf_bool(&gguf, &pair, &flag, &err), RT_ERR_MALFORMED);
}
END_TEST

/* ---- files ---- */

START_TEST(paths) {
    scratch files;
    rt_gguf_file file;
    char *path = NULL;
    scratch_open(&files);
    ck_assert(rt_gguf_is_name("a/b.gguf") && !rt_gguf_is_name("gguf") && !rt_gguf_is_name("b.gguf.txt"));
    expect_failure("G1", rt_gguf_open(scratch_path(&files, "none.gguf"), &file, &err), &err, RT_ERR_READ, "No such file");
    expect_failure("G1", rt_gguf_open(files.folder, &file, &err), &err, RT_ERR_READ, "is a folder");
    expect_failure("G2", rt_gguf_open(scratch_write_text(&files, "b.gguf", ""), &file, &err), &err, RT_ERR_MALFORMED, "empty");
    ck_assert_int_eq(rt_gguf_in_folder(files.folder, &path, &err), RT_OK);
    ck_assert_str_eq(path, files.path);
    free(path);
    scratch_write_text(&files, "a.gguf", "x");
    scratch_write_text(&files, "c.txt", "x");
    expect_failure("two", rt_gguf_in_folder(files.folder, &path, &err), &err, RT_ERR_USAGE, "holds 2 GGUF files, 'a.gguf' and others");
    ck_assert_int_eq(unlink(scratch_path(&files, "a.gguf")), 0);
    ck_assert_int_eq(unlink(scratch_path(&files, "b.gguf")), 0);
    ck_assert_int_eq(rt_gguf_in_folder(files.folder, &path, &err), RT_OK);
    ck_assert_ptr_null(path);
    expect_failure("no folder", rt_gguf_in_folder("/nonexistent", &path, &err), &err, RT_ERR_READ, "No such file");
    ck_assert_int_eq(mkfifo(scratch_path(&files, "pipe.gguf"), 0600), 0);
    expect_failure("G5", rt_gguf_open(files.path, &file, &err), &err, RT_ERR_READ, "not a regular file");
    scratch_close(&files);
}
END_TEST

START_TEST(files_of_others) {
    rt_gguf_file file;
    expect_ok("k-quants", rt_gguf_open("tests/data/gguf/kquants.gguf", &file, &err), &err);
    const rt_gguf_tensor *t = rt_gguf_find_tensor(&file.gguf, "dec.blk.0.attn_v.weight");
    ck_assert_str_eq(t->element->name, "Q4_K");
    ck_assert(!t->element->is_readable);
    ck_assert_uint_eq(t->n_bytes, 32 * 144);
    rt_gguf_close(&file);
    expect_ok("f16", rt_gguf_open("tests/golden/cases/odd_sizes/gguf_f16/model.gguf", &file, &err), &err);
    ck_assert_uint_eq(file.gguf.n_tensors, 47);
    ck_assert_uint_eq(rt_gguf_find_tensor(&file.gguf, "enc.blk.0.attn_rel_b.weight")->shape[0], 18);
    rt_gguf_close(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gguf");
    TCase *tests = tcase_create("gguf");
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, pairs_of_the_sample);
    tcase_add_test(tests, tensors_of_the_sample);
    tcase_add_loop_test(tests, sound_twins, 0, sizeof sound_changes / sizeof *sound_changes);
    tcase_add_loop_test(tests, a_defect, 0, sizeof defects / sizeof *defects);
    tcase_add_test(tests, every_cut);
    tcase_add_test(tests, every_changed_byte);
    tcase_add_test(tests, large_counts);
    tcase_add_test(tests, types_of_values);
    tcase_add_test(tests, numbers_of_every_type);
    tcase_add_test(tests, paths);
    tcase_add_test(tests, files_of_others);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Pickles of state dicts: sound ones, and ones that ask for what no state dict needs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/pytorch_writer.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

static const pt_change none = {0};

static void refuse(const char *row, const rt_text *pickle, rt_status expected, const char *message) {
    rt_error err;
    expect_failure(row, pt_parse_pickle(pickle, &err), &err, expected, message);
    ck_assert_int_eq(pt_parse_pickle(pickle, NULL), expected);
}

static void accept(const char *row, const rt_text *pickle) {
    rt_error err;
    expect_ok(row, pt_parse_pickle(pickle, &err), &err);
}

START_TEST(sound) {
    rt_text pickle = {0};
    ckpt_state_dict dict = {0};
    size_t n_read = 0;
    rt_error err;
    pt_write_pickle(none, _i == 1, &pickle);
    const size_t n = pickle.n;
    text_append_bytes(&pickle, "more", 4);
    const ckpt_pickle bytes = {.file = "x.bin", .bytes = (const uint8_t *)pickle.v, .size = pickle.n};
    expect_ok("sound", ckpt_pickle_state_dict(&bytes, &dict, &n_read, &err), &err);
    ck_assert_uint_eq(n_read, n);
    ck_assert_uint_eq(dict.n_names, 3);
    ck_assert_uint_eq(dict.n_storages, 3);
    ck_assert_str_eq(dict.names[1].name, "b");
    const ckpt_pickle_tensor *b = &dict.tensors[dict.names[1].tensor];
    ck_assert_uint_eq(b->rank, 1);
    ck_assert_uint_eq(b->shape[0], 4);
    ck_assert_uint_eq(b->stride[0], 1);
    ck_assert_uint_eq(b->offset, 0);
    ck_assert_uint_eq(b->storage, ckpt_state_dict_storage(&dict, "1", 1));
    ck_assert_str_eq(dict.storages[b->storage].element->name, "F16");
    ck_assert_uint_eq(dict.storages[b->storage].count, 4);
    ck_assert_uint_eq(ckpt_state_dict_storage(&dict, "11", 2), 3);
    ckpt_state_dict_free(&dict);
    rt_text_free(&pickle);
}
END_TEST

/* ---- one part replaced ---- */

typedef struct row {
    const char *name;
    pt_change change;
    rt_status status;
    const char *message;
} row;

#define ROW(name, part, by, status, message) {name, {part, by, sizeof(by) - 1}, status, message}
#define BAD(name, part, by, message) ROW(name, part, by, RT_ERR_MALFORMED, message)
#define ID(class, key, location, count) "(U\7storage" class key location count "t"
#define HALF "ctorch\nHalfStorage\n"

static const row rows[] = {
    BAD("P1 os.system", PT_VALUE, "cos\nsystem\nU\4true\x85R", "it asks for 'os.system'"),
    BAD("P1 eval", PT_VALUE, "cbuiltins\neval\nU\0011\x85R", "'builtins.eval', which no state dict needs (GLOBAL, byte offset"),
    BAD("P1 torch.load", PT_VALUE, "ctorch\nload\nU\1x\x85R", "'torch.load'"),
    BAD("P1 a suffix", PT_DICT, "ccollections\nOrderedDictX\n)R", "'collections.OrderedDictX'"),
    BAD("P1 a dotted name", PT_DICT, "ccollections.OrderedDict\nx\n)R", "'collections.OrderedDict.x'"),
    BAD("P1 escapes", PT_VALUE, "cos\x1b[31m\nsys\rtem\nN\x85R", "'os\\x1b[31m.sys\\x0dtem'"),
    BAD("P1 name without an end", PT_STOP, "cos\nsystem", "a name without an end"),
    BAD("P4 memo never written", PT_VALUE, "h\7", "never written (BINGET"),
    BAD("P4 memo never written", PT_VALUE, "j\7\0\0\0", "never written (LONG_BINGET"),
    BAD("P4 memo beside one that was", PT_HOOKS, "}q\5h\4", "never written (BINGET"),
    ROW("P4 memo at 2^32 - 1", PT_HOOKS, "}r\xff\xff\xff\xff", RT_ERR_LIMIT, "(LONG_BINPUT"),
    ROW("P4 memo at 2^20", PT_HOOKS, "}r\0\0\x10\0", RT_ERR_LIMIT, "a place in the memo over 2^20"),
    BAD("P5 text of 2^32 - 1", PT_NAME, "X\xff\xff\xff\xff" "b", "ends inside an opcode (BINUNICODE"),
    BAD("P5 LONG1 of 255", PT_OFFSET, "\x8a\xff\1", "more than 8 bytes (LONG1"),
    BAD("P5 LONG1 of 9", PT_OFFSET, "\x8a\11\0\0\0\0\0\0\0\0\1", "more than 8 bytes (LONG1"),
    BAD("P5 not UTF-8", PT_NAME, "U\1\xff", "not UTF-8"),
    BAD("P5 overlong", PT_NAME, "U\2\xc1\x81", "not UTF-8"),
    BAD("P5 overlong", PT_NAME, "U\3\xe0\x81\x81", "not UTF-8"),
    BAD("P5 surrogate", PT_NAME, "U\3\xed\xa0\x80", "not UTF-8"),
    BAD("P5 over U+10FFFF", PT_NAME, "U\4\xf4\x90\x80\x80", "not UTF-8"),
    BAD("P5 cut", PT_NAME, "U\1\xe2", "not UTF-8"),
    BAD("P6 no STOP", PT_STOP, "", "ends without a STOP"),
    BAD("P6 protocol twice", PT_BEFORE_STOP, "\x80\2", "given twice"),
    ROW("P6 protocol 0", PT_PROTO, "\x80\0", RT_ERR_UNSUPPORTED, "(PROTO, byte offset 0, 0, allowed 2)"),
    ROW("P6 protocol 4", PT_PROTO, "\x80\4", RT_ERR_UNSUPPORTED, "(PROTO, byte offset 0, 4, allowed 2)"),
    BAD("P6 protocol missing", PT_PROTO, "", "does not begin with its protocol"),
    BAD("left over", PT_DICT, "N}", "left over at its STOP"),
    BAD("left over", PT_DICT, "(}", "left over at its STOP"),
    BAD("P9 SETITEM on a tuple", PT_HOOKS, ")U\1xNs", "wrong kind (SETITEM"),
    BAD("P9 SETITEM on a list", PT_HOOKS, "]U\1xNs", "wrong kind (SETITEM"),
    BAD("P9 APPEND to a dict", PT_HOOKS, "}Na", "wrong kind (APPEND"),
    BAD("P9 SETITEMS on a tuple", PT_DICT, ")", "wrong kind (SETITEMS"),
    BAD("P9 odd count", PT_HOOKS, "}(U\1xu", "a key without a value (SETITEMS"),
    BAD("P9 key not text", PT_HOOKS, "}(K\1Nu", "a key that is not a text (SETITEMS"),
    BAD("P9 name not text", PT_NAME, "K\1", "a key that is not a text (SETITEMS"),
    BAD("P10 id not a tuple", PT_ID, "U\7storage", "not a tuple of 5 or 6 (BINPERSID"),
    BAD("P10 id of 4", PT_ID, "(U\7storage" HALF "U\0011U\3cput", "not a tuple of 5 or 6"),
    BAD("P10 not storage", PT_ID, "(U\6module" HALF "U\0011U\3cpuK\4t", "not of a storage"),
    BAD("P10 no class", PT_ID, ID("U\1x", "U\0011", "U\3cpu", "K\4"), "a storage of no class"),
    BAD("P10 other class", PT_ID, ID("ccollections\nOrderedDict\n", "U\0011", "U\3cpu", "K\4"), "a storage of no class"),
    BAD("P10 unknown class", PT_CLASS, "ctorch\nFooStorage\n", "'torch.FooStorage'"),
    BAD("P10 key ../x", PT_KEY, "U\4../x", "key is not a plain name"),
    BAD("P10 key empty", PT_KEY, "U\0", "key is not a plain name"),
    BAD("P10 key a number", PT_KEY, "K\1", "key is not a plain name"),
    BAD("P10 no location", PT_ID, ID(HALF, "U\0011", "N", "K\4"), "without a location"),
    BAD("P10 count negative", PT_COUNT, "J\xff\xff\xff\xff", "size is not a whole number"),
    BAD("P10 count 2^63", PT_COUNT, "\x8a\10\0\0\0\0\0\0\0\x80", "size is not a whole number"),
    BAD("P10 count a text", PT_COUNT, "U\0014", "size is not a whole number"),
    ROW("view of a storage", PT_ID, "(U\7storage" HALF "U\0011U\3cpuK\4K\1t", RT_ERR_UNSUPPORTED, "a view of another"),
    BAD("one key, two types", PT_KEY, "U\0010", "storage '0' has two types or sizes (byte offsets"),
    BAD("one key, two sizes", PT_ID, ID("ctorch\nFloatStorage\n", "U\0010", "U\3cpu", "K\5"), "storage '0' has two types or sizes"),
    BAD("P12 ranks differ", PT_STRIDE, "K\1K\1\x86", "not two tuples of one length"),
    BAD("P12 shape no tuple", PT_SHAPE, "K\4", "not two tuples of one length"),
    BAD("P12 negative shape", PT_SHAPE, "J\xff\xff\xff\xff\x85", "shape is not of whole numbers"),
    BAD("P12 negative stride", PT_STRIDE, "J\xff\xff\xff\xff\x85", "strides are not whole numbers"),
    BAD("P12 negative offset", PT_OFFSET, "\x8a\1\xff", "offset is not a whole number"),
    BAD("P12 offset a truth value", PT_OFFSET, "\x88", "offset is not a whole number"),
    ROW("rank 5", PT_VALUE, "ctorch._utils\n_rebuild_tensor_v2\n(" ID(HALF, "U\0011", "U\3cpu", "K\4")
        "QK\0(K\1K\1K\1K\1K\4t(K\1K\1K\1K\1K\1t\x89}tR", RT_ERR_LIMIT, "more than 4 dimensions"),
    BAD("P16 twice", PT_NAME, "U\1a", "the key 'a' is there twice (byte offsets"),
    BAD("P16 number", PT_VALUE, "K\1", "'b': not a tensor"),
    BAD("P16 none", PT_VALUE, "N", "'b': not a tensor"),
    BAD("P16 nested dict", PT_VALUE, "}", "'b': a dict where a tensor must be"),
    BAD("empty name", PT_NAME, "U\0", "empty or of more than 256 bytes"),
    BAD("control byte", PT_NAME, "U\2b\n", "'b\\x0a': a tensor name with a control byte"),
    BAD("NUL", PT_NAME, "U\2b\0", "a tensor name with a control byte"),
    BAD("no dict", PT_BEFORE_STOP, "\x85", "what is pickled is no dict"),
    ROW("P17 whole model", PT_VALUE, "cmodels\nT5\nq\1)q\2\x81", RT_ERR_UNSUPPORTED, "a whole model, or another object of a program"),
    ROW("P17 whole model", PT_ID, "(U\6modulecmodels\nT5\nU\1xU\1yt", RT_ERR_UNSUPPORTED, "'models.T5'"),
    ROW("P19 quantised", PT_CLASS, "ctorch\nQInt8Storage\n", RT_ERR_UNSUPPORTED, "quantised tensors are not read"),
    ROW("P19 another rebuild", PT_VALUE, "ctorch._utils\n_rebuild_sparse_tensor\nNR", RT_ERR_UNSUPPORTED, "_rebuild_sparse_tensor"),
    ROW("OrderedDict of pairs", PT_HOOKS, "ccollections\nOrderedDict\n]\x85R", RT_ERR_UNSUPPORTED, "not filled entry by entry"),
    BAD("call of a class", PT_VALUE, HALF ")R", "a call of a class of storage"),
    BAD("call of a dict", PT_VALUE, "})R", "wrong kind (REDUCE"),
    BAD("call without a tuple", PT_VALUE, "ccollections\nOrderedDict\nNR", "wrong kind (REDUCE"),
    BAD("tensor of one part", PT_VALUE, "ctorch._utils\n_rebuild_tensor_v2\nN\x85R", "not of 6 or 7 parts"),
    BAD("tensor without a storage", PT_VALUE, "ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR", "a tensor without a storage"),
    BAD("parameter without a tensor", PT_VALUE, "ctorch._utils\n_rebuild_parameter\n(N\x88NtR", "a parameter without a tensor"),
    BAD("parameter of one part", PT_VALUE, "ctorch._utils\n_rebuild_parameter\n)R", "a parameter without a tensor"),
    BAD("attributes of a tensor", PT_HOOKS, ")}b", "wrong kind (BUILD"),
    BAD("attributes not a dict", PT_HOOKS, "}Nb", "wrong kind (BUILD"),
    BAD("no opcode", PT_BEFORE_STOP, "\x7f", "no opcode"),
    ROW("fraction", PT_BEFORE_STOP, "F1.5\n", RT_ERR_UNSUPPORTED, "(FLOAT, byte offset"),
};

START_TEST(one_part) {
    const row *r = &rows[_i];
    rt_text pickle = {0};
    pt_write_pickle(r->change, false, &pickle);
    refuse(r->name, &pickle, r->status, r->message);
    pickle.n = 0;
    pt_write_pickle(none, false, &pickle);
    accept(r->name, &pickle);
    rt_text_free(&pickle);
}
END_TEST

#define VARIANT(part, by) {part, by, sizeof(by) - 1}

/* What writers may do and none of the above does. */
START_TEST(sound_variants) {
    static const pt_change changes[] = {
        VARIANT(PT_DICT, "}"),
        VARIANT(PT_NAME, "U\2\xc3\xa9"),
        VARIANT(PT_NAME, "U\4\xf0\x9f\x98\x80"),
        VARIANT(PT_OFFSET, "J\0\0\0\0"),
        VARIANT(PT_OFFSET, "\x8a\0"),
        VARIANT(PT_OFFSET, "\x8a\1\0"),
        VARIANT(PT_OFFSET, "M\0\0"),
        VARIANT(PT_HOOKS, "}q\xff"),
        VARIANT(PT_HOOKS, "}r\xff\xff\x0f\0"),
        VARIANT(PT_HOOKS, "}N"), /* a seventh part: metadata */
        VARIANT(PT_BEFORE_STOP, "}U\11_metadata}U\0}U\7versionK\1sssb"),
        VARIANT(PT_BEFORE_STOP, "(u"),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        rt_text pickle = {0};
        pt_write_pickle(changes[i], false, &pickle);
        accept("variant", &pickle);
        rt_text_free(&pickle);
    }
}
END_TEST

/* ---- opcodes ---- */

/* P2 */
START_TEST(refused_opcodes) {
    static const struct {
        uint8_t byte;
        const char *name;
    } refused[] = {
        {'I', "INT"}, {'L', "LONG"}, {0x8b, "LONG4"}, {'S', "STRING"}, {'T', "BINSTRING"}, {'B', "BINBYTES"}, {'C', "SHORT_BINBYTES"},
        {0x8e, "BINBYTES8"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"}, {'V', "UNICODE"},
        {0x8c, "SHORT_BINUNICODE"}, {0x8d, "BINUNICODE8"}, {'F', "FLOAT"}, {'G', "BINFLOAT"}, {'l', "LIST"}, {'d', "DICT"},
        {0x8f, "EMPTY_SET"}, {0x90, "ADDITEMS"}, {0x91, "FROZENSET"}, {'0', "POP"}, {'2', "DUP"}, {'1', "POP_MARK"}, {'g', "GET"},
        {'p', "PUT"}, {0x94, "MEMOIZE"}, {0x82, "EXT1"}, {0x83, "EXT2"}, {0x84, "EXT4"}, {0x93, "STACK_GLOBAL"}, {'i', "INST"},
        {'o', "OBJ"}, {0x81, "NEWOBJ"}, {0x92, "NEWOBJ_EX"}, {0x95, "FRAME"}, {'P', "PERSID"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        rt_text pickle = {0}, message = {0};
        pt_write_pickle((pt_change){PT_BEFORE_STOP, &refused[i].byte, 1}, false, &pickle);
        text_append(&message, "an opcode that no state dict needs (%s, byte offset %zu)", refused[i].name, pickle.n - 2);
        refuse(refused[i].name, &pickle, RT_ERR_UNSUPPORTED, message.v);
        rt_text_free(&message);
        rt_text_free(&pickle);
    }
}
END_TEST

/* P3: each opcode with one value too few, as all that follows the protocol. */
START_TEST(missing_values) {
    static const struct {
        const char *opcodes;
        size_t n;
    } few[] = {
        {".", 1}, {"q\0", 2}, {"r\0\0\0\0", 5}, {"t", 1}, {"\x85", 1}, {"N\x86", 2}, {"NN\x87", 3}, {"a", 1}, {"Na", 2}, {"e", 1},
        {"(e", 2}, {"Ne", 2}, {"s", 1}, {"Ns", 2}, {"NNs", 3}, {"U\1xNs", 5}, {"u", 1}, {"(u", 2}, {"(U\1xNu", 6}, {"R", 1}, {")R", 2}, {"b", 1},
        {"}b", 2}, {"Q", 1}, {"N(\x85", 3}, {"N(q\0", 4}, {"N(.", 3}, {"}(U\1xNs", 7},
    };
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        rt_text pickle = {0};
        text_append_bytes(&pickle, "\x80\2", 2);
        text_append_bytes(&pickle, few[i].opcodes, few[i].n);
        text_append_bytes(&pickle, ".", 1);
        refuse("P3", &pickle, RT_ERR_MALFORMED, "without the");
        rt_text_free(&pickle);
    }
}
END_TEST

/* ---- size: P7, P8 ---- */

static void repeat(rt_text *out, const char *opcodes, size_t n, size_t times) {
    for (size_t i = 0; i < times; i++) text_append_bytes(out, opcodes, n);
}

static void refuse_repeated(const char *name, const char *start, const char *opcodes, size_t n, size_t times, rt_status status,
                            const char *message) {
    rt_text pickle = {0};
    text_append_bytes(&pickle, "\x80\2", 2);
    text_append_bytes(&pickle, start, strlen(start));
    repeat(&pickle, opcodes, n, times);
    text_append_bytes(&pickle, ".", 1);
    refuse(name, &pickle, status, message);
    rt_text_free(&pickle);
}

START_TEST(large) {
    refuse_repeated("P7 marks", "", "(", 1, 1000000, RT_ERR_LIMIT, "too many open marks");
    refuse_repeated("P7 values", "", "N", 1, 1000000, RT_ERR_LIMIT, "too many values on the stack");
    refuse_repeated("P7 nested", ")", "\x85", 1, 1000000, RT_ERR_MALFORMED, "what is pickled is no dict");
    refuse_repeated("P7 nested deeper", ")", "\x85", 1, 3000000, RT_ERR_LIMIT, "too many items of tuples");
    refuse_repeated("P8 doubled", ")", "q\0h\0\x86", 5, 30, RT_ERR_MALFORMED, "what is pickled is no dict");
    refuse_repeated("P8 doubled", ")", "q\0h\0\x86", 5, 300000, RT_ERR_MALFORMED, "what is pickled is no dict");
    refuse_repeated("in itself", "}", "q\0U\1xh\0s", 8, 60000, RT_ERR_MALFORMED, "'x': a dict where");
    refuse_repeated("entries", "}", "U\1xNs", 5, 600000, RT_ERR_LIMIT, "too many entries");
    refuse_repeated("opcodes", ")", "q\0", 2, 10000001, RT_ERR_LIMIT, "more than 10 million opcodes");
    char longest[2 + 255 + 2] = "U\377"; /* an entry whose key is as long as one byte can say */
    memset(longest + 2, 'x', 255);
    memcpy(longest + 2 + 255, "Ns", 2);
    refuse_repeated("bytes", "}", longest, sizeof longest, 300000, RT_ERR_LIMIT, "more than 64 MiB");
}
END_TEST

START_TEST(too_many_tensors) {
    rt_text pickle = {0};
    static const char storage[] = "ctorch._utils\n_rebuild_tensor_v2\nq\0("
                                  "(U\7storagectorch\nHalfStorage\nU\0011U\3cpuK\4tQq\1K\0))\x89}tq\2";
    text_append_bytes(&pickle, "\x80\2}", 3);
    text_append_bytes(&pickle, "U\1a", 3);
    text_append_bytes(&pickle, storage, sizeof storage - 1);
    text_append_bytes(&pickle, "Rs", 2);
    repeat(&pickle, "U\1ah\0h\2Rs", 9, 65536);
    text_append_bytes(&pickle, ".", 1);
    refuse("tensors", &pickle, RT_ERR_LIMIT, "too many tensors (byte offset");
    rt_text_free(&pickle);
}
END_TEST

/* ---- G3, G4 ---- */

START_TEST(every_prefix) {
    rt_text pickle = {0};
    pt_write_pickle(none, false, &pickle);
    const size_t whole = pickle.n;
    for (pickle.n = 1; pickle.n < whole; pickle.n++) {
        if (pt_parse_pickle(&pickle, NULL) != RT_ERR_MALFORMED) ck_abort_msg("prefix of %zu bytes", pickle.n);
    }
    accept("whole", &pickle);
    rt_text_free(&pickle);
}
END_TEST

START_TEST(every_byte) {
    rt_text pickle = {0};
    pt_write_pickle(none, true, &pickle);
    for (size_t i = 0; i < pickle.n; i++) {
        const char before = pickle.v[i];
        for (int value = 0; value < 256; value++) {
            pickle.v[i] = (char)value;
            (void)pt_parse_pickle(&pickle, NULL);
        }
        pickle.v[i] = before;
    }
    accept("whole", &pickle);
    rt_text_free(&pickle);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pickle");
    TCase *cases = tcase_create("rows");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, sound, 0, 2);
    tcase_add_loop_test(cases, one_part, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(cases, sound_variants);
    tcase_add_test(cases, refused_opcodes);
    tcase_add_test(cases, missing_values);
    tcase_add_test(cases, large);
    tcase_add_test(cases, too_many_tensors);
    tcase_add_test(cases, every_prefix);
    tcase_add_test(cases, every_byte);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

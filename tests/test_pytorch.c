/* PyTorch's files: both forms, what is refused, and files and folders. Views of storages are in test_pytorch_views.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/checkpoint_use.h"
#include "tests/support/expect.h"
#include "tests/support/pytorch_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

static const pt_change none = {0};

/* ---- both forms ---- */

START_TEST(sound) {
    rt_text bytes = {0};
    st_write(ST_NOTHING, NULL, &bytes);
    scratch_write(&files, "model.safetensors", bytes.v, bytes.n);
    rt_text_free(&bytes);
    ckpt_checkpoint *plain = open_checkpoint("safetensors", files.path);
    pt_write_file(&files, "pytorch_model.bin", none, pt_style_of((size_t)_i));
    ckpt_checkpoint *made = open_checkpoint("pytorch", files.path);
    ck_assert_str_eq(ckpt_find(made, "b")->file, files.path);
    ck_assert_uint_eq(ckpt_count(made), 3);
    ck_assert_uint_eq(use_checkpoint(made), 36);
    expect_contained(plain, made);
    expect_contained(made, plain);
    ckpt_close(made);
    ckpt_close(plain);
    ck_assert_int_eq(unlink(scratch_path(&files, "model.safetensors")), 0);
    open_and_use("folder", files.folder, 3);
}
END_TEST

/* ---- one part of the pickle replaced, in each style ---- */

typedef struct row {
    const char *name;
    pt_change change;
    rt_status status;
    const char *message;
} row;

#define ROW(name, part, by, status, message) {name, {part, by, sizeof(by) - 1}, status, message}

static const row rows[] = {
    ROW("P11 more", PT_COUNT, "K\5", RT_ERR_MALFORMED, "storage '1'"),
    ROW("P11 less", PT_COUNT, "K\3", RT_ERR_MALFORMED, "storage '1'"),
    ROW("P11 wraps", PT_COUNT, "\x8a\10\0\0\0\0\0\0\0\x7f", RT_ERR_MALFORMED, "storage '1'"),
    ROW("P10 unknown key", PT_KEY, "U\0013", RT_ERR_MALFORMED, "storage '"),
    ROW("P12 offset", PT_OFFSET, "K\1", RT_ERR_MALFORMED, "tensor 'b': reaches past the end of its storage"),
    ROW("P12 extent", PT_SHAPE, "K\5\x85", RT_ERR_MALFORMED, "tensor 'b': reaches past the end of its storage"),
    ROW("P12 stride", PT_STRIDE, "K\2\x85", RT_ERR_MALFORMED, "reaches past the end of its storage"),
    ROW("P12 extent wraps", PT_STRIDE, "\x8a\10\xff\xff\xff\xff\xff\xff\xff\x7f\x85", RT_ERR_MALFORMED,
        "reaches past the end of its storage"),
    ROW("P12 offset wraps", PT_OFFSET, "\x8a\10\xff\xff\xff\xff\xff\xff\xff\x7f", RT_ERR_MALFORMED, "reaches past the end of its storage"),
    ROW("P19 complex", PT_CLASS, "ctorch\nComplexFloatStorage\n", RT_ERR_MALFORMED, "storage '1'"),
    ROW("P19 I16", PT_CLASS, "ctorch\nShortStorage\n", RT_ERR_UNSUPPORTED, "tensor 'b' has an element type that is not read"),
    ROW("P16 nested", PT_VALUE, "}", RT_ERR_MALFORMED, "'b': a dict where a tensor must be"),
    ROW("P6 after STOP", PT_STOP, "..", RT_ERR_MALFORMED, "byte offset"),
};
enum { N_ROWS = sizeof rows / sizeof *rows };

START_TEST(one_part) {
    const row *r = &rows[_i / PT_N_STYLES];
    const pt_style *style = pt_style_of((size_t)_i % PT_N_STYLES);
    pt_write_file(&files, "pytorch_model.bin", r->change, style);
    refuse_checkpoint(r->name, files.folder, r->status, r->message);
    pt_write_file(&files, "pytorch_model.bin", none, style);
    open_and_use(r->name, files.folder, 3);
}
END_TEST

#define ID_OF(class, count) PT_CHANGE(PT_ID, "(U\7storage" class "U\0011U\3cpu" count "t")

/* P19: what a storage may hold and we do not read. */
START_TEST(unreadable_types) {
    static const struct {
        pt_change change;
        const char *type;
    } classes[] = {
        {ID_OF("ctorch\nLongStorage\n", "K\1"), "I64"},    {ID_OF("ctorch\nIntStorage\n", "K\2"), "I32"},
        {ID_OF("ctorch\nBoolStorage\n", "K\10"), "BOOL"},  {ID_OF("ctorch\nByteStorage\n", "K\10"), "U8"},
        {ID_OF("ctorch\nCharStorage\n", "K\10"), "I8"},    {ID_OF("ctorch\nDoubleStorage\n", "K\1"), "F64"},
        {ID_OF("ctorch\nComplexFloatStorage\n", "K\1"), "C64"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        pt_write_file(&files, "x.bin", classes[i].change, pt_style_of(0));
        refuse_checkpoint(classes[i].type, files.path, RT_ERR_UNSUPPORTED, "tensor 'b' has an element type that is not read");
        refuse_checkpoint(classes[i].type, files.path, RT_ERR_UNSUPPORTED, classes[i].type);
    }
}
END_TEST

/* ---- the archive round the pickle: Z10, P17, P18 ---- */

typedef struct style_row {
    const char *name;
    pt_style style;
    rt_status status;
    const char *message;
} style_row;

static const style_row style_rows[] = {
    {"Z10 two top folders", {.more = "y/data.pkl"}, RT_ERR_MALFORMED, "do not lie in one folder ('y/data.pkl'"},
    {"Z10 beside the folder", {.more = "data.pkl"}, RT_ERR_MALFORMED, "do not lie in one folder"},
    {"Z10 a longer folder", {.more = "xx/1"}, RT_ERR_MALFORMED, "do not lie in one folder ('xx/1'"},
    {"Z10 no folder", {.top = "x"}, RT_ERR_MALFORMED, "do not lie in one folder"},
    {"no data.pkl", {.pickle = "data"}, RT_ERR_MALFORMED, "no data.pkl in its folder"},
    {"no storage", {.storage = "data/9"}, RT_ERR_MALFORMED, "no member for storage '1'"},
    {"P11 short member", {.n_storage = 6}, RT_ERR_MALFORMED, "storage '1' has another size in its member"},
    {"P11 long member", {.n_storage = 10}, RT_ERR_MALFORMED, "10 bytes, needs 8"},
    {"P17 TorchScript", {.more = "x/constants.pkl"}, RT_ERR_UNSUPPORTED, "a TorchScript archive"},
    {"P17 TorchScript", {.more = "x/code/__torch__.py"}, RT_ERR_UNSUPPORTED, "a TorchScript archive"},
    {"P18 big", {.byte_order = "big"}, RT_ERR_UNSUPPORTED, "high byte first"},
    {"P18 deflated", {.byte_order = "big", .zip = {.deflate = true}}, RT_ERR_UNSUPPORTED, "high byte first"},
    {"P18 other", {.byte_order = "middle"}, RT_ERR_MALFORMED, "neither little nor big"},
    {"legacy P18", {.legacy = true, .byte_order = "big"}, RT_ERR_UNSUPPORTED, "high byte first"},
    {"legacy, no such key", {.legacy = true, .storage = "U\0019"}, RT_ERR_MALFORMED, "storage '9' belongs to no tensor"},
    {"legacy, key twice", {.legacy = true, .storage = "U\0010"}, RT_ERR_MALFORMED, "storage '0' is there twice"},
    {"legacy, key not listed", {.legacy = true, .storage = "U\0012"}, RT_ERR_MALFORMED, "storage '2'"},
    {"legacy, key not a text", {.legacy = true, .storage = "K\1"}, RT_ERR_MALFORMED, "a key that is not a text"},
    {"legacy, short storage", {.legacy = true, .n_storage = 6}, RT_ERR_MALFORMED, "storage '1' has two sizes"},
    {"legacy, long storage", {.legacy = true, .n_storage = 10}, RT_ERR_MALFORMED, "storage '1' has two sizes"},
    {"legacy, bytes at the end", {.legacy = true, .more = "x"}, RT_ERR_MALFORMED, "bytes after the last storage"},
};

START_TEST(one_style) {
    const style_row *r = &style_rows[_i];
    const pt_style twin = {.legacy = r->style.legacy, .zip = r->style.zip};
    pt_write_file(&files, "pytorch_model.bin", none, &r->style);
    refuse_checkpoint(r->name, files.folder, r->status, r->message);
    pt_write_file(&files, "pytorch_model.bin", none, &twin);
    open_and_use(r->name, files.folder, 3);
}
END_TEST

/* Z12: data.pkl and whatever is inflated are checked; stored weights are not read at all. */
START_TEST(checksums) {
    for (size_t s = 0; s < 3; s++) {
        rt_text bytes = {0};
        zip_layout layout;
        rt_error err;
        pt_write(none, pt_style_of(s), &layout, &bytes);
        for (size_t member = 0; member < 2; member++) {
            const size_t at = layout.data[member] + 1;
            bytes.v[at] = (char)(bytes.v[at] ^ 0x40);
            const rt_status status = pt_parse(&bytes, &err);
            if (member == 1 && s != PT_DEFLATED) ck_assert_int_eq(status, RT_OK);
            else expect_failure("Z12", status, &err, RT_ERR_MALFORMED, s == PT_DEFLATED ? "x.bin: member 'x/" : "checksum is wrong");
            bytes.v[at] = (char)(bytes.v[at] ^ 0x40);
        }
        expect_ok("Z12 twin", pt_parse(&bytes, &err), &err);
        rt_text_free(&bytes);
    }
}
END_TEST

/* Z16: an archive that inflates to more than 100 times its size. */
START_TEST(bomb) {
    static const char id[] = "(U\7storagectorch\nHalfStorage\nU\0011U\3cpuJ\0\0\x10\0t";
    static uint8_t zeros[2 << 20];
    rt_text pickle = {0}, archive = {0};
    zip_layout layout;
    rt_error err;
    pt_write_pickle((pt_change){PT_ID, id, sizeof id - 1}, false, &pickle);
    const zip_member members[] = {{"x/data.pkl", pickle.v, pickle.n}, {"x/data/0", zeros, 24}, {"x/data/1", zeros, sizeof zeros},
                                  {"x/data/2", zeros, 4}};
    zip_write(members, 4, &(zip_style){.deflate = true}, &layout, &archive);
    expect_failure("Z16", pt_parse(&archive, &err), &err, RT_ERR_LIMIT, "take too much memory (2097");
    archive.n = 0;
    for (size_t i = 0; i < sizeof zeros; i += 64) zeros[i] = (uint8_t)(i >> 7 ^ i >> 13);
    zip_write(members, 4, &(zip_style){.deflate = true}, &layout, &archive);
    expect_ok("Z16 twin", pt_parse(&archive, &err), &err);
    rt_text_free(&archive);
    rt_text_free(&pickle);
}
END_TEST

/* ---- files and folders ---- */

/* G7: the second half of an archive lies past 2^32, behind a hole that takes no space. */
START_TEST(large_file) {
    const pt_style style = {.zip = {.wide = true, .end64 = true}};
    const size_t far = ((size_t)1 << 32) + 4096 + 5, first_moved = 2, n_members = 5;
    rt_text bytes = {0};
    zip_layout layout;
    pt_write(none, &style, &layout, &bytes);
    const size_t border = layout.local[first_moved], moved = far - border;
    for (size_t i = first_moved; i < n_members; i++) {
        const size_t next = i + 1 < n_members ? layout.central[i + 1] : layout.end64;
        zip_patch(&bytes, next - 8, 8, layout.local[i] + moved);
    }
    zip_patch(&bytes, layout.end64 + 48, 8, layout.directory + moved);
    zip_patch(&bytes, layout.locator + 8, 8, layout.end64 + moved);
    FILE *f = fopen(scratch_write(&files, "x.bin", bytes.v, border), "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseeko(f, (off_t)far, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes.v + border, 1, bytes.n - border, f), bytes.n - border);
    ck_assert_int_eq(fclose(f), 0);
    rt_text_free(&bytes);
    ckpt_checkpoint *checkpoint = open_checkpoint("G7", files.path);
    const ckpt_tensor *a = ckpt_find(checkpoint, "a"), *b = ckpt_find(checkpoint, "b");
    ck_assert_uint_gt((size_t)(b->data - a->data), (size_t)1 << 32);
    for (uint8_t i = 0; i < 24; i++) ck_assert_uint_eq(a->data[i], i);
    for (uint8_t i = 0; i < 8; i++) ck_assert_uint_eq(b->data[i], 24 + i);
    ckpt_close(checkpoint);
}
END_TEST

START_TEST(wrong_content) {
    scratch_write_text(&files, "pytorch_model.bin", "");
    refuse_checkpoint("G2", files.folder, RT_ERR_MALFORMED, "the file is empty");
    scratch_write_text(&files, "pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    refuse_checkpoint("G6", files.folder, RT_ERR_MALFORMED, "Git LFS pointer");
    scratch_write_text(&files, "pytorch_model.bin", "something else");
    refuse_checkpoint("other", files.folder, RT_ERR_MALFORMED, "neither as a zip archive nor as the form before 1.6");
    scratch_write_text(&files, "x.pth", "PK\3\4");
    refuse_checkpoint("zip", files.path, RT_ERR_MALFORMED, "zip archive: too short");
}
END_TEST

/* An index and one shard, then two shards that hold the same tensors; a whole file is preferred to both. */
START_TEST(shards) {
    const char *index = "{\"metadata\":{},\"weight_map\":{\"a\":\"1.bin\",\"b\":\"1.bin\",\"c\":\"1.bin\"}}";
    pt_write_file(&files, "1.bin", none, pt_style_of(0));
    scratch_write_text(&files, "pytorch_model.bin.index.json", index);
    open_and_use("folder", files.folder, 3);
    open_and_use("index", files.path, 3);
    scratch_write_text(&files, "pytorch_model.bin.index.json", "{\"weight_map\":{\"a\":\"1.bin\",\"b\":\"1.bin\",\"c\":\"2.bin\"}}");
    refuse_checkpoint("missing", files.folder, RT_ERR_READ, "2.bin: cannot read");
    pt_write_file(&files, "2.bin", none, pt_style_of(PT_LEGACY));
    refuse_checkpoint("twice", files.folder, RT_ERR_DISAGREE, "is in another shard too");
    pt_write_file(&files, "pytorch_model.bin", PT_CHANGE(PT_NAME, "U\2b2"), pt_style_of(0));
    ckpt_checkpoint *checkpoint = open_checkpoint("one file goes first", files.folder);
    ck_assert_ptr_nonnull(ckpt_find(checkpoint, "b2"));
    ckpt_close(checkpoint);
}
END_TEST

START_TEST(endings) {
    static const char *const names[] = {"x.bin", "x.pt", "x.pth", "x.ckpt"};
    for (size_t i = 0; i < 4; i++) open_and_use(names[i], pt_write_file(&files, names[i], none, pt_style_of(i)), 3);
}
END_TEST

/* G3, G4 */
START_TEST(every_prefix) {
    rt_text bytes = {0};
    zip_layout layout;
    pt_write(none, pt_style_of((size_t)_i), &layout, &bytes);
    const size_t whole = bytes.n;
    for (bytes.n = 1; bytes.n < whole; bytes.n++) {
        if (pt_parse(&bytes, NULL) != RT_ERR_MALFORMED) ck_abort_msg("prefix of %zu bytes", bytes.n);
    }
    rt_error err;
    expect_ok("whole", pt_parse(&bytes, &err), &err);
    rt_text_free(&bytes);
}
END_TEST

START_TEST(every_byte) {
    static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};
    rt_text bytes = {0};
    zip_layout layout;
    pt_write(none, pt_style_of((size_t)_i), &layout, &bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        const char before = bytes.v[i];
        for (size_t j = 0; j < 4 + 8; j++) {
            bytes.v[i] = (char)(j < 4 ? values[j] : before ^ 1 << (j - 4));
            (void)pt_parse(&bytes, NULL);
        }
        bytes.v[i] = before;
    }
    rt_error err;
    expect_ok("whole", pt_parse(&bytes, &err), &err);
    rt_text_free(&bytes);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pytorch");
    TCase *made = tcase_create("made");
    tcase_add_checked_fixture(made, set_up, tear_down);
    tcase_set_timeout(made, 60);
    tcase_add_loop_test(made, sound, 0, PT_N_STYLES);
    tcase_add_loop_test(made, one_part, 0, N_ROWS * PT_N_STYLES);
    tcase_add_test(made, unreadable_types);
    tcase_add_loop_test(made, one_style, 0, (int)(sizeof style_rows / sizeof *style_rows));
    tcase_add_test(made, checksums);
    tcase_add_test(made, bomb);
    tcase_add_test(made, large_file);
    tcase_add_test(made, wrong_content);
    tcase_add_test(made, shards);
    tcase_add_test(made, endings);
    tcase_add_loop_test(made, every_prefix, 0, PT_N_STYLES);
    tcase_add_loop_test(made, every_byte, 0, PT_N_STYLES);
    suite_add_tcase(suite, made);
    return run_suite(suite);
}

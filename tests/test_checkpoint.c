/* Checkpoints as folders and files: which form is taken, what is refused, and every real checkpoint of tests/golden. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/path.h"
#include "tests/support/checkpoint_use.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

/* ---- helpers ---- */

static void write_sound(const char *name) {
    rt_text bytes = {0};
    st_write(ST_NOTHING, NULL, &bytes);
    scratch_write(&files, name, bytes.v, bytes.n);
    rt_text_free(&bytes);
}

/* ---- one file ---- */

START_TEST(single_file) {
    write_sound("model.safetensors");
    ckpt_checkpoint *checkpoint = open_checkpoint("single", files.folder);
    ck_assert_str_eq(ckpt_path(checkpoint), files.folder);
    ck_assert_uint_eq(ckpt_count(checkpoint), 3);
    ck_assert_uint_eq(use_checkpoint(checkpoint), 36);
    const ckpt_tensor *b = ckpt_find(checkpoint, "b");
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(b->dtype, RT_F16);
    ck_assert_uint_eq(b->rank, 1);
    ck_assert_uint_eq(b->shape[0], 4);
    ck_assert_uint_eq(b->n_bytes, 8);
    ck_assert_uint_eq(b->data[0], 24);
    ck_assert_str_eq(b->file, scratch_path(&files, "model.safetensors"));
    ck_assert_ptr_null(ckpt_find(checkpoint, "bb"));
    ck_assert_ptr_null(ckpt_find(checkpoint, ""));
    ckpt_close(checkpoint);
    ckpt_close(NULL);
}
END_TEST

START_TEST(file_by_itself) {
    write_sound("other.safetensors");
    open_and_use("by itself", scratch_path(&files, "other.safetensors"), 3);
}
END_TEST

START_TEST(no_tensors) {
    rt_text bytes = {0};
    st_write_header("{}", 2, 0, &bytes);
    scratch_write(&files, "model.safetensors", bytes.v, bytes.n);
    rt_text_free(&bytes);
    ckpt_checkpoint *checkpoint = open_checkpoint("none", files.folder);
    ck_assert_uint_eq(ckpt_count(checkpoint), 0);
    ck_assert_ptr_null(ckpt_find(checkpoint, "a"));
    ckpt_close(checkpoint);
}
END_TEST

/* S8: types that the format has and we do not read. */
START_TEST(unreadable_types) {
    static const char *const types[] = {"F64", "I64", "U64", "C64", "I8",  "U8",  "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0",
                                        "I16", "U16", "I32", "U32"};
    static const size_t bytes_each[] = {8, 8, 8, 8, 1, 1, 1, 1, 1, 1, 2, 2, 4, 4};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char entry[128];
        rt_text bytes = {0};
        snprintf(entry, sizeof entry, "{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[24,32]}", types[i], 8 / bytes_each[i]);
        st_write(ST_ENTRY, entry, &bytes);
        scratch_write(&files, "model.safetensors", bytes.v, bytes.n);
        rt_text_free(&bytes);
        refuse_checkpoint(types[i], files.folder, RT_ERR_UNSUPPORTED, "tensor 'b' has an element type that is not read");
        refuse_checkpoint(types[i], files.folder, RT_ERR_UNSUPPORTED, types[i]);
    }
    write_sound("model.safetensors");
    open_and_use("S8 twin", files.folder, 3);
}
END_TEST

/* G7: values on both sides of 2^31 and 2^32, in a file that takes no space. */
START_TEST(large_file) {
    static const size_t borders[] = {(size_t)1 << 31, (size_t)1 << 32};
    const size_t n_first = (size_t)1 << 30, n_second = 1000; /* elements of four bytes: the first tensor ends at 2^32 */
    char header[256];
    rt_text bytes = {0};
    const int n = snprintf(header, sizeof header,
                           "{\"first\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[0,%zu]},"
                           "\"second\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
                           n_first, 4 * n_first, n_second, 4 * n_first, 4 * (n_first + n_second));
    st_write_header(header, (size_t)n, 0, &bytes);
    const off_t data_at = (off_t)bytes.n;
    const char *path = scratch_write(&files, "model.safetensors", bytes.v, bytes.n);
    rt_text_free(&bytes);
    ck_assert_int_eq(truncate(path, data_at + 4 * (off_t)(n_first + n_second)), 0);
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(fseeko(f, data_at + (off_t)borders[i] - 1, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite("ab", 1, 2, f), 2);
    }
    ck_assert_int_eq(fclose(f), 0);
    ckpt_checkpoint *checkpoint = open_checkpoint("G7", files.folder);
    const ckpt_tensor *first = ckpt_find(checkpoint, "first"), *second = ckpt_find(checkpoint, "second");
    ck_assert_uint_eq(first->data[borders[0] - 1], 'a');
    ck_assert_uint_eq(first->data[borders[0]], 'b');
    ck_assert_uint_eq(first->data[first->n_bytes - 1], 'a');
    ck_assert_uint_eq(second->data[0], 'b');
    ckpt_close(checkpoint);
}
END_TEST

/* ---- any file: G1, G2, G5, G6, G8 ---- */

START_TEST(unreadable_paths) {
    refuse_checkpoint("G1 missing", "/nonexistent/folder", RT_ERR_READ, "/nonexistent/folder: cannot read: No such file");
    refuse_checkpoint("G1 empty folder", files.folder, RT_ERR_READ, ": no model.safetensors or pytorch_model.bin, whole or in shards");
    ck_assert_int_eq(symlink("loop.safetensors", scratch_path(&files, "loop.safetensors")), 0);
    refuse_checkpoint("G1 loop", files.path, RT_ERR_READ, "symbolic links");
    ck_assert_int_eq(symlink("nowhere", scratch_path(&files, "model.safetensors")), 0);
    refuse_checkpoint("G1 link to nothing", files.folder, RT_ERR_READ, "model.safetensors: cannot read: No such file");
    ck_assert_int_eq(unlink(files.path), 0);
    ck_assert_int_eq(mkdir(files.path, 0700), 0);
    refuse_checkpoint("G1 a folder of that name", files.folder, RT_ERR_READ, "model.safetensors: cannot read: is a folder");
    ck_assert_int_eq(rmdir(scratch_path(&files, "model.safetensors")), 0);
    refuse_checkpoint("G8", "/tmp/no\nsuch\x1b[31m file", RT_ERR_READ, "no\\x0asuch\\x1b[31m file");
    ck_assert_int_eq(mkfifo(scratch_path(&files, "pipe.safetensors"), 0600), 0);
    refuse_checkpoint("G5 FIFO", files.path, RT_ERR_READ, "not a regular file");
    refuse_checkpoint("G5 device", "/dev/zero", RT_ERR_READ, "not a regular file");
}
END_TEST

START_TEST(no_permission) {
    if (geteuid() == 0) {
        fputs("no_permission skipped: the superuser may read everything\n", stderr);
        return;
    }
    write_sound("model.safetensors");
    ck_assert_int_eq(chmod(files.path, 0), 0);
    refuse_checkpoint("G1", files.folder, RT_ERR_READ, "Permission denied");
}
END_TEST

START_TEST(wrong_content) {
    scratch_write_text(&files, "model.safetensors", "");
    refuse_checkpoint("G2", files.folder, RT_ERR_MALFORMED, "the file is empty");
    scratch_write_text(&files, "model.safetensors", "short");
    refuse_checkpoint("S1", files.folder, RT_ERR_MALFORMED, "too short for safetensors (5 bytes, at least 8)");
    scratch_write_text(&files, "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    refuse_checkpoint("G6", files.folder, RT_ERR_MALFORMED, "Git LFS pointer");
    ck_assert_int_eq(unlink(files.path), 0);
    scratch_write_text(&files, "model.safetensors.index.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    refuse_checkpoint("G6 index", files.folder, RT_ERR_MALFORMED, "Git LFS pointer");
    scratch_write_text(&files, "model.safetensors.index.json", "<!doctype html>");
    refuse_checkpoint("G6 index", files.folder, RT_ERR_MALFORMED, "a web page");
}
END_TEST

START_TEST(other_forms) {
    static const char *const names[] = {"tf_model.h5", "flax_model.msgpack", "rust_model.ot"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        scratch_write_text(&files, "training_args.bin", "x");
        scratch_write_text(&files, names[i], "x");
        refuse_checkpoint("folder", files.folder, RT_ERR_UNSUPPORTED, names[i]);
        refuse_checkpoint("folder", files.folder, RT_ERR_UNSUPPORTED, "only safetensors, PyTorch's .bin and GGUF are read");
        refuse_checkpoint("file", scratch_path(&files, names[i]), RT_ERR_UNSUPPORTED, "only safetensors, PyTorch's .bin and GGUF are read");
        ck_assert_int_eq(unlink(files.path), 0);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) scratch_write_text(&files, names[i], "x");
    refuse_checkpoint("the first by name", files.folder, RT_ERR_UNSUPPORTED, "(found flax_model.msgpack)");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ck_assert_int_eq(unlink(scratch_path(&files, names[i])), 0);
    refuse_checkpoint("not a model's file", files.folder, RT_ERR_READ, "no model.safetensors");
    scratch_write_text(&files, "pytorch_model.bin", "x");
    write_sound("model.safetensors");
    open_and_use("beside safetensors", files.folder, 3);
}
END_TEST

/* ---- real checkpoints ---- */

#define GOLDEN "tests/golden/cases/"

static void expect_contained_at(const char *part_path, const char *whole_path) {
    ckpt_checkpoint *part = open_checkpoint(part_path, part_path), *whole = open_checkpoint(whole_path, whole_path);
    expect_contained(part, whole);
    ckpt_close(part);
    ckpt_close(whole);
}

START_TEST(golden_shards) {
    expect_contained_at(GOLDEN "relu_tied/safetensors", GOLDEN "relu_tied/safetensors_sharded");
    expect_contained_at(GOLDEN "gated_gelu/safetensors", GOLDEN "gated_gelu/safetensors_sharded");
    expect_contained_at(GOLDEN "odd_sizes/safetensors", GOLDEN "odd_sizes/safetensors_sharded");
}
END_TEST

START_TEST(golden_types) {
    ckpt_checkpoint *checkpoint = open_checkpoint("f16, wo f32", GOLDEN "gated_gelu/safetensors_f16_wo32");
    const ckpt_tensor *wo = ckpt_find(checkpoint, "encoder.block.2.layer.1.DenseReluDense.wo.weight");
    const ckpt_tensor *q = ckpt_find(checkpoint, "encoder.block.0.layer.0.SelfAttention.q.weight");
    ck_assert_ptr_nonnull(wo);
    ck_assert_ptr_nonnull(q);
    ck_assert_int_eq(wo->dtype, RT_F32);
    ck_assert_uint_eq(wo->shape[0], 32);
    ck_assert_uint_eq(wo->shape[1], 64);
    ck_assert_int_eq(q->dtype, RT_F16);
    ck_assert_uint_eq(q->shape[0], 24);
    ck_assert_uint_eq(q->shape[1], 32);
    ckpt_close(checkpoint);
    checkpoint = open_checkpoint("bf16", GOLDEN "gated_gelu/safetensors_bf16");
    ck_assert_int_eq(ckpt_find(checkpoint, "shared.weight")->dtype, RT_BF16);
    ckpt_close(checkpoint);
}
END_TEST

/* Opens root/MODEL/FORM for every form that is a folder; how many there were. */
static size_t open_forms_of(const char *model) {
    size_t n = 0;
    DIR *forms = opendir(model);
    ck_assert_ptr_nonnull(forms);
    for (const struct dirent *e = readdir(forms); e != NULL; e = readdir(forms)) {
        if (strncmp(e->d_name, "hf5_", 4) != 0 && strncmp(e->d_name, "safetensors", 11) != 0 && strncmp(e->d_name, "bin", 3) != 0) continue;
        char *path;
        ck_assert_int_eq(t5_path_join(model, e->d_name, &path, NULL), RT_OK);
        ckpt_checkpoint *checkpoint = open_checkpoint(path, path);
        ck_assert_uint_gt(use_checkpoint(checkpoint), 0);
        ckpt_close(checkpoint);
        free(path);
        n++;
    }
    closedir(forms);
    return n;
}

static size_t open_forms_below(const char *root) {
    size_t n = 0;
    DIR *models = opendir(root);
    if (models == NULL) return 0;
    for (const struct dirent *e = readdir(models); e != NULL; e = readdir(models)) {
        if (e->d_type != DT_DIR || *e->d_name == '.') continue;
        char *path;
        ck_assert_int_eq(t5_path_join(root, e->d_name, &path, NULL), RT_OK);
        n += open_forms_of(path);
        free(path);
    }
    closedir(models);
    return n;
}

START_TEST(golden_forms) {
    ck_assert_uint_ge(open_forms_below("tests/golden/cases"), 10);
    if (open_forms_below("../shared/oracle/cases") == 0) fputs("../shared/oracle/cases is not there: skipped\n", stderr);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("checkpoint");
    TCase *made = tcase_create("made"), *golden = tcase_create("golden");
    tcase_add_checked_fixture(made, set_up, tear_down);
    tcase_add_test(made, single_file);
    tcase_add_test(made, file_by_itself);
    tcase_add_test(made, no_tensors);
    tcase_add_test(made, unreadable_types);
    tcase_add_test(made, large_file);
    tcase_add_test(made, unreadable_paths);
    tcase_add_test(made, no_permission);
    tcase_add_test(made, wrong_content);
    tcase_add_test(made, other_forms);
    tcase_add_test(golden, golden_shards);
    tcase_add_test(golden, golden_types);
    tcase_add_test(golden, golden_forms);
    suite_add_tcase(suite, made);
    suite_add_tcase(suite, golden);
    return run_suite(suite);
}

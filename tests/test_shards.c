/* Sharded checkpoints: the index against its shards. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/checkpoint_use.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

/* A file of one or two F32 tensors of one element; second may be NULL. */
static void write_shard(const char *file, const char *first, const char *second) {
    rt_text header = {0}, bytes = {0};
    text_append(&header, "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", first);
    if (second != NULL) text_append(&header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}", second);
    text_append(&header, "}");
    st_write_header(header.v, header.n, second == NULL ? 4 : 8, &bytes);
    scratch_write(&files, file, bytes.v, bytes.n);
    rt_text_free(&header);
    rt_text_free(&bytes);
}

static void write_index(const char *weight_map) {
    rt_text index = {0};
    text_append(&index, "{\"metadata\":{\"total_size\":12},\"weight_map\":%s}", weight_map);
    scratch_write(&files, "model.safetensors.index.json", index.v, index.n);
    rt_text_free(&index);
}

/* Tensors x and y in 1.safetensors, z in 2.safetensors. */
static void write_two_shards(void) {
    write_shard("1.safetensors", "x", "y");
    write_shard("2.safetensors", "z", NULL);
}

static const char sound_map[] = "{\"z\":\"2.safetensors\",\"x\":\"1.safetensors\",\"y\":\"1.safetensors\"}";

START_TEST(two_shards) {
    write_two_shards();
    write_index(sound_map);
    ckpt_checkpoint *checkpoint = open_checkpoint("two shards", files.folder);
    ck_assert_uint_eq(ckpt_count(checkpoint), 3);
    ck_assert_uint_eq(use_checkpoint(checkpoint), 12);
    ck_assert_str_eq(ckpt_at(checkpoint, 0)->name, "x");
    ck_assert_str_eq(ckpt_at(checkpoint, 2)->name, "z");
    ck_assert_str_eq(ckpt_find(checkpoint, "z")->file, scratch_path(&files, "2.safetensors"));
    ckpt_close(checkpoint);
    open_and_use("the index itself", scratch_path(&files, "model.safetensors.index.json"), 3);
    ck_assert_int_eq(chdir(files.folder), 0);
    open_and_use("without a folder", "model.safetensors.index.json", 3);
    ck_assert_int_eq(chdir("/"), 0);
    write_shard("model.safetensors", "single", NULL);
    open_and_use("one file goes first", files.folder, 1);
}
END_TEST

/* S22 */
typedef struct index_row {
    const char *name, *weight_map;
    rt_status status;
    const char *message;
} index_row;

#define XY "\"x\":\"1.safetensors\",\"y\":\"1.safetensors\""

static const index_row index_rows[] = {
    {"parent", "{" XY ",\"z\":\"../2.safetensors\"}", RT_ERR_MALFORMED, "'../2.safetensors', a plain name"},
    {"two dots", "{" XY ",\"z\":\"..\"}", RT_ERR_MALFORMED, "not a file of this folder"},
    {"absolute", "{" XY ",\"z\":\"/etc/passwd\"}", RT_ERR_MALFORMED, "'/etc/passwd'"},
    {"backslash", "{" XY ",\"z\":\"..\\\\2.safetensors\"}", RT_ERR_MALFORMED, "not a file of this folder"},
    {"empty", "{" XY ",\"z\":\"\"}", RT_ERR_MALFORMED, "not a file of this folder"},
    {"number", "{" XY ",\"z\":2}", RT_ERR_MALFORMED, "shard of tensor 'z' is not a text"},
    {"missing shard", "{" XY ",\"z\":\"3.safetensors\"}", RT_ERR_READ, "3.safetensors: cannot read: No such file"},
    {"absent", "{" XY ",\"z\":\"2.safetensors\",\"zz\":\"2.safetensors\"}", RT_ERR_DISAGREE, "'zz' is not in its shard 2.safetensors"},
    {"in another", "{" XY ",\"z\":\"1.safetensors\",\"w\":\"2.safetensors\"}", RT_ERR_DISAGREE, "'w' is not in its shard"},
    {"moved", "{\"x\":\"1.safetensors\",\"y\":\"2.safetensors\",\"z\":\"2.safetensors\"}", RT_ERR_DISAGREE,
     "'y' is not in its shard 2.safetensors but in 1.safetensors"},
    {"unlisted", "{\"x\":\"1.safetensors\",\"z\":\"2.safetensors\"}", RT_ERR_DISAGREE, "1.safetensors: tensor 'y' is not listed in"},
    {"unlisted, last", "{" XY ",\"a\":\"2.safetensors\"}", RT_ERR_DISAGREE, "'a' is not in its shard"},
    {"twice", "{" XY ",\"z\":\"2.safetensors\",\"x\":\"1.safetensors\"}", RT_ERR_MALFORMED, "the key 'x' is there twice"},
    {"no object", "[1]", RT_ERR_MALFORMED, "weight_map is not an object"},
    {"no members", "{}", RT_ERR_MALFORMED, "weight_map is not an object with members"},
    {"cut", "{" XY, RT_ERR_MALFORMED, "ends where"},
};

START_TEST(bad_index) {
    const index_row *r = &index_rows[_i];
    write_two_shards();
    write_index(r->weight_map);
    refuse_checkpoint(r->name, files.folder, r->status, r->message);
    write_index(sound_map);
    open_and_use(r->name, files.folder, 3);
}
END_TEST

START_TEST(tensor_in_two_shards) {
    write_shard("1.safetensors", "x", "y");
    write_shard("2.safetensors", "z", "y");
    write_index(sound_map);
    refuse_checkpoint("twice", files.folder, RT_ERR_DISAGREE, "1.safetensors: tensor 'y' is in another shard too (");
    refuse_checkpoint("twice", files.folder, RT_ERR_DISAGREE, "2.safetensors)");
}
END_TEST

START_TEST(index_without_map) {
    scratch_write_text(&files, "model.safetensors.index.json", "{\"metadata\":{}}");
    refuse_checkpoint("no map", files.folder, RT_ERR_MALFORMED, "index.json: no weight_map");
}
END_TEST

START_TEST(bad_shard) {
    rt_text bytes = {0};
    write_two_shards();
    write_index(sound_map);
    st_write(ST_OFFSETS, "[25,33]", &bytes);
    scratch_write(&files, "2.safetensors", bytes.v, bytes.n);
    rt_text_free(&bytes);
    refuse_checkpoint("bad shard", files.folder, RT_ERR_MALFORMED, "2.safetensors: tensor 'b': leaves a hole");
}
END_TEST

START_TEST(too_many_shards) {
    rt_text index = {0};
    text_append(&index, "{\"weight_map\":{");
    for (int i = 0; i < 1025; i++) text_append(&index, "%s\"%d\":\"%d.safetensors\"", i > 0 ? "," : "", i, i);
    text_append(&index, "}}");
    scratch_write(&files, "model.safetensors.index.json", index.v, index.n);
    rt_text_free(&index);
    refuse_checkpoint("shards", files.folder, RT_ERR_LIMIT, "too many shards (weight_map, 1025, at most 1024)");
}
END_TEST

START_TEST(index_of_too_many_tensors) {
    rt_text index = {0};
    text_append(&index, "{\"weight_map\":{");
    for (int i = 0; i <= 65536; i++) text_append(&index, "%s\"%d\":\"1.safetensors\"", i > 0 ? "," : "", i);
    text_append(&index, "}}");
    scratch_write(&files, "model.safetensors.index.json", index.v, index.n);
    rt_text_free(&index);
    refuse_checkpoint("tensors", files.folder, RT_ERR_LIMIT, "too many tensors (weight_map, 65537, at most 65536)");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("shards");
    TCase *rows = tcase_create("rows");
    tcase_add_checked_fixture(rows, set_up, tear_down);
    tcase_add_test(rows, two_shards);
    tcase_add_loop_test(rows, bad_index, 0, (int)(sizeof index_rows / sizeof *index_rows));
    tcase_add_test(rows, tensor_in_two_shards);
    tcase_add_test(rows, index_without_map);
    tcase_add_test(rows, bad_shard);
    tcase_add_test(rows, too_many_shards);
    tcase_add_test(rows, index_of_too_many_tensors);
    suite_add_tcase(suite, rows);
    return run_suite(suite);
}

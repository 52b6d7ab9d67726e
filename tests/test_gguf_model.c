/* Models in GGUF files: the same tensors and the same config as in the Hugging Face folder they were converted from, both dialects, and
 * what is refused (Q14, Q16 to Q20). The states and answers of every form are compared by test_golden. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/gguf_names.h"
#include "model/config.h"
#include "model/t5.h"
#include "tests/support/checkpoint_use.h"
#include "tests/support/expect.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define CASES "tests/golden/cases/"
#define RELU CASES "relu_tied/gguf_q8_0/model.gguf"

static scratch files;
static rt_text bytes;
static rt_error err;

static void set_up(void) { scratch_open(&files); }

static void tear_down(void) {
    rt_text_free(&bytes);
    scratch_close(&files);
}

/* ---- helpers ---- */

/* The path of a copy of the file with the edits done. */
static const char *edited(const char *from, const gguf_edit *edits) {
    bytes.n = 0;
    gguf_rewrite(from, edits, &bytes);
    return scratch_write(&files, "edited.gguf", bytes.v, bytes.n);
}

static void refuse_model(const char *row, const char *path, rt_status status, const char *message) {
    t5_model *model = NULL;
    expect_failure(row, t5_model_open(path, T5_F32, &model, &err), &err, status, message);
    ck_assert_ptr_null(model);
}

/* One question through the model. */
static void answer_one(const t5_model *model) {
    static const int32_t question[] = {5, 4, 3, 1};
    const t5_ids input = {.ids = question, .n = 4};
    t5_session *session;
    t5_generation *generation;
    t5_session_params sp = t5_session_defaults();
    t5_generate_params gp = t5_generate_defaults();
    gp.max_new_tokens = 2;
    sp.threads = 1;
    expect_ok("session", t5_session_open(model, &sp, &session, &err), &err);
    const rt_status status = t5_generate(session, &input, 1, &gp, &generation, &err);
    if (status == RT_OK) t5_generation_free(generation);
    else if (status != RT_ERR_NUMERIC) ck_abort_msg("status %d: %s", (int)status, err.message);
    t5_session_close(session);
}

static void open_model(const char *row, const char *path) {
    t5_model *model;
    expect_ok(row, t5_model_open(path, T5_F32, &model, &err), &err);
    answer_one(model);
    t5_model_close(model);
}

static t5_config config_of(const char *path) {
    t5_config config;
    expect_ok(path, t5_config_load(path, &config, &err), &err);
    return config;
}

/* ---- names ---- */

static const struct {
    const char *gguf;
    bool is_gated;
    const char *hf; /* NULL: none */
} names[] = {
    {"token_embd.weight", false, "shared.weight"},
    {"output.weight", false, "lm_head.weight"},
    {"enc.output_norm.weight", false, "encoder.final_layer_norm.weight"},
    {"dec.blk.0.attn_rel_b.weight", false, "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"},
    {"dec.blk.23.cross_attn_o.weight", false, "decoder.block.23.layer.1.EncDecAttention.o.weight"},
    {"dec.blk.1.cross_attn_norm.weight", false, "decoder.block.1.layer.1.layer_norm.weight"},
    {"dec.blk.1.ffn_norm.weight", false, "decoder.block.1.layer.2.layer_norm.weight"},
    {"enc.blk.7.ffn_norm.weight", false, "encoder.block.7.layer.1.layer_norm.weight"},
    {"enc.blk.7.ffn_up.weight", false, "encoder.block.7.layer.1.DenseReluDense.wi.weight"},
    {"enc.blk.7.ffn_up.weight", true, "encoder.block.7.layer.1.DenseReluDense.wi_1.weight"},
    {"dec.blk.7.ffn_gate.weight", true, "decoder.block.7.layer.2.DenseReluDense.wi_0.weight"},
    {"dec.blk.7.ffn_down.weight", true, "decoder.block.7.layer.2.DenseReluDense.wo.weight"},
    {"dec.blk.7.ffn_down.panels", false, "decoder.block.7.layer.2.DenseReluDense.wo.panels"},
    {"enc.blk.7.ffn_gate.screen", true, "encoder.block.7.layer.1.DenseReluDense.wi_0.screen"},
    {"enc.blk.7.ffn_up.bounds", false, "encoder.block.7.layer.1.DenseReluDense.wi.bounds"},
    {"enc.blk.0.cross_attn_q.weight", false, NULL},
    {"enc.blk.0.attn_q.bias", false, NULL},
    {"enc.blk.01.attn_q.weight", false, NULL},
    {"enc.blk.1000000.attn_q.weight", false, NULL},
    {"enc.blk..attn_q.weight", false, NULL},
    {"enc.blk.1.weight", false, NULL},
    {"enc.blk.1", false, NULL},
    {"enc.blk.weight", false, NULL},
    {"shared.weight", false, NULL},
    {".weight", false, NULL},
    {"", false, NULL},
};

START_TEST(names_of_tensors) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char out[CKPT_GGUF_NAME_SIZE] = "";
        const bool found = ckpt_gguf_name(names[i].gguf, strlen(names[i].gguf), names[i].is_gated, out);
        ck_assert_msg(found == (names[i].hf != NULL), "%s", names[i].gguf);
        if (found) ck_assert_str_eq(out, names[i].hf);
    }
}
END_TEST

/* ---- converted models ---- */

static const char *const models[] = {"relu_tied", "gated_gelu", "odd_sizes"};

/* The converter drops second copies of the embedding, and nothing else. */
START_TEST(same_tensors_as_safetensors) {
    char path[128];
    snprintf(path, sizeof path, CASES "%s/gguf_f32/model.gguf", models[_i]);
    ckpt_checkpoint *gguf = open_checkpoint(path, path);
    snprintf(path, sizeof path, CASES "%s/safetensors", models[_i]);
    ckpt_checkpoint *folder = open_checkpoint(path, path);
    size_t n_copies = 0;
    for (size_t i = 0; i < ckpt_count(folder); i++) {
        const ckpt_tensor *a = ckpt_at(folder, i), *b = ckpt_find(gguf, a->name);
        if (b == NULL && strstr(a->name, "embed_tokens") != NULL) {
            n_copies++;
            continue;
        }
        ck_assert_msg(b != NULL, "no %s", a->name);
        ck_assert_int_eq(b->dtype, RT_F32);
        ck_assert_uint_eq(a->rank, b->rank);
        ck_assert_mem_eq(a->shape, b->shape, a->rank * sizeof *a->shape);
        ck_assert_mem_eq(a->data, b->data, a->n_bytes);
    }
    ck_assert_uint_eq(ckpt_count(gguf), ckpt_count(folder) - n_copies);
    ckpt_close(gguf);
    ckpt_close(folder);
}
END_TEST

START_TEST(same_config_as_json) {
    char path[128];
    snprintf(path, sizeof path, CASES "%s/gguf_f32/model.gguf", models[_i]);
    const t5_config g = config_of(path);
    snprintf(path, sizeof path, CASES "%s/safetensors", models[_i]);
    const t5_config c = config_of(path);
    ck_assert_uint_eq(g.vocab_size, c.vocab_size);
    ck_assert_uint_eq(g.d_model, c.d_model);
    ck_assert_uint_eq(g.d_kv, c.d_kv);
    ck_assert_uint_eq(g.d_ff, c.d_ff);
    ck_assert_uint_eq(g.num_heads, c.num_heads);
    ck_assert_uint_eq(g.num_layers, c.num_layers);
    ck_assert_uint_eq(g.num_decoder_layers, c.num_decoder_layers);
    ck_assert_uint_eq(g.relative_attention_num_buckets, c.relative_attention_num_buckets);
    ck_assert(g.layer_norm_epsilon == c.layer_norm_epsilon);
    ck_assert_int_eq(g.activation, c.activation);
    ck_assert_int_eq(g.is_gated_act, c.is_gated_act);
    ck_assert_int_eq(g.scale_decoder_outputs, c.scale_decoder_outputs);
    ck_assert_int_eq(g.decoder_start_token_id, c.decoder_start_token_id);
    ck_assert_int_eq(g.eos_token_id, c.eos_token_id);
    ck_assert_int_eq(g.pad_token_id, c.pad_token_id);
    ck_assert_uint_eq(g.relative_attention_max_distance, 128); /* no GGUF file says */
}
END_TEST

START_TEST(optional_keys) {
    static const gguf_edit without[] = {{GGUF_DROP, "t5.decoder_block_count", 0, 0, NULL},
                                        {GGUF_DROP, "t5.attention.value_length", 0, 0, NULL},
                                        {GGUF_DROP, "t5.attention.layer_norm_epsilon", 0, 0, NULL},
                                        {GGUF_DROP, "t5.decoder_start_token_id", 0, 0, NULL},
                                        {GGUF_DROP, "tokenizer.ggml.eos_token_id", 0, 0, NULL},
                                        {GGUF_DROP, "tokenizer.ggml.padding_token_id", 0, 0, NULL},
                                        {GGUF_DROP, "general.quantization_version", 0, 0, NULL},
                                        {GGUF_END, NULL, 0, 0, NULL}};
    static const gguf_edit others[] = {{GGUF_NUMBER, "t5.block_count", RT_GGUF_U64, 2, NULL},
                                       {GGUF_NUMBER, "t5.decoder_start_token_id", RT_GGUF_U8, 3, NULL},
                                       {GGUF_NUMBER, "split.count", RT_GGUF_U16, 1, NULL},
                                       {GGUF_NUMBER, "t5.attention.layer_norm_rms_epsilon", RT_GGUF_F32, 0x3f000000, NULL},
                                       {GGUF_END, NULL, 0, 0, NULL}};
    t5_config c = config_of(edited(RELU, without));
    ck_assert_uint_eq(c.num_decoder_layers, 2);
    ck_assert_int_eq(c.eos_token_id, 1);
    ck_assert_int_eq(c.decoder_start_token_id, 0);
    open_model("without", files.path);
    c = config_of(edited(RELU, others));
    ck_assert_int_eq(c.decoder_start_token_id, 3);
    ck_assert(c.layer_norm_epsilon == 0.5f);
    open_model("others", files.path);
}
END_TEST

/* ---- keys that are refused ---- */

#define NUMBER(key, value) {GGUF_NUMBER, key, RT_GGUF_U32, value, NULL}

static const struct {
    gguf_edit edit;
    rt_status status;
    const char *message;
} bad_keys[] = {
    {{GGUF_DROP, "general.architecture", 0, 0, NULL}, RT_ERR_MALFORMED, "no general.architecture (and no config.json"},
    {{GGUF_TEXT, "general.architecture", 0, 0, "llama"}, RT_ERR_UNSUPPORTED, "not a T5 model (general.architecture, 'llama'"},
    {{GGUF_TEXT, "general.architecture", 0, 0, "t5\n"}, RT_ERR_UNSUPPORTED, "'t5\\x0a'"},
    {{GGUF_TEXT, "general.architecture", 0, 0, "t5encoder"}, RT_ERR_MALFORMED, ": no t5encoder."},
    {NUMBER("general.architecture", 5), RT_ERR_MALFORMED, "key 'general.architecture' has another type"},
    {{GGUF_DROP, "t5.embedding_length", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.embedding_length"},
    {{GGUF_DROP, "t5.feed_forward_length", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.feed_forward_length"},
    {{GGUF_DROP, "t5.block_count", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.block_count"},
    {{GGUF_DROP, "t5.attention.head_count", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.attention.head_count"},
    {{GGUF_DROP, "t5.attention.key_length", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.attention.key_length"},
    {{GGUF_DROP, "t5.attention.relative_buckets_count", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.attention.relative_buckets_count"},
    {{GGUF_DROP, "t5.attention.layer_norm_rms_epsilon", 0, 0, NULL}, RT_ERR_MALFORMED, ": no t5.attention.layer_norm_rms_epsilon"},
    {NUMBER("t5.block_count", 1000000), RT_ERR_LIMIT, "t5.block_count is out of range (1000000, allowed 1 to 1024)"},
    {{GGUF_NUMBER, "t5.block_count", RT_GGUF_U64, UINT64_MAX, NULL}, RT_ERR_LIMIT, "t5.block_count is out of range"},
    {{GGUF_NUMBER, "t5.block_count", RT_GGUF_I32, UINT32_MAX, NULL}, RT_ERR_MALFORMED, "key 't5.block_count' is below 0"},
    {{GGUF_TEXT, "t5.block_count", 0, 0, "2"}, RT_ERR_MALFORMED, "key 't5.block_count' has another type"},
    {NUMBER("t5.decoder_block_count", 0), RT_ERR_MALFORMED, "t5.decoder_block_count is out of range"},
    {NUMBER("t5.attention.head_count", 0), RT_ERR_MALFORMED, "t5.attention.head_count is out of range (0, allowed 1 to"},
    {NUMBER("t5.attention.relative_buckets_count", 0), RT_ERR_MALFORMED, "relative_buckets_count is out of range"},
    {NUMBER("t5.attention.relative_buckets_count", 256), RT_ERR_MALFORMED, "relative_attention_max_distance is not over half"},
    {NUMBER("t5.attention.value_length", 3), RT_ERR_UNSUPPORTED, "keys and values of different sizes"},
    {{GGUF_NUMBER, "t5.attention.layer_norm_rms_epsilon", RT_GGUF_F32, 0, NULL}, RT_ERR_MALFORMED, "epsilon is out of range"},
    {{GGUF_NUMBER, "t5.attention.layer_norm_rms_epsilon", RT_GGUF_F32, 0x7fc00000, NULL}, RT_ERR_MALFORMED, "epsilon is out of range"},
    {NUMBER("tokenizer.ggml.eos_token_id", 100000), RT_ERR_DISAGREE, "eos_token_id is not an id of the vocabulary (100000, allowed"},
    {NUMBER("t5.embedding_length", 64), RT_ERR_DISAGREE, "but the config asks for"},
    {NUMBER("t5.feed_forward_length", 32), RT_ERR_DISAGREE, "but the config asks for"},
    {NUMBER("t5.attention.head_count", 2), RT_ERR_DISAGREE, "but the config asks for"},
    {NUMBER("t5.attention.relative_buckets_count", 30), RT_ERR_DISAGREE, "but the config asks for [30, "},
    {NUMBER("t5.block_count", 3), RT_ERR_DISAGREE, "encoder.block.2."},
    {NUMBER("t5.decoder_block_count", 1), RT_ERR_DISAGREE, "decoder has 1 blocks"},
    {NUMBER("split.count", 2), RT_ERR_UNSUPPORTED, "one part of a model in several files"},
    {NUMBER("general.quantization_version", 1), RT_ERR_UNSUPPORTED, "quantised blocks of another layout"},
    {{GGUF_DROP, "token_embd.weight", 0, 0, NULL}, RT_ERR_DISAGREE, "no matrix token_embd.weight"},
    {{GGUF_DROP, "dec.blk.1.attn_v.weight", 0, 0, NULL}, RT_ERR_DISAGREE, "decoder.block.1.layer.0.SelfAttention.v.weight"},
    {{GGUF_RENAME, "enc.blk.1.attn_norm.weight", 0, 0, "enc.blk.1.attn_rel_b.weight"}, RT_ERR_DISAGREE, "relative_attention_bias"},
    {{GGUF_RENAME, "enc.blk.1.attn_norm.weight", 0, 0, "shared.weight"}, RT_ERR_MALFORMED, "'shared.weight' is there under two names"},
    {{GGUF_RENAME, "enc.blk.1.attn_norm.weight", 0, 0, "a_name_of_64_bytes______________________________________________"},
     RT_ERR_MALFORMED, "its name is too long"},
    {{GGUF_SCALE, "dec.blk.1.attn_v.weight", 0, 0x7c00, NULL}, RT_ERR_NUMERIC, "decoder.block.1.layer.0.SelfAttention.v.weight has"},
    {{GGUF_SCALE, "token_embd.weight", 0, 0x7e00, NULL}, RT_ERR_NUMERIC, "shared.weight has a block whose scale is not finite"},
};

START_TEST(a_bad_key) {
    const gguf_edit edits[] = {bad_keys[_i].edit, {GGUF_END, NULL, 0, 0, NULL}};
    refuse_model(bad_keys[_i].message, edited(RELU, edits), bad_keys[_i].status, bad_keys[_i].message);
    if (_i == 0) open_model("the twin of them all", edited(RELU, edits + 1));
}
END_TEST

/* ---- files ---- */

START_TEST(types_that_are_not_read) {
    static const char path[] = "tests/data/gguf/kquants.gguf";
    refuse_model("Q14 k-quants", path, RT_ERR_UNSUPPORTED, "tensor 'dec.blk.0.attn_k.weight' has an element type that is not read");
    refuse_model("Q14 k-quants", path, RT_ERR_UNSUPPORTED, "Q3_K, allowed F32, F16, BF16, Q8_0");
}
END_TEST

START_TEST(other_content) {
    refuse_model("G1", scratch_path(&files, "none.gguf"), RT_ERR_READ, "No such file");
    refuse_model("G2", scratch_write_text(&files, "a.gguf", ""), RT_ERR_MALFORMED, "empty");
    scratch_write_text(&files, "a.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    refuse_model("G6", files.path, RT_ERR_MALFORMED, "it looks like a Git LFS pointer");
    refuse_checkpoint("G6", files.path, RT_ERR_MALFORMED, "it looks like a Git LFS pointer");
    scratch_write_text(&files, "a.gguf", "some text");
    refuse_model("not GGUF", files.path, RT_ERR_MALFORMED, "not a GGUF file (byte offset 0, 'some text'");
}
END_TEST

/* Q16, G3: cut in the header, in the tensor data, and one byte before its end. */
START_TEST(cut_files) {
    static const gguf_edit none[] = {{GGUF_END, NULL, 0, 0, NULL}};
    edited(RELU, none);
    for (size_t n = bytes.n - 1; n > 0; n -= n < 1000 ? n : 1000) {
        refuse_model("cut", scratch_write(&files, "edited.gguf", bytes.v, n), RT_ERR_MALFORMED, "");
    }
}
END_TEST

/* G4: whatever opens can answer. */
START_TEST(changed_bytes) {
    static const gguf_edit none[] = {{GGUF_END, NULL, 0, 0, NULL}};
    size_t n_opened = 0;
    edited(RELU, none);
    for (size_t i = 0; i < 9000; i += 13) {
        const char sound = bytes.v[i];
        t5_model *model;
        bytes.v[i] = (char)(sound ^ 1 << (i % 8));
        scratch_write(&files, "edited.gguf", bytes.v, bytes.n);
        bytes.v[i] = sound;
        if (t5_model_open(files.path, T5_F32, &model, &err) != RT_OK) continue;
        answer_one(model);
        t5_model_close(model);
        n_opened++;
    }
    ck_assert_uint_gt(n_opened, 100); /* most of these bytes are tokens */
}
END_TEST

/* ---- folders, and candle's dialect ---- */

static void copy(const char *from, const char *name) {
    rt_file_map map;
    expect_ok(from, rt_file_map_open(from, &map, &err), &err);
    scratch_write(&files, name, map.data, map.size);
    rt_file_map_close(&map);
}

START_TEST(folders) {
    copy(RELU, "any.gguf");
    open_model("alone in a folder", files.folder);
    copy(CASES "relu_tied/safetensors/config.json", "config.json");
    open_model("beside config.json", files.folder);
    copy(RELU, "other.gguf");
    refuse_model("two of them", files.folder, RT_ERR_USAGE, "holds 2 GGUF files, 'any.gguf' and others: name one of them");
    copy(CASES "relu_tied/safetensors/model.safetensors", "model.safetensors");
    ckpt_checkpoint *checkpoint = open_checkpoint("beside safetensors", files.folder);
    ck_assert_int_eq(ckpt_find(checkpoint, "shared.weight")->dtype, RT_F32);
    ckpt_close(checkpoint);
}
END_TEST

START_TEST(dialect_of_candle) {
    ckpt_checkpoint *folder = open_checkpoint("folder", CASES "gated_gelu/safetensors");
    gguf_write_checkpoint(folder, &bytes);
    scratch_write(&files, "candle.gguf", bytes.v, bytes.n);
    refuse_model("without config.json", files.path, RT_ERR_MALFORMED, "no general.architecture (and no config.json beside the file)");
    ckpt_checkpoint *gguf = open_checkpoint("candle", files.path);
    ck_assert_uint_eq(ckpt_count(gguf), ckpt_count(folder));
    for (size_t i = 0; i < ckpt_count(folder); i++) {
        const ckpt_tensor *a = ckpt_at(folder, i), *b = ckpt_at(gguf, i);
        ck_assert_str_eq(a->name, b->name);
        ck_assert_mem_eq(a->data, b->data, a->n_bytes);
    }
    ckpt_close(gguf);
    ckpt_close(folder);
    copy(CASES "gated_gelu/safetensors/config.json", "config.json");
    const t5_config c = config_of(scratch_path(&files, "candle.gguf"));
    ck_assert_int_eq(c.activation, T5_GELU_TANH);
    open_model("with config.json, by its name", files.path);
    open_model("with config.json, by the folder", files.folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gguf_model");
    TCase *tests = tcase_create("gguf_model");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, names_of_tensors);
    tcase_add_loop_test(tests, same_tensors_as_safetensors, 0, sizeof models / sizeof *models);
    tcase_add_loop_test(tests, same_config_as_json, 0, sizeof models / sizeof *models);
    tcase_add_test(tests, optional_keys);
    tcase_add_loop_test(tests, a_bad_key, 0, sizeof bad_keys / sizeof *bad_keys);
    tcase_add_test(tests, types_that_are_not_read);
    tcase_add_test(tests, other_content);
    tcase_add_test(tests, cut_files);
    tcase_add_test(tests, changed_bytes);
    tcase_add_test(tests, folders);
    tcase_add_test(tests, dialect_of_candle);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

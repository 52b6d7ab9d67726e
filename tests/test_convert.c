/* Converted models: the same bits as the model that they are made of, in either layout; files of llama.cpp's layout byte for byte as its
 * converter writes them; files of t5k's layout ready for the kernels, and refused where they have been tampered with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/weights.h"
#include "tests/support/converted.h"
#include "tests/support/expect.h"
#include "tests/support/model.h"
#include "tests/support/model_folder.h"
#include "tests/support/require.h"
#include "tokenizer/tokenizer.h"

#define CASE(name) "tests/golden/cases/" name

static scratch files;

static void open_scratch(void) { scratch_open(&files); }
static void close_scratch(void) { scratch_close(&files); }

/* ---- the same bits ---- */

static const char *const sources[] = {
    CASE("relu_tied/safetensors"),
    CASE("relu_tied/safetensors_f16"),
    CASE("relu_tied/bin_bf16"),
    CASE("relu_tied/bin_strided"),
    CASE("relu_tied/gguf_q4_0"),
    CASE("relu_tied/gguf_q5_1"),
    CASE("relu_tied/gguf_q8_0"),
    CASE("gated_gelu/safetensors"),
    CASE("gated_gelu/bin_sharded"),
    CASE("gated_gelu/safetensors_f16_wo32"),
    CASE("gated_gelu_tied/safetensors"),
    CASE("gated_silu/safetensors_no_shared"),
    CASE("gelu/safetensors"),
    CASE("odd_sizes/safetensors_sharded"),
    CASE("old_config/bin_legacy_old"),
    CASE("umt5/safetensors"),
    CASE("mt5/safetensors"),
    CASE("madlad/safetensors"),
    CASE("byt5/safetensors"),
    CASE("t5_encoder/safetensors"),
    QA_MINI,
};
enum { N_SOURCES = sizeof sources / sizeof *sources };

START_TEST(same_bits_in_our_layout) {
    const t5_conversion_params params = keep_types(T5_LAYOUT_T5K);
    const uint64_t wanted = hash_of_model(sources[_i]);
    const char *path = convert_to(&files, "a.gguf", sources[_i], &params, false);
    REQUIRE(hash_of_model(path) == wanted, "%s: other bits", sources[_i]);

    rt_text first = {0}, again = {0};
    rt_error err;
    must(convert_model(sources[_i], &params, false, &first, &err), &err);
    must(convert_model(path, &params, false, &again, &err), &err);
    REQUIRE(first.n == again.n && memcmp(first.v, again.v, first.n) == 0, "%s: converted twice it is another file", sources[_i]);
    rt_text_free(&first);
    rt_text_free(&again);

    t5_config config, wanted_config;
    must(t5_config_load(path, &config, &err), &err);
    must(t5_config_load(sources[_i], &wanted_config, &err), &err);
    ck_assert_int_eq(config.eos_token_id, wanted_config.eos_token_id);
    ck_assert_int_eq(config.pad_token_id, wanted_config.pad_token_id);
    ck_assert_int_eq(config.decoder_start_token_id, wanted_config.decoder_start_token_id);
    if (t5_config_check_llama_cpp(path, &config, NULL) != RT_OK) return;
    const t5_conversion_params back = keep_types(T5_LAYOUT_LLAMA_CPP);
    char from[128];
    strcpy(from, path);
    REQUIRE(hash_of_model(convert_to(&files, "b.gguf", from, &back, false)) == wanted, "%s: other bits on the way back", sources[_i]);
}
END_TEST

START_TEST(same_bits_in_llama_cpps_layout) {
    const t5_conversion_params params = keep_types(T5_LAYOUT_LLAMA_CPP);
    rt_text out = {0};
    rt_error err;
    const rt_status status = convert_model(sources[_i], &params, false, &out, &err);
    rt_text_free(&out);
    if (status == RT_ERR_UNSUPPORTED) return; /* which these are is told by refused_models */
    const char *path = convert_to(&files, "a.gguf", sources[_i], &params, false);
    REQUIRE(hash_of_model(path) == hash_of_model(sources[_i]), "%s: other bits", sources[_i]);
}
END_TEST

static const rt_dtype types[] = {RT_F32, RT_F16, RT_BF16, RT_Q8_0};

/* A type means the same in both layouts. */
START_TEST(layouts_agree) {
    static const char *const models[] = {CASE("relu_tied/safetensors"), CASE("gated_gelu/safetensors"), CASE("mt5/safetensors")};
    for (size_t t = 0; t < 4; t++) {
        const t5_conversion_params ours = as_type(T5_LAYOUT_T5K, types[t]), theirs = as_type(T5_LAYOUT_LLAMA_CPP, types[t]);
        const uint64_t wanted = hash_of_model(convert_to(&files, "a.gguf", models[_i], &ours, false));
        const uint64_t found = hash_of_model(convert_to(&files, "b.gguf", models[_i], &theirs, false));
        /* llama.cpp's bias tables are narrowed too. */
        if (types[t] == RT_F32) REQUIRE(wanted == found, "%s as %s: the layouts differ", models[_i], rt_dtype_of(types[t]).name);
        char from[128];
        strcpy(from, scratch_path(&files, "b.gguf"));
        const t5_conversion_params keep = keep_types(T5_LAYOUT_T5K);
        REQUIRE(hash_of_model(convert_to(&files, "c.gguf", from, &keep, false)) == found, "%s as %s: another model on the way back",
                models[_i], rt_dtype_of(types[t]).name);
    }
}
END_TEST

/* ---- llama.cpp's files ---- */

static const struct {
    const char *from, *to;
    rt_dtype type;
} known[] = {
    {CASE("relu_tied/gguf_f32/model.gguf"), CASE("relu_tied/gguf_f32/model.gguf"), RT_F32},
    {CASE("relu_tied/gguf_f32/model.gguf"), CASE("relu_tied/gguf_f16/model.gguf"), RT_F16},
    {CASE("relu_tied/gguf_f32/model.gguf"), CASE("relu_tied/gguf_bf16/model.gguf"), RT_BF16},
    {CASE("relu_tied/gguf_f32/model.gguf"), CASE("relu_tied/gguf_q8_0/model.gguf"), RT_Q8_0},
    {CASE("gated_gelu/gguf_f32/model.gguf"), CASE("gated_gelu/gguf_f32/model.gguf"), RT_F32},
    {CASE("gated_gelu/gguf_f32/model.gguf"), CASE("gated_gelu/gguf_f16/model.gguf"), RT_F16},
    {CASE("gated_gelu/gguf_f32/model.gguf"), CASE("gated_gelu/gguf_bf16/model.gguf"), RT_BF16},
    {CASE("gated_gelu/gguf_f32/model.gguf"), CASE("gated_gelu/gguf_q8_0/model.gguf"), RT_Q8_0},
    {CASE("odd_sizes/gguf_f32/model.gguf"), CASE("odd_sizes/gguf_f16/model.gguf"), RT_F16},
    {CASE("real_vocab/gguf_f16/model.gguf"), CASE("real_vocab/gguf_f16/model.gguf"), RT_F16},
};
enum { N_KNOWN = sizeof known / sizeof *known };

START_TEST(as_llama_cpps_converter_writes) {
    const t5_conversion_params params = as_type(T5_LAYOUT_LLAMA_CPP, known[_i].type);
    rt_text out = {0};
    rt_error err;
    rt_file_map map;
    must(convert_model(known[_i].from, &params, true, &out, &err), &err);
    must(rt_file_map_open(known[_i].to, &map, &err), &err);
    REQUIRE(out.n == map.size && memcmp(out.v, map.data, map.size) == 0, "%s: not the same bytes", known[_i].to);
    rt_file_map_close(&map);
    rt_text_free(&out);
}
END_TEST

static const struct {
    const char *from, *message;
} refused[] = {
    {CASE("gated_silu/safetensors"), "a gated feed-forward means another activation (silu, allowed gelu_new)"},
    {CASE("gelu/safetensors"), "a plain feed-forward means another activation (gelu, allowed relu)"},
    {CASE("odd_sizes/safetensors"), "(relative_attention_max_distance, 77, allowed 128)"},
    {CASE("byt5/safetensors"), "cannot hold the tokenizer of ByT5"},
};

START_TEST(refused_models) {
    const t5_conversion_params params = keep_types(T5_LAYOUT_LLAMA_CPP);
    rt_text out = {0};
    rt_error err = {.message = ""};
    ck_assert_int_eq(convert_model(refused[_i].from, &params, true, &out, &err), RT_ERR_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, refused[_i].message) != NULL, "%s", err.message);
    rt_text_free(&out);
}
END_TEST

/* ---- what a type cannot hold ---- */

static const struct {
    rt_dtype type;
    float number;
    bool fits;
} numbers[] = {
    {RT_F16, 65519.0f, true}, {RT_F16, 65520.0f, false}, {RT_F16, NAN, false},     {RT_BF16, 65520.0f, true},
    {RT_BF16, INFINITY, false}, {RT_Q8_0, 8e6f, true},   {RT_Q8_0, 9e6f, false}, {RT_F32, INFINITY, true},
};

START_TEST(numbers_out_of_range) {
    static const char name[] = "encoder.block.1.layer.1.DenseReluDense.wo.weight";
    model_folder folder;
    folder_open(&folder, GOLDEN("relu_tied"));
    memcpy(folder_find(&folder, name)->data + 4 * 70, &numbers[_i].number, 4);
    const char *path = folder_write(&folder);
    for (t5_layout layout = T5_LAYOUT_T5K; layout <= T5_LAYOUT_LLAMA_CPP; layout++) {
        const t5_conversion_params params = as_type(layout, numbers[_i].type);
        rt_text out = {0};
        rt_error err = {.message = ""};
        const rt_status status = convert_model(path, &params, false, &out, &err);
        ck_assert_int_eq(status, numbers[_i].fits ? RT_OK : RT_ERR_NUMERIC);
        if (!numbers[_i].fits) expect_failure(name, status, &err, RT_ERR_NUMERIC, name);
        rt_text_free(&out);
    }
    folder_close(&folder);
}
END_TEST

/* ---- our files: nothing is derived ---- */

/* A small model whose layers are large enough to be screened: d_ff * d_model is 2^20. */
static const char *write_screened(model_folder *folder) {
    enum { D_FF = 32768 };
    random_source r = {.state = 3};
    folder_open(folder, GOLDEN("relu_tied"));
    folder_set_number(folder, "d_ff", D_FF);
    for (size_t i = 0; i < folder->n_tensors; i++) {
        folder_tensor *t = &folder->tensor[i];
        const bool is_wi = strstr(t->name, "DenseReluDense.wi.") != NULL, is_wo = strstr(t->name, "DenseReluDense.wo.") != NULL;
        if (!is_wi && !is_wo) continue;
        t->shape[is_wi ? 0 : 1] = D_FF;
        t->n_bytes = 4 * t->shape[0] * t->shape[1];
        free(t->data);
        t->data = malloc(t->n_bytes);
        if (t->data == NULL) ck_abort_msg("out of memory");
        fill_floats(&r, FLOATS_UNIT, t->n_bytes / 4, (float *)(void *)t->data);
    }
    return folder_write(folder);
}

static t5_weights measure(const char *path) {
    t5_config config;
    ckpt_checkpoint *checkpoint;
    t5_weights measured;
    rt_error err;
    must(t5_config_load(path, &config, &err), &err);
    must(ckpt_open(path, &checkpoint, &err), &err);
    must(t5_weights_measure(checkpoint, &config, T5_F32, &measured, &err), &err);
    ckpt_close(checkpoint);
    return measured;
}

START_TEST(nothing_is_derived) {
    model_folder folder;
    const char *source = write_screened(&folder);
    for (size_t t = 0; t < 4; t++) {
        const t5_conversion_params params = as_type(T5_LAYOUT_T5K, types[t]);
        const char *path = convert_to(&files, "a.gguf", source, &params, false);
        const t5_weights measured = measure(path);
        ck_assert_uint_eq(measured.derived.panels + measured.derived.screens + measured.derived.aligned, 0);
        const uint64_t found = hash_of_model(path);
        if (types[t] == RT_F32) ck_assert_uint_eq(found, hash_of_model(source));
        const t5_conversion_params theirs = as_type(T5_LAYOUT_LLAMA_CPP, types[t]);
        if (types[t] == RT_F32) ck_assert_uint_eq(found, hash_of_model(convert_to(&files, "b.gguf", source, &theirs, false)));
    }
    folder_close(&folder);
}
END_TEST

/* ---- our files, tampered with ---- */

static size_t find(const rt_text *file, const char *text) {
    const char *at = memmem(file->v, file->n, text, strlen(text));
    if (at == NULL) ck_abort_msg("no %s in the file", text);
    return (size_t)(at - file->v) + strlen(text);
}

/* Exchanges the first two dimensions of a tensor: so many bytes are there as before. */
static void turn(rt_text *file, const char *name) {
    char *dimensions = file->v + find(file, name) + 4, copy[8];
    memcpy(copy, dimensions, 8);
    memcpy(dimensions, dimensions + 8, 8);
    memcpy(dimensions + 8, copy, 8);
}

static const struct {
    const char *tensor, *key; /* one of them is changed */
    uint32_t value;
    rt_status status;
    const char *message;
} tampered[] = {
    {"enc.blk.0.ffn_down.panels", NULL, 0, RT_ERR_DISAGREE, "tensor encoder.block.0.layer.1.DenseReluDense.wo.panels has not the type"},
    {"dec.blk.1.ffn_down.panels", NULL, 0, RT_ERR_DISAGREE, "tensor decoder.block.1.layer.2.DenseReluDense.wo.panels has not the type"},
    {NULL, "t5k.layout", 2, RT_ERR_UNSUPPORTED, "converted by another version of t5k: convert the model again (t5k.layout"},
    {NULL, "t5k.relative_attention_max_distance", 0, RT_ERR_MALFORMED, "t5k.relative_attention_max_distance is out of range"},
    {NULL, "t5k.eos_token_id", 301, RT_ERR_DISAGREE, "t5k.eos_token_id is not an id of the vocabulary"},
    {NULL, "t5k.eos_token_id", 2, RT_OK, ""},
};

START_TEST(tampered_files) {
    const t5_conversion_params params = keep_types(T5_LAYOUT_T5K);
    rt_text out = {0};
    rt_error err;
    t5_model *model = NULL;
    must(convert_model(GOLDEN("odd_sizes"), &params, false, &out, &err), &err);
    if (tampered[_i].tensor != NULL) turn(&out, tampered[_i].tensor);
    else memcpy(out.v + find(&out, tampered[_i].key) + 4, &tampered[_i].value, 4);
    const rt_status status = t5_model_open(scratch_write(&files, "a.gguf", out.v, out.n), T5_F32, &model, &err);
    if (tampered[_i].status == RT_OK) expect_ok(tampered[_i].message, status, &err);
    else expect_failure(tampered[_i].message, status, &err, tampered[_i].status, tampered[_i].message);
    t5_model_close(model);
    rt_text_free(&out);
}
END_TEST

/* ---- the tokenizer ---- */

START_TEST(tokenizers) {
    const t5_conversion_params params = keep_types(T5_LAYOUT_T5K);
    static const char *const folders[] = {QA_MINI, CASE("byt5/safetensors")};
    static const char text[] = "Where is <extra_id_0> the Red box? \\n caf\xc3\xa9";
    for (size_t i = 0; i < 2; i++) {
        tok_tokenizer *before, *after;
        rt_ids a = {0}, b = {0};
        rt_error err;
        must(tok_open(folders[i], &before, &err), &err);
        must(tok_open(convert_to(&files, "a.gguf", folders[i], &params, true), &after, &err), &err);
        must(tok_encode(before, text, sizeof text - 1, &a, &err), &err);
        must(tok_encode(after, text, sizeof text - 1, &b, &err), &err);
        ck_assert_uint_eq(tok_n_ids(before), tok_n_ids(after));
        ck_assert_int_eq(tok_lower_case(before), tok_lower_case(after));
        ck_assert_uint_eq(a.n, b.n);
        ck_assert_mem_eq(a.v, b.v, a.n * sizeof *a.v);
        rt_ids_free(&a);
        rt_ids_free(&b);
        tok_close(before);
        tok_close(after);
    }
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("convert");
    tcase_add_checked_fixture(tests, open_scratch, close_scratch);
    tcase_add_loop_test(tests, same_bits_in_our_layout, 0, N_SOURCES);
    tcase_add_loop_test(tests, same_bits_in_llama_cpps_layout, 0, N_SOURCES);
    tcase_add_loop_test(tests, layouts_agree, 0, 3);
    tcase_add_loop_test(tests, as_llama_cpps_converter_writes, 0, N_KNOWN);
    tcase_add_loop_test(tests, refused_models, 0, sizeof refused / sizeof *refused);
    tcase_add_loop_test(tests, numbers_out_of_range, 0, sizeof numbers / sizeof *numbers);
    tcase_add_test(tests, nothing_is_derived);
    tcase_add_loop_test(tests, tampered_files, 0, sizeof tampered / sizeof *tampered);
    tcase_add_test(tests, tokenizers);
    return run_tests("convert", tests, 120);
}

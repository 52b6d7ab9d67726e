/* config.json and generation_config.json: defaults, old and new forms, and every value that cannot be. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/config.h"
#include "runtime/buffer.h"
#include "tests/support/expect.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

/* A sound config, t5-small's first form with nothing but what must be there. */
static const char *const members[][2] = {
    {"vocab_size", "320"}, {"d_model", "32"}, {"d_ff", "64"}, {"num_layers", "2"}, {"num_heads", "4"},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* Writes the sound config with key's value replaced or added; with value NULL the key is left out. */
static void write_config(const char *key, const char *value) {
    rt_text text = {0};
    bool is_member = false;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        const bool is_key = strcmp(members[i][0], key) == 0;
        is_member = is_member || is_key;
        const char *v = is_key ? value : members[i][1];
        if (v != NULL) text_append(&text, "%s\"%s\":%s", text.n == 0 ? "{" : ",", members[i][0], v);
    }
    if (!is_member && value != NULL) text_append(&text, ",\"%s\":%s", key, value);
    text_append(&text, "}");
    scratch_write(&files, "config.json", text.v, text.n);
    rt_text_free(&text);
}

static t5_config load(const char *row, const char *folder) {
    t5_config config = {0};
    rt_error err;
    expect_ok(row, t5_config_load(folder, &config, &err), &err);
    return config;
}

static void refuse(const char *row, rt_status status, const char *message) {
    t5_config config;
    rt_error err;
    expect_failure(row, t5_config_load(files.folder, &config, &err), &err, status, message);
}

START_TEST(defaults) {
    write_config("", NULL);
    const t5_config c = load("defaults", files.folder);
    ck_assert_uint_eq(c.vocab_size, 320);
    ck_assert_uint_eq(c.d_model, 32);
    ck_assert_uint_eq(c.d_kv, 64);
    ck_assert_uint_eq(c.d_ff, 64);
    ck_assert_uint_eq(c.num_heads, 4);
    ck_assert_uint_eq(c.num_layers, 2);
    ck_assert_uint_eq(c.num_decoder_layers, 2);
    ck_assert_uint_eq(c.relative_attention_num_buckets, 32);
    ck_assert_uint_eq(c.relative_attention_max_distance, 128);
    ck_assert(c.layer_norm_epsilon == 1e-6f);
    ck_assert_int_eq(c.activation, T5_RELU);
    ck_assert(!c.is_gated_act);
    ck_assert(c.scale_decoder_outputs);
    ck_assert_int_eq(c.pad_token_id, 0);
    ck_assert_int_eq(c.eos_token_id, 1);
    ck_assert_int_eq(c.decoder_start_token_id, 0);
}
END_TEST

START_TEST(mt5_defaults) {
    write_config("model_type", "\"mt5\"");
    const t5_config c = load("mt5", files.folder);
    ck_assert_int_eq(c.activation, T5_GELU_TANH);
    ck_assert(c.is_gated_act);
    ck_assert(!c.scale_decoder_outputs);
}
END_TEST

typedef struct row {
    const char *key, *value;
    rt_status status;
    const char *message;
} row;

static const row bad_rows[] = {
    /* C2 */
    {"d_model", "0", RT_ERR_MALFORMED, "config.json: d_model is out of range (0, allowed 1 to 1048576)"},
    {"d_model", "-1", RT_ERR_MALFORMED, "d_model is out of range (-1"},
    {"d_model", "512.5", RT_ERR_MALFORMED, "d_model is not a whole number"},
    {"d_model", "\"512\"", RT_ERR_MALFORMED, "d_model is a text (a whole number is needed)"},
    {"d_model", "2147483648", RT_ERR_MALFORMED, "d_model is not a whole number of 32 bits (2147483648)"},
    {"d_model", "1e308", RT_ERR_MALFORMED, "d_model is not a whole number"},
    {"d_model", "1e999", RT_ERR_MALFORMED, "d_model is not a whole number"},
    {"d_model", "null", RT_ERR_MALFORMED, "d_model is null"},
    {"d_model", "true", RT_ERR_MALFORMED, "d_model is true or false"},
    {"d_model", "[32]", RT_ERR_MALFORMED, "d_model is a list"},
    {"d_model", NULL, RT_ERR_MALFORMED, "config.json: no d_model"},
    {"vocab_size", NULL, RT_ERR_MALFORMED, "no vocab_size"},
    {"vocab_size", "1", RT_ERR_MALFORMED, "vocab_size is out of range (1, allowed 2"},
    {"d_ff", NULL, RT_ERR_MALFORMED, "no d_ff"},
    {"d_ff", "0", RT_ERR_MALFORMED, "d_ff is out of range"},
    {"num_layers", NULL, RT_ERR_MALFORMED, "no num_layers"},
    {"num_layers", "0", RT_ERR_MALFORMED, "num_layers is out of range"},
    {"num_heads", NULL, RT_ERR_MALFORMED, "no num_heads"},
    {"num_heads", "0", RT_ERR_MALFORMED, "num_heads is out of range"},
    {"d_kv", "0", RT_ERR_MALFORMED, "d_kv is out of range"},
    {"num_decoder_layers", "0", RT_ERR_MALFORMED, "num_decoder_layers is out of range"},
    /* C3 */
    {"num_layers", "1000000", RT_ERR_LIMIT, "num_layers is out of range (1000000, allowed 1 to 1024)"},
    {"num_decoder_layers", "1000000", RT_ERR_LIMIT, "num_decoder_layers is out of range"},
    {"vocab_size", "16777217", RT_ERR_LIMIT, "vocab_size is out of range"},
    {"d_model", "1048577", RT_ERR_LIMIT, "d_model is out of range"},
    {"d_ff", "2000000000", RT_ERR_LIMIT, "d_ff is out of range"},
    {"num_heads", "65537", RT_ERR_LIMIT, "num_heads is out of range"},
    {"d_kv", "65537", RT_ERR_LIMIT, "d_kv is out of range"},
    /* C5 */
    {"relative_attention_num_buckets", "0", RT_ERR_MALFORMED, "relative_attention_num_buckets is out of range (0, allowed 4"},
    {"relative_attention_num_buckets", "1", RT_ERR_MALFORMED, "relative_attention_num_buckets is out of range"},
    {"relative_attention_num_buckets", "3", RT_ERR_MALFORMED, "relative_attention_num_buckets is out of range"},
    {"relative_attention_num_buckets", "65537", RT_ERR_LIMIT, "relative_attention_num_buckets is out of range"},
    {"relative_attention_num_buckets", "256", RT_ERR_MALFORMED, "(128, must be over 128)"},
    {"relative_attention_max_distance", "0", RT_ERR_MALFORMED, "relative_attention_max_distance is out of range"},
    {"relative_attention_max_distance", "16", RT_ERR_MALFORMED, "(16, must be over 16)"},
    /* C6 */
    {"layer_norm_epsilon", "0", RT_ERR_MALFORMED, "layer_norm_epsilon is out of range (0, finite and over 0)"},
    {"layer_norm_epsilon", "-1e-6", RT_ERR_MALFORMED, "layer_norm_epsilon is out of range"},
    {"layer_norm_epsilon", "1e-60", RT_ERR_MALFORMED, "layer_norm_epsilon is out of range"},
    {"layer_norm_epsilon", "1e60", RT_ERR_MALFORMED, "layer_norm_epsilon is out of range"},
    {"layer_norm_epsilon", "NaN", RT_ERR_MALFORMED, "not JSON: found 'N'"},
    {"layer_norm_epsilon", "\"1e-6\"", RT_ERR_MALFORMED, "layer_norm_epsilon is a text"},
    /* C7 */
    {"feed_forward_proj", "\"tanh\"", RT_ERR_UNSUPPORTED, "feed_forward_proj is not supported (tanh, allowed"},
    {"feed_forward_proj", "\"gated-\"", RT_ERR_UNSUPPORTED, "feed_forward_proj is not supported (gated-"},
    {"feed_forward_proj", "\"gated-gated-gelu\"", RT_ERR_UNSUPPORTED, "feed_forward_proj is not supported"},
    {"feed_forward_proj", "\"relu-gelu\"", RT_ERR_UNSUPPORTED, "feed_forward_proj is not supported"},
    {"feed_forward_proj", "\"\"", RT_ERR_UNSUPPORTED, "feed_forward_proj is not supported"},
    {"feed_forward_proj", "1", RT_ERR_MALFORMED, "feed_forward_proj is a number (a text is needed)"},
    {"dense_act_fn", "\"mish\\u001b[0m\"", RT_ERR_UNSUPPORTED, "dense_act_fn is not supported (mish\\x1b[0m"},
    {"is_gated_act", "\"true\"", RT_ERR_MALFORMED, "is_gated_act is a text (true or false is needed)"},
    {"is_gated_act", "1", RT_ERR_MALFORMED, "is_gated_act is a number"},
    {"tie_word_embeddings", "null", RT_ERR_MALFORMED, "tie_word_embeddings is null"},
    {"scale_decoder_outputs", "{}", RT_ERR_MALFORMED, "scale_decoder_outputs is an object"},
    /* C9 */
    {"pad_token_id", "-1", RT_ERR_DISAGREE, "pad_token_id is not an id of the vocabulary (-1, allowed 0 to 319)"},
    {"eos_token_id", "320", RT_ERR_DISAGREE, "eos_token_id is not an id of the vocabulary (320, allowed 0 to 319)"},
    {"decoder_start_token_id", "320", RT_ERR_DISAGREE, "decoder_start_token_id is not an id"},
    {"eos_token_id", "[1,2]", RT_ERR_UNSUPPORTED, "eos_token_id is not supported (a list of several ids"},
    {"eos_token_id", "[]", RT_ERR_MALFORMED, "eos_token_id is a list (an id is needed)"},
    {"eos_token_id", "\"1\"", RT_ERR_MALFORMED, "eos_token_id is a text"},
    {"eos_token_id", "0.5", RT_ERR_MALFORMED, "eos_token_id is not a whole number"},
    /* C10 */
    {"num_layers", "2,\"d_model\":32", RT_ERR_MALFORMED, "the key 'd_model' is there twice"},
    {"x", "Infinity", RT_ERR_MALFORMED, "not JSON: found 'I'"},
    /* other families */
    {"model_type", "\"longt5\"", RT_ERR_UNSUPPORTED, "model_type is not supported (longt5, allowed t5, mt5 or umt5)"},
    {"model_type", "\"switch_transformers\"", RT_ERR_UNSUPPORTED, "switch_transformers"},
    {"model_type", "\"bert\"", RT_ERR_UNSUPPORTED, "bert"},
    {"model_type", "5", RT_ERR_MALFORMED, "model_type is a number"},
    {"architectures", "[\"T5ForTokenClassification\"]", RT_ERR_UNSUPPORTED, "architectures is not supported (T5ForTokenClassification"},
    {"architectures", "[\"T5EncoderModel\",\"MT5Model\"]", RT_ERR_UNSUPPORTED, "MT5Model"},
    {"architectures", "\"T5ForConditionalGeneration\"", RT_ERR_MALFORMED, "architectures is a text"},
    {"architectures", "[1]", RT_ERR_MALFORMED, "an element of architectures is a number"},
    {"is_encoder_decoder", "false,\"architectures\":[\"T5ForConditionalGeneration\"]", RT_ERR_UNSUPPORTED,
     "is_encoder_decoder is not supported (false, allowed true)"},
};

START_TEST(bad_row) {
    const row *r = &bad_rows[_i];
    write_config(r->key, r->value);
    refuse(r->key, r->status, r->message);
    write_config("", NULL);
    load("twin", files.folder);
}
END_TEST

/* Values at the edge, or that mean the default. */
static const row good_rows[] = {
    {.key = "d_model", .value = "1"},
    {.key = "d_model", .value = "1048576"},
    {.key = "d_model", .value = "32.0"},
    {.key = "num_layers", .value = "1024"},
    {.key = "num_decoder_layers", .value = "null"},
    {.key = "relative_attention_num_buckets", .value = "4"},
    {.key = "relative_attention_num_buckets", .value = "255"},
    {.key = "relative_attention_max_distance", .value = "17"},
    {.key = "eos_token_id", .value = "319"},
    {.key = "eos_token_id", .value = "[1]"},
    {.key = "pad_token_id", .value = "null"},
    {.key = "model_type", .value = "null"},
    {.key = "architectures", .value = "null"},
    {.key = "architectures", .value = "[]"},
    {.key = "architectures", .value = "[\"T5WithLMHeadModel\"]"},
    {.key = "is_encoder_decoder", .value = "true"},
    {.key = "task_specific_params", .value = "{\"summarization\":{\"num_beams\":4}}"},
};

START_TEST(good_row) {
    write_config(good_rows[_i].key, good_rows[_i].value);
    load(good_rows[_i].key, files.folder);
}
END_TEST

typedef struct activation_row {
    const char *value; /* of feed_forward_proj, and more members */
    t5_activation activation;
    bool is_gated;
} activation_row;

static const activation_row activation_rows[] = {
    {"\"relu\"", T5_RELU, false},
    {"\"gated-relu\"", T5_RELU, true},
    {"\"gelu\"", T5_GELU_ERF, false},
    {"\"gated-gelu\"", T5_GELU_TANH, true},
    {"\"gelu_new\"", T5_GELU_TANH, false},
    {"\"gelu_pytorch_tanh\"", T5_GELU_TANH, false},
    {"\"gated-gelu_new\"", T5_GELU_TANH, true},
    {"\"silu\"", T5_SILU, false},
    {"\"gated-silu\"", T5_SILU, true},
    {"\"gated-swish\"", T5_SILU, true},
    {"\"gated-gelu\",\"dense_act_fn\":\"gelu\"", T5_GELU_ERF, true},
    {"\"gated-gelu\",\"dense_act_fn\":\"gelu_new\",\"is_gated_act\":true", T5_GELU_TANH, true},
    {"\"relu\",\"dense_act_fn\":\"gelu_new\",\"is_gated_act\":true", T5_GELU_TANH, true},
    {"\"gated-gelu\",\"is_gated_act\":false", T5_GELU_TANH, false},
    {"\"tanh\",\"dense_act_fn\":\"relu\"", T5_RELU, false},
};

START_TEST(activation) {
    const activation_row *r = &activation_rows[_i];
    write_config("feed_forward_proj", r->value);
    const t5_config c = load(r->value, files.folder);
    ck_assert_msg(c.activation == r->activation, "%s", r->value);
    ck_assert_msg(c.is_gated_act == r->is_gated, "%s", r->value);
}
END_TEST

START_TEST(output_scale) {
    static const struct {
        const char *value; /* of tie_word_embeddings, and more members */
        bool scale;
    } rows[] = {
        {"true", true},
        {"false", false},
        {"true,\"scale_decoder_outputs\":false", false},
        {"false,\"scale_decoder_outputs\":true", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_config("tie_word_embeddings", rows[i].value);
        ck_assert_msg(load(rows[i].value, files.folder).scale_decoder_outputs == rows[i].scale, "%s", rows[i].value);
    }
}
END_TEST

START_TEST(generation_config) {
    write_config("eos_token_id", "3");
    scratch_write_text(&files, "generation_config.json", "{\"decoder_start_token_id\":5,\"eos_token_id\":[7]}");
    const t5_config c = load("both", files.folder);
    ck_assert_int_eq(c.decoder_start_token_id, 5);
    ck_assert_int_eq(c.eos_token_id, 7);
    ck_assert_int_eq(c.pad_token_id, 0);
    scratch_write_text(&files, "generation_config.json", "{}");
    ck_assert_int_eq(load("empty", files.folder).eos_token_id, 3);
    scratch_write_text(&files, "generation_config.json", "{\"eos_token_id\":[1,2]}");
    refuse("two ends", RT_ERR_UNSUPPORTED, "generation_config.json: eos_token_id is not supported");
    scratch_write_text(&files, "generation_config.json", "{\"pad_token_id\":320}");
    refuse("pad", RT_ERR_DISAGREE, "generation_config.json: pad_token_id is not an id of the vocabulary (320, allowed 0 to 319)");
    scratch_write_text(&files, "generation_config.json", "{");
    refuse("cut", RT_ERR_MALFORMED, "generation_config.json: not JSON");
}
END_TEST

/* G1, G2, G6, and what is said of a folder that is no model. */
START_TEST(paths) {
    t5_config config;
    rt_error err;
    expect_failure("G1", t5_config_load("/nonexistent/folder", &config, &err), &err, RT_ERR_READ,
                   "/nonexistent/folder: cannot read: No such file");
    refuse("no config", RT_ERR_READ, "config.json: cannot read: No such file");
    scratch_write_text(&files, "config.json", "");
    refuse("G2", RT_ERR_MALFORMED, "config.json: the file is empty");
    expect_failure("a file", t5_config_load(files.path, &config, &err), &err, RT_ERR_READ, "not a folder");
    scratch_write_text(&files, "config.json", "version https://git-lfs.github.com/spec/v1\n");
    refuse("G6", RT_ERR_MALFORMED, "Git LFS pointer");
    ck_assert_int_eq(unlink(files.path), 0);
    ck_assert_int_eq(mkfifo(files.path, 0600), 0);
    refuse("G5", RT_ERR_READ, "config.json: cannot read: not a regular file");
}
END_TEST

START_TEST(too_large) {
    rt_text text = {0};
    while (text.n <= 1 << 20) text_append(&text, "                                                                                ");
    scratch_write(&files, "config.json", text.v, text.n);
    rt_text_free(&text);
    refuse("too large", RT_ERR_LIMIT, "at most 1048576)");
}
END_TEST

#define GOLDEN "tests/golden/cases/"

START_TEST(golden_forms) {
    t5_config c = load("gated_gelu", GOLDEN "gated_gelu/safetensors");
    ck_assert_uint_eq(c.d_kv, 12);
    ck_assert_uint_eq(c.num_layers, 3);
    ck_assert_uint_eq(c.num_decoder_layers, 2);
    ck_assert(c.is_gated_act && c.activation == T5_GELU_TANH && !c.scale_decoder_outputs);
    c = load("odd_sizes", GOLDEN "odd_sizes/safetensors");
    ck_assert_uint_eq(c.relative_attention_num_buckets, 18);
    ck_assert_uint_eq(c.relative_attention_max_distance, 77);
    ck_assert(c.layer_norm_epsilon == 1e-3f && c.scale_decoder_outputs && !c.is_gated_act);
    c = load("gated_silu", GOLDEN "gated_silu/safetensors");
    ck_assert(c.is_gated_act && c.activation == T5_SILU && !c.scale_decoder_outputs);
    c = load("gelu", GOLDEN "gelu/safetensors");
    ck_assert(!c.is_gated_act && c.activation == T5_GELU_ERF);
}
END_TEST

/* As transformers 5 saves a model again: the same config. */
START_TEST(golden_resaved) {
    static const char *const models[] = {"relu_tied", "gated_silu", "gated_gelu_tied"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char old[128], new[128];
        snprintf(old, sizeof old, GOLDEN "%s/safetensors", models[i]);
        snprintf(new, sizeof new, GOLDEN "%s/hf5_resaved", models[i]);
        const t5_config a = load(old, old), b = load(new, new);
        ck_assert_int_eq(a.activation, b.activation);
        ck_assert_int_eq(a.is_gated_act, b.is_gated_act);
        ck_assert_int_eq(a.scale_decoder_outputs, b.scale_decoder_outputs);
        ck_assert_uint_eq(a.num_decoder_layers, b.num_decoder_layers);
    }
}
END_TEST

START_TEST(first_t5_small) {
    static const char folder[] = "../shared/oracle/cases/old_config/bin_legacy_old";
    if (access(folder, F_OK) != 0) {
        fprintf(stderr, "%s is not there: skipped\n", folder);
        return;
    }
    const t5_config c = load("old", folder);
    ck_assert_uint_eq(c.relative_attention_max_distance, 128);
    ck_assert_uint_eq(c.num_decoder_layers, 2);
    ck_assert(c.activation == T5_RELU && !c.is_gated_act && c.scale_decoder_outputs);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config");
    TCase *rows = tcase_create("rows"), *golden = tcase_create("golden");
    tcase_add_checked_fixture(rows, set_up, tear_down);
    tcase_add_test(rows, defaults);
    tcase_add_test(rows, mt5_defaults);
    tcase_add_loop_test(rows, bad_row, 0, (int)(sizeof bad_rows / sizeof *bad_rows));
    tcase_add_loop_test(rows, good_row, 0, (int)(sizeof good_rows / sizeof *good_rows));
    tcase_add_loop_test(rows, activation, 0, (int)(sizeof activation_rows / sizeof *activation_rows));
    tcase_add_test(rows, output_scale);
    tcase_add_test(rows, generation_config);
    tcase_add_test(rows, paths);
    tcase_add_test(rows, too_large);
    tcase_add_test(golden, golden_forms);
    tcase_add_test(golden, golden_resaved);
    tcase_add_test(golden, first_t5_small);
    suite_add_tcase(suite, rows);
    suite_add_tcase(suite, golden);
    return run_suite(suite);
}

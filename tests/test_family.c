/* What sets the families apart: when the output is scaled, a relative bias in every layer of UMT5, the names under which the embedding
 * lies, and encoders alone. That each family's numbers are right is for test_golden; here it is which files mean the same and which are
 * refused. */
#include "tests/support/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/model_folder.h"

#define BIAS ".layer.0.SelfAttention.relative_attention_bias.weight"

static const int32_t input_ids[] = {9, 17, 33, 100, 6, 45, 80, 1}, fed_ids[] = {0, 12, 90, 7, 55};
enum { N_INPUT = sizeof input_ids / sizeof *input_ids, N_FED = sizeof fed_ids / sizeof *fed_ids };
static const t5_ids input = {.ids = input_ids, .n = N_INPUT};

static model_folder folder;

/* ---- what a model computes, as hashes of its bits ---- */

typedef struct hashes {
    uint64_t encoder, logits;
} hashes;

/* Feeds the decoder so many tokens at a time. */
static uint64_t logits_hash(t5_session *session, const t5_config *config, size_t at_once) {
    rt_error err;
    const size_t source = 0;
    uint64_t hash = HASH_START;
    float *logits = malloc(N_FED * config->vocab_size * sizeof *logits);
    ck_assert_ptr_nonnull(logits);
    must(t5_decode_start(session, &source, 1, &err), &err);
    for (size_t at = 0; at < N_FED; at += at_once) {
        const t5_ids fed = {.ids = fed_ids + at, .n = N_FED - at < at_once ? N_FED - at : at_once};
        must(t5_decode(session, &fed, &err), &err);
        must(t5_logits(session, 0, fed.n, logits, &err), &err);
        hash = hash_words(hash, logits, fed.n * config->vocab_size);
    }
    free(logits);
    return hash;
}

static hashes run(const char *path, size_t chunk, size_t at_once) {
    t5_model *model = must_open(path);
    const t5_config *config = t5_model_config(model);
    t5_session_params params = t5_session_defaults();
    params.threads = 1;
    params.chunk = chunk;
    t5_session *session = must_start(model, &params);
    rt_error err;
    must(t5_encode(session, &input, 1, &err), &err);
    hashes h = {.encoder = hash_words(HASH_START, t5_encoder_hidden(session, 0), N_INPUT * config->d_model)};
    if (config->num_decoder_layers > 0) h.logits = logits_hash(session, config, at_once);
    t5_session_close(session);
    t5_model_close(model);
    return h;
}

static hashes run_folder(void) { return run(folder_write(&folder), 64, N_FED); }

static void set(const char *key, const char *json) {
    cJSON_DeleteItemFromObjectCaseSensitive(folder.config, key);
    if (json != NULL) cJSON_AddItemToObject(folder.config, key, cJSON_Parse(json));
}

static void rename_tensor(const char *from, const char *to) { strcpy(folder_find(&folder, from)->name, to); }

static void refuse(const char *row, const char *part) {
    t5_model *model = NULL;
    rt_error err;
    expect_failure(row, t5_model_open(folder_write(&folder), T5_F32, &model, &err), &err, RT_ERR_DISAGREE, part);
}

/* ---- what config.json says of scales and activations ---- */

typedef struct flag_row {
    const char *model, *key, *value; /* value NULL: without the key */
    bool same;                       /* as without this change */
} flag_row;

static const flag_row flag_rows[] = {
    {GOLDEN("mt5"), "tie_word_embeddings", "true", true}, /* as transformers 5 saves it */
    {GOLDEN("mt5"), "tie_word_embeddings", NULL, true},
    {GOLDEN("mt5"), "scale_decoder_outputs", "true", true},
    {GOLDEN("mt5"), "feed_forward_proj", "\"gated-gelu\"", true},
    {GOLDEN("mt5"), "model_type", "\"umt5\"", false},
    {GOLDEN("umt5"), "tie_word_embeddings", "true", true},
    {GOLDEN("umt5"), "tie_word_embeddings", NULL, true},
    {GOLDEN("umt5"), "scale_decoder_outputs", "false", true},
    {GOLDEN("umt5"), "feed_forward_proj", NULL, true},
    {GOLDEN("madlad"), "tie_word_embeddings", "true", false},
    {GOLDEN("madlad"), "scale_decoder_outputs", "true", false},
    {GOLDEN("madlad"), "scale_decoder_outputs", "false", true},
    {GOLDEN("byt5"), "tie_word_embeddings", NULL, false},
};
enum { N_FLAG_ROWS = sizeof flag_rows / sizeof *flag_rows };

/* Gives blocks of an mT5 that have no bias the first one's, so that the file is a UMT5's too. */
static void share_bias(const char *stack, size_t n_blocks) {
    char name[96];
    snprintf(name, sizeof name, "%s.block.0" BIAS, stack);
    for (size_t b = 1; b < n_blocks; b++) {
        folder.tensor = realloc(folder.tensor, (folder.n_tensors + 1) * sizeof *folder.tensor);
        ck_assert_ptr_nonnull(folder.tensor);
        const folder_tensor *first = folder_find(&folder, name);
        folder_tensor *copy = &folder.tensor[folder.n_tensors];
        *copy = *first;
        copy->data = malloc(first->n_bytes);
        ck_assert_ptr_nonnull(copy->data);
        memcpy(copy->data, first->data, first->n_bytes);
        snprintf(copy->name, sizeof copy->name, "%s.block.%zu" BIAS, stack, b);
        folder.n_tensors++;
    }
}

START_TEST(flags) {
    const flag_row *r = &flag_rows[_i];
    folder_open(&folder, r->model);
    if (strcmp(r->key, "model_type") == 0) {
        share_bias("encoder", 2);
        share_bias("decoder", 2);
    }
    const hashes before = run_folder();
    set(r->key, r->value);
    const hashes after = run_folder();
    ck_assert(before.encoder == after.encoder);
    ck_assert_msg((before.logits == after.logits) == r->same, "%s, %s %s", r->model, r->key, r->value != NULL ? r->value : "left out");
    folder_close(&folder);
}
END_TEST

/* ---- UMT5's biases ---- */

static const char *const bias_names[] = {
    "encoder.block.0" BIAS, "encoder.block.1" BIAS, "encoder.block.2" BIAS, "decoder.block.0" BIAS, "decoder.block.1" BIAS,
};
enum { N_BIASES = sizeof bias_names / sizeof *bias_names };

START_TEST(every_bias_counts) {
    const bool in_encoder = strncmp(bias_names[_i], "encoder", 7) == 0;
    folder_open(&folder, GOLDEN("umt5"));
    const hashes before = run_folder();
    folder_tensor *bias = folder_find(&folder, bias_names[_i]);
    for (size_t i = 0; i < bias->n_bytes; i += sizeof(float)) {
        const float shifted = (float)(i % 5);
        memcpy(bias->data + i, &shifted, sizeof shifted);
    }
    const hashes after = run_folder();
    ck_assert((before.encoder != after.encoder) == in_encoder);
    ck_assert(before.logits != after.logits);
    folder_drop(&folder, bias_names[_i]);
    refuse(bias_names[_i], bias_names[_i]);
    folder_close(&folder);
}
END_TEST

START_TEST(same_bits_by_parts) {
    const hashes whole = run(GOLDEN("umt5"), 64, N_FED);
    for (size_t n = 1; n < N_FED; n++) {
        const hashes parts = run(GOLDEN("umt5"), n, n);
        ck_assert_msg(whole.encoder == parts.encoder && whole.logits == parts.logits, "chunks of %zu, %zu tokens at once", n, n);
    }
}
END_TEST

/* ---- embeddings ---- */

START_TEST(embedding_names) {
    static const char *const names[] = {"shared.weight", "encoder.embed_tokens.weight"};
    const hashes expected = run(GOLDEN("madlad"), 64, N_FED);
    folder_open(&folder, GOLDEN("madlad"));
    const char *name = "decoder.embed_tokens.weight";
    for (size_t i = 0; i < 2; i++) {
        rename_tensor(name, names[i]);
        name = names[i];
        const hashes h = run_folder();
        ck_assert_msg(h.encoder == expected.encoder && h.logits == expected.logits, "%s", name);
    }
    folder_drop(&folder, name);
    refuse("no embedding", "the first of them shared.weight");
    folder_close(&folder);
}
END_TEST

/* ---- encoders alone ---- */

static void assert_encodes_only(const char *path) {
    static const char cannot[] = "is an encoder alone and cannot generate";
    t5_model *model = must_open(path);
    ck_assert_uint_eq(t5_model_config(model)->num_decoder_layers, 0);
    t5_session *session = must_start_plain(model);
    const t5_generate_params params = t5_generate_defaults();
    t5_generation *generation = NULL;
    const size_t source = 0;
    float logprobs[N_INPUT];
    rt_error err;
    must(t5_encode(session, &input, 1, &err), &err);
    expect_failure("can", t5_model_can_generate(model, &err), &err, RT_ERR_UNSUPPORTED, cannot);
    expect_failure("start", t5_decode_start(session, &source, 1, &err), &err, RT_ERR_UNSUPPORTED, cannot);
    expect_failure("generate", t5_generate(session, &input, 1, &params, &generation, &err), &err, RT_ERR_UNSUPPORTED, cannot);
    expect_failure("score", t5_score(session, &input, &input, 1, logprobs, &err), &err, RT_ERR_UNSUPPORTED, cannot);
    ck_assert_ptr_null(generation);
    t5_session_close(session);
    t5_model_close(model);
}

START_TEST(encoder_alone) {
    const uint64_t expected = run(GOLDEN("t5_encoder"), 64, N_FED).encoder;
    assert_encodes_only(GOLDEN("t5_encoder"));
    folder_open(&folder, GOLDEN("t5_encoder"));
    rename_tensor("shared.weight", "encoder.embed_tokens.weight");
    ck_assert(run_folder().encoder == expected);
    set("architectures", NULL);
    ck_assert(run_folder().encoder == expected);
    assert_encodes_only(folder.files.folder);
    set("is_encoder_decoder", "true");
    refuse("a decoder that is not there", "decoder.block.0");
    folder_close(&folder);
}
END_TEST

/* The encoder of a whole checkpoint: what its decoder holds is left alone. */
START_TEST(encoder_of_a_whole_model) {
    static const char *const rows[][2] = {
        {GOLDEN("umt5"), "[\"UMT5EncoderModel\"]"}, {GOLDEN("mt5"), "[\"MT5EncoderModel\"]"}, {GOLDEN("madlad"), "[\"T5EncoderModel\"]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        folder_open(&folder, rows[i][0]);
        const uint64_t expected = run_folder().encoder;
        set("architectures", rows[i][1]);
        ck_assert(run_folder().encoder == expected);
        assert_encodes_only(folder.files.folder);
        folder_close(&folder);
    }
    rt_error err;
    t5_model *model = must_open(GOLDEN("umt5"));
    ck_assert_int_eq(t5_model_can_generate(model, &err), RT_OK);
    t5_model_close(model);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("family");
    tcase_add_loop_test(tests, flags, 0, N_FLAG_ROWS);
    tcase_add_loop_test(tests, every_bias_counts, 0, N_BIASES);
    tcase_add_test(tests, same_bits_by_parts);
    tcase_add_test(tests, embedding_names);
    tcase_add_test(tests, encoder_alone);
    tcase_add_test(tests, encoder_of_a_whole_model);
    return run_tests("family", tests, 60);
}

/* Model folders through t5_model_open: what contradicts itself is refused with its status and the names of what disagrees; the folder it
 * was made from loads. Weights that are not finite are found when they are used. */
#include "tests/support/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/model_folder.h"

static model_folder folder;

static void refuse(const char *row, rt_status expected, const char *part) {
    t5_model *model = NULL;
    rt_error err;
    expect_failure(row, t5_model_open(folder.files.folder, T5_F32, &model, &err), &err, expected, part);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(t5_model_open(folder.files.folder, T5_F32, &model, NULL), expected);
}

/* ---- files ---- */

START_TEST(files_missing) {
    folder_open(&folder, GOLDEN("relu_tied"));
    folder_write(&folder);
    t5_model_close(must_open(folder.files.folder));
    ck_assert_int_eq(unlink(scratch_path(&folder.files, "model.safetensors")), 0);
    refuse("no weights", RT_ERR_READ, "no model.safetensors");
    folder_write(&folder);
    ck_assert_int_eq(unlink(scratch_path(&folder.files, "config.json")), 0);
    refuse("no config", RT_ERR_READ, "config.json: cannot read");
    folder_write(&folder);
    scratch_write(&folder.files, "model.safetensors", "", 0);
    refuse("empty weights", RT_ERR_MALFORMED, "empty");

    rt_error err;
    t5_model *model = NULL;
    expect_failure("no folder", t5_model_open("/nonexistent/folder", T5_F32, &model, &err), &err, RT_ERR_READ, "/nonexistent/folder");
    ck_assert_ptr_null(model);
    folder_close(&folder);
}
END_TEST

/* ---- config against weights ---- */

#define Q0 "encoder.block.0.layer.0.SelfAttention.q.weight"

static void drop_norm(void) { folder_drop(&folder, "decoder.final_layer_norm.weight"); }
static void drop_block(void) { folder_drop(&folder, "decoder.block.1."); }
static void drop_shared(void) { folder_drop(&folder, "shared."); }
static void cut_norm(void) { folder_cut_rows(folder_find(&folder, "encoder.block.1.layer.1.layer_norm.weight"), 31); }
static void cut_q(void) { folder_cut_rows(folder_find(&folder, Q0), 31); }

static void flatten_q(void) {
    folder_tensor *q = folder_find(&folder, Q0);
    q->rank = 1, q->shape[0] *= q->shape[1];
}

static void turn_wo(void) {
    folder_tensor *wo = folder_find(&folder, "decoder.block.0.layer.2.DenseReluDense.wo.weight");
    const size_t rows = wo->shape[0];
    wo->shape[0] = wo->shape[1], wo->shape[1] = rows;
}

static void int_q(void) { strcpy(folder_find(&folder, Q0)->dtype, "I32"); }
static void less_encoder(void) { folder_set_number(&folder, "num_layers", 1); }
static void less_decoder(void) { folder_set_number(&folder, "num_decoder_layers", 1); }
static void more_encoder(void) { folder_set_number(&folder, "num_layers", 3); }
static void more_decoder(void) { folder_set_number(&folder, "num_decoder_layers", 3); }
static void say_gated(void) { folder_set_text(&folder, "feed_forward_proj", "gated-gelu"); }
static void say_relu(void) { folder_set_text(&folder, "feed_forward_proj", "relu"); }
static void vocab_over(void) { folder_set_number(&folder, "vocab_size", 321); }
static void vocab_under(void) { folder_set_number(&folder, "vocab_size", 319); }
static void d_kv_over(void) { folder_set_number(&folder, "d_kv", 9); }
static void more_heads(void) { folder_set_number(&folder, "num_heads", 5); }

static void other_heads(void) {
    folder_set_number(&folder, "num_heads", 8);
    folder_set_number(&folder, "d_kv", 4);
}

static void d_ff_over(void) { folder_set_number(&folder, "d_ff", 65); }
static void d_model_under(void) { folder_set_number(&folder, "d_model", 31); }
static void fewer_buckets(void) { folder_set_number(&folder, "relative_attention_num_buckets", 16); }
static void cut_lm_head(void) { folder_cut_rows(folder_find(&folder, "lm_head.weight"), 299); }

typedef struct broken {
    const char *name, *from;
    void (*edit)(void);
    rt_status status;
    const char *part, *second; /* of the message */
} broken;

#define RELU GOLDEN("relu_tied")
#define GATED GOLDEN("gated_gelu")

static const broken broken_rows[] = {
    {"a norm missing", RELU, drop_norm, RT_ERR_DISAGREE, "decoder.final_layer_norm.weight", "1 tensor"},
    {"no embedding", RELU, drop_shared, RT_ERR_DISAGREE, "shared.weight", "1 tensor"},
    {"a norm too short", RELU, cut_norm, RT_ERR_DISAGREE, "encoder.block.1.layer.1.layer_norm.weight is [31]", "[32]"},
    {"q too short", RELU, cut_q, RT_ERR_DISAGREE, Q0 " is [31, 32]", "[32, 32]"},
    {"q of one dimension", RELU, flatten_q, RT_ERR_DISAGREE, Q0 " is [1024]", "[32, 32]"},
    {"wo turned", RELU, turn_wo, RT_ERR_DISAGREE, "wo.weight is [64, 32]", "[32, 64]"},
    {"whole numbers", RELU, int_q, RT_ERR_UNSUPPORTED, Q0, "I32"},
    {"a block more in the encoder", RELU, less_encoder, RT_ERR_DISAGREE, "encoder.block.1.", "1 block"},
    {"a block more in the decoder", RELU, less_decoder, RT_ERR_DISAGREE, "decoder.block.1.", "1 block"},
    {"a block less in the encoder", RELU, more_encoder, RT_ERR_DISAGREE, "encoder.block.2.layer.0.SelfAttention.q.weight", "8 tensors"},
    {"a block less in the decoder", RELU, more_decoder, RT_ERR_DISAGREE, "decoder.block.2.layer.0.SelfAttention.q.weight", "13 tensors"},
    {"the decoder cut short", RELU, drop_block, RT_ERR_DISAGREE, "decoder.block.1.layer.0.SelfAttention.q.weight", "13 tensors"},
    {"gated by the config alone", RELU, say_gated, RT_ERR_DISAGREE, "is gated", "DenseReluDense.wi.weight"},
    {"gated by the weights alone", GATED, say_relu, RT_ERR_DISAGREE, "is not gated", "DenseReluDense.wi_0.weight"},
    {"vocab_size + 1", RELU, vocab_over, RT_ERR_DISAGREE, "shared.weight is [320, 32]", "[321, 32]"},
    {"vocab_size - 1", RELU, vocab_under, RT_ERR_DISAGREE, "shared.weight is [320, 32]", "[319, 32]"},
    {"d_kv + 1", RELU, d_kv_over, RT_ERR_DISAGREE, "q.weight is [32, 32]", "[36, 32]"},
    {"num_heads + 1", RELU, more_heads, RT_ERR_DISAGREE, "q.weight is [32, 32]", "[40, 32]"},
    {"other heads, same width", RELU, other_heads, RT_ERR_DISAGREE, "relative_attention_bias.weight is [32, 4]", "[32, 8]"},
    {"d_ff + 1", RELU, d_ff_over, RT_ERR_DISAGREE, "wi.weight is [64, 32]", "[65, 32]"},
    {"d_model - 1", RELU, d_model_under, RT_ERR_DISAGREE, "shared.weight is [320, 32]", "[320, 31]"},
    {"fewer buckets", RELU, fewer_buckets, RT_ERR_DISAGREE, "relative_attention_bias.weight is [32, 4]", "[16, 4]"},
    {"lm_head too short", GATED, cut_lm_head, RT_ERR_DISAGREE, "lm_head.weight is [299, 32]", "[300, 32]"},
};

START_TEST(config_and_weights_disagree) {
    const broken *b = &broken_rows[_i];
    folder_open(&folder, b->from);
    folder_write(&folder);
    t5_model_close(must_open(folder.files.folder));
    b->edit();
    folder_write(&folder);
    refuse(b->name, b->status, b->part);
    refuse(b->name, b->status, b->second);
    folder_close(&folder);
}
END_TEST

/* ---- forms that load ---- */

/* Ids, log-probabilities and scores of a few answers. */
static uint64_t answers_hash(const char *path) {
    random_source r = {.state = 5};
    t5_model *model = must_open(path);
    t5_session *session = must_start_plain(model);
    id_lists inputs = random_lengths(&r, t5_model_config(model), 20, 6);
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = 6, params.num_beams = 3;
    t5_generation *generation = must_generate(session, inputs.list, inputs.n, &params);
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < inputs.n; i++) {
        const uint64_t next = hash_answers(must_have_answers(generation, i, 1), 1);
        hash = hash_words(hash, &next, 2);
    }
    t5_generation_free(generation);
    free_lists(&inputs);
    t5_session_close(session);
    t5_model_close(model);
    return hash;
}

/* On the plain C kernels, whose loads the sanitizers check for alignment. */
START_TEST(data_at_any_address) {
    static const char *const paths[] = {RELU, GATED, GOLDEN("relu_tied") "_f16", GOLDEN("gated_gelu") "_bf16"};
    setenv("T5K_ISA", "ref", 1);
    const uint64_t expected = answers_hash(paths[_i]);
    folder_open(&folder, paths[_i]);
    for (folder.header_padding = 0; folder.header_padding < 8; folder.header_padding++) {
        ck_assert_msg(answers_hash(folder_write(&folder)) == expected, "%s, %zu bytes on", paths[_i], folder.header_padding);
    }
    folder_close(&folder);
}
END_TEST

/* Rounds an F32 tensor to what BF16 holds, and stores it so if asked. */
static void to_bf16(folder_tensor *t, bool store) {
    const size_t n = t->n_bytes / 4;
    for (size_t i = 0; i < n; i++) {
        uint16_t high;
        memcpy(&high, t->data + 4 * i + 2, sizeof high);
        memset(t->data + 4 * i, 0, 2);
        if (store) memcpy(t->data + 2 * i, &high, sizeof high);
    }
    if (!store) return;
    strcpy(t->dtype, "BF16");
    t->n_bytes = 2 * n;
}

/* The same values in F32, in BF16, and in a mixture. */
START_TEST(mixed_types) {
    static const char *const paths[] = {RELU, GATED};
    uint64_t expected = 0;
    for (size_t every = 0; every <= 3; every++) {
        folder_open(&folder, paths[_i]);
        for (size_t i = 0; i < folder.n_tensors; i++) to_bf16(&folder.tensor[i], every > 0 && i % every == 0);
        const uint64_t hash = answers_hash(folder_write(&folder));
        if (every == 0) expected = hash;
        ck_assert_msg(hash == expected, "%s, one of %zu tensors in BF16", paths[_i], every);
        folder_close(&folder);
    }
}
END_TEST

/* ---- weights that are not finite ---- */

typedef struct poison {
    const char *tensor;
    size_t row; /* that is poisoned */
    const char *part; /* of the message: where it is noticed, often one layer on */
} poison;

static const poison poisons[] = {
    {Q0, 0, "encoder block 0"},
    {"encoder.block.1.layer.0.SelfAttention.k.weight", 3, "encoder block 1"},
    {"encoder.block.0.layer.0.SelfAttention.v.weight", 8, "encoder block 0"},
    {"encoder.block.0.layer.0.SelfAttention.o.weight", 5, "encoder block 0"},
    {"encoder.block.0.layer.1.DenseReluDense.wi.weight", 7, "encoder block "},
    {"encoder.block.1.layer.1.DenseReluDense.wo.weight", 7, "encoder block 2, final norm"},
    {"encoder.block.1.layer.0.layer_norm.weight", 1, "encoder block 1"},
    {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 0, "encoder block 0"},
    {"encoder.final_layer_norm.weight", 2, "decoder block 0"},
    {"shared.weight", 6, "encoder block 0"},
    {"shared.weight", 1, "encoder block 0, self-attention: the state of row 5"}, /* the fifth token, for one comes twice */
    {"shared.weight", 0, "decoder block 0"},
    {"shared.weight", 9, "decoder: a logit"},
    {"decoder.block.0.layer.0.SelfAttention.v.weight", 8, "decoder block 0"},
    {"decoder.block.1.layer.1.EncDecAttention.q.weight", 8, "decoder block 1"},
    {"decoder.block.0.layer.1.EncDecAttention.k.weight", 8, "decoder block 0"},
    {"decoder.block.1.layer.1.layer_norm.weight", 8, "decoder block 1"},
    {"decoder.block.0.layer.2.DenseReluDense.wi.weight", 8, "decoder block "},
    {"decoder.block.1.layer.2.DenseReluDense.wo.weight", 8, "decoder block 2, final norm"},
    {"decoder.final_layer_norm.weight", 8, "decoder: a logit"},
};

enum { N_POISONS = sizeof poisons / sizeof *poisons };

static void fill_row(folder_tensor *t, size_t row, float value) {
    const size_t n = t->rank > 1 ? t->shape[1] : 1;
    for (size_t c = 0; c < n; c++) memcpy(t->data + 4 * (row * n + c), &value, sizeof value);
}

static const int32_t input_ids[] = {6, 17, 33, 200, 6, 1};
static const t5_ids input = {.ids = input_ids, .n = 6};

static void assert_not_finite(const t5_model *model, const poison *p, float value, const t5_session_params *params) {
    t5_session *session = must_start(model, params);
    const t5_generate_params generate = t5_generate_defaults();
    t5_generation *generation = NULL;
    rt_error err;
    const rt_status status = t5_generate(session, &input, 1, &generate, &generation, &err);
    ck_assert_msg(status == RT_ERR_NUMERIC, "%s %g: status %d", p->tensor, (double)value, (int)status);
    ck_assert_msg(strstr(err.message, p->part) != NULL, "%s %g: '%s'", p->tensor, (double)value, err.message);
    ck_assert_ptr_null(generation);
    t5_session_close(session);
}

START_TEST(weights_not_finite) {
    const poison *p = &poisons[_i % N_POISONS];
    const float value = _i < N_POISONS ? NAN : INFINITY;
    const t5_session_params dense = {.threads = 1, .chunk = 64, .batch_tokens = 1};
    t5_session_params topk = dense;
    topk.ff_topk = 20, topk.encoder_topk = topk.decoder_topk = topk.cross_topk = 3;
    folder_open(&folder, RELU);
    folder_write(&folder);
    t5_model *model = must_open(folder.files.folder);
    t5_session *session = must_start(model, &dense);
    const t5_generate_params generate = t5_generate_defaults();
    t5_generation_free(must_generate(session, &input, 1, &generate));
    t5_session_close(session);
    t5_model_close(model);

    fill_row(folder_find(&folder, p->tensor), p->row, value);
    folder_write(&folder);
    for (t5_compute compute = T5_F32; compute <= T5_Q8; compute++) {
        model = must_open_as(folder.files.folder, compute);
        assert_not_finite(model, p, value, &dense);
        assert_not_finite(model, p, value, &topk);
        t5_model_close(model);
    }
    folder_close(&folder);
}
END_TEST

START_TEST(lm_head_not_finite) {
    const float value = _i == 0 ? NAN : INFINITY;
    folder_open(&folder, GATED);
    fill_row(folder_find(&folder, "lm_head.weight"), 250, value);
    folder_write(&folder);
    for (t5_compute compute = T5_F32; compute <= T5_Q8; compute++) {
        t5_model *model = must_open_as(folder.files.folder, compute);
        const t5_session_params params = t5_session_defaults();
        assert_not_finite(model, &(poison){.tensor = "lm_head.weight", .part = "decoder: a logit is not a number"}, value, &params);
        t5_model_close(model);
    }
    folder_close(&folder);
}
END_TEST

/* An encoding that failed leaves nothing to decode from, and the session goes on with an input that does not meet the defect. */
START_TEST(usable_after_a_numeric_failure) {
    static const int32_t other_ids[] = {17, 33, 200, 1};
    const t5_ids bad[] = {input, {.ids = other_ids, .n = 4}};
    const size_t source = 0;
    rt_error err;
    folder_open(&folder, GATED);
    fill_row(folder_find(&folder, "shared.weight"), 6, NAN);
    t5_model *model = must_open(folder_write(&folder));
    t5_session *session = must_start_plain(model), *fresh = must_start_plain(model);
    const size_t n = 4 * t5_model_config(model)->d_model;
    ck_assert_int_eq(t5_encode(fresh, &bad[1], 1, &err), RT_OK);
    ck_assert_int_eq(t5_encode(session, &bad[1], 1, &err), RT_OK);
    ck_assert_int_eq(t5_encode(session, bad, 2, &err), RT_ERR_NUMERIC);
    ck_assert_ptr_null(t5_encoder_hidden(session, 0));
    ck_assert_int_eq(t5_decode_start(session, &source, 1, &err), RT_ERR_USAGE);
    ck_assert_int_eq(t5_encode(session, &bad[1], 1, &err), RT_OK);
    ck_assert(same_floats(n, t5_encoder_hidden(session, 0), t5_encoder_hidden(fresh, 0)));

    /* A token that the decoder cannot take leaves the rows as they were. */
    const int32_t start = 0, sound = 17, poisoned = 6;
    ck_assert_int_eq(t5_decode_start(session, &source, 1, &err), RT_OK);
    ck_assert_int_eq(t5_decode_start(fresh, &source, 1, &err), RT_OK);
    ck_assert_int_eq(t5_decode(session, &(t5_ids){&start, 1}, &err), RT_OK);
    ck_assert_int_eq(t5_decode(session, &(t5_ids){&poisoned, 1}, &err), RT_ERR_NUMERIC);
    ck_assert_ptr_null(t5_decoder_hidden(session));
    ck_assert_int_eq(t5_decode(session, &(t5_ids){&sound, 1}, &err), RT_OK);
    const int32_t both[] = {start, sound};
    ck_assert_int_eq(t5_decode(fresh, &(t5_ids){both, 2}, &err), RT_OK);
    const size_t d_model = t5_model_config(model)->d_model;
    ck_assert(same_floats(d_model, t5_decoder_hidden(session), t5_decoder_hidden(fresh) + d_model));
    t5_session_close(session);
    t5_session_close(fresh);
    t5_model_close(model);
    folder_close(&folder);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("open");
    tcase_add_test(tests, files_missing);
    tcase_add_loop_test(tests, config_and_weights_disagree, 0, sizeof broken_rows / sizeof *broken_rows);
    tcase_add_loop_test(tests, data_at_any_address, 0, 4);
    tcase_add_loop_test(tests, mixed_types, 0, 2);
    tcase_add_loop_test(tests, weights_not_finite, 0, 2 * N_POISONS);
    tcase_add_loop_test(tests, lm_head_not_finite, 0, 2);
    tcase_add_test(tests, usable_after_a_numeric_failure);
    return run_tests("open", tests, 300);
}

/* A model's identity; see eval_identity.h. The hash is FNV-1a (Fowler, Noll, Vo) of 64 bits. */
#include "tools/eval_identity.h"

#include <stdio.h>

enum { N_INPUT = 64, N_TARGET = 16 };

static void hash_bytes(uint64_t *hash, const void *bytes, size_t n) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ b[i]) * UINT64_C(0x100000001b3);
}

static void hash_size(uint64_t *hash, size_t value) {
    const uint64_t v = value;
    hash_bytes(hash, &v, sizeof v);
}

static void hash_config(uint64_t *hash, const t5_config *c) {
    const size_t sizes[] = {c->vocab_size, c->d_model, c->d_kv, c->d_ff, c->num_heads, c->num_layers, c->num_decoder_layers};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) hash_size(hash, sizes[i]);
}

static rt_status hash_pieces(uint64_t *hash, const tok_tokenizer *tokenizer, rt_error *err) {
    rt_text piece = {0};
    rt_status status = RT_OK;
    for (size_t id = 0; status == RT_OK && id < tok_n_ids(tokenizer); id++) {
        piece.n = 0;
        status = tok_piece(tokenizer, (int32_t)id, &piece, err);
        if (status == RT_OK) hash_bytes(hash, piece.v, piece.n + 1); /* with the NUL, which ends the name */
    }
    rt_text_free(&piece);
    return status;
}

/* n ids spread over the vocabulary, </s> last. */
static void spread(const t5_config *config, size_t n, int32_t *ids) {
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(i * (config->vocab_size / n));
    ids[n - 1] = config->eos_token_id;
}

/* In a session of its own, since the other one may keep the top k only. */
static rt_status hash_numbers(uint64_t *hash, const text2text *model, rt_error *err) {
    const t5_config *config = t5_model_config(model->model);
    int32_t input[N_INPUT], target[N_TARGET];
    float logprobs[N_TARGET];
    spread(config, N_INPUT, input);
    spread(config, N_TARGET, target);
    const t5_ids inputs = {input, N_INPUT}, targets = {target, N_TARGET};
    t5_session_params params = t5_session_defaults();
    params.threads = model->options->session.threads;
    t5_session *session;
    RT_TRY(t5_session_open(model->model, &params, &session, err));
    const rt_status status = t5_score(session, &inputs, &targets, 1, logprobs, err);
    t5_session_close(session);
    RT_TRY(status);
    hash_bytes(hash, logprobs, sizeof logprobs);
    return RT_OK;
}

rt_status eval_identity(const text2text *model, char identity[EVAL_IDENTITY_SIZE], rt_error *err) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash_config(&hash, t5_model_config(model->model));
    RT_TRY(hash_pieces(&hash, model->tokenizer, err));
    RT_TRY(hash_numbers(&hash, model, err));
    snprintf(identity, EVAL_IDENTITY_SIZE, "%016llx", (unsigned long long)hash);
    return RT_OK;
}

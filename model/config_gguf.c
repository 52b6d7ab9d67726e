/* The keys of a GGUF file to t5_config, as llama.cpp's converter writes them; see config.h.
 *
 *     t5.embedding_length, t5.block_count, ...     sizes: t5_size_keys
 *     t5.attention.layer_norm_rms_epsilon          layer_norm_epsilon
 *     t5.decoder_start_token_id                    0 if missing
 *     tokenizer.ggml.eos_token_id, .padding_token_id   1 and 0 if missing
 *
 * What no key says is told by the tensors, or is the same for every such file:
 *     vocab_size            rows of token_embd.weight
 *     activation            GELU (tanh form) with a gate where ffn_gate is there, else ReLU
 *     bias of every layer   where the second block has one: UMT5
 *     output scale          where output.weight, the head of its own, is missing, and in UMT5 (as in config.c)
 *     largest distance      128
 *
 * In place of "t5", an encoder alone says "t5encoder" and has no decoder_block_count. Files that t5k has converted have keys for what
 * cannot be told, each of which holds where it is there:
 *
 *     t5k.relative_attention_max_distance, .activation (as dense_act_fn of config.json), .scale_decoder_outputs,
 *     .has_bias_per_layer, .pad_token_id, .eos_token_id */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/gguf.h"
#include "model/config.h"
#include "model/path.h"

enum { KEY_SIZE = 64 };

static rt_status fail_missing(const rt_gguf *gguf, const char *key, rt_error *err) {
    return rt_fail(err, RT_ERR_MALFORMED, "%s: no %s", gguf->file, key);
}

const char *const t5_activation_names[T5_SILU + 1] = {
    [T5_RELU] = "relu", [T5_GELU_TANH] = "gelu_new", [T5_GELU_ERF] = "gelu", [T5_SILU] = "silu"};

static rt_status read_architecture(const rt_gguf *gguf, bool *is_encoder, rt_error *err) {
    rt_gguf_text name;
    RT_TRY(rt_gguf_string(gguf, rt_gguf_find(gguf, "general.architecture"), &name, err));
    *is_encoder = rt_gguf_text_is(name, "t5encoder");
    if (*is_encoder || rt_gguf_text_is(name, "t5")) return RT_OK;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: not a T5 model (general.architecture, '%s', allowed t5, t5encoder)", gguf->file,
                   rt_quote(shown, name.v, name.n));
}

/* A whole number that fits every range; *number stays as it is where the key is missing. */
static rt_status read_number(const rt_gguf *gguf, const char *key, int64_t *number, rt_error *err) {
    const rt_gguf_pair *pair = rt_gguf_find(gguf, key);
    if (pair == NULL) return RT_OK;
    uint64_t count;
    RT_TRY(rt_gguf_count(gguf, pair, &count, err));
    *number = count < INT64_MAX ? (int64_t)count : INT64_MAX;
    return RT_OK;
}

static const char *join(const char *prefix, const char *key, char name[KEY_SIZE]) {
    snprintf(name, KEY_SIZE, "%s%s", prefix, key);
    return name;
}

/* fallback 0: the key must be there. */
static rt_status read_size(const rt_gguf *gguf, const char *prefix, const t5_size_key *key, size_t fallback, t5_config *config,
                           rt_error *err) {
    char name[KEY_SIZE];
    int64_t number = -1;
    RT_TRY(read_number(gguf, join(prefix, key->gguf, name), &number, err));
    if (number < 0 && fallback == 0) return fail_missing(gguf, name, err);
    if (number < 0) number = (int64_t)fallback;
    RT_TRY(t5_config_check_size(gguf->file, name, key, number, err));
    *(size_t *)((char *)config + key->offset) = (size_t)number;
    return RT_OK;
}

static rt_status read_sizes(const rt_gguf *gguf, const char *prefix, bool is_encoder, t5_config *config, rt_error *err) {
    static const t5_size_key max_distance = {NULL, "relative_attention_max_distance", offsetof(t5_config, relative_attention_max_distance),
                                             1, 1 << 24, 0};
    for (size_t i = 0; i < T5_N_SIZE_KEYS; i++) {
        if (t5_size_keys[i].gguf != NULL) RT_TRY(read_size(gguf, prefix, &t5_size_keys[i], 0, config, err));
    }
    if (!is_encoder) RT_TRY(read_size(gguf, prefix, &t5_decoder_layers_key, config->num_layers, config, err));
    RT_TRY(read_size(gguf, "t5k.", &max_distance, T5_MAX_DISTANCE_DEFAULT, config, err));
    RT_TRY(t5_config_check_buckets(gguf->file, config, err));

    char key[KEY_SIZE];
    int64_t d_v = (int64_t)config->d_kv;
    RT_TRY(read_number(gguf, join(prefix, "attention.value_length", key), &d_v, err));
    if (d_v == (int64_t)config->d_kv) return RT_OK;
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: keys and values of different sizes (%s, %lld, allowed %zu)", gguf->file, key,
                   (long long)d_v, config->d_kv);
}

static rt_status read_vocab_size(const rt_gguf *gguf, t5_config *config, rt_error *err) {
    static const char name[] = "token_embd.weight";
    const t5_size_key *key = &t5_size_keys[T5_VOCAB_SIZE_KEY];
    const rt_gguf_tensor *table = rt_gguf_find_tensor(gguf, name);
    if (table == NULL || table->rank != 2) {
        return rt_fail(err, RT_ERR_DISAGREE, "%s: no matrix %s, which the vocabulary's size is taken from", gguf->file, name);
    }
    const int64_t rows = table->shape[0] < INT64_MAX ? (int64_t)table->shape[0] : INT64_MAX;
    RT_TRY(t5_config_check_size(gguf->file, "the number of rows of token_embd.weight", key, rows, err));
    config->vocab_size = (size_t)rows;
    return RT_OK;
}

static rt_status read_epsilon(const rt_gguf *gguf, const char *prefix, float *epsilon, rt_error *err) {
    char key[KEY_SIZE];
    const rt_gguf_pair *pair = rt_gguf_find(gguf, join(prefix, "attention.layer_norm_rms_epsilon", key));
    if (pair == NULL) return fail_missing(gguf, key, err);
    double number;
    RT_TRY(rt_gguf_float(gguf, pair, &number, err));
    const float e = (float)number;
    if (!(e > 0) || !isfinite(e)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: %s is out of range (%g, finite and over 0)", gguf->file, key, number);
    }
    *epsilon = e;
    return RT_OK;
}

static rt_status read_id(const rt_gguf *gguf, const char *key, int64_t fallback, size_t vocab_size, int32_t *id, rt_error *err) {
    int64_t number = fallback;
    RT_TRY(read_number(gguf, key, &number, err));
    RT_TRY(t5_config_check_id(gguf->file, key, vocab_size, number, err));
    *id = (int32_t)number;
    return RT_OK;
}

/* *flag stays as it is where the key is missing. */
static rt_status read_flag(const rt_gguf *gguf, const char *key, bool *flag, rt_error *err) {
    const rt_gguf_pair *pair = rt_gguf_find(gguf, key);
    return pair == NULL ? RT_OK : rt_gguf_bool(gguf, pair, flag, err);
}

static rt_status read_activation(const rt_gguf *gguf, t5_activation *activation, rt_error *err) {
    static const char key[] = "t5k.activation";
    const rt_gguf_pair *pair = rt_gguf_find(gguf, key);
    rt_gguf_text name;
    if (pair == NULL) return RT_OK;
    RT_TRY(rt_gguf_string(gguf, pair, &name, err));
    for (t5_activation a = T5_RELU; a <= T5_SILU; a++) {
        if (!rt_gguf_text_is(name, t5_activation_names[a])) continue;
        *activation = a;
        return RT_OK;
    }
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: %s is not supported ('%s', allowed relu, gelu_new, gelu, silu)", gguf->file, key,
                   rt_quote(shown, name.v, name.n));
}

/* What the tensors tell, unless a key says otherwise. */
static rt_status read_arithmetic(const rt_gguf *gguf, t5_config *config, rt_error *err) {
    config->is_gated_act = ckpt_gguf_is_gated(gguf);
    config->activation = config->is_gated_act ? T5_GELU_TANH : T5_RELU;
    config->has_bias_per_layer = rt_gguf_find_tensor(gguf, "enc.blk.1.attn_rel_b.weight") != NULL;
    config->scale_decoder_outputs = config->has_bias_per_layer || rt_gguf_find_tensor(gguf, "output.weight") == NULL;
    RT_TRY(read_activation(gguf, &config->activation, err));
    RT_TRY(read_flag(gguf, "t5k.scale_decoder_outputs", &config->scale_decoder_outputs, err));
    return read_flag(gguf, "t5k.has_bias_per_layer", &config->has_bias_per_layer, err);
}

static rt_status read_ids(const rt_gguf *gguf, const char *prefix, t5_config *config, rt_error *err) {
    const size_t n = config->vocab_size;
    char start[KEY_SIZE];
    RT_TRY(read_id(gguf, "tokenizer.ggml.padding_token_id", T5_PAD_DEFAULT, n, &config->pad_token_id, err));
    RT_TRY(read_id(gguf, "t5k.pad_token_id", config->pad_token_id, n, &config->pad_token_id, err));
    RT_TRY(read_id(gguf, "tokenizer.ggml.eos_token_id", T5_EOS_DEFAULT, n, &config->eos_token_id, err));
    RT_TRY(read_id(gguf, "t5k.eos_token_id", config->eos_token_id, n, &config->eos_token_id, err));
    return read_id(gguf, join(prefix, "decoder_start_token_id", start), T5_PAD_DEFAULT, n, &config->decoder_start_token_id, err);
}

static rt_status read_config(const rt_gguf *gguf, t5_config *config, rt_error *err) {
    bool is_encoder = false;
    RT_TRY(read_architecture(gguf, &is_encoder, err));
    const char *prefix = is_encoder ? "t5encoder." : "t5.";
    RT_TRY(read_sizes(gguf, prefix, is_encoder, config, err));
    RT_TRY(read_vocab_size(gguf, config, err));
    RT_TRY(read_epsilon(gguf, prefix, &config->layer_norm_epsilon, err));
    RT_TRY(read_arithmetic(gguf, config, err));
    return read_ids(gguf, prefix, config, err);
}

/* The file says nothing: its config.json has to. */
static rt_status load_beside(const char *path, const rt_gguf *gguf, t5_config *config, rt_error *err) {
    char *folder, *json;
    RT_TRY(t5_path_beside(path, "config.json", &json, err));
    const bool has_json = t5_path_exists(json);
    free(json);
    if (!has_json) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: no general.architecture (and no config.json beside the file)", gguf->file);
    }
    RT_TRY(t5_path_beside(path, ".", &folder, err));
    const rt_status status = t5_config_load_folder(folder, config, err);
    free(folder);
    return status;
}

rt_status t5_config_load_gguf(const char *path, t5_config *config, rt_error *err) {
    rt_gguf_file file;
    t5_config loaded = {0};
    RT_TRY(ckpt_gguf_read(path, &file, err));
    const rt_status status = ckpt_gguf_has_config(&file.gguf) ? read_config(&file.gguf, &loaded, err)
                                                              : load_beside(path, &file.gguf, &loaded, err);
    rt_gguf_close(&file);
    if (status == RT_OK) *config = loaded;
    return status;
}

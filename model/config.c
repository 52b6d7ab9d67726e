/* config.json to t5_config; see config.h.
 *
 * Rules that are not obvious from the keys' names:
 *   activation   feed_forward_proj is ACT or gated-ACT, and "gated-gelu" means the tanh form of GELU, "gelu" the erf form. dense_act_fn and
 *                is_gated_act, where present, win over it.
 *   output scale T5: scale_decoder_outputs, where present; else tie_word_embeddings, which meant just that before transformers 5. Of the
 *                other families transformers 5 takes no flag, since it writes tie_word_embeddings true for all: mT5 is never scaled, UMT5
 *                always.
 *   encoders     an architecture of transformers' T5EncoderModel kind, or is_encoder_decoder false where no architecture is named: the
 *                model has no decoder, whatever num_decoder_layers says.
 *   buckets      distances from e = buckets / 2 on (the decoder's e, the larger one) go to the buckets by ln(r / e) / ln(max_distance / e):
 *                this needs e < max_distance, and the encoder, with half the buckets for either direction, needs 4 of them. */
#include "model/config.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/json_file.h"
#include "model/path.h"
#include "runtime/gguf.h"

enum { MIN_BUCKETS = 4, D_KV_DEFAULT = 64, BUCKETS_DEFAULT = 32 };
static const double layer_norm_epsilon_default = 1e-6;

/* A JSON object with the name of its file, fit for messages. */
typedef struct document {
    const char *file;
    const cJSON *json;
} document;

const t5_size_key t5_size_keys[T5_N_SIZE_KEYS] = {
    [T5_VOCAB_SIZE_KEY] = {"vocab_size", NULL, offsetof(t5_config, vocab_size), T5_EOS_DEFAULT + 1, 1 << 24, 0},
    {"d_model", "embedding_length", offsetof(t5_config, d_model), 1, 1 << 20, 0},
    {"d_kv", "attention.key_length", offsetof(t5_config, d_kv), 1, 1 << 16, D_KV_DEFAULT},
    {"d_ff", "feed_forward_length", offsetof(t5_config, d_ff), 1, 1 << 20, 0},
    {"num_heads", "attention.head_count", offsetof(t5_config, num_heads), 1, 1 << 16, 0},
    {"num_layers", "block_count", offsetof(t5_config, num_layers), 1, 1 << 10, 0},
    {"relative_attention_num_buckets", "attention.relative_buckets_count", offsetof(t5_config, relative_attention_num_buckets), MIN_BUCKETS,
     1 << 16, BUCKETS_DEFAULT},
    {"relative_attention_max_distance", NULL, offsetof(t5_config, relative_attention_max_distance), 1, 1 << 24, T5_MAX_DISTANCE_DEFAULT},
};
const t5_size_key t5_decoder_layers_key = {"num_decoder_layers", "decoder_block_count", offsetof(t5_config, num_decoder_layers),
                                           1, 1 << 10, 0};

static const struct {
    const char *name;
    t5_activation activation;
} activations[] = {
    {"relu", T5_RELU},           {"gelu", T5_GELU_ERF}, {"gelu_new", T5_GELU_TANH}, {"gelu_pytorch_tanh", T5_GELU_TANH},
    {"silu", T5_SILU},           {"swish", T5_SILU},
};

/* Where the families differ. */
typedef struct family_rules {
    const char *model_type;
    const char *feed_forward_proj; /* where config.json has none */
    bool has_scale_flags;          /* config.json says whether the output is scaled */
    bool scales;                   /* if it has no such say */
    bool has_bias_per_layer;
} family_rules;

/* The first is that of a config.json without model_type. */
static const family_rules families[] = {
    {.model_type = "t5", .feed_forward_proj = "relu", .has_scale_flags = true, .scales = true},
    {.model_type = "mt5", .feed_forward_proj = "gated-gelu"},
    {.model_type = "umt5", .feed_forward_proj = "gated-gelu", .scales = true, .has_bias_per_layer = true},
};

static const char *const architectures[] = {"T5ForConditionalGeneration", "T5WithLMHeadModel", "MT5ForConditionalGeneration",
                                            "UMT5ForConditionalGeneration"};
static const char *const encoder_architectures[] = {"T5EncoderModel", "MT5EncoderModel", "UMT5EncoderModel"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const cJSON *get(document doc, const char *key) { return cJSON_GetObjectItemCaseSensitive(doc.json, key); }

static bool is_missing(const cJSON *value) { return value == NULL || cJSON_IsNull(value); }

/* "a text", and the like, for a value of the wrong type. */
static const char *type_name(const cJSON *value) {
    if (cJSON_IsNull(value)) return "null";
    if (cJSON_IsBool(value)) return "true or false";
    if (cJSON_IsNumber(value)) return "a number";
    if (cJSON_IsString(value)) return "a text";
    return cJSON_IsArray(value) ? "a list" : "an object";
}

static rt_status fail_type(document doc, const char *key, const cJSON *value, const char *allowed, rt_error *err) {
    return rt_fail(err, RT_ERR_MALFORMED, "%s: %s is %s (%s is needed)", doc.file, key, type_name(value), allowed);
}

/* A whole number in the range of int32_t, as which transformers keeps all of these. */
static rt_status read_int(document doc, const char *key, const cJSON *value, int32_t *number, rt_error *err) {
    if (!cJSON_IsNumber(value)) return fail_type(doc, key, value, "a whole number", err);
    const double v = value->valuedouble;
    if (!(v >= INT32_MIN && v <= INT32_MAX) || v != floor(v)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: %s is not a whole number of 32 bits (%.17g)", doc.file, key, v);
    }
    *number = (int32_t)v;
    return RT_OK;
}

rt_status t5_config_check_size(const char *file, const char *name, const t5_size_key *key, int64_t number, rt_error *err) {
    if (number >= (int64_t)key->min && number <= (int64_t)key->max) return RT_OK;
    const rt_status status = number > (int64_t)key->max ? RT_ERR_LIMIT : RT_ERR_MALFORMED;
    return rt_fail(err, status, "%s: %s is out of range (%lld, allowed %zu to %zu)", file, name, (long long)number, key->min, key->max);
}

static rt_status read_size(document doc, const t5_size_key *key, size_t fallback, size_t *size, rt_error *err) {
    const cJSON *value = get(doc, key->json);
    if (value == NULL && fallback == 0) return rt_fail(err, RT_ERR_MALFORMED, "%s: no %s", doc.file, key->json);
    if (value == NULL) {
        *size = fallback;
        return RT_OK;
    }
    int32_t number = 0;
    RT_TRY(read_int(doc, key->json, value, &number, err));
    RT_TRY(t5_config_check_size(doc.file, key->json, key, number, err));
    *size = (size_t)number;
    return RT_OK;
}

rt_status t5_config_check_buckets(const char *file, const t5_config *config, rt_error *err) {
    const size_t exact = config->relative_attention_num_buckets / 2;
    if (config->relative_attention_max_distance > exact) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED,
                   "%s: relative_attention_max_distance is not over half of relative_attention_num_buckets (%zu, must be over %zu)",
                   file, config->relative_attention_max_distance, exact);
}

static rt_status read_sizes(document doc, bool is_encoder, t5_config *config, rt_error *err) {
    for (size_t i = 0; i < T5_N_SIZE_KEYS; i++) {
        const t5_size_key *key = &t5_size_keys[i];
        RT_TRY(read_size(doc, key, key->fallback, (size_t *)((char *)config + key->offset), err));
    }
    if (is_encoder) {
        config->num_decoder_layers = 0;
    } else if (cJSON_IsNull(get(doc, t5_decoder_layers_key.json))) {
        config->num_decoder_layers = config->num_layers;
    } else {
        RT_TRY(read_size(doc, &t5_decoder_layers_key, config->num_layers, &config->num_decoder_layers, err));
    }
    return t5_config_check_buckets(doc.file, config, err);
}

static rt_status read_epsilon(document doc, float *epsilon, rt_error *err) {
    static const char key[] = "layer_norm_epsilon";
    const cJSON *value = get(doc, key);
    if (value != NULL && !cJSON_IsNumber(value)) return fail_type(doc, key, value, "a number over 0", err);
    const double number = value == NULL ? layer_norm_epsilon_default : value->valuedouble;
    const float e = (float)number;
    if (!(e > 0) || !isfinite(e)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: %s is out of range (%g, finite and over 0)", doc.file, key, number);
    }
    *epsilon = e;
    return RT_OK;
}

static rt_status read_bool(document doc, const char *key, bool fallback, bool *flag, rt_error *err) {
    const cJSON *value = get(doc, key);
    if (value != NULL && !cJSON_IsBool(value)) return fail_type(doc, key, value, "true or false", err);
    *flag = value == NULL ? fallback : cJSON_IsTrue(value);
    return RT_OK;
}

/* *text is borrowed from the document. */
static rt_status read_text(document doc, const char *key, const char *fallback, const char **text, rt_error *err) {
    const cJSON *value = get(doc, key);
    if (!is_missing(value) && !cJSON_IsString(value)) return fail_type(doc, key, value, "a text", err);
    *text = is_missing(value) ? fallback : value->valuestring;
    return RT_OK;
}

static rt_status fail_unsupported(document doc, const char *key, const char *value, const char *allowed, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: %s is not supported (%s, allowed %s)", doc.file, key,
                   rt_quote(shown, value, strlen(value)), allowed);
}

static bool is_one_of(const char *text, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, list[i]) == 0) return true;
    }
    return false;
}

static rt_status read_family(document doc, const family_rules **found, rt_error *err) {
    const char *type = NULL;
    RT_TRY(read_text(doc, "model_type", families[0].model_type, &type, err));
    for (size_t i = 0; i < COUNT(families); i++) {
        if (strcmp(type, families[i].model_type) != 0) continue;
        *found = &families[i];
        return RT_OK;
    }
    return fail_unsupported(doc, "model_type", type, "t5, mt5 or umt5", err);
}

/* Refuses what is neither a T5 with a language-model head nor an encoder alone, and tells these apart. */
static rt_status read_architecture(document doc, bool *is_encoder, rt_error *err) {
    size_t n_encoders = 0, n_whole = 0;
    const cJSON *list = get(doc, "architectures");
    if (!is_missing(list) && !cJSON_IsArray(list)) return fail_type(doc, "architectures", list, "a list of texts", err);
    for (const cJSON *item = is_missing(list) ? NULL : list->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item)) return fail_type(doc, "an element of architectures", item, "a text", err);
        if (is_one_of(item->valuestring, architectures, COUNT(architectures))) {
            n_whole++;
        } else if (is_one_of(item->valuestring, encoder_architectures, COUNT(encoder_architectures))) {
            n_encoders++;
        } else {
            return fail_unsupported(doc, "architectures", item->valuestring,
                                    "T5WithLMHeadModel, or ForConditionalGeneration or EncoderModel of T5, MT5 or UMT5", err);
        }
    }
    bool is_encoder_decoder = false;
    RT_TRY(read_bool(doc, "is_encoder_decoder", true, &is_encoder_decoder, err));
    if (n_whole > 0 && !is_encoder_decoder) return fail_unsupported(doc, "is_encoder_decoder", "false", "true", err);
    *is_encoder = n_whole == 0 && (n_encoders > 0 || !is_encoder_decoder);
    return RT_OK;
}

static rt_status read_activation(document doc, const family_rules *family, t5_config *config, rt_error *err) {
    static const char prefix[] = "gated-";
    const char *projection = NULL, *name = NULL;
    RT_TRY(read_text(doc, "feed_forward_proj", family->feed_forward_proj, &projection, err));
    const bool is_gated = strncmp(projection, prefix, sizeof prefix - 1) == 0;
    const char *activation = strcmp(projection, "gated-gelu") == 0 ? "gelu_new" : is_gated ? projection + sizeof prefix - 1 : projection;
    RT_TRY(read_text(doc, "dense_act_fn", activation, &name, err));
    RT_TRY(read_bool(doc, "is_gated_act", is_gated, &config->is_gated_act, err));
    for (size_t i = 0; i < COUNT(activations); i++) {
        if (strcmp(name, activations[i].name) == 0) {
            config->activation = activations[i].activation;
            return RT_OK;
        }
    }
    return name == activation ? fail_unsupported(doc, "feed_forward_proj", projection, "[gated-] relu, gelu, gelu_new or silu", err)
                              : fail_unsupported(doc, "dense_act_fn", name, "relu, gelu, gelu_new, gelu_pytorch_tanh, silu or swish", err);
}

static rt_status read_output_scale(document doc, const family_rules *family, t5_config *config, rt_error *err) {
    bool tied = false, scales = false;
    RT_TRY(read_bool(doc, "tie_word_embeddings", family->scales, &tied, err));
    RT_TRY(read_bool(doc, "scale_decoder_outputs", tied, &scales, err));
    config->scale_decoder_outputs = family->has_scale_flags ? scales : family->scales;
    return RT_OK;
}

rt_status t5_config_check_id(const char *file, const char *name, size_t vocab_size, int64_t number, rt_error *err) {
    if (number >= 0 && (size_t)number < vocab_size) return RT_OK;
    return rt_fail(err, RT_ERR_DISAGREE, "%s: %s is not an id of the vocabulary (%lld, allowed 0 to %zu)", file, name, (long long)number,
                   vocab_size - 1);
}

/* *id stays as it is where the key is missing. A list of one id is that id. */
static rt_status read_id(document doc, const char *key, size_t vocab_size, int32_t *id, rt_error *err) {
    const cJSON *value = get(doc, key);
    if (is_missing(value)) return RT_OK;
    if (cJSON_IsArray(value)) {
        if (value->child == NULL) return fail_type(doc, key, value, "an id", err);
        if (value->child->next != NULL) return fail_unsupported(doc, key, "a list of several ids", "one id", err);
        value = value->child;
    }
    int32_t number = 0;
    RT_TRY(read_int(doc, key, value, &number, err));
    RT_TRY(t5_config_check_id(doc.file, key, vocab_size, number, err));
    *id = number;
    return RT_OK;
}

static rt_status read_ids(document doc, t5_config *config, rt_error *err) {
    RT_TRY(read_id(doc, "pad_token_id", config->vocab_size, &config->pad_token_id, err));
    RT_TRY(read_id(doc, "eos_token_id", config->vocab_size, &config->eos_token_id, err));
    return read_id(doc, "decoder_start_token_id", config->vocab_size, &config->decoder_start_token_id, err);
}

static rt_status read_config(document doc, t5_config *config, rt_error *err) {
    const family_rules *family = NULL;
    bool is_encoder = false;
    RT_TRY(read_family(doc, &family, err));
    RT_TRY(read_architecture(doc, &is_encoder, err));
    RT_TRY(read_sizes(doc, is_encoder, config, err));
    config->has_bias_per_layer = family->has_bias_per_layer;
    RT_TRY(read_epsilon(doc, &config->layer_norm_epsilon, err));
    RT_TRY(read_activation(doc, family, config, err));
    RT_TRY(read_output_scale(doc, family, config, err));
    config->pad_token_id = T5_PAD_DEFAULT;
    config->eos_token_id = T5_EOS_DEFAULT;
    config->decoder_start_token_id = T5_PAD_DEFAULT;
    return read_ids(doc, config, err);
}

typedef rt_status (*read_document)(document doc, t5_config *config, rt_error *err);

/* Reads FOLDER/NAME by `read`; an optional file may be missing. */
static rt_status load(const char *folder, const char *name, bool is_optional, read_document read, t5_config *config, rt_error *err) {
    char *path;
    RT_TRY(t5_path_join(folder, name, &path, err));
    char file[RT_QUOTE_SIZE];
    rt_quote_path(file, path);
    rt_status status = RT_OK;
    if (!is_optional || t5_path_exists(path)) {
        cJSON *json = NULL;
        status = t5_json_read(path, T5_JSON_CONFIG_BYTES, &json, err);
        if (status == RT_OK) status = read((document){.file = file, .json = json}, config, err);
        cJSON_Delete(json);
    }
    free(path);
    return status;
}

rt_status t5_config_load_folder(const char *folder, t5_config *config, rt_error *err) {
    t5_config loaded = {0};
    RT_TRY(load(folder, "config.json", false, read_config, &loaded, err));
    RT_TRY(load(folder, "generation_config.json", true, read_ids, &loaded, err));
    *config = loaded;
    return RT_OK;
}

/* *gguf is the path of a folder's one GGUF file, to be freed, or NULL where config.json or no GGUF file is there. */
static rt_status find_gguf(const char *folder, char **gguf, rt_error *err) {
    char *json;
    RT_TRY(t5_path_join(folder, "config.json", &json, err));
    const bool has_json = t5_path_exists(json);
    free(json);
    *gguf = NULL;
    return has_json ? RT_OK : rt_gguf_in_folder(folder, gguf, err);
}

rt_status t5_config_load(const char *path, t5_config *config, rt_error *err) {
    bool is_folder = false;
    RT_TRY(t5_path_is_folder(path, &is_folder, err));
    if (!is_folder) {
        if (rt_gguf_is_name(path)) return t5_config_load_gguf(path, config, err);
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_READ, "%s: not a folder (a model is a folder with config.json, or a .gguf file)",
                       rt_quote_path(shown, path));
    }
    char *gguf;
    RT_TRY(find_gguf(path, &gguf, err));
    const rt_status status = gguf == NULL ? t5_config_load_folder(path, config, err) : t5_config_load_gguf(gguf, config, err);
    free(gguf);
    return status;
}

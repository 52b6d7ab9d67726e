/* The config of a model in the checkpoint's own words; see inspect.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/gguf.h"
#include "model/config.h"
#include "model/json_file.h"
#include "model/path.h"
#include "tools/inspect.h"

enum { BYT5_VOCAB_SIZE = 384 }; /* 3 special ids, 256 bytes, 125 sentinels */

/* ---- whose words ---- */

/* The config.json that describes the model, to be freed, or NULL where the keys of a GGUF file do; as t5_config_load chooses. */
static rt_status find_json(const inspection *x, char **json, rt_error *err) {
    bool is_folder;
    RT_TRY(t5_path_is_folder(x->path, &is_folder, err));
    RT_TRY(is_folder ? t5_path_join(x->path, "config.json", json, err) : t5_path_beside(x->path, "config.json", json, err));
    bool has_keys = is_folder && !t5_path_exists(*json);
    if (!is_folder && rt_gguf_is_name(x->path)) {
        rt_gguf_file file;
        const rt_status status = ckpt_gguf_read(x->path, &file, err);
        if (status != RT_OK) {
            free(*json);
            return status;
        }
        has_keys = ckpt_gguf_has_config(&file.gguf);
        rt_gguf_close(&file);
    }
    if (has_keys) {
        free(*json);
        *json = NULL;
    }
    return RT_OK;
}

/* ---- the family ---- */

/* v1.1 brought the gate; what came after differs in the vocabulary, which a GGUF file's keys do not name. */
static const char *name_family(const t5_config *config, const char *model_type) {
    if (config->has_bias_per_layer) return "UMT5";
    if (config->vocab_size == BYT5_VOCAB_SIZE) return "ByT5";
    if (model_type != NULL && strcmp(model_type, "mt5") == 0) return "mT5";
    if (!config->is_gated_act) return "T5";
    return model_type != NULL ? "T5 v1.1" : "T5 v1.1 or mT5";
}

static rt_status find_family(inspection *x, const char *json_path, rt_error *err) {
    cJSON *json = NULL;
    if (json_path != NULL) RT_TRY(t5_json_read(json_path, T5_JSON_CONFIG_BYTES, &json, err));
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "model_type");
    x->family = name_family(&x->config, cJSON_IsString(type) ? type->valuestring : json != NULL ? "t5" : NULL);
    cJSON_Delete(json);
    return RT_OK;
}

/* ---- the values ---- */

static inspect_value *add(inspection *x, const char *prefix, const char *name) {
    inspect_value *value = &x->value[x->n_values++];
    snprintf(value->name, sizeof value->name, "%s%s", prefix, name);
    return value;
}

static void add_size(inspection *x, const t5_size_key *key, bool is_gguf) {
    const bool has_key = is_gguf && key->gguf != NULL;
    inspect_value *value = add(x, has_key ? "t5." : "", has_key ? key->gguf : key->json);
    snprintf(value->value, sizeof value->value, "%zu", *(const size_t *)((const char *)&x->config + key->offset));
}

static void add_id(inspection *x, const char *name, int32_t id) {
    inspect_value *value = add(x, "", name);
    snprintf(value->value, sizeof value->value, "%d", id);
}

static void add_flag(inspection *x, const char *name, bool flag) {
    inspect_value *value = add(x, "", name);
    snprintf(value->value, sizeof value->value, "%s", flag ? "true" : "false");
}

/* With as few digits as read back the same. */
static void add_float(inspection *x, const char *name, float number) {
    char text[INSPECT_VALUE_SIZE] = "";
    for (int digits = 1; digits <= 9 && strtof(text, NULL) != number; digits++) snprintf(text, sizeof text, "%.*g", digits, (double)number);
    memcpy(add(x, "", name)->value, text, sizeof text);
}

static void add_activation(inspection *x) {
    static const char *const names[] = {[T5_RELU] = "relu", [T5_GELU_TANH] = "gelu_new", [T5_GELU_ERF] = "gelu", [T5_SILU] = "silu"};
    inspect_value *value = add(x, "", "dense_act_fn");
    snprintf(value->value, sizeof value->value, "%s", names[x->config.activation]);
    value->is_text = true;
}

static void list_values(inspection *x, bool is_gguf) {
    const t5_config *c = &x->config;
    for (size_t i = 0; i < T5_N_SIZE_KEYS; i++) add_size(x, &t5_size_keys[i], is_gguf);
    add_size(x, &t5_decoder_layers_key, is_gguf);
    add_activation(x);
    add_flag(x, "is_gated_act", c->is_gated_act);
    add_flag(x, "scale_decoder_outputs", c->scale_decoder_outputs);
    add_float(x, is_gguf ? "t5.attention.layer_norm_rms_epsilon" : "layer_norm_epsilon", c->layer_norm_epsilon);
    add_id(x, is_gguf ? "tokenizer.ggml.padding_token_id" : "pad_token_id", c->pad_token_id);
    add_id(x, is_gguf ? "tokenizer.ggml.eos_token_id" : "eos_token_id", c->eos_token_id);
    add_id(x, is_gguf ? "t5.decoder_start_token_id" : "decoder_start_token_id", c->decoder_start_token_id);
}

rt_status inspect_config(inspection *x, rt_error *err) {
    char *json;
    RT_TRY(find_json(x, &json, err));
    const rt_status status = find_family(x, json, err);
    list_values(x, json == NULL);
    free(json);
    return status;
}

/* Opening a model to convert it, and the keys of the new file; see convert.h. */
#include "model/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/gguf.h"
#include "model/config.h"
#include "model/convert_tensors.h"
#include "model/json_file.h"
#include "model/path.h"
#include "model/weights.h"

enum { PACKED_ALIGNMENT = 64, CONTEXT_LENGTH_DEFAULT = 512, QUANTIZATION_VERSION = 2 };

static const char config_key[] = "t5k.config_json";

struct t5_conversion {
    t5_conversion_params params;
    t5_config config;
    ckpt_checkpoint *checkpoint;
    const rt_kernels *kernels;
    t5_pieces pieces;
    size_t context_length;
    rt_text config_json; /* the text of config.json, empty where there is none */
    rt_text name;        /* that the model has in its file; likewise */
};

/* ---- what is only told: the rest of config.json ---- */

static rt_status take_json(t5_conversion *c, const char *path, rt_error *err) {
    cJSON *json = NULL;
    rt_file_map map;
    RT_TRY(t5_json_read(path, T5_JSON_CONFIG_BYTES, &json, err));
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(json, "n_positions");
    if (cJSON_IsNumber(n) && n->valuedouble >= 1 && n->valuedouble <= INT32_MAX) c->context_length = (size_t)n->valuedouble;
    cJSON_Delete(json);
    RT_TRY(rt_file_map_open(path, &map, err));
    const rt_status status = rt_text_append(&c->config_json, (const char *)map.data, map.size, err);
    rt_file_map_close(&map);
    return status;
}

/* A GGUF file that speaks for itself. */
static rt_status take_keys(t5_conversion *c, const rt_gguf *gguf, rt_error *err) {
    const rt_gguf_pair *length = rt_gguf_find(gguf, c->config.num_decoder_layers > 0 ? "t5.context_length" : "t5encoder.context_length");
    const rt_gguf_pair *json = rt_gguf_find(gguf, config_key);
    uint64_t n = CONTEXT_LENGTH_DEFAULT;
    const rt_gguf_pair *name = rt_gguf_find(gguf, "general.name");
    rt_gguf_text text = {0};
    if (name != NULL) {
        RT_TRY(rt_gguf_string(gguf, name, &text, err));
        RT_TRY(rt_text_append(&c->name, text.v, text.n, err));
    }
    if (length != NULL) RT_TRY(rt_gguf_count(gguf, length, &n, err));
    c->context_length = n < INT32_MAX ? (size_t)n : INT32_MAX;
    if (json == NULL) return RT_OK;
    RT_TRY(rt_gguf_string(gguf, json, &text, err));
    return rt_text_append(&c->config_json, text.v, text.n, err);
}

/* The config lies where t5_config_load has found it: in the folder, or in the GGUF file, or beside that. */
static rt_status take_rest(t5_conversion *c, const char *path, rt_error *err) {
    const char *gguf_path = ckpt_count(c->checkpoint) > 0 ? ckpt_at(c->checkpoint, 0)->file : path;
    bool is_folder = false;
    char *json = NULL;
    RT_TRY(t5_path_is_folder(path, &is_folder, err));
    RT_TRY(is_folder ? t5_path_join(path, "config.json", &json, err) : t5_path_beside(path, "config.json", &json, err));
    rt_gguf_file file = {0};
    rt_status status = RT_OK;
    if (rt_gguf_is_name(gguf_path)) status = ckpt_gguf_read(gguf_path, &file, err);
    const bool has_keys = status == RT_OK && ckpt_gguf_has_config(&file.gguf) && (!is_folder || !t5_path_exists(json));
    if (has_keys) status = take_keys(c, &file.gguf, err);
    else if (status == RT_OK && t5_path_exists(json)) status = take_json(c, json, err);
    rt_gguf_close(&file);
    free(json);
    return status;
}

/* ---- opening ---- */

static rt_status open_parts(t5_conversion *c, const char *path, rt_error *err) {
    t5_weights measured;
    char shown[RT_QUOTE_SIZE];
    RT_TRY(t5_config_load(path, &c->config, err));
    if (c->params.layout == T5_LAYOUT_LLAMA_CPP) RT_TRY(t5_config_check_llama_cpp(rt_quote_path(shown, path), &c->config, err));
    RT_TRY(ckpt_open(path, &c->checkpoint, err));
    RT_TRY(t5_weights_measure(c->checkpoint, &c->config, T5_F32, &measured, err));
    RT_TRY(rt_kernels_choose(NULL, &c->kernels, err));
    RT_TRY(take_rest(c, path, err));
    return t5_pieces_list(c->checkpoint, &c->config, &c->params, &c->pieces, err);
}

rt_status t5_conversion_open(const char *path, const t5_conversion_params *params, t5_conversion **conversion, rt_error *err) {
    t5_conversion *c = calloc(1, sizeof *c);
    if (c == NULL) return rt_fail_memory(err, sizeof *c, "a conversion");
    c->params = *params;
    c->context_length = CONTEXT_LENGTH_DEFAULT;
    const rt_status status = open_parts(c, path, err);
    if (status != RT_OK) {
        t5_conversion_close(c);
        return status;
    }
    *conversion = c;
    return RT_OK;
}

void t5_conversion_close(t5_conversion *c) {
    if (c == NULL) return;
    ckpt_close(c->checkpoint);
    free(c->pieces.v);
    rt_text_free(&c->config_json);
    rt_text_free(&c->name);
    free(c);
}

const t5_config *t5_conversion_config(const t5_conversion *c) { return &c->config; }

size_t t5_conversion_alignment(const t5_conversion *c) {
    return c->params.layout == T5_LAYOUT_T5K ? PACKED_ALIGNMENT : RT_GGUF_ALIGNMENT;
}

/* ---- keys ---- */

/* "223M": how many numbers there are, in at least two digits. */
static void name_size(const t5_conversion *c, char label[32]) {
    static const struct {
        double unit;
        char letter;
    } units[] = {{1e12, 'T'}, {1e9, 'B'}, {1e6, 'M'}, {1e3, 'K'}};
    double n = 0;
    for (size_t i = 0; i < c->pieces.n; i++) {
        const t5_piece *p = &c->pieces.v[i];
        if (p->part == T5_PART_ROWS || p->part == T5_PART_PANELS) n += (double)p->rows * (double)p->cols;
    }
    size_t u = 0;
    while (u < 3 && n <= units[u].unit) u++;
    const double scaled = n / units[u].unit;
    snprintf(label, 32, "%.*f%c", scaled < 0.5 ? 2 : scaled < 9.5 ? 1 : 0, scaled, units[u].letter);
}

/* The number that llama.cpp has for a file that is mostly of the embedding's type. */
static uint32_t file_type(const t5_conversion *c) {
    static const uint32_t numbers[RT_N_DTYPES] = {[RT_F32] = 0,  [RT_F16] = 1,  [RT_BF16] = 32, [RT_Q8_0] = 7,
                                                  [RT_Q4_0] = 2, [RT_Q4_1] = 3, [RT_Q5_0] = 8,  [RT_Q5_1] = 9};
    rt_dtype type = c->params.has_type ? c->params.type : RT_F32;
    for (size_t i = 0; i < c->pieces.n && !c->params.has_type; i++) {
        if (strcmp(c->pieces.v[i].kind, "shared") == 0) type = c->pieces.v[i].type;
    }
    return numbers[type];
}

static bool has_head(const t5_conversion *c) {
    for (size_t i = 0; i < c->pieces.n; i++) {
        if (strcmp(c->pieces.v[i].kind, "lm_head") == 0) return true;
    }
    return false;
}

static rt_status put_string(rt_gguf_writer *writer, const char *key, const char *text, rt_error *err) {
    return rt_gguf_put_string(writer, key, text, strlen(text), err);
}

rt_status t5_conversion_put_keys(const t5_conversion *c, const char *name, rt_gguf_writer *writer, rt_error *err) {
    const bool is_packed = c->params.layout == T5_LAYOUT_T5K;
    char label[32];
    name_size(c, label);
    RT_TRY(put_string(writer, "general.architecture", c->config.num_decoder_layers > 0 ? "t5" : "t5encoder", err));
    RT_TRY(put_string(writer, "general.type", "model", err));
    RT_TRY(c->name.n > 0 ? rt_gguf_put_string(writer, "general.name", c->name.v, c->name.n, err)
                         : put_string(writer, "general.name", name, err));
    RT_TRY(put_string(writer, "general.size_label", label, err));
    if (is_packed) RT_TRY(rt_gguf_put_u32(writer, "general.alignment", PACKED_ALIGNMENT, err));
    if (is_packed) RT_TRY(rt_gguf_put_u32(writer, "t5k.layout", CKPT_GGUF_LAYOUT, err));
    RT_TRY(t5_config_put_gguf(&c->config, is_packed, has_head(c), c->context_length, writer, err));
    if (is_packed && c->config_json.n > 0) RT_TRY(rt_gguf_put_string(writer, config_key, c->config_json.v, c->config_json.n, err));
    RT_TRY(rt_gguf_put_u32(writer, "general.file_type", file_type(c), err));
    return rt_gguf_put_u32(writer, "general.quantization_version", QUANTIZATION_VERSION, err);
}

/* ---- tensors ---- */

size_t t5_conversion_count(const t5_conversion *c) { return c->pieces.n; }

t5_conversion_tensor t5_conversion_at(const t5_conversion *c, size_t i) {
    const t5_piece *p = &c->pieces.v[i];
    return (t5_conversion_tensor){.name = p->name, .kind = p->kind, .source = p->source->file, .from = p->source->dtype, .type = p->type,
                                  .is_derived = p->part == T5_PART_SCREEN || p->part == T5_PART_BOUNDS, .n_bytes = p->n_bytes};
}

rt_status t5_conversion_put_tensors(const t5_conversion *c, rt_gguf_writer *writer, rt_error *err) {
    for (size_t i = 0; i < c->pieces.n; i++) {
        const t5_piece *p = &c->pieces.v[i];
        RT_TRY(rt_gguf_put_tensor(writer, p->name, p->rank, p->shape, p->stored, err));
    }
    return RT_OK;
}

rt_status t5_conversion_write(t5_conversion *c, size_t i, const t5_sink *sink, t5_loss *loss, rt_error *err) {
    const t5_piece *p = &c->pieces.v[i];
    const rt_status status = t5_piece_write(p, c->kernels, sink, loss, err);
    ckpt_release(c->checkpoint, p->source);
    return status;
}

/* tokenizer_config.json, read through cJSON; see tokenizer_config.h. */
#include "tokenizer/tokenizer_config.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "runtime/file_map.h"

tok_config tok_config_defaults(void) { return (tok_config){.lower_case = false, .legacy = true, .extra_ids = 100}; }

static rt_status read_bool(const char *file, const cJSON *item, bool *value, rt_error *err) {
    if (!cJSON_IsBool(item)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a truth value (%s, allowed true and false)", file, item->string);
    }
    *value = cJSON_IsTrue(item) != 0;
    return RT_OK;
}

static rt_status read_extra_ids(const char *file, const cJSON *item, size_t *value, rt_error *err) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= TOK_MAX_SENTINELS) ||
        item->valuedouble != (double)item->valueint) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a number of sentinels (extra_ids, value %g, allowed 0 to %d)", file,
                       cJSON_IsNumber(item) ? item->valuedouble : -1.0, TOK_MAX_SENTINELS);
    }
    *value = (size_t)item->valueint;
    return RT_OK;
}

static rt_status read_keys(const char *file, const cJSON *root, tok_config *config, rt_error *err) {
    if (!cJSON_IsObject(root)) return rt_fail(err, RT_ERR_MALFORMED, "%s: not a JSON object", file);
    tok_config read = *config;
    bool has_extra_ids = false;
    const cJSON *item;
    cJSON_ArrayForEach(item, root) {
        if (cJSON_IsNull(item)) continue;
        if (strcmp(item->string, "do_lower_case") == 0) RT_TRY(read_bool(file, item, &read.lower_case, err));
        if (strcmp(item->string, "legacy") == 0) RT_TRY(read_bool(file, item, &read.legacy, err));
        if (strcmp(item->string, "tokenizer_class") == 0) {
            read.is_byt5 = cJSON_IsString(item) && strcmp(item->valuestring, "ByT5Tokenizer") == 0;
        }
        if (strcmp(item->string, "extra_ids") == 0) {
            RT_TRY(read_extra_ids(file, item, &read.extra_ids, err));
            has_extra_ids = true;
        }
    }
    if (read.is_byt5 && (!has_extra_ids || read.extra_ids == 0)) read.extra_ids = TOK_BYT5_SENTINELS;
    *config = read;
    return RT_OK;
}

rt_status tok_config_parse(const char *file, const char *json, size_t n_bytes, tok_config *config, rt_error *err) {
    if (n_bytes > TOK_MAX_CONFIG_BYTES) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too large (%zu bytes, at most %d)", file, n_bytes, TOK_MAX_CONFIG_BYTES);
    }
    const char *end = json;
    cJSON *root = cJSON_ParseWithLengthOpts(json, n_bytes, &end, 0);
    if (root == NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: not JSON (offset %zu)", file, (size_t)(end - json));
    while (end < json + n_bytes && memchr(" \t\r\n", *end, 4) != NULL) end++;
    rt_status status = RT_OK;
    if (end < json + n_bytes) {
        status = rt_fail(err, RT_ERR_MALFORMED, "%s: bytes behind the JSON object (offset %zu)", file, (size_t)(end - json));
    } else {
        status = read_keys(file, root, config, err);
    }
    cJSON_Delete(root);
    return status;
}

rt_status tok_config_load(const char *path, tok_config *config, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    rt_file_map map;
    RT_TRY(rt_file_map_open(path, &map, err));
    const rt_status status = tok_config_parse(rt_quote_path(shown, path), (const char *)map.data, map.size, config, err);
    rt_file_map_close(&map);
    return status;
}

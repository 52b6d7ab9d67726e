/* A whole JSON file read into a cJSON tree, strictly: valid JSON in UTF-8 to the last byte, an object at the top, no byte-order mark, no
 * object with the same key twice, at most T5_JSON_MAX_DEPTH levels and T5_JSON_MAX_VALUES values. */
#ifndef MODEL_JSON_FILE_H
#define MODEL_JSON_FILE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "runtime/status.h"

enum {
    T5_JSON_MAX_DEPTH = 32,
    T5_JSON_MAX_VALUES = 1 << 18,      /* four times the tensors a checkpoint may have; bounds the tree's memory */
    T5_JSON_CONFIG_BYTES = 1 << 20,    /* at most, for a config */
    T5_JSON_INDEX_BYTES = 64 * 1 << 20 /* at most, for an index of shards */
};

/* Reads the file at path. The caller frees *json with cJSON_Delete. RT_ERR_READ, RT_ERR_MALFORMED; RT_ERR_LIMIT over max_bytes. */
rt_status t5_json_read(const char *path, size_t max_bytes, cJSON **json, rt_error *err);

/* The same from bytes in memory; file is the name for messages. */
rt_status t5_json_parse(const char *file, const uint8_t *data, size_t size, cJSON **json, rt_error *err);

#endif

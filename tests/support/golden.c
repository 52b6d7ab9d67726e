/* Reading the golden cases; see golden.h. These files are ours, so a defect in them ends the test. */
#include "tests/support/golden.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/file_map.h"

struct golden_file {
    rt_file_map map;
    cJSON *header;
    const char *data;
};

cJSON *golden_json(const char *path) {
    rt_file_map map;
    rt_error err;
    ck_assert_msg(rt_file_map_open(path, &map, &err) == RT_OK, "%s", err.message);
    cJSON *json = cJSON_ParseWithLength((const char *)map.data, map.size);
    ck_assert_msg(json != NULL, "%s: not JSON", path);
    rt_file_map_close(&map);
    return json;
}

golden_file *golden_open(const char *path) {
    golden_file *file = calloc(1, sizeof *file);
    rt_error err;
    uint64_t header_bytes;
    ck_assert_msg(rt_file_map_open(path, &file->map, &err) == RT_OK, "%s", err.message);
    memcpy(&header_bytes, file->map.data, sizeof header_bytes);
    file->header = cJSON_ParseWithLength((const char *)file->map.data + 8, header_bytes);
    ck_assert_ptr_nonnull(file->header);
    file->data = (const char *)file->map.data + 8 + header_bytes;
    return file;
}

void golden_close(golden_file *file) {
    cJSON_Delete(file->header);
    rt_file_map_close(&file->map);
    free(file);
}

golden_tensor golden_field(const golden_file *file, const cJSON *a_case, const char *field) {
    const cJSON *name = cJSON_GetObjectItem(cJSON_GetObjectItem(a_case, "tensors"), field);
    if (name == NULL) name = cJSON_GetObjectItem(a_case, field);
    ck_assert_msg(cJSON_IsString(name), "no tensor for %s", field);
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(file->header, name->valuestring);
    ck_assert_msg(entry != NULL, "no tensor %s", name->valuestring);
    const cJSON *offsets = cJSON_GetObjectItem(entry, "data_offsets"), *shape = cJSON_GetObjectItem(entry, "shape");
    const size_t begin = (size_t)cJSON_GetArrayItem(offsets, 0)->valuedouble, end = (size_t)cJSON_GetArrayItem(offsets, 1)->valuedouble;
    golden_tensor t = {.n = (end - begin) / 4, .rows = cJSON_GetArraySize(shape) > 0 ? (size_t)cJSON_GetArrayItem(shape, 0)->valuedouble : 1};
    const void *data = file->data + begin;
    ck_assert_msg((uintptr_t)data % 4 == 0, "%s is misaligned", name->valuestring);
    if (strcmp(cJSON_GetObjectItem(entry, "dtype")->valuestring, "F32") == 0) t.f = data;
    else t.i = data;
    return t;
}

t5_ids golden_ids(const cJSON *array) {
    const size_t n = (size_t)cJSON_GetArraySize(array);
    int32_t *ids = malloc((n + 1) * sizeof *ids);
    size_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array) ids[i++] = item->valueint;
    return (t5_ids){.ids = ids, .n = n};
}

static size_t number(const cJSON *object, const char *key, size_t otherwise) {
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return item != NULL ? (size_t)item->valuedouble : otherwise;
}

void golden_topk(const cJSON *a_case, t5_session_params *params) {
    const cJSON *topk = cJSON_GetObjectItem(a_case, "topk");
    params->ff_topk = number(topk, "ff", T5_ALL);
    params->encoder_topk = number(topk, "encoder_self", T5_ALL);
    params->decoder_topk = number(topk, "decoder_self", T5_ALL);
    params->cross_topk = number(topk, "cross", T5_ALL);
}

t5_generate_params golden_options(const cJSON *a_case) {
    const cJSON *options = cJSON_GetObjectItem(a_case, "options");
    t5_generate_params p = t5_generate_defaults();
    p.max_new_tokens = number(options, "max_new_tokens", 20);
    p.min_new_tokens = number(options, "min_new_tokens", 0);
    p.num_beams = number(options, "num_beams", 1);
    p.num_return_sequences = number(options, "num_return_sequences", 1);
    p.no_repeat_ngram_size = number(options, "no_repeat_ngram_size", 0);
    const cJSON *penalty = cJSON_GetObjectItem(options, "length_penalty"), *early = cJSON_GetObjectItem(options, "early_stopping");
    if (penalty != NULL) p.length_penalty = (float)penalty->valuedouble;
    if (early != NULL) p.early_stopping = cJSON_IsString(early) ? T5_EARLY_NEVER : cJSON_IsTrue(early) ? T5_EARLY_TRUE : T5_EARLY_FALSE;
    return p;
}

double golden_atol(const cJSON *a_case, const char *field) {
    return cJSON_GetObjectItem(cJSON_GetObjectItem(a_case, "atol"), field)->valuedouble;
}

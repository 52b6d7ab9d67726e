/* The index of a sharded checkpoint; see shard_index.h. */
#include "model/checkpoint/shard_index.h"

#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/safetensors_header.h"
#include "model/json_file.h"
#include "model/path.h"

static int by_tensor(const void *a, const void *b) {
    return strcmp(((const ckpt_index_row *)a)->tensor, ((const ckpt_index_row *)b)->tensor);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* A shard lies beside its index: nothing outside the model's folder is opened. */
static bool is_plain_name(const char *name) {
    return *name != '\0' && strpbrk(name, "/\\") == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static rt_status add_row(const char *file, ckpt_index *index, const cJSON *member, rt_error *err) {
    char tensor[RT_QUOTE_SIZE], shard[RT_QUOTE_SIZE];
    rt_quote(tensor, member->string, strlen(member->string));
    if (!cJSON_IsString(member)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the shard of tensor '%s' is not a text (weight_map)", file, tensor);
    }
    if (!is_plain_name(member->valuestring)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the shard of tensor '%s' is not a file of this folder (weight_map, '%s', a plain name)",
                       file, tensor, rt_quote(shard, member->valuestring, strlen(member->valuestring)));
    }
    index->shards[index->n_rows] = member->valuestring;
    index->rows[index->n_rows++] = (ckpt_index_row){.tensor = member->string, .shard = member->valuestring};
    return RT_OK;
}

/* Sorts the rows, and the shards without repetition. */
static rt_status sort_rows(const char *file, ckpt_index *index, rt_error *err) {
    qsort(index->rows, index->n_rows, sizeof *index->rows, by_tensor);
    qsort(index->shards, index->n_rows, sizeof *index->shards, by_text);
    for (size_t i = 0; i < index->n_rows; i++) {
        const char *shard = index->shards[i];
        if (index->n_shards == 0 || strcmp(index->shards[index->n_shards - 1], shard) != 0) index->shards[index->n_shards++] = shard;
    }
    if (index->n_shards <= CKPT_MAX_SHARDS) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "%s: too many shards (weight_map, %zu, at most %d)", file, index->n_shards, CKPT_MAX_SHARDS);
}

static rt_status read_rows(const char *file, ckpt_index *index, rt_error *err) {
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(index->json, "weight_map");
    if (map == NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: no weight_map", file);
    if (!cJSON_IsObject(map) || map->child == NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: weight_map is not an object with members", file);
    }
    size_t n = 0;
    for (const cJSON *member = map->child; member != NULL; member = member->next) n++;
    if (n > CKPT_MAX_TENSORS) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too many tensors (weight_map, %zu, at most %d)", file, n, CKPT_MAX_TENSORS);
    }
    index->rows = malloc(n * sizeof *index->rows);
    index->shards = malloc(n * sizeof *index->shards);
    if (index->rows == NULL || index->shards == NULL) return rt_fail_memory(err, n * sizeof *index->rows, "the index of shards");
    for (const cJSON *member = map->child; member != NULL; member = member->next) RT_TRY(add_row(file, index, member, err));
    return sort_rows(file, index, err);
}

rt_status ckpt_index_read(const char *path, ckpt_index *index, rt_error *err) {
    char file[RT_QUOTE_SIZE];
    RT_TRY(t5_json_read(path, T5_JSON_INDEX_BYTES, &index->json, err));
    return read_rows(rt_quote_path(file, path), index, err);
}

void ckpt_index_free(ckpt_index *index) {
    free(index->rows);
    free(index->shards);
    cJSON_Delete(index->json);
    *index = (ckpt_index){0};
}

static rt_status fail_unlisted(const char *path, const ckpt_tensor *tensor, rt_error *err) {
    char shard[RT_QUOTE_SIZE], name[RT_QUOTE_SIZE], file[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_DISAGREE, "%s: tensor '%s' is not listed in %s (weight_map)",
                   rt_quote_path(shard, tensor->file), rt_quote(name, tensor->name, strlen(tensor->name)),
                   rt_quote_path(file, path));
}

/* found: the name of the shard that has it, or NULL. */
static rt_status fail_absent(const char *path, const ckpt_index_row *row, const char *found, rt_error *err) {
    char file[RT_QUOTE_SIZE], name[RT_QUOTE_SIZE], shard[RT_QUOTE_SIZE], other[RT_QUOTE_SIZE];
    rt_quote_path(file, path);
    rt_quote(name, row->tensor, strlen(row->tensor));
    rt_quote(shard, row->shard, strlen(row->shard));
    if (found == NULL) return rt_fail(err, RT_ERR_DISAGREE, "%s: tensor '%s' is not in its shard %s (weight_map)", file, name, shard);
    return rt_fail(err, RT_ERR_DISAGREE, "%s: tensor '%s' is not in its shard %s but in %s (weight_map)", file, name, shard,
                   rt_quote(other, found, strlen(found)));
}

rt_status ckpt_index_compare(const char *path, const ckpt_index *index, const ckpt_tensor *tensors, size_t n, rt_error *err) {
    size_t row = 0, i = 0;
    while (row < index->n_rows || i < n) {
        const int order = row == index->n_rows ? 1 : i == n ? -1 : strcmp(index->rows[row].tensor, tensors[i].name);
        if (order < 0) return fail_absent(path, &index->rows[row], NULL, err);
        if (order > 0) return fail_unlisted(path, &tensors[i], err);
        const char *found = t5_path_name(tensors[i].file);
        if (strcmp(found, index->rows[row].shard) != 0) return fail_absent(path, &index->rows[row], found, err);
        row++;
        i++;
    }
    return RT_OK;
}

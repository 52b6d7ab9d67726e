/* An editable copy of a checkpoint folder; see model_folder.h. */
#include "tests/support/model_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "tests/support/golden.h"
#include "tests/support/text.h"

static void copy_tensor(const ckpt_tensor *from, folder_tensor *to) {
    *to = (folder_tensor){.rank = from->rank, .n_bytes = from->n_bytes, .data = malloc(from->n_bytes)};
    snprintf(to->name, sizeof to->name, "%s", from->name);
    snprintf(to->dtype, sizeof to->dtype, "%s", rt_dtype_of(from->dtype).name);
    memcpy(to->shape, from->shape, sizeof to->shape);
    if (to->data == NULL) ck_abort_msg("out of memory");
    memcpy(to->data, from->data, from->n_bytes);
}

void folder_open(model_folder *folder, const char *from) {
    char path[256];
    ckpt_checkpoint *checkpoint;
    rt_error err;
    *folder = (model_folder){0};
    scratch_open(&folder->files);
    snprintf(path, sizeof path, "%s/config.json", from);
    folder->config = golden_json(path);
    if (ckpt_open(from, &checkpoint, &err) != RT_OK) ck_abort_msg("%s", err.message);
    folder->n_tensors = ckpt_count(checkpoint);
    folder->tensor = malloc(folder->n_tensors * sizeof *folder->tensor);
    if (folder->tensor == NULL) ck_abort_msg("out of memory");
    for (size_t i = 0; i < folder->n_tensors; i++) copy_tensor(ckpt_at(checkpoint, i), &folder->tensor[i]);
    ckpt_close(checkpoint);
}

void folder_close(model_folder *folder) {
    for (size_t i = 0; i < folder->n_tensors; i++) free(folder->tensor[i].data);
    free(folder->tensor);
    cJSON_Delete(folder->config);
    scratch_close(&folder->files);
}

static void append_entry(const folder_tensor *t, size_t at, rt_text *header) {
    text_append(header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", at > 0 ? "," : "", t->name, t->dtype);
    for (unsigned d = 0; d < t->rank; d++) text_append(header, "%s%zu", d > 0 ? "," : "", t->shape[d]);
    text_append(header, "],\"data_offsets\":[%zu,%zu]}", at, at + t->n_bytes);
}

const char *folder_write(model_folder *folder) {
    rt_text header = {0}, file = {0};
    text_append(&header, "{");
    size_t at = 0;
    for (size_t i = 0; i < folder->n_tensors; at += folder->tensor[i++].n_bytes) append_entry(&folder->tensor[i], at, &header);
    text_append(&header, "}");
    for (size_t i = 0; i < folder->header_padding; i++) text_append(&header, " ");
    const uint64_t n_header = header.n;
    text_append_bytes(&file, &n_header, sizeof n_header);
    text_append_bytes(&file, header.v, header.n);
    for (size_t i = 0; i < folder->n_tensors; i++) text_append_bytes(&file, folder->tensor[i].data, folder->tensor[i].n_bytes);
    scratch_write(&folder->files, "model.safetensors", file.v, file.n);
    rt_text_free(&header);
    rt_text_free(&file);

    char *json = cJSON_PrintUnformatted(folder->config);
    scratch_write_text(&folder->files, "config.json", json);
    free(json);
    return folder->files.folder;
}

folder_tensor *folder_find(const model_folder *folder, const char *name) {
    for (size_t i = 0; i < folder->n_tensors; i++) {
        if (strcmp(folder->tensor[i].name, name) == 0) return &folder->tensor[i];
    }
    ck_abort_msg("no tensor %s", name);
}

void folder_drop(model_folder *folder, const char *prefix) {
    size_t n = 0;
    for (size_t i = 0; i < folder->n_tensors; i++) {
        if (strncmp(folder->tensor[i].name, prefix, strlen(prefix)) == 0) free(folder->tensor[i].data);
        else folder->tensor[n++] = folder->tensor[i];
    }
    if (n == folder->n_tensors) ck_abort_msg("no tensor %s", prefix);
    folder->n_tensors = n;
}

void folder_cut_rows(folder_tensor *tensor, size_t n) {
    if (n > tensor->shape[0]) ck_abort_msg("%s has %zu rows", tensor->name, tensor->shape[0]);
    tensor->n_bytes = tensor->n_bytes / tensor->shape[0] * n;
    tensor->shape[0] = n;
}

float *folder_reshape(folder_tensor *tensor, size_t rows, size_t cols) {
    tensor->n_bytes = rows * cols * sizeof(float);
    void *data = realloc(tensor->data, tensor->n_bytes);
    if (data == NULL) ck_abort_msg("out of memory");
    tensor->data = data;
    tensor->rank = 2, tensor->shape[0] = rows, tensor->shape[1] = cols;
    strcpy(tensor->dtype, "F32");
    return data;
}

static void set(model_folder *folder, const char *key, cJSON *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(folder->config, key);
    cJSON_AddItemToObject(folder->config, key, value);
}

void folder_set_number(model_folder *folder, const char *key, double value) { set(folder, key, cJSON_CreateNumber(value)); }

void folder_set_text(model_folder *folder, const char *key, const char *value) { set(folder, key, cJSON_CreateString(value)); }

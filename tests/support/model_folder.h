/* An editable copy of a checkpoint folder: open it, edit config and tensors in memory, write it to a temporary folder, and open that one.
 * What fails here ends the test. */
#ifndef TESTS_SUPPORT_MODEL_FOLDER_H
#define TESTS_SUPPORT_MODEL_FOLDER_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "tests/support/scratch.h"

typedef struct folder_tensor {
    char name[96], dtype[8]; /* "F32", "F16", ... */
    unsigned rank;
    size_t shape[4], n_bytes;
    uint8_t *data; /* [n_bytes] */
} folder_tensor;

typedef struct model_folder {
    scratch files;
    cJSON *config;
    folder_tensor *tensor; /* [n_tensors] */
    size_t n_tensors;
    size_t header_padding; /* spaces at the header's end: the data moves by so many bytes */
} model_folder;

/* Reads config.json and all tensors of a folder. */
void folder_open(model_folder *folder, const char *from);
void folder_close(model_folder *folder);

/* Writes config.json and model.safetensors, and returns the folder's path. */
const char *folder_write(model_folder *folder);

folder_tensor *folder_find(const model_folder *folder, const char *name);

/* Removes the tensors whose names begin so; at least one must. */
void folder_drop(model_folder *folder, const char *prefix);

/* Keeps the first n rows of a tensor. */
void folder_cut_rows(folder_tensor *tensor, size_t n);

/* Makes it F32 of that shape, and returns its values, not initialised. */
float *folder_reshape(folder_tensor *tensor, size_t rows, size_t cols);

void folder_set_number(model_folder *folder, const char *key, double value);
void folder_set_text(model_folder *folder, const char *key, const char *value);

#endif

/* A safetensors file of F32 tensors, put in place in one step. */
#ifndef TOOLS_SAFETENSORS_WRITE_H
#define TOOLS_SAFETENSORS_WRITE_H

#include "runtime/status.h"

typedef struct st_tensor {
    const char *name; /* needs no escaping in JSON */
    size_t rows, cols;
    const float *data; /* [rows, cols] */
} st_tensor;

/* Writes all tensors to path: to a temporary file in the same folder, synced, then renamed. RT_ERR_WRITE leaves what was at path, and no
 * temporary file. */
rt_status st_write(const char *path, const st_tensor *tensors, size_t n, rt_error *err);

#endif

/* A safetensors file of F32 tensors, put in place in one step. */
#ifndef TOOLS_SAFETENSORS_WRITE_H
#define TOOLS_SAFETENSORS_WRITE_H

#include "runtime/status.h"

typedef struct st_tensor {
    const char *name; /* needs no escaping in JSON */
    size_t rows, cols;
    const float *data; /* [rows, cols] */
} st_tensor;

/* Writes all tensors to path: to a temporary file in the same folder, synced, then renamed, and the folder synced. RT_ERR_WRITE leaves no
 * temporary file, and what was at path; only if it is the sync of the folder that failed, the new file is there already. */
rt_status st_write(const char *path, const st_tensor *tensors, size_t n, rt_error *err);

#endif

/* One file of a checkpoint in a form that may come in shards: safetensors, or PyTorch's. The ending of its name tells which. */
#ifndef MODEL_CHECKPOINT_FILE_H
#define MODEL_CHECKPOINT_FILE_H

#include "model/checkpoint/pytorch.h"
#include "model/checkpoint/safetensors.h"

/* Zeroed at first; one of the two is open. */
typedef struct ckpt_file {
    ckpt_safetensors safetensors;
    ckpt_pytorch pytorch;
} ckpt_file;

/* By the endings .bin, .pt, .pth and .ckpt PyTorch's form, else safetensors. */
rt_status ckpt_file_open(const char *path, ckpt_file *file, rt_error *err);
void ckpt_file_close(ckpt_file *file);

size_t ckpt_file_count(const ckpt_file *file);

/* Writes the tensors, ckpt_file_count of them. RT_ERR_UNSUPPORTED where one has a type that is not read. */
rt_status ckpt_file_tensors(const ckpt_file *file, ckpt_tensor *tensors, rt_error *err);

#endif

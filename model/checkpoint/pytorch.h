/* One PyTorch checkpoint file, as torch.save writes a state dict: tensors by name, views of storages.
 *
 *     element (i, j, ...) of a tensor = storage[offset + i * stride[0] + j * stride[1] + ...]
 *
 * Two forms, told apart by their first bytes (pytorch_zip.c, pytorch_legacy.c). A tensor whose elements follow one another is left in the
 * mapped file; one that does not, or whose storage is deflated, is copied into memory of the file's own, at most CKPT_MAX_GROWTH times
 * the file's size in all. Names that share a storage share its bytes. */
#ifndef MODEL_CHECKPOINT_PYTORCH_H
#define MODEL_CHECKPOINT_PYTORCH_H

#include "model/checkpoint/checkpoint.h"
#include "runtime/arena.h"
#include "runtime/buffer.h"
#include "runtime/file_map.h"

enum { CKPT_MAX_GROWTH = 100 };

/* Zeroed at first. */
typedef struct ckpt_pytorch {
    char *path; /* owned */
    rt_file_map map;
    ckpt_tensor *tensors; /* [n], sorted by name; file is NULL until the file is opened by path */
    size_t n;
    rt_text names;
    rt_arena copies;
} ckpt_pytorch;

rt_status ckpt_pytorch_open(const char *path, ckpt_pytorch *pt, rt_error *err);
void ckpt_pytorch_close(ckpt_pytorch *pt); /* a zeroed one is closed already */

/* The same on bytes in memory, which the tensors then point into. On failure there is nothing to close. */
rt_status ckpt_pytorch_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_pytorch *pt, rt_error *err);

#endif

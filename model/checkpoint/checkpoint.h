/* A checkpoint: named tensors, whatever files they lie in. One reader a file form stands behind this interface.
 *
 * Forms read: safetensors, and PyTorch's files (checkpoint/pytorch.h), each whole or in shards by an index; and GGUF (checkpoint/gguf.h).
 * Every size, offset, shape and name is proved sound before anything is returned; the data itself stays in the mapped files and is not
 * looked at, but for what a PyTorch file deflates or does not store in one piece. */
#ifndef MODEL_CHECKPOINT_CHECKPOINT_H
#define MODEL_CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/file_map.h"
#include "runtime/matrix.h"
#include "runtime/status.h"

enum { CKPT_MAX_RANK = 4 };

typedef struct ckpt_tensor {
    const char *name; /* NUL-terminated, UTF-8, no control bytes */
    rt_dtype dtype;
    unsigned rank; /* 0 .. CKPT_MAX_RANK */
    size_t shape[CKPT_MAX_RANK];
    const uint8_t *data; /* [n_bytes], row-major, little-endian; may be misaligned for its type; valid until ckpt_close */
    size_t n_bytes;
    const char *file; /* path of the file that holds it */
} ckpt_tensor;

typedef struct ckpt_checkpoint ckpt_checkpoint;

/* path: a folder (the first of model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json, its one
 * .gguf file), or a .safetensors, .bin (.pt, .pth, .ckpt), .index.json or .gguf file itself. */
rt_status ckpt_open(const char *path, ckpt_checkpoint **checkpoint, rt_error *err);
void ckpt_close(ckpt_checkpoint *checkpoint); /* NULL does nothing */

/* A checkpoint that was never a file: n tensors (from malloc) whose names and data lie in `memory`, private pages from mmap. Both are the
 * checkpoint's on RT_OK. What ckpt_release gives back of them is lost. `name` stands in messages for the path. */
rt_status ckpt_of_memory(const char *name, const rt_file_map *memory, ckpt_tensor *tensors, size_t n, ckpt_checkpoint **checkpoint,
                         rt_error *err);

/* All tensors, sorted by name in byte order. */
size_t ckpt_count(const ckpt_checkpoint *checkpoint);
const ckpt_tensor *ckpt_at(const ckpt_checkpoint *checkpoint, size_t i);

/* The tensor of that name, or NULL. */
const ckpt_tensor *ckpt_find(const ckpt_checkpoint *checkpoint, const char *name);

/* The tensors come with what the kernels derive from them (gguf_names.h), made and checked by t5k's converter. */
bool ckpt_is_packed(const ckpt_checkpoint *checkpoint);

/* The tensor's bytes will not be read again soon: where they lie in a file, they stop counting as this process's memory. */
void ckpt_release(const ckpt_checkpoint *checkpoint, const ckpt_tensor *tensor);

/* The path given to ckpt_open, for messages. */
const char *ckpt_path(const ckpt_checkpoint *checkpoint);

#endif

/* A GGUF file as a checkpoint. Two dialects are read:
 *
 *     llama.cpp's  keys that say what the model is (general.architecture first), and tensor names of its own (gguf_names.h)
 *     candle's     no such keys, and the names of Hugging Face's checkpoints; config.json lies beside the file
 *
 * Tensors come out under Hugging Face's names either way; those that llama.cpp does not name keep the names they have. */
#ifndef MODEL_CHECKPOINT_GGUF_H
#define MODEL_CHECKPOINT_GGUF_H

#include "model/checkpoint/checkpoint.h"
#include "runtime/buffer.h"
#include "runtime/gguf.h"

/* The arrangement of the tensors that t5k's converter adds (gguf_names.h): the value of their file's key t5k.layout. */
enum { CKPT_GGUF_LAYOUT = 1 };

typedef struct ckpt_gguf {
    char *path; /* owned */
    rt_gguf_file file;
    rt_text names;        /* of the tensors, one after another */
    ckpt_tensor *tensors; /* [n], in no order */
    size_t n;
} ckpt_gguf;

rt_status ckpt_gguf_open(const char *path, ckpt_gguf *gguf, rt_error *err);
void ckpt_gguf_close(ckpt_gguf *gguf); /* a zeroed one is closed already */

/* rt_gguf_open, and a file of another kind is told by what it looks like. RT_ERR_UNSUPPORTED where the file is a part of a model. */
rt_status ckpt_gguf_read(const char *path, rt_gguf_file *file, rt_error *err);

/* The file speaks llama.cpp's dialect. */
bool ckpt_gguf_has_config(const rt_gguf *gguf);

/* t5k has converted the file, in its own layout: what the kernels read is there as they read it. */
bool ckpt_gguf_is_packed(const rt_gguf *gguf);

/* The feed-forward layers of such a file have a gate. */
bool ckpt_gguf_is_gated(const rt_gguf *gguf);

#endif

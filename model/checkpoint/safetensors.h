/* One safetensors file: u64 little-endian length of the header, the header (safetensors_header.h), then the tensors' bytes one after
 * another, row-major and little-endian.
 *
 * An open file is proved: every tensor's bytes lie in the file and are as many as its shape and type say, and the tensors cover the data
 * from its first byte to its last without a hole and without overlap. Any element type of the format may occur. */
#ifndef MODEL_CHECKPOINT_SAFETENSORS_H
#define MODEL_CHECKPOINT_SAFETENSORS_H

#include "model/checkpoint/safetensors_header.h"
#include "runtime/file_map.h"

enum { CKPT_MAX_HEADER = 100000000 };

typedef struct ckpt_safetensors {
    char *path; /* owned */
    rt_file_map map;
    ckpt_header header;
    const uint8_t *data; /* where data_offsets count from */
} ckpt_safetensors;

rt_status ckpt_safetensors_open(const char *path, ckpt_safetensors *st, rt_error *err);
void ckpt_safetensors_close(ckpt_safetensors *st); /* a zeroed one is closed already */

/* The entry of that name, or NULL; its bytes are st->data + begin .. st->data + end. */
const ckpt_entry *ckpt_safetensors_find(const ckpt_safetensors *st, const char *name);

/* The proof on bytes in memory. *data_at is where the data begins; on success the caller frees *header, on failure there is none. */
rt_status ckpt_safetensors_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_header *header, size_t *data_at, rt_error *err);

#endif

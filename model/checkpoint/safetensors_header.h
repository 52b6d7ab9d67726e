/* The JSON header of a safetensors file:
 *
 *     {"__metadata__": {TEXT: TEXT, ...}, NAME: {"dtype": TEXT, "shape": [N, ...], "data_offsets": [BEGIN, END]}, ...}
 *
 * It is read by a parser of its own, because what a general JSON reader forgives lets two programs see two different models in one file:
 * a key given twice, a key that nobody reads, an offset written as a fraction. All of these are refused. Offsets stay what the header
 * claims; safetensors.c proves them. */
#ifndef MODEL_CHECKPOINT_SAFETENSORS_HEADER_H
#define MODEL_CHECKPOINT_SAFETENSORS_HEADER_H

#include <stdbool.h>

#include "model/checkpoint/checkpoint.h"
#include "runtime/buffer.h"

enum { CKPT_MAX_TENSORS = 65536, CKPT_MAX_NAME = 256 };

/* An element type by its name in the format. */
typedef struct ckpt_element {
    const char *name;
    unsigned bits;
    bool readable; /* then dtype is what it is to the kernels */
    rt_dtype dtype;
} ckpt_element;

typedef struct ckpt_entry {
    const char *name; /* NUL-terminated, 1 .. CKPT_MAX_NAME bytes of UTF-8 without control bytes */
    size_t name_at;   /* byte offset of the name in the file */
    const ckpt_element *element;
    unsigned rank; /* 0 .. CKPT_MAX_RANK */
    size_t shape[CKPT_MAX_RANK];
    size_t begin, end; /* data_offsets, from the start of the data */
} ckpt_entry;

/* Zeroed at first; sorted by name in byte order, no name twice. */
typedef struct ckpt_header {
    ckpt_entry *entries; /* [n] */
    size_t n, capacity;
    rt_text names; /* the entries' names, one after another */
} ckpt_header;

/* Parses the JSON text data [size], which lies `base` bytes into the file; `file` is the name for messages. RT_ERR_MALFORMED; RT_ERR_LIMIT
 * for more tensors or dimensions than we take. On failure *header still has to be freed. */
rt_status ckpt_header_parse(const char *file, const uint8_t *data, size_t size, size_t base, ckpt_header *header, rt_error *err);
void ckpt_header_free(ckpt_header *header);

#endif

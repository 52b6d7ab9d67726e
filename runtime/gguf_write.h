/* GGUF files written (gguf.h): pairs and tensor infos are collected, then the head of the file is made of them. The data follows it, tensor
 * by tensor in the order of the infos, each filled up to the alignment; who writes the file does that. */
#ifndef RUNTIME_GGUF_WRITE_H
#define RUNTIME_GGUF_WRITE_H

#include "runtime/buffer.h"
#include "runtime/gguf.h"

/* Zeroed at first, but for the alignment. */
typedef struct rt_gguf_writer {
    size_t alignment; /* a power of two, 8 .. 4096; one that is not RT_GGUF_ALIGNMENT needs its pair, general.alignment */
    rt_text pairs, infos;
    size_t n_pairs, n_tensors;
    size_t data_bytes; /* of all tensors, each filled up */
} rt_gguf_writer;

void rt_gguf_writer_free(rt_gguf_writer *writer);

rt_status rt_gguf_put_u32(rt_gguf_writer *writer, const char *key, uint32_t value, rt_error *err);
rt_status rt_gguf_put_f32(rt_gguf_writer *writer, const char *key, float value, rt_error *err);
rt_status rt_gguf_put_bool(rt_gguf_writer *writer, const char *key, bool value, rt_error *err);
rt_status rt_gguf_put_string(rt_gguf_writer *writer, const char *key, const char *v, size_t n, rt_error *err);

/* An array of n numbers of that type, as they lie in memory. */
rt_status rt_gguf_put_numbers(rt_gguf_writer *writer, const char *key, rt_gguf_type element, const void *values, size_t n, rt_error *err);

/* An array of n strings, which rt_gguf_append_string has put one after another into `strings`. */
rt_status rt_gguf_put_strings(rt_gguf_writer *writer, const char *key, const rt_text *strings, size_t n, rt_error *err);
rt_status rt_gguf_append_string(rt_text *strings, const char *v, size_t n, rt_error *err);

/* The info of the next tensor: shape [rank] with the slowest-varying dimension first. RT_ERR_LIMIT where its bytes cannot be counted. */
rt_status rt_gguf_put_tensor(rt_gguf_writer *writer, const char *name, unsigned rank, const size_t *shape, rt_dtype dtype, rt_error *err);

/* Appends all that comes before the data. */
rt_status rt_gguf_head(const rt_gguf_writer *writer, rt_text *out, rt_error *err);

/* How many zeros follow n bytes. */
size_t rt_gguf_padding(size_t alignment, size_t n);

#endif

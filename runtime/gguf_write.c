/* The head of a GGUF file; see gguf_write.h. */
#include "runtime/gguf_write.h"

#include <string.h>

#include "runtime/checked.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie in memory");

enum { VERSION = 3 };

static rt_status append(rt_text *out, const void *bytes, size_t n, rt_error *err) { return rt_text_append(out, bytes, n, err); }

static rt_status append_u32(rt_text *out, uint32_t value, rt_error *err) { return append(out, &value, sizeof value, err); }

static rt_status append_u64(rt_text *out, uint64_t value, rt_error *err) { return append(out, &value, sizeof value, err); }

void rt_gguf_writer_free(rt_gguf_writer *writer) {
    rt_text_free(&writer->pairs);
    rt_text_free(&writer->infos);
}

rt_status rt_gguf_append_string(rt_text *strings, const char *v, size_t n, rt_error *err) {
    RT_TRY(append_u64(strings, n, err));
    return append(strings, v, n, err);
}

/* ---- pairs ---- */

static rt_status start_pair(rt_gguf_writer *writer, const char *key, rt_gguf_type type, rt_error *err) {
    writer->n_pairs++;
    RT_TRY(rt_gguf_append_string(&writer->pairs, key, strlen(key), err));
    return append_u32(&writer->pairs, (uint32_t)type, err);
}

rt_status rt_gguf_put_u32(rt_gguf_writer *writer, const char *key, uint32_t value, rt_error *err) {
    RT_TRY(start_pair(writer, key, RT_GGUF_U32, err));
    return append_u32(&writer->pairs, value, err);
}

rt_status rt_gguf_put_f32(rt_gguf_writer *writer, const char *key, float value, rt_error *err) {
    RT_TRY(start_pair(writer, key, RT_GGUF_F32, err));
    return append(&writer->pairs, &value, sizeof value, err);
}

rt_status rt_gguf_put_bool(rt_gguf_writer *writer, const char *key, bool value, rt_error *err) {
    const uint8_t byte = value ? 1 : 0;
    RT_TRY(start_pair(writer, key, RT_GGUF_BOOL, err));
    return append(&writer->pairs, &byte, sizeof byte, err);
}

rt_status rt_gguf_put_string(rt_gguf_writer *writer, const char *key, const char *v, size_t n, rt_error *err) {
    RT_TRY(start_pair(writer, key, RT_GGUF_STRING, err));
    return rt_gguf_append_string(&writer->pairs, v, n, err);
}

static rt_status start_array(rt_gguf_writer *writer, const char *key, rt_gguf_type element, size_t n, rt_error *err) {
    RT_TRY(start_pair(writer, key, RT_GGUF_ARRAY, err));
    RT_TRY(append_u32(&writer->pairs, (uint32_t)element, err));
    return append_u64(&writer->pairs, n, err);
}

rt_status rt_gguf_put_numbers(rt_gguf_writer *writer, const char *key, rt_gguf_type element, const void *values, size_t n, rt_error *err) {
    RT_TRY(start_array(writer, key, element, n, err));
    return append(&writer->pairs, values, n * rt_gguf_type_bytes(element), err);
}

rt_status rt_gguf_put_strings(rt_gguf_writer *writer, const char *key, const rt_text *strings, size_t n, rt_error *err) {
    RT_TRY(start_array(writer, key, RT_GGUF_STRING, n, err));
    return append(&writer->pairs, strings->v, strings->n, err);
}

/* ---- tensors ---- */

size_t rt_gguf_padding(size_t alignment, size_t n) { return (alignment - n % alignment) % alignment; }

rt_status rt_gguf_put_tensor(rt_gguf_writer *writer, const char *name, unsigned rank, const size_t *shape, rt_dtype dtype, rt_error *err) {
    size_t n = 1, n_bytes;
    bool fits = true;
    for (unsigned d = 0; d < rank; d++) fits = fits && rt_mul_size(n, shape[d], &n);
    fits = fits && rt_mul_size(n, 4, &n_bytes); /* no type has more bytes an element */
    if (fits) n_bytes = rt_dtype_bytes(dtype, n);
    if (!fits || !rt_add_size(n_bytes, rt_gguf_padding(writer->alignment, n_bytes), &n_bytes) ||
        !rt_add_size(writer->data_bytes, n_bytes, &n_bytes)) {
        return rt_fail(err, RT_ERR_LIMIT, "tensor %s is too large to write", name);
    }
    RT_TRY(rt_gguf_append_string(&writer->infos, name, strlen(name), err));
    RT_TRY(append_u32(&writer->infos, rank, err));
    for (unsigned d = rank; d-- > 0;) RT_TRY(append_u64(&writer->infos, shape[d], err));
    RT_TRY(append_u32(&writer->infos, rt_gguf_element_of(dtype)->id, err));
    RT_TRY(append_u64(&writer->infos, writer->data_bytes, err));
    writer->data_bytes = n_bytes;
    writer->n_tensors++;
    return RT_OK;
}

rt_status rt_gguf_head(const rt_gguf_writer *writer, rt_text *out, rt_error *err) {
    static const char zero = '\0';
    const size_t start = out->n;
    RT_TRY(append(out, "GGUF", 4, err));
    RT_TRY(append_u32(out, VERSION, err));
    RT_TRY(append_u64(out, writer->n_tensors, err));
    RT_TRY(append_u64(out, writer->n_pairs, err));
    RT_TRY(append(out, writer->pairs.v, writer->pairs.n, err));
    RT_TRY(append(out, writer->infos.v, writer->infos.n, err));
    for (size_t n = rt_gguf_padding(writer->alignment, out->n - start); n > 0; n--) RT_TRY(append(out, &zero, 1, err));
    return RT_OK;
}

/* One safetensors file, proved sound; see safetensors.h. */
#include "model/checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "model/file_guess.h"
#include "runtime/checked.h"

enum { LENGTH_BYTES = 8 };

static rt_status fail_tensor(const char *file, const ckpt_entry *entry, rt_error *err, const char *defect) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': %s (data_offsets %zu to %zu, entry at byte offset %zu)", file,
                   rt_quote(shown, entry->name, strlen(entry->name)), defect, entry->begin, entry->end, entry->name_at);
}

/* The span lies in the data and has exactly the bytes that shape and dtype give. Their product may not wrap, not even before a dimension
 * of 0. */
static rt_status check_span(const char *file, const ckpt_entry *entry, size_t data_bytes, rt_error *err) {
    if (entry->begin > entry->end) return fail_tensor(file, entry, err, "ends before it begins");
    if (entry->end > data_bytes) return fail_tensor(file, entry, err, "reaches past the end of the file");
    size_t bits = entry->element->bits;
    for (unsigned i = 0; i < entry->rank; i++) {
        if (!rt_mul_size(bits, entry->shape[i], &bits)) return fail_tensor(file, entry, err, "its shape is larger than can be counted");
    }
    if (bits % 8 != 0) return fail_tensor(file, entry, err, "its shape does not fill whole bytes");
    if (bits / 8 == entry->end - entry->begin) return RT_OK;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED,
                   "%s: tensor '%s': its shape and its data_offsets disagree (entry at byte offset %zu, data_offsets span %zu bytes, "
                   "shape of %s needs %zu)",
                   file, rt_quote(shown, entry->name, strlen(entry->name)), entry->name_at, entry->end - entry->begin,
                   entry->element->name, bits / 8);
}

static int by_place(const void *a, const void *b) {
    const ckpt_entry *x = *(const ckpt_entry *const *)a, *y = *(const ckpt_entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* order [n]: the entries as they lie in the data. Each begins where the one before ends, the first at 0, the last ends with the file. */
static rt_status check_cover(const char *file, const ckpt_entry **order, size_t n, size_t data_bytes, rt_error *err) {
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        if (order[i]->begin < end) return fail_tensor(file, order[i], err, "lies over another tensor");
        if (order[i]->begin > end) return fail_tensor(file, order[i], err, "leaves a hole before it");
        end = order[i]->end;
    }
    if (end == data_bytes) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: bytes after the last tensor (%zu bytes of data, %zu in tensors)", file, data_bytes, end);
}

static rt_status check_layout(const char *file, const ckpt_header *header, size_t data_bytes, rt_error *err) {
    for (size_t i = 0; i < header->n; i++) RT_TRY(check_span(file, &header->entries[i], data_bytes, err));
    if (header->n == 0) return check_cover(file, NULL, 0, data_bytes, err);
    const size_t bytes = header->n * sizeof(const ckpt_entry *);
    const ckpt_entry **order = malloc(bytes);
    if (order == NULL) return rt_fail_memory(err, bytes, "the order of the tensors");
    for (size_t i = 0; i < header->n; i++) order[i] = &header->entries[i];
    qsort(order, header->n, sizeof *order, by_place);
    const rt_status status = check_cover(file, order, header->n, data_bytes, err);
    free(order);
    return status;
}

/* The length of the header, proved to lie in the file. */
static rt_status read_length(const char *file, const uint8_t *bytes, size_t size, size_t *length, rt_error *err) {
    if (size < LENGTH_BYTES) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: too short for safetensors (%zu bytes, at least %d)", file, size, LENGTH_BYTES);
    }
    uint64_t n = 0;
    for (size_t i = LENGTH_BYTES; i-- > 0;) n = n << 8 | bytes[i];
    if (n >= 2 && n <= CKPT_MAX_HEADER && n <= size - LENGTH_BYTES) {
        *length = (size_t)n;
        return RT_OK;
    }
    const char *guess = t5_file_guess(bytes, size);
    if (guess != NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: not safetensors: it looks like %s", file, guess);
    const size_t room = size - LENGTH_BYTES < CKPT_MAX_HEADER ? size - LENGTH_BYTES : CKPT_MAX_HEADER;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: impossible length of the header (byte offset 0, %llu, allowed 2 to %zu)", file,
                   (unsigned long long)n, room);
}

rt_status ckpt_safetensors_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_header *header, size_t *data_at, rt_error *err) {
    size_t length = 0;
    RT_TRY(read_length(file, bytes, size, &length, err));
    ckpt_header parsed = {0};
    rt_status status = ckpt_header_parse(file, bytes + LENGTH_BYTES, length, LENGTH_BYTES, &parsed, err);
    if (status == RT_OK) status = check_layout(file, &parsed, size - LENGTH_BYTES - length, err);
    if (status != RT_OK) {
        ckpt_header_free(&parsed);
        return status;
    }
    *header = parsed;
    *data_at = LENGTH_BYTES + length;
    return RT_OK;
}

static rt_status open_file(const char *path, ckpt_safetensors *st, rt_error *err) {
    st->path = strdup(path);
    if (st->path == NULL) return rt_fail_memory(err, strlen(path) + 1, "a path");
    RT_TRY(rt_file_map_open(path, &st->map, err));
    char file[RT_QUOTE_SIZE];
    size_t data_at;
    RT_TRY(ckpt_safetensors_parse(rt_quote_path(file, path), st->map.data, st->map.size, &st->header, &data_at, err));
    st->data = st->map.data + data_at;
    return RT_OK;
}

rt_status ckpt_safetensors_open(const char *path, ckpt_safetensors *st, rt_error *err) {
    ckpt_safetensors opened = {0};
    const rt_status status = open_file(path, &opened, err);
    if (status != RT_OK) {
        ckpt_safetensors_close(&opened);
        return status;
    }
    *st = opened;
    return RT_OK;
}

void ckpt_safetensors_close(ckpt_safetensors *st) {
    ckpt_header_free(&st->header);
    rt_file_map_close(&st->map);
    free(st->path);
    *st = (ckpt_safetensors){0};
}

static int name_of_entry(const void *name, const void *entry) { return strcmp(name, ((const ckpt_entry *)entry)->name); }

const ckpt_entry *ckpt_safetensors_find(const ckpt_safetensors *st, const char *name) {
    if (st->header.n == 0) return NULL;
    return bsearch(name, st->header.entries, st->header.n, sizeof *st->header.entries, name_of_entry);
}

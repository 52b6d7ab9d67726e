/* safetensors: u64 length of the header, a JSON header padded with spaces to a multiple of 8, then the data of the tensors, one right
 * after another, little-endian:
 *
 *     {"name":{"dtype":"F32","shape":[rows,cols],"data_offsets":[begin,end]}, ...} */
#include "tools/safetensors_write.h"

#include <string.h>

#include "runtime/buffer.h"
#include "runtime/checked.h"
#include "tools/new_file.h"
#include "tools/output.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

static rt_status data_bytes(const st_tensor *t, size_t *n, rt_error *err) {
    if (rt_mul_size(t->rows, t->cols, n) && rt_mul_size(*n, sizeof *t->data, n)) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "tensor %s is too large to write (%zu rows of %zu)", t->name, t->rows, t->cols);
}

static rt_status write_tensors(new_file *file, const st_tensor *tensors, size_t n, rt_text *header, rt_error *err) {
    size_t offset = 0, bytes;
    for (size_t i = 0; i < n; i++) {
        const st_tensor *t = &tensors[i];
        const size_t begin = offset;
        RT_TRY(data_bytes(t, &bytes, err));
        if (!rt_add_size(offset, bytes, &offset)) return rt_fail(err, RT_ERR_LIMIT, "the tensors are too large to write");
        RT_TRY(out_print(header, err, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[%zu,%zu]}", i == 0 ? "{" : ",",
                         t->name, t->rows, t->cols, begin, offset));
    }
    RT_TRY(rt_text_append(header, "}", 1, err));
    while (header->n % 8 != 0) RT_TRY(rt_text_append(header, " ", 1, err));
    const uint64_t length = header->n;
    RT_TRY(new_file_write(file, &length, sizeof length, err));
    RT_TRY(new_file_write(file, header->v, header->n, err));
    for (size_t i = 0; i < n; i++) {
        RT_TRY(data_bytes(&tensors[i], &bytes, err));
        RT_TRY(new_file_write(file, tensors[i].data, bytes, err));
    }
    return RT_OK;
}

rt_status st_write(const char *path, const st_tensor *tensors, size_t n, rt_error *err) {
    new_file file;
    rt_text header = {0};
    rt_status status = new_file_create(&file, path, err);
    if (status == RT_OK) status = write_tensors(&file, tensors, n, &header, err);
    if (status == RT_OK) status = new_file_commit(&file, err);
    new_file_discard(&file);
    rt_text_free(&header);
    return status;
}

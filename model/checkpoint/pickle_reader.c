/* The arrays of a pickle's reader; see pickle_reader.h. */
#include "model/checkpoint/pickle_reader.h"

#include <stdlib.h>
#include <string.h>

rt_status ckpt_pickle_fail(const ckpt_pickle_reader *r, rt_status status, rt_error *err, const char *defect) {
    const char *name = r->opcode_at < r->size ? ckpt_pickle_opcode_name(r->bytes[r->opcode_at]) : NULL;
    return rt_fail(err, status, "%s: %s (%s%sbyte offset %zu)", r->file, defect, name != NULL ? name : "", name != NULL ? ", " : "",
                   r->base + r->opcode_at);
}

rt_status ckpt_pickle_add(const ckpt_pickle_reader *r, ckpt_array *array, const void *element, size_t bytes, size_t max, const char *what,
                          rt_error *err) {
    if (array->n == max) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too many %s (byte offset %zu, at most %zu)", r->file, what, r->base + r->opcode_at, max);
    }
    if (array->n == array->capacity) {
        const size_t capacity = array->capacity == 0 ? 64 : 2 * array->capacity;
        void *v = realloc(array->v, capacity * bytes);
        if (v == NULL) return rt_fail_memory(err, capacity * bytes, "reading a pickle");
        array->v = v;
        array->capacity = capacity;
    }
    memcpy((char *)array->v + array->n++ * bytes, element, bytes);
    return RT_OK;
}

rt_status ckpt_pickle_push(ckpt_pickle_reader *r, ckpt_value value, rt_error *err) {
    return ckpt_pickle_add(r, &r->stack, &value, sizeof value, CKPT_PICKLE_MAX_STACK, "values on the stack", err);
}

rt_status ckpt_pickle_pop(ckpt_pickle_reader *r, ckpt_value *value, rt_error *err) {
    const size_t bottom = r->marks.n > 0 ? ((const size_t *)r->marks.v)[r->marks.n - 1] : 0;
    if (r->stack.n == bottom) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "an opcode without the values that it needs");
    *value = ((const ckpt_value *)r->stack.v)[--r->stack.n];
    return RT_OK;
}

rt_status ckpt_pickle_pop_kind(ckpt_pickle_reader *r, ckpt_kind kind, ckpt_value *value, rt_error *err) {
    RT_TRY(ckpt_pickle_pop(r, value, err));
    return value->kind == kind ? RT_OK : ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "an opcode on a value of the wrong kind");
}

const char *ckpt_pickle_text(const ckpt_pickle_reader *r, ckpt_value value) { return (const char *)r->bytes + value.index; }

bool ckpt_pickle_is_text(const ckpt_pickle_reader *r, ckpt_value value, const char *text) {
    return value.kind == CKPT_TEXT && value.n == strlen(text) && memcmp(ckpt_pickle_text(r, value), text, value.n) == 0;
}

ckpt_value ckpt_pickle_item(const ckpt_pickle_reader *r, ckpt_value tuple, size_t i) {
    return ((const ckpt_value *)r->items.v)[tuple.index + i];
}

void ckpt_pickle_reader_free(ckpt_pickle_reader *r) {
    ckpt_array *const arrays[] = {&r->stack, &r->marks, &r->memo, &r->items, &r->entries, &r->storages, &r->tensors};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]->v);
        *arrays[i] = (ckpt_array){0};
    }
}

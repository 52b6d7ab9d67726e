/* Growable arrays; see buffer.h. */
#include "runtime/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/checked.h"

/* Room for n + more elements (and one beyond), at least doubling so that appending is linear in the total. */
static rt_status reserve(void **v, size_t *capacity, size_t n, size_t more, size_t element, rt_error *err) {
    size_t need, bytes;
    if (!rt_add_size(n, more, &need) || !rt_add_size(need, 1, &need)) return rt_fail_memory(err, more, "a buffer");
    if (need <= *capacity) return RT_OK;
    size_t grown = *capacity > need / 2 ? *capacity * 2 : need;
    if (!rt_mul_size(grown, element, &bytes)) return rt_fail_memory(err, need, "a buffer");
    void *p = realloc(*v, bytes);
    if (p == NULL) return rt_fail_memory(err, bytes, "a buffer");
    *v = p;
    *capacity = grown;
    return RT_OK;
}

rt_status rt_ids_append(rt_ids *ids, const int32_t *v, size_t n, rt_error *err) {
    void *p = ids->v;
    RT_TRY(reserve(&p, &ids->capacity, ids->n, n, sizeof *v, err));
    ids->v = p;
    if (n > 0) memcpy(ids->v + ids->n, v, n * sizeof *v);
    ids->n += n;
    return RT_OK;
}

rt_status rt_text_append(rt_text *text, const char *v, size_t n, rt_error *err) {
    void *p = text->v;
    RT_TRY(reserve(&p, &text->capacity, text->n, n, 1, err));
    text->v = p;
    if (n > 0) memcpy(text->v + text->n, v, n);
    text->n += n;
    text->v[text->n] = '\0';
    return RT_OK;
}

void rt_ids_free(rt_ids *ids) {
    free(ids->v);
    *ids = (rt_ids){0};
}

void rt_text_free(rt_text *text) {
    free(text->v);
    *text = (rt_text){0};
}

/* Growable arrays of ids and of text, owned by whoever declares them: start from {0}, free once, reuse by setting n = 0. */
#ifndef RUNTIME_BUFFER_H
#define RUNTIME_BUFFER_H

#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rt_ids {
    int32_t *v; /* [n] */
    size_t n, capacity;
} rt_ids;

/* text is NUL-terminated whenever it is not NULL; n does not count the NUL, and the text may hold NULs of its own. */
typedef struct rt_text {
    char *v; /* [n + 1] */
    size_t n, capacity;
} rt_text;

rt_status rt_ids_append(rt_ids *ids, const int32_t *v, size_t n, rt_error *err);
rt_status rt_text_append(rt_text *text, const char *v, size_t n, rt_error *err);
void rt_ids_free(rt_ids *ids);
void rt_text_free(rt_text *text);

#ifdef __cplusplus
}
#endif
#endif

/* Borrowed bytes: a line, an argument, a field. They need not be UTF-8, may hold NULs and are not NUL-terminated. */
#ifndef TOOLS_SLICE_H
#define TOOLS_SLICE_H

#include <string.h>

typedef struct slice {
    const char *v; /* [n]; may be NULL when n is 0 */
    size_t n;
} slice;

static inline slice slice_of(const char *text) { return (slice){text, strlen(text)}; }

#endif

/* Text put together in tests. A test ends where memory runs out. */
#ifndef TESTS_SUPPORT_TEXT_H
#define TESTS_SUPPORT_TEXT_H

#include "runtime/buffer.h"

void text_append_bytes(rt_text *out, const void *bytes, size_t n);

/* printf to the end of *out, at most 511 bytes. */
void text_append(rt_text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

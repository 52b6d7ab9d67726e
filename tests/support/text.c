/* Text in tests; see text.h. */
#include "tests/support/text.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

/* Every assertion that holds writes a line to the test runner, so here, where millions would hold, only a failure calls it. */
void text_append_bytes(rt_text *out, const void *bytes, size_t n) {
    if (rt_text_append(out, bytes, n, NULL) != RT_OK) ck_abort_msg("out of memory");
}

void text_append(rt_text *out, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) ck_abort_msg("text of %d bytes", n);
    text_append_bytes(out, text, (size_t)n);
}

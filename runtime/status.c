/* Errors as values; see status.h. */
#include "runtime/status.h"

#include <stdarg.h>
#include <stdio.h>

rt_status rt_fail(rt_error *err, rt_status status, const char *format, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

rt_status rt_fail_memory(rt_error *err, size_t n_bytes, const char *what) {
    return rt_fail(err, RT_ERR_LIMIT, "out of memory (%zu bytes for %s)", n_bytes, what);
}

const char *rt_quote(char out[RT_QUOTE_SIZE], const char *bytes, size_t n_bytes) {
    static const char hex[] = "0123456789abcdef";
    const size_t shown = n_bytes < 64 ? n_bytes : 64;
    char *p = out;
    for (size_t i = 0; i < shown; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c < 0x7f) {
            *p++ = (char)c;
        } else {
            *p++ = '\\', *p++ = 'x', *p++ = hex[c >> 4], *p++ = hex[c & 15];
        }
    }
    if (shown < n_bytes) *p++ = '.', *p++ = '.', *p++ = '.';
    *p = '\0';
    return out;
}

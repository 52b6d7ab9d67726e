/* Errors as values; see status.h. */
#include "runtime/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

static char *escape(char *out, const char *bytes, size_t n) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c < 0x7f) *out++ = (char)c;
        else *out++ = '\\', *out++ = 'x', *out++ = hex[c >> 4], *out++ = hex[c & 15];
    }
    *out = '\0';
    return out;
}

const char *rt_quote(char out[RT_QUOTE_SIZE], const char *bytes, size_t n_bytes) {
    char *end = escape(out, bytes, n_bytes < RT_QUOTE_MAX ? n_bytes : RT_QUOTE_MAX);
    if (n_bytes > RT_QUOTE_MAX) memcpy(end, "...", 4);
    return out;
}

const char *rt_quote_path(char out[RT_QUOTE_SIZE], const char *path) {
    const size_t n = strlen(path);
    if (n <= RT_QUOTE_PATH_MAX) {
        escape(out, path, n);
    } else {
        memcpy(out, "...", 3);
        escape(out + 3, path + n - RT_QUOTE_PATH_MAX, RT_QUOTE_PATH_MAX);
    }
    return out;
}

/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef RUNTIME_UTF8_H
#define RUNTIME_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of bytes of the character at the start of s, n >= 1; 0 if there is none. */
static inline size_t rt_utf8_length(const uint8_t *s, size_t n) {
    const uint8_t lead = s[0];
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length > n) return 0;
    for (size_t k = 1; k < length; k++) {
        if ((s[k] & 0xc0) != 0x80) return 0;
    }
    if (lead == 0xe0 && s[1] < 0xa0) return 0; /* overlong */
    if (lead == 0xed && s[1] > 0x9f) return 0; /* surrogate */
    if (lead == 0xf0 && s[1] < 0x90) return 0; /* overlong */
    if (lead == 0xf4 && s[1] > 0x8f) return 0; /* above U+10FFFF */
    return length;
}

static inline bool rt_utf8_valid(const uint8_t *s, size_t n) {
    for (size_t i = 0; i < n;) {
        const size_t length = rt_utf8_length(s + i, n - i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

#endif

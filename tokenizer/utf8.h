/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef TOKENIZER_UTF8_H
#define TOKENIZER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool tok_utf8_valid(const uint8_t *s, size_t n) {
    size_t i = 0;
    while (i < n) {
        const uint8_t lead = s[i];
        const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
        if (length == 0 || length > n - i) return false;
        for (size_t k = 1; k < length; k++) {
            if ((s[i + k] & 0xc0) != 0x80) return false;
        }
        if (lead == 0xe0 && s[i + 1] < 0xa0) return false; /* overlong */
        if (lead == 0xed && s[i + 1] > 0x9f) return false; /* surrogate */
        if (lead == 0xf0 && s[i + 1] < 0x90) return false; /* overlong */
        if (lead == 0xf4 && s[i + 1] > 0x8f) return false; /* above U+10FFFF */
        i += length;
    }
    return true;
}

#endif

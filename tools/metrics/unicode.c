/* Properties of characters by binary search in tables of ranges; see unicode.h. */
#include "tools/metrics/unicode.h"

#include "tools/metrics/unicode_tables.h"

enum { NOT_UTF8 = 0xfffd, CAPITAL_I_DOT = 0x130, CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2 };

uint32_t unicode_at(slice s, size_t *length) {
    const unsigned char *b = (const unsigned char *)s.v, c = b[0];
    *length = 1;
    if (c < 0x80) return c;
    if (c < 0xc2 || c > 0xf4) return NOT_UTF8;
    const size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n > s.n) return NOT_UTF8;
    uint32_t code = c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) return NOT_UTF8;
        code = code << 6 | (b[i] & 0x3fu);
    }
    if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) || (code >= 0xd800 && code < 0xe000)) return NOT_UTF8;
    *length = n;
    return code;
}

bool unicode_is_space(uint32_t c) {
    return (c >= 0x9 && c <= 0xd) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool unicode_is_word(uint32_t c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
    size_t low = 0, high = sizeof word_ranges / sizeof *word_ranges;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c > word_ranges[middle].last) low = middle + 1;
        else if (c < word_ranges[middle].first) high = middle;
        else return true;
    }
    return false;
}

size_t unicode_space_length(slice s) {
    size_t n = 0, length;
    while (n < s.n && unicode_is_space(unicode_at((slice){s.v + n, s.n - n}, &length))) n += length;
    return n;
}

size_t unicode_token_length(slice s) {
    size_t n = 0, length;
    while (n < s.n && !unicode_is_space(unicode_at((slice){s.v + n, s.n - n}, &length))) n += length;
    return n;
}

slice unicode_strip(slice s) {
    const size_t front = unicode_space_length(s);
    if (front == s.n) return (slice){s.v, 0};
    slice rest = {s.v + front, s.n - front};
    size_t end = 0, at = 0; /* end of the last token */
    while (at < rest.n) {
        at += unicode_token_length((slice){rest.v + at, rest.n - at});
        end = at;
        at += unicode_space_length((slice){rest.v + at, rest.n - at});
    }
    return (slice){rest.v, end};
}

static uint32_t lower(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    size_t low = 0, high = sizeof lower_ranges / sizeof *lower_ranges;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const lower_range *r = &lower_ranges[middle];
        if (c > r->last) low = middle + 1;
        else if (c < r->first) high = middle;
        else return (c - r->first) % r->step == 0 ? (uint32_t)((int32_t)c + r->distance) : c;
    }
    return c;
}

static rt_status append(rt_text *out, uint32_t c, rt_error *err) {
    char v[4];
    size_t n = 1;
    if (c < 0x80) {
        v[0] = (char)c;
    } else {
        n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n; --i > 0; c >>= 6) v[i] = (char)(0x80 | (c & 0x3f));
        v[0] = (char)(0xf0u << (4 - n) | c);
    }
    return rt_text_append(out, v, n, err);
}

static bool is_letter(uint32_t c) { return unicode_is_word(c) && c != '_' && !(c >= '0' && c <= '9'); }

rt_status unicode_lower(slice text, rt_text *out, rt_error *err) {
    bool after_letter = false;
    for (size_t i = 0, length; i < text.n; i += length) {
        const uint32_t c = unicode_at((slice){text.v + i, text.n - i}, &length);
        const slice rest = {text.v + i + length, text.n - i - length};
        size_t next_length;
        if (c == NOT_UTF8) {
            RT_TRY(rt_text_append(out, text.v + i, length, err));
        } else if (c == CAPITAL_I_DOT) {
            RT_TRY(rt_text_append(out, "i\xcc\x87", 3, err));
        } else if (c == CAPITAL_SIGMA && after_letter && (rest.n == 0 || !is_letter(unicode_at(rest, &next_length)))) {
            RT_TRY(append(out, FINAL_SIGMA, err));
        } else {
            RT_TRY(append(out, lower(c), err));
        }
        after_letter = is_letter(c);
    }
    return RT_OK;
}

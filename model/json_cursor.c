/* Strict JSON tokens; see json_cursor.h. */
#include "model/json_cursor.h"

#include <string.h>

#include "runtime/utf8.h"

static rt_status fail_at(const t5_json_cursor *cursor, size_t at, const char *defect, rt_error *err) {
    return rt_fail(err, RT_ERR_MALFORMED, "%s: not JSON: %s (byte offset %zu)", cursor->file, defect, cursor->base + at);
}

/* The next byte is not what the grammar allows here. */
static rt_status fail_expected(const t5_json_cursor *cursor, const char *expected, rt_error *err) {
    char found[RT_QUOTE_SIZE];
    if (cursor->at >= cursor->size) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not JSON: the text ends where %s must follow (byte offset %zu)", cursor->file, expected,
                       cursor->base + cursor->at);
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: not JSON: found '%s' where %s must follow (byte offset %zu)", cursor->file,
                   rt_quote(found, (const char *)cursor->data + cursor->at, 1), expected, cursor->base + cursor->at);
}

/* Without skipping white space; 0 at the end. */
static uint8_t next_byte(const t5_json_cursor *cursor) { return cursor->at < cursor->size ? cursor->data[cursor->at] : 0; }

uint8_t t5_json_peek(t5_json_cursor *cursor) {
    uint8_t c = next_byte(cursor);
    while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        cursor->at++;
        c = next_byte(cursor);
    }
    return c;
}

size_t t5_json_offset(t5_json_cursor *cursor) {
    (void)t5_json_peek(cursor);
    return cursor->base + cursor->at;
}

rt_status t5_json_take(t5_json_cursor *cursor, char c, rt_error *err) {
    const char expected[] = {'\'', c, '\'', '\0'};
    if (t5_json_peek(cursor) != (uint8_t)c) return fail_expected(cursor, expected, err);
    cursor->at++;
    return RT_OK;
}

rt_status t5_json_more(t5_json_cursor *cursor, char close, size_t n_done, bool *more, rt_error *err) {
    const uint8_t c = t5_json_peek(cursor);
    *more = c != (uint8_t)close;
    if (!*more) {
        cursor->at++;
        return RT_OK;
    }
    if (n_done == 0) return RT_OK;
    if (c != ',') return fail_expected(cursor, close == '}' ? "',' or '}'" : "',' or ']'", err);
    cursor->at++;
    return RT_OK;
}

static void put_byte(t5_json_text *text, uint32_t byte) {
    if (text->n < text->capacity) text->v[text->n] = (char)byte;
    text->n++;
}

static void put_code_point(t5_json_text *text, uint32_t c) {
    if (c < 0x80) {
        put_byte(text, c);
    } else if (c < 0x800) {
        put_byte(text, 0xc0 | c >> 6);
        put_byte(text, 0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put_byte(text, 0xe0 | c >> 12);
        put_byte(text, 0x80 | (c >> 6 & 0x3f));
        put_byte(text, 0x80 | (c & 0x3f));
    } else {
        put_byte(text, 0xf0 | c >> 18);
        put_byte(text, 0x80 | (c >> 12 & 0x3f));
        put_byte(text, 0x80 | (c >> 6 & 0x3f));
        put_byte(text, 0x80 | (c & 0x3f));
    }
}

/* Four hexadecimal digits. */
static rt_status read_hex4(t5_json_cursor *cursor, uint32_t *value, rt_error *err) {
    *value = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = next_byte(cursor);
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = c - (uint32_t)'0';
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            digit = (c | 0x20u) - 'a' + 10;
        } else {
            return fail_expected(cursor, "a hexadecimal digit", err);
        }
        *value = *value << 4 | digit;
        cursor->at++;
    }
    return RT_OK;
}

/* What follows "\u": one code unit, or two that make a surrogate pair. */
static rt_status read_unicode_escape(t5_json_cursor *cursor, t5_json_text *text, rt_error *err) {
    const size_t start = cursor->at - 2;
    uint32_t c, low;
    RT_TRY(read_hex4(cursor, &c, err));
    if (c == 0) return fail_at(cursor, start, "the escape \\u0000 is not accepted", err);
    if (c >= 0xd800 && c < 0xe000) {
        const bool pair = c < 0xdc00 && cursor->size - cursor->at >= 2 && memcmp(cursor->data + cursor->at, "\\u", 2) == 0;
        if (!pair) return fail_at(cursor, start, "a lone surrogate", err);
        cursor->at += 2;
        RT_TRY(read_hex4(cursor, &low, err));
        if (low < 0xdc00 || low >= 0xe000) return fail_at(cursor, start, "a lone surrogate", err);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_code_point(text, c);
    return RT_OK;
}

/* What follows a backslash. */
static rt_status read_escape(t5_json_cursor *cursor, t5_json_text *text, rt_error *err) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const uint8_t c = next_byte(cursor);
    const char *letter = c == 0 ? NULL : strchr(letters, c);
    if (letter != NULL) {
        cursor->at++;
        put_byte(text, (uint8_t)meanings[letter - letters]);
        return RT_OK;
    }
    if (c != 'u') return fail_expected(cursor, "an escape of JSON", err);
    cursor->at++;
    return read_unicode_escape(cursor, text, err);
}

rt_status t5_json_string(t5_json_cursor *cursor, t5_json_text *text, rt_error *err) {
    if (t5_json_peek(cursor) != '"') return fail_expected(cursor, "a string", err);
    cursor->at++;
    text->n = 0;
    while (next_byte(cursor) != '"') {
        if (cursor->at >= cursor->size) return fail_expected(cursor, "the end of a string", err);
        const uint8_t *p = cursor->data + cursor->at;
        if (*p < 0x20) return fail_at(cursor, cursor->at, "a control byte inside a string", err);
        if (*p == '\\') {
            cursor->at++;
            RT_TRY(read_escape(cursor, text, err));
            continue;
        }
        const size_t bytes = rt_utf8_length(p, cursor->size - cursor->at);
        if (bytes == 0) return fail_at(cursor, cursor->at, "a string that is not UTF-8", err);
        for (size_t i = 0; i < bytes; i++) put_byte(text, p[i]);
        cursor->at += bytes;
    }
    cursor->at++;
    return RT_OK;
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

rt_status t5_json_natural(t5_json_cursor *cursor, uint64_t *value, rt_error *err) {
    static const char expected[] = "a whole number of digits alone";
    if (!is_digit(t5_json_peek(cursor))) return fail_expected(cursor, expected, err);
    const size_t start = cursor->at;
    uint64_t v = 0;
    while (is_digit(next_byte(cursor))) {
        if (cursor->at > start && cursor->data[start] == '0') return fail_at(cursor, start, "a number with a leading zero", err);
        const uint64_t digit = next_byte(cursor) - (uint64_t)'0';
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, digit, &v)) {
            return fail_at(cursor, start, "a number over 2^64 - 1", err);
        }
        cursor->at++;
    }
    const uint8_t after = next_byte(cursor);
    if (after == '.' || after == 'e' || after == 'E') return fail_expected(cursor, expected, err);
    *value = v;
    return RT_OK;
}

/* One digit or more. */
static rt_status skip_digits(t5_json_cursor *cursor, rt_error *err) {
    if (!is_digit(next_byte(cursor))) return fail_expected(cursor, "a digit", err);
    while (is_digit(next_byte(cursor))) cursor->at++;
    return RT_OK;
}

/* [-] (0 | 1-9 digits) [. digits] [e [+-] digits] */
static rt_status skip_number(t5_json_cursor *cursor, rt_error *err) {
    const size_t start = cursor->at;
    if (next_byte(cursor) == '-') cursor->at++;
    if (next_byte(cursor) == '0') {
        cursor->at++;
        if (is_digit(next_byte(cursor))) return fail_at(cursor, start, "a number with a leading zero", err);
    } else {
        RT_TRY(skip_digits(cursor, err));
    }
    if (next_byte(cursor) == '.') {
        cursor->at++;
        RT_TRY(skip_digits(cursor, err));
    }
    if (next_byte(cursor) == 'e' || next_byte(cursor) == 'E') {
        cursor->at++;
        if (next_byte(cursor) == '+' || next_byte(cursor) == '-') cursor->at++;
        RT_TRY(skip_digits(cursor, err));
    }
    if (cursor->at - start > T5_JSON_MAX_NUMBER) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a number of %zu bytes (byte offset %zu, at most %d)", cursor->file, cursor->at - start,
                       cursor->base + start, T5_JSON_MAX_NUMBER);
    }
    return RT_OK;
}

rt_status t5_json_skip_scalar(t5_json_cursor *cursor, rt_error *err) {
    static const char *const words[] = {"true", "false", "null"};
    const uint8_t c = t5_json_peek(cursor);
    if (c == '"') return t5_json_string(cursor, &(t5_json_text){0}, err);
    if (c == '-' || is_digit(c)) return skip_number(cursor, err);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t n = strlen(words[i]);
        if (cursor->size - cursor->at >= n && memcmp(cursor->data + cursor->at, words[i], n) == 0) {
            cursor->at += n;
            return RT_OK;
        }
    }
    return fail_expected(cursor, "a value", err);
}

rt_status t5_json_end(t5_json_cursor *cursor, rt_error *err) {
    (void)t5_json_peek(cursor);
    return cursor->at == cursor->size ? RT_OK : fail_expected(cursor, "the end of the text", err);
}

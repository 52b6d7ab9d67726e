/* ByT5's text to ids and back; see bytes.h. */
#include "tokenizer/bytes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tokenizer/special_names.h"
#include "runtime/utf8.h"

enum { FIRST_BYTE = 3, FIRST_SENTINEL = FIRST_BYTE + 256 };

size_t tok_bytes_n_ids(size_t n_sentinels) { return FIRST_SENTINEL + n_sentinels; }

/* ---- text to ids ---- */

/* The number of bytes of the white space character at the start of s; 0 if there is none. White space is what Python's str.strip() takes:
 * of category Zs, or of bidirectional class WS, B or S. */
static size_t match_space(const char *s, size_t n) {
    const uint8_t *u = (const uint8_t *)s;
    if (n >= 1 && ((u[0] >= 0x09 && u[0] <= 0x0d) || (u[0] >= 0x1c && u[0] <= 0x20))) return 1;
    if (n >= 2 && u[0] == 0xc2 && (u[1] == 0x85 || u[1] == 0xa0)) return 2;
    if (n < 3) return 0;
    const unsigned c = u[0] << 16 | u[1] << 8 | u[2];
    const bool is_space = c == 0xe19a80 /* U+1680 */ || (c >= 0xe28080 && c <= 0xe2808a) /* U+2000 .. U+200A */ ||
                          c == 0xe280a8 || c == 0xe280a9 || c == 0xe280af /* U+2028, U+2029, U+202F */ ||
                          c == 0xe2819f /* U+205F */ || c == 0xe38080 /* U+3000 */;
    return is_space ? 3 : 0;
}

/* The number of bytes of the white space character at the end of s. */
static size_t match_space_at_end(const char *s, size_t n) {
    for (size_t length = 1; length <= 3 && length <= n; length++) {
        if (match_space(s + n - length, length) == length) return length;
    }
    return 0;
}

static rt_status append_bytes(const char *s, size_t n, rt_ids *ids, rt_error *err) {
    for (size_t i = 0; i < n; i++) {
        const int32_t id = FIRST_BYTE + (uint8_t)s[i];
        RT_TRY(rt_ids_append(ids, &id, 1, err));
    }
    return RT_OK;
}

/* The bytes between two names, without the white space at the ends that lie at a special token. */
static rt_status append_stretch(const char *s, size_t n, bool strip_start, bool strip_end, rt_ids *ids, rt_error *err) {
    for (size_t space; strip_start && (space = match_space(s, n)) > 0; n -= space) s += space;
    for (size_t space; strip_end && (space = match_space_at_end(s, n)) > 0;) n -= space;
    return append_bytes(s, n, ids, err);
}

rt_status tok_bytes_encode(size_t n_sentinels, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    bool behind_special = false;
    size_t first = 0, at = 0; /* of the text not yet encoded, of the scan */
    while (at < n_bytes) {
        const char *open = memchr(text + at, '<', n_bytes - at);
        if (open == NULL) break;
        at = (size_t)(open - text);
        size_t number = 0;
        const tok_special_name *special = tok_match_special(open, n_bytes - at);
        const size_t n_name = special != NULL ? special->n_bytes : tok_match_sentinel(open, n_bytes - at, n_sentinels, &number);
        if (n_name == 0) {
            at++;
            continue;
        }
        const int32_t id = special != NULL ? special->id : FIRST_SENTINEL + (int32_t)number;
        RT_TRY(append_stretch(text + first, at - first, behind_special, special != NULL, ids, err));
        RT_TRY(rt_ids_append(ids, &id, 1, err));
        behind_special = special != NULL;
        at += n_name;
        first = at;
    }
    return append_stretch(text + first, n_bytes - first, behind_special, false, ids, err);
}

/* ---- ids to text ---- */

static bool is_byte(int32_t id) { return id >= FIRST_BYTE && id < FIRST_SENTINEL; }

/* Takes out the bytes behind the first n_before that are not part of a character. */
static void drop_unsound(rt_text *text, size_t n_before) {
    size_t kept = n_before;
    for (size_t at = n_before, n; at < text->n; at += n) {
        const size_t length = rt_utf8_length((const uint8_t *)text->v + at, text->n - at);
        n = length > 0 ? length : 1;
        memmove(text->v + kept, text->v + at, length);
        kept += length;
    }
    text->n = kept;
    text->v[kept] = '\0';
}

rt_status tok_bytes_decode(const int32_t *ids, size_t n_ids, rt_text *text, rt_error *err) {
    const size_t n_before = text->n;
    RT_TRY(rt_text_append(text, "", 0, err));
    for (size_t i = 0; i < n_ids; i++) {
        if (!is_byte(ids[i])) continue;
        const char byte = (char)(ids[i] - FIRST_BYTE);
        RT_TRY(rt_text_append(text, &byte, 1, err));
    }
    drop_unsound(text, n_before);
    return RT_OK;
}

rt_status tok_bytes_piece(int32_t id, rt_text *text, rt_error *err) {
    for (size_t i = 0; i < TOK_N_SPECIAL_NAMES; i++) {
        if (tok_special_names[i].id == id) return rt_text_append(text, tok_special_names[i].name, tok_special_names[i].n_bytes, err);
    }
    char name[TOK_SENTINEL_NAME_SIZE];
    const int byte = id - FIRST_BYTE;
    const int n = !is_byte(id)                 ? snprintf(name, sizeof name, TOK_SENTINEL_PREFIX "%d>", id - FIRST_SENTINEL)
                  : byte > ' ' && byte <= '~' ? snprintf(name, sizeof name, "%c", byte)
                                               : snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte);
    return rt_text_append(text, name, (size_t)n, err);
}

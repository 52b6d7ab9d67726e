/* A scanner over the frame of a JSON document; see json_elements.h. */
#include "tools/data/json_elements.h"

#include <string.h>

#include "model/json_cursor.h"

/* The byte at offset `at` from the source's start, -1 at the end. */
static rt_status byte_at(source *s, size_t at, int *c, rt_error *err) {
    if (s->buffer.n - s->start <= at) RT_TRY(source_fill(s, at + 1, err));
    *c = s->buffer.n - s->start > at ? (unsigned char)s->buffer.v[s->start + at] : -1;
    return RT_OK;
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Takes white space and looks at what follows. */
static rt_status peek(source *s, int *c, rt_error *err) {
    for (;;) {
        RT_TRY(byte_at(s, 0, c, err));
        if (!is_space(*c)) return RT_OK;
        source_take(s, 1);
    }
}

static rt_status misfit(const source *s, int c, const char *wanted, rt_error *err) {
    if (c < 0) return rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: the file ends where %s is needed", s->name, s->n_lines + 1, wanted);
    const char byte = (char)c;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: '%s' where %s is needed", s->name, s->n_lines + 1, rt_quote(shown, &byte, 1),
                   wanted);
}

static rt_status take(source *s, char wanted, const char *name, rt_error *err) {
    int c;
    RT_TRY(peek(s, &c, err));
    if (c != wanted) return misfit(s, c, name, err);
    source_take(s, 1);
    return RT_OK;
}

/* *end is the offset behind the string that begins at `at`. */
static rt_status string_end(source *s, size_t at, size_t *end, rt_error *err) {
    for (size_t i = at + 1;; i++) {
        int c;
        RT_TRY(byte_at(s, i, &c, err));
        if (c < 0) return misfit(s, c, "the end of a string", err);
        if (c == '"') {
            *end = i + 1;
            return RT_OK;
        }
        if (c == '\\') i++;
        if (i > SOURCE_ELEMENT_BYTES) break;
    }
    return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: a string is too long (at most %d bytes)", s->name, s->n_lines + 1,
                   SOURCE_ELEMENT_BYTES);
}

/* *n is the length of the value that begins at the source's start. */
static rt_status value_length(source *s, size_t *n, rt_error *err) {
    size_t depth = 0;
    for (size_t i = 0; i <= SOURCE_ELEMENT_BYTES;) {
        int c;
        RT_TRY(byte_at(s, i, &c, err));
        if (c < 0 && depth > 0) return misfit(s, c, "the end of a value", err);
        if (depth == 0 && i > 0 && (c < 0 || is_space(c) || strchr(",]}", c) != NULL)) {
            *n = i;
            return RT_OK;
        }
        if (c < 0 || (depth == 0 && strchr(",]}", c) != NULL)) return misfit(s, c, "a value", err);
        if (c == '"') {
            RT_TRY(string_end(s, i, &i, err));
        } else {
            if (c == '{' || c == '[') depth++;
            if (c == '}' || c == ']') depth--;
            i++;
        }
        if (depth == 0 && (c == '"' || c == '}' || c == ']')) {
            *n = i;
            return RT_OK;
        }
    }
    return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: an element is too long (at most %d bytes)", s->name, s->n_lines + 1,
                   SOURCE_ELEMENT_BYTES);
}

/* Takes a key and its colon; *is_data whether the key is "data". */
static rt_status take_key(source *s, bool *is_data, rt_error *err) {
    int c;
    size_t n;
    RT_TRY(peek(s, &c, err));
    if (c != '"') return misfit(s, c, "a key", err);
    RT_TRY(string_end(s, 0, &n, err));
    *is_data = n == 6 && memcmp(s->buffer.v + s->start, "\"data\"", 6) == 0;
    source_take(s, n);
    return take(s, ':', "a colon", err);
}

/* Takes the comma before the next element of a frame, or the closing bracket. */
static rt_status more(source *s, char close, bool first, bool *has_more, rt_error *err) {
    int c;
    RT_TRY(peek(s, &c, err));
    *has_more = c != close;
    if (c == close || (!first && c == ',')) {
        source_take(s, 1);
        return RT_OK;
    }
    return first ? RT_OK : misfit(s, c, close == ']' ? "a comma or ']'" : "a comma or '}'", err);
}

static rt_status skip_value(source *s, rt_error *err) {
    int c;
    size_t n;
    RT_TRY(peek(s, &c, err));
    RT_TRY(value_length(s, &n, err));
    source_take(s, n);
    return RT_OK;
}

/* Takes members up to the '[' of "data". */
static rt_status enter_data(source *s, rt_error *err) {
    RT_TRY(take(s, '{', "'{'", err));
    for (bool first = true;; first = false) {
        bool has_more, is_data = false;
        RT_TRY(more(s, '}', first, &has_more, err));
        if (!has_more) return rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: no member 'data'", s->name, s->n_lines + 1);
        RT_TRY(take_key(s, &is_data, err));
        if (is_data) return take(s, '[', "'['", err);
        RT_TRY(skip_value(s, err));
    }
}

/* Behind the elements: what is left of the top object, then nothing but white space. */
static rt_status finish(const json_elements *j, source *s, rt_error *err) {
    bool has_more = j->frame == JSON_DATA, is_data;
    while (has_more) {
        RT_TRY(more(s, '}', false, &has_more, err));
        if (!has_more) break;
        RT_TRY(take_key(s, &is_data, err));
        RT_TRY(skip_value(s, err));
    }
    int c;
    RT_TRY(peek(s, &c, err));
    return c < 0 ? RT_OK : misfit(s, c, "the end of the file", err);
}

static rt_status enter(const json_elements *j, source *s, rt_error *err) {
    if (j->frame == JSON_DATA) return enter_data(s, err);
    return j->frame == JSON_LIST ? take(s, '[', "'['", err) : take(s, '{', "'{'", err);
}

static rt_status next(json_elements *j, source *s, slice *element, size_t *line, bool *have, rt_error *err) {
    if (!j->inside) RT_TRY(enter(j, s, err));
    j->inside = true;
    RT_TRY(more(s, j->frame == JSON_MEMBERS ? '}' : ']', j->n == 0, have, err));
    if (!*have) return finish(j, s, err);
    int c;
    bool is_data;
    size_t n;
    if (j->frame == JSON_MEMBERS) RT_TRY(take_key(s, &is_data, err));
    RT_TRY(peek(s, &c, err));
    RT_TRY(value_length(s, &n, err));
    *element = (slice){s->buffer.v + s->start, n};
    *line = s->n_lines + 1;
    j->n++;
    source_take(s, n);
    return RT_OK;
}

rt_status json_elements_next(json_elements *j, source *s, slice *element, size_t *line, bool *have, rt_error *err) {
    *have = false;
    if (j->ended) return RT_OK;
    const rt_status status = next(j, s, element, line, have, err);
    j->ended = status != RT_OK || !*have;
    return status;
}

/* Takes the scalars that come before the first list or object among the members, as "version" in SQuAD; key is that member's. */
static bool find_first_container(t5_json_cursor *cursor, char key[8], uint8_t *opens) {
    for (size_t n_members = 0;; n_members++) {
        bool has_more;
        t5_json_text text = {.v = key, .capacity = 7};
        if (t5_json_more(cursor, '}', n_members, &has_more, NULL) != RT_OK || !has_more) return false;
        if (t5_json_string(cursor, &text, NULL) != RT_OK || t5_json_take(cursor, ':', NULL) != RT_OK) return false;
        key[text.n < 7 ? text.n : 7] = '\0';
        *opens = t5_json_peek(cursor);
        if (*opens == '[' || *opens == '{') return true;
        if (t5_json_skip_scalar(cursor, NULL) != RT_OK) return false;
    }
}

json_frame json_elements_guess(slice head, bool *is_frame) {
    t5_json_cursor cursor = {.file = "", .data = (const uint8_t *)head.v, .size = head.n};
    char key[8];
    uint8_t opens;
    *is_frame = t5_json_peek(&cursor) == '[';
    if (*is_frame || t5_json_take(&cursor, '{', NULL) != RT_OK || !find_first_container(&cursor, key, &opens)) return JSON_LIST;
    *is_frame = opens == '[' && strcmp(key, "data") == 0;
    if (*is_frame || opens != '{' || t5_json_take(&cursor, '{', NULL) != RT_OK) return JSON_DATA;
    char inner[8];
    t5_json_text text = {.v = inner, .capacity = 7};
    if (t5_json_peek(&cursor) != '"' || t5_json_string(&cursor, &text, NULL) != RT_OK) return JSON_MEMBERS;
    inner[text.n < 7 ? text.n : 7] = '\0';
    *is_frame = strcmp(inner, "passage") == 0 || strcmp(inner, "qa_pair") == 0 || strcmp(inner, "wiki_ur") == 0;
    return JSON_MEMBERS;
}

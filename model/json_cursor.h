/* JSON (RFC 8259) pulled token by token from bounded bytes, with nothing let through that the standard forbids.
 *
 * A caller that knows the grammar of its file asks for one token after another, so depth is the caller's own and no input can drive a
 * recursion. Stricter than the standard in two points: \u0000 is refused, since no text of a model may hold a NUL, and a number has at most
 * T5_JSON_MAX_NUMBER bytes. All failures are RT_ERR_MALFORMED and name the byte offset. */
#ifndef MODEL_JSON_CURSOR_H
#define MODEL_JSON_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/status.h"

enum { T5_JSON_MAX_NUMBER = 63 };

typedef struct t5_json_cursor {
    const char *file;    /* for messages, fit to be shown */
    const uint8_t *data; /* [size] */
    size_t size, at;     /* at: the next byte */
    size_t base;         /* offset of data[0] in the file, added to every offset shown */
} t5_json_cursor;

/* A decoded string. n counts all its bytes, of which the first min(n, capacity) are in v; capacity 0 only measures. */
typedef struct t5_json_text {
    char *v; /* [capacity] */
    size_t capacity, n;
} t5_json_text;

/* Skips white space and returns the next byte without taking it; 0 at the end (no token begins with a 0 byte). */
uint8_t t5_json_peek(t5_json_cursor *cursor);

/* Offset in the file of the next token. */
size_t t5_json_offset(t5_json_cursor *cursor);

/* Takes the punctuation mark c. */
rt_status t5_json_take(t5_json_cursor *cursor, char c, rt_error *err);

/* In an array or object closed by `close`, of which n_done elements are read: takes the comma before the next one, or the closing mark.
 * *more is whether there is a next one. */
rt_status t5_json_more(t5_json_cursor *cursor, char close, size_t n_done, bool *more, rt_error *err);

rt_status t5_json_string(t5_json_cursor *cursor, t5_json_text *text, rt_error *err);

/* A whole number 0 .. 2^64 - 1, written with digits alone. */
rt_status t5_json_natural(t5_json_cursor *cursor, uint64_t *value, rt_error *err);

/* A string, number, true, false or null, whatever it says. */
rt_status t5_json_skip_scalar(t5_json_cursor *cursor, rt_error *err);

/* Nothing but white space is left. */
rt_status t5_json_end(t5_json_cursor *cursor, rt_error *err);

#endif

/* Bytes and lines of a data file, plain or gzip (RFC 1952, members one after another), told apart by content; read as they are needed.
 *
 * A byte-order mark at the front is skipped. A line ends with LF or CRLF; the last one needs neither. Memory holds one line, or one element
 * of a JSON document, and a block. */
#ifndef TOOLS_DATA_SOURCE_H
#define TOOLS_DATA_SOURCE_H

#include <stdbool.h>

#include "runtime/buffer.h"
#include "tools/slice.h"

enum {
    SOURCE_LINE_BYTES = 16 << 20,   /* of one line at most */
    SOURCE_ELEMENT_BYTES = 64 << 20 /* of one element of a JSON document at most */
};

typedef struct source {
    char name[RT_QUOTE_SIZE]; /* the path, fit for a message */
    void *gz;                 /* zlib's handle */
    rt_text buffer;           /* bytes read; those before start are used up */
    size_t start;
    size_t n_lines; /* line ends before start */
    bool at_end;    /* nothing more can be read */
    bool held;      /* bytes before start are kept, for source_release */
    bool broken;    /* a read has failed: for good */
} source;

/* RT_ERR_READ: missing, a folder, not permitted. Until source_release all that is taken is also kept. */
rt_status source_open(const char *path, source *s, rt_error *err);
void source_close(source *s); /* a zeroed one is closed already */

/* Goes back to the front, once, and keeps nothing from then on. */
void source_release(source *s);

/* At least n bytes from start on are in the buffer, or all there are. RT_ERR_READ; RT_ERR_MALFORMED for a broken gzip stream. */
rt_status source_fill(source *s, size_t n, rt_error *err);

/* Takes n bytes that are in the buffer and counts their lines. What is borrowed from the buffer stays valid until the next source_fill. */
void source_take(source *s, size_t n);

/* The next line, without its end, borrowed until the next call; s->n_lines is then its number. RT_ERR_LIMIT above SOURCE_LINE_BYTES. */
rt_status source_line(source *s, slice *line, bool *have, rt_error *err);

/* The next line that is not blank. */
rt_status source_filled_line(source *s, slice *line, bool *have, rt_error *err);

#endif

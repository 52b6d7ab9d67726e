/* Lines of a stream: read as they arrive, never all of them in memory. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include <stdbool.h>

#include "runtime/buffer.h"
#include "tools/slice.h"

enum { LINES_MAX_BYTES = 16 << 20 }; /* of one line, and of one text read whole */

typedef struct lines_reader {
    int fd;
    const char *name;   /* of the stream, for messages */
    const char *prompt; /* written to standard error before waiting for a line; NULL: none */
    rt_text buffer;     /* bytes read; those before `start` are used up */
    size_t start, searched;
    size_t n_lines; /* returned so far */
    bool at_end;    /* the stream has no more bytes */
} lines_reader;

/* Standard input. If it is a terminal (and quiet is false) the user is told what to type, and prompted. */
lines_reader lines_standard_input(const char *what_to_type, bool quiet);
void lines_close(lines_reader *reader); /* frees; the descriptor stays open */

/* The next line, without its LF or CRLF, in *line: borrowed until the next call. *have is false at the end of the stream and, unless
 * wait, when no whole line has arrived yet. A byte order mark before the first line is skipped; the last line needs no LF.
 * RT_ERR_READ; RT_ERR_LIMIT for a line above LINES_MAX_BYTES. */
rt_status lines_next(lines_reader *reader, bool wait, slice *line, bool *have, rt_error *err);

/* What to do with lines: `line` takes one (reader->n_lines is its number) and sets *full when it wants to work before it takes more; `work`
 * does what the lines taken so far ask for. */
typedef struct lines_handler {
    void *context;
    rt_status (*line)(void *context, slice line, size_t number, bool *full, rt_error *err);
    rt_status (*work)(void *context, rt_error *err);
} lines_handler;

/* Hands over all lines. `work` is called when the handler is full and when no further line has arrived: a process that waits for each
 * answer gets it at once, and a file is worked through in full batches. If a line cannot be read or taken, the lines before it are
 * worked through first. */
rt_status lines_each(lines_reader *reader, const lines_handler *handler, rt_error *err);

/* Hands over the only line; RT_ERR_USAGE, naming `option`, if there is none or more than one. */
rt_status lines_only(lines_reader *reader, const lines_handler *handler, const char *option, rt_error *err);

/* Appends all of a file ("-": standard input), without a byte order mark. RT_ERR_READ; RT_ERR_LIMIT above LINES_MAX_BYTES. */
rt_status lines_read_all(const char *path, rt_text *text, rt_error *err);

#endif

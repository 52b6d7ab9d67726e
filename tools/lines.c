/* Lines from a file descriptor, with poll() telling a line that is there from one that has to be waited for; see lines.h. */
#include "tools/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 15 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

lines_reader lines_standard_input(const char *what_to_type, bool quiet) {
    const bool talk = isatty(STDIN_FILENO) && !quiet;
    if (talk) fprintf(stderr, "t5k: %s (Ctrl-D ends)\n", what_to_type);
    return (lines_reader){.fd = STDIN_FILENO, .name = "standard input", .prompt = talk ? "> " : NULL};
}

void lines_close(lines_reader *reader) { rt_text_free(&reader->buffer); }

/* Appends what one read() gives; *n is 0 at the end. */
static rt_status read_some(int fd, const char *name, rt_text *text, size_t *n, rt_error *err) {
    char bytes[READ_BYTES];
    ssize_t got;
    do {
        got = read(fd, bytes, sizeof bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return rt_fail(err, RT_ERR_READ, "%s: cannot read (%s)", name, strerror(errno));
    *n = (size_t)got;
    return rt_text_append(text, bytes, *n, err);
}

static bool has_arrived(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static bool starts_with_mark(const char *bytes, size_t n) { return n >= 3 && memcmp(bytes, byte_order_mark, 3) == 0; }

/* Takes `length` bytes and the line end of `end` bytes off the buffer. */
static slice take(lines_reader *reader, size_t length, size_t end) {
    slice line = {reader->buffer.v + reader->start, length};
    reader->start += length + end;
    reader->searched = reader->start;
    if (reader->n_lines++ == 0 && starts_with_mark(line.v, line.n)) line.v += 3, line.n -= 3;
    if (line.n > 0 && line.v[line.n - 1] == '\r') line.n--;
    return line;
}

/* A whole line that is already in the buffer. */
static bool take_buffered(lines_reader *reader, slice *line) {
    const rt_text *b = &reader->buffer;
    if (b->n > reader->searched) {
        const char *lf = memchr(b->v + reader->searched, '\n', b->n - reader->searched);
        if (lf != NULL) {
            *line = take(reader, (size_t)(lf - b->v) - reader->start, 1);
            return true;
        }
        reader->searched = b->n;
    }
    if (!reader->at_end || b->n == reader->start) return false;
    *line = take(reader, b->n - reader->start, 0);
    return true;
}

/* Moves what is left to the front, so that the buffer holds one line and one read at most. */
static void compact(lines_reader *reader) {
    rt_text *b = &reader->buffer;
    if (reader->start == 0) return;
    memmove(b->v, b->v + reader->start, b->n - reader->start);
    b->n -= reader->start;
    reader->searched -= reader->start;
    reader->start = 0;
}

static rt_status too_long(const lines_reader *reader, rt_error *err) {
    return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: too long (at most %d bytes)", reader->name, reader->n_lines + 1, LINES_MAX_BYTES);
}

rt_status lines_next(lines_reader *reader, bool wait, slice *line, bool *have, rt_error *err) {
    bool prompted = false;
    while (!(*have = take_buffered(reader, line))) {
        compact(reader);
        if (reader->buffer.n > LINES_MAX_BYTES) return too_long(reader, err);
        if (reader->at_end || (!wait && !has_arrived(reader->fd))) return RT_OK;
        if (wait && reader->prompt != NULL && !prompted) fputs(reader->prompt, stderr);
        prompted = true;
        size_t n;
        RT_TRY(read_some(reader->fd, reader->name, &reader->buffer, &n, err));
        reader->at_end = n == 0;
        if (reader->at_end && reader->prompt != NULL) fputs("\n", stderr);
    }
    return line->n > LINES_MAX_BYTES ? too_long(reader, err) : RT_OK;
}

rt_status lines_each(lines_reader *reader, const lines_handler *handler, rt_error *err) {
    bool pending = false;
    for (;;) {
        slice line = {0};
        bool have = false, full = false;
        rt_error cause;
        rt_status status = lines_next(reader, !pending, &line, &have, &cause);
        if (status == RT_OK && have) status = handler->line(handler->context, line, reader->n_lines, &full, &cause);
        if (status == RT_OK && have && !full) {
            pending = true;
            continue;
        }
        if (pending || full) RT_TRY(handler->work(handler->context, err));
        if (status != RT_OK) return rt_fail(err, status, "%s", cause.message);
        if (!pending && !full) return RT_OK;
        pending = false;
    }
}

rt_status lines_only(lines_reader *reader, const lines_handler *handler, const char *option, rt_error *err) {
    slice line = {0};
    bool have, full, more;
    rt_text copy = {0};
    rt_status status = lines_next(reader, true, &line, &have, err);
    if (status == RT_OK && have) status = rt_text_append(&copy, line.v, line.n, err);
    if (status == RT_OK && have) status = lines_next(reader, true, &line, &more, err);
    if (status == RT_OK && (!have || more)) {
        status = rt_fail(err, RT_ERR_USAGE, "%s: %s (%s takes exactly one)", reader->name, have ? "more than one line" : "no line", option);
    }
    if (status == RT_OK) status = handler->line(handler->context, (slice){copy.v, copy.n}, 1, &full, err);
    if (status == RT_OK) status = handler->work(handler->context, err);
    rt_text_free(&copy);
    return status;
}

rt_status lines_read_all(const char *path, rt_text *text, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const bool standard_input = strcmp(path, "-") == 0;
    const char *name = standard_input ? "standard input" : rt_quote_path(quoted, path);
    const int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rt_fail(err, RT_ERR_READ, "%s: cannot open (%s)", name, strerror(errno));
    const size_t before = text->n;
    rt_status status;
    size_t n = 0;
    do {
        status = read_some(fd, name, text, &n, err);
        if (status == RT_OK && text->n - before > LINES_MAX_BYTES) {
            status = rt_fail(err, RT_ERR_LIMIT, "%s: the text is too long (at most %d bytes)", name, LINES_MAX_BYTES);
        }
    } while (status == RT_OK && n > 0);
    if (!standard_input) close(fd);
    if (status == RT_OK && starts_with_mark(text->v + before, text->n - before)) {
        text->n -= 3;
        memmove(text->v + before, text->v + before + 3, text->n - before);
        text->v[text->n] = '\0';
    }
    return status;
}

/* Data files through zlib, which passes on what is not gzip as it is; see source.h. */
#include "tools/data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK_BYTES = 1 << 16 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

static rt_status open_file(const char *path, const char *name, int *fd, rt_error *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return rt_fail(err, RT_ERR_READ, "%s: cannot open (%s)", name, strerror(errno));
    struct stat st;
    if (fstat(*fd, &st) == 0 && !S_ISDIR(st.st_mode)) return RT_OK;
    close(*fd);
    return rt_fail(err, RT_ERR_READ, "%s: is a folder, not a file", name);
}

rt_status source_open(const char *path, source *s, rt_error *err) {
    source opened = {.held = true};
    rt_quote(opened.name, path, strlen(path));
    int fd;
    RT_TRY(open_file(path, opened.name, &fd, err));
    opened.gz = gzdopen(fd, "rb");
    if (opened.gz == NULL) {
        close(fd);
        return rt_fail_memory(err, sizeof(gzFile), "a data file");
    }
    *s = opened;
    const rt_status status = source_fill(s, 3, err);
    if (status != RT_OK) source_close(s);
    else if (s->buffer.n >= 3 && memcmp(s->buffer.v, byte_order_mark, 3) == 0) s->start = 3;
    return status;
}

void source_close(source *s) {
    if (s->gz != NULL) gzclose(s->gz);
    rt_text_free(&s->buffer);
    *s = (source){0};
}

void source_release(source *s) {
    s->start = s->buffer.n >= 3 && memcmp(s->buffer.v, byte_order_mark, 3) == 0 ? 3 : 0;
    s->n_lines = 0;
    s->held = false;
}

/* Moves what is left to the front. */
static void compact(source *s) {
    rt_text *b = &s->buffer;
    if (s->held || s->start == 0) return;
    memmove(b->v, b->v + s->start, b->n - s->start);
    b->n -= s->start;
    s->start = 0;
}

static rt_status read_failure(const source *s, rt_error *err) {
    int code;
    const char *cause = gzerror(s->gz, &code);
    if (code == Z_ERRNO) return rt_fail(err, RT_ERR_READ, "%s: cannot read (%s)", s->name, strerror(errno));
    if (code == Z_MEM_ERROR) return rt_fail_memory(err, BLOCK_BYTES, "a gzip stream");
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: broken gzip data: %s", s->name,
                   code == Z_BUF_ERROR ? "the stream is cut short" : rt_quote(shown, cause, strlen(cause)));
}

rt_status source_fill(source *s, size_t n, rt_error *err) {
    while (s->buffer.n - s->start < n && !s->at_end) {
        compact(s);
        char block[BLOCK_BYTES];
        const int got = gzread(s->gz, block, sizeof block);
        int code = Z_OK;
        if (got == 0) gzerror(s->gz, &code); /* a stream that is cut ends like a file, with this said apart */
        s->broken = got < 0 || (code != Z_OK && code != Z_STREAM_END);
        if (s->broken) return read_failure(s, err);
        s->at_end = got == 0;
        RT_TRY(rt_text_append(&s->buffer, block, (size_t)got, err));
    }
    return RT_OK;
}

void source_take(source *s, size_t n) {
    const char *at = s->buffer.v + s->start, *end = at + n;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) at++, s->n_lines++;
    s->start += n;
}

rt_status source_line(source *s, slice *line, bool *have, rt_error *err) {
    size_t n = 0; /* bytes of the line that are in the buffer and hold no line end */
    for (;;) {
        RT_TRY(source_fill(s, n + 1, err));
        const size_t n_here = s->buffer.n - s->start;
        const char *from = s->buffer.v + s->start;
        const char *lf = n_here > n ? memchr(from + n, '\n', n_here - n) : NULL;
        n = lf != NULL ? (size_t)(lf - from) : n_here;
        if (n > SOURCE_LINE_BYTES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: too long (at most %d bytes)", s->name, s->n_lines + 1, SOURCE_LINE_BYTES);
        }
        if (lf == NULL && !s->at_end) continue;
        *have = lf != NULL || n > 0;
        if (!*have) return RT_OK;
        *line = (slice){from, n > 0 && from[n - 1] == '\r' ? n - 1 : n};
        s->start += lf != NULL ? n + 1 : n;
        s->n_lines++;
        return RT_OK;
    }
}

static bool is_blank(slice line) {
    for (size_t i = 0; i < line.n; i++) {
        if (line.v[i] != ' ' && line.v[i] != '\t') return false;
    }
    return true;
}

rt_status source_filled_line(source *s, slice *line, bool *have, rt_error *err) {
    do {
        RT_TRY(source_line(s, line, have, err));
    } while (*have && is_blank(*line));
    return RT_OK;
}

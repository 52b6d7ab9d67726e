/* safetensors: u64 length of the header, a JSON header padded with spaces to a multiple of 8, then the data of the tensors, one right
 * after another, little-endian:
 *
 *     {"name":{"dtype":"F32","shape":[rows,cols],"data_offsets":[begin,end]}, ...}
 *
 * The file is written without a name (O_TMPFILE) where the file system can, so that a run that is killed leaves nothing behind. */
#include "tools/safetensors_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/buffer.h"
#include "runtime/checked.h"
#include "tools/output.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

typedef struct writer {
    const char *path;
    char folder[PATH_MAX], temporary[PATH_MAX];
    int fd;
    bool named; /* temporary exists */
} writer;

static rt_status failed(const writer *w, const char *what, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_WRITE, "%s: cannot %s (%s)", rt_quote(quoted, w->path, strlen(w->path)), what, strerror(errno));
}

static rt_status write_all(const writer *w, const void *data, size_t n, rt_error *err) {
    const char *p = data;
    while (n > 0) {
        const ssize_t wrote = write(w->fd, p, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed(w, "write", err);
        p += wrote;
        n -= (size_t)wrote;
    }
    return RT_OK;
}

static rt_status data_bytes(const st_tensor *t, size_t *n, rt_error *err) {
    if (rt_mul_size(t->rows, t->cols, n) && rt_mul_size(*n, sizeof *t->data, n)) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "tensor %s is too large to write (%zu rows of %zu)", t->name, t->rows, t->cols);
}

static rt_status write_tensors(const writer *w, const st_tensor *tensors, size_t n, rt_text *header, rt_error *err) {
    size_t offset = 0, bytes;
    for (size_t i = 0; i < n; i++) {
        const st_tensor *t = &tensors[i];
        const size_t begin = offset;
        RT_TRY(data_bytes(t, &bytes, err));
        if (!rt_add_size(offset, bytes, &offset)) return rt_fail(err, RT_ERR_LIMIT, "the tensors are too large to write");
        RT_TRY(out_print(header, err, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[%zu,%zu]}", i == 0 ? "{" : ",",
                         t->name, t->rows, t->cols, begin, offset));
    }
    RT_TRY(rt_text_append(header, "}", 1, err));
    while (header->n % 8 != 0) RT_TRY(rt_text_append(header, " ", 1, err));
    const uint64_t length = header->n;
    RT_TRY(write_all(w, &length, sizeof length, err));
    RT_TRY(write_all(w, header->v, header->n, err));
    for (size_t i = 0; i < n; i++) {
        RT_TRY(data_bytes(&tensors[i], &bytes, err));
        RT_TRY(write_all(w, tensors[i].data, bytes, err));
    }
    return RT_OK;
}

static rt_status create(writer *w, const char *path, rt_error *err) {
    *w = (writer){.path = path, .fd = -1};
    const char *slash = strrchr(path, '/');
    const int n = slash == NULL ? snprintf(w->folder, sizeof w->folder, ".")
                                : snprintf(w->folder, sizeof w->folder, "%.*s/", (int)(slash - path), path);
    const int m = snprintf(w->temporary, sizeof w->temporary, "%s.tmp-%ld", path, (long)getpid());
    if ((size_t)n >= sizeof w->folder || (size_t)m >= sizeof w->temporary) {
        errno = ENAMETOOLONG;
        return failed(w, "create", err);
    }
    w->fd = open(w->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (w->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        w->fd = open(w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        w->named = w->fd >= 0;
    }
    return w->fd < 0 ? failed(w, "create", err) : RT_OK;
}

/* Syncs, gives the file its name, and syncs the folder that holds the name. */
static rt_status put_in_place(writer *w, rt_error *err) {
    if (fsync(w->fd) != 0) return failed(w, "sync", err);
    if (!w->named) {
        char self[32];
        snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
        if (linkat(AT_FDCWD, self, AT_FDCWD, w->temporary, AT_SYMLINK_FOLLOW) != 0) return failed(w, "create", err);
        w->named = true;
    }
    const int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0) return failed(w, "close", err);
    if (rename(w->temporary, w->path) != 0) return failed(w, "put in place", err);
    w->named = false;
    const int folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL); /* EINVAL: a file system that has no such thing */
    const rt_status status = synced ? RT_OK : failed(w, "sync the folder of", err);
    if (folder >= 0) close(folder);
    return status;
}

rt_status st_write(const char *path, const st_tensor *tensors, size_t n, rt_error *err) {
    writer w;
    rt_text header = {0};
    rt_status status = create(&w, path, err);
    if (status == RT_OK) status = write_tensors(&w, tensors, n, &header, err);
    if (status == RT_OK) status = put_in_place(&w, err);
    if (w.fd >= 0) close(w.fd);
    if (w.named) unlink(w.temporary);
    rt_text_free(&header);
    return status;
}

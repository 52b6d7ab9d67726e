/* Writing a file whole; see text_file.h. */
#include "tools/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rt_status failed(const char *path, const char *what, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_WRITE, "%s: cannot %s (%s)", rt_quote_path(shown, path), what, strerror(errno));
}

static rt_status write_all(int fd, const char *path, const rt_text *text, rt_error *err) {
    for (size_t done = 0; done < text->n;) {
        const ssize_t wrote = write(fd, text->v + done, text->n - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed(path, "write", err);
        done += (size_t)wrote;
    }
    return fsync(fd) == 0 ? RT_OK : failed(path, "sync", err);
}

static rt_status create(const char *path, char temporary[PATH_MAX], int *fd, rt_error *err) {
    const int n = snprintf(temporary, PATH_MAX, "%s.tmp-%ld", path, (long)getpid());
    if ((size_t)n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return failed(path, "create", err);
    }
    *fd = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    return *fd >= 0 ? RT_OK : failed(path, "create", err);
}

rt_status text_file_write(const char *path, const rt_text *text, rt_error *err) {
    char temporary[PATH_MAX];
    int fd = -1;
    RT_TRY(create(path, temporary, &fd, err));
    rt_status status = write_all(fd, path, text, err);
    if (close(fd) != 0 && status == RT_OK) status = failed(path, "close", err);
    if (status == RT_OK && rename(temporary, path) != 0) status = failed(path, "put in place", err);
    if (status != RT_OK) unlink(temporary);
    return status;
}

rt_status text_file_check(const char *path, rt_error *err) {
    char temporary[PATH_MAX];
    struct stat st;
    int fd = -1;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return failed(path, "write", err);
    }
    RT_TRY(create(path, temporary, &fd, err));
    close(fd);
    unlink(temporary);
    return RT_OK;
}

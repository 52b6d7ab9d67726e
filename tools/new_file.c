/* Files put in place in one step; see new_file.h. */
#include "tools/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rt_status failed(const new_file *file, const char *what, rt_error *err) {
    const int reason = errno;
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_WRITE, "%s: cannot %s (%s)", rt_quote_path(quoted, file->path), what, strerror(reason));
}

/* ---- signals ---- */

static sigset_t ending_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

static void hold_signals(new_file *file) {
    const sigset_t signals = ending_signals();
    pthread_sigmask(SIG_BLOCK, &signals, &file->held);
}

static void release_signals(const new_file *file) { pthread_sigmask(SIG_SETMASK, &file->held, NULL); }

/* A signal that was held back before is somebody else's. */
static bool has_signal(const new_file *file) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;
    if (sigpending(&pending) != 0) return false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigismember(&pending, numbers[i]) == 1 && sigismember(&file->held, numbers[i]) == 0) return true;
    }
    return false;
}

/* ---- the file ---- */

/* Opens it under its temporary name. */
static rt_status create_named(new_file *file, rt_error *err) {
    hold_signals(file);
    file->fd = open(file->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    file->named = file->fd >= 0;
    if (file->named) return RT_OK;
    const rt_status status = failed(file, "create", err);
    release_signals(file);
    return status;
}

rt_status new_file_create(new_file *file, const char *path, rt_error *err) {
    *file = (new_file){.path = path, .fd = -1};
    const char *slash = strrchr(path, '/');
    const int n = slash == NULL ? snprintf(file->folder, sizeof file->folder, ".")
                                : snprintf(file->folder, sizeof file->folder, "%.*s/", (int)(slash - path), path);
    const int m = snprintf(file->temporary, sizeof file->temporary, "%s.tmp-%ld", path, (long)getpid());
    if ((size_t)n >= sizeof file->folder || (size_t)m >= sizeof file->temporary) {
        errno = ENAMETOOLONG;
        return failed(file, "create", err);
    }
    file->fd = open(file->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (file->fd >= 0) return RT_OK;
    const bool has_no_such_thing = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    return has_no_such_thing ? create_named(file, err) : failed(file, "create", err);
}

rt_status new_file_write(new_file *file, const void *bytes, size_t n_bytes, rt_error *err) {
    for (const char *p = bytes; n_bytes > 0;) {
        if (file->named && has_signal(file)) {
            errno = EINTR;
            return failed(file, "write", err);
        }
        const ssize_t wrote = write(file->fd, p, n_bytes);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed(file, "write", err);
        p += wrote;
        n_bytes -= (size_t)wrote;
    }
    return RT_OK;
}

static rt_status give_name(new_file *file, rt_error *err) {
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    hold_signals(file);
    file->named = linkat(AT_FDCWD, self, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0;
    if (file->named) return RT_OK;
    const rt_status status = failed(file, "create", err);
    release_signals(file);
    return status;
}

static rt_status sync_folder(const new_file *file, rt_error *err) {
    const int folder = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL); /* EINVAL: a file system that has no such thing */
    const rt_status status = synced ? RT_OK : failed(file, "sync the folder of", err);
    if (folder >= 0) close(folder);
    return status;
}

rt_status new_file_commit(new_file *file, rt_error *err) {
    if (fsync(file->fd) != 0) return failed(file, "sync", err);
    if (!file->named) RT_TRY(give_name(file, err));
    const int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0) return failed(file, "close", err);
    if (rename(file->temporary, file->path) != 0) return failed(file, "put in place", err);
    file->named = false;
    release_signals(file);
    return sync_folder(file, err);
}

void new_file_discard(new_file *file) {
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
    if (!file->named) return;
    unlink(file->temporary);
    file->named = false;
    release_signals(file);
}

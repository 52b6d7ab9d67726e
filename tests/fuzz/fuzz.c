/* What the fuzz targets share; see fuzz.h. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

bool fuzz_succeeded(rt_status status, const rt_error *err) {
    if (status == RT_OK) return true;
    FUZZ_REQUIRE(err->status == status);
    const size_t n = strnlen(err->message, sizeof err->message);
    FUZZ_REQUIRE(n > 0 && n < sizeof err->message);
    for (size_t i = 0; i < n; i++) FUZZ_REQUIRE(err->message[i] >= ' ' && err->message[i] <= '~');
    return false;
}

void fuzz_read(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    volatile uint8_t sink = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < n; i++) sum ^= p[i];
    sink = sum;
    (void)sink;
}

/* ---- files ---- */

static char *folder_path(void) {
    static char path[64];
    return path;
}

static void remove_folder(void) {
    DIR *folder = opendir(folder_path());
    if (folder == NULL) return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(folder_path());
}

const char *fuzz_folder(void) {
    char *path = folder_path();
    if (*path != '\0') return path;
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, 64, "%s/t5k-fuzz-XXXXXX", parent);
    FUZZ_REQUIRE(mkdtemp(path) != NULL);
    FUZZ_REQUIRE(atexit(remove_folder) == 0);
    return path;
}

static const char *path_of(const char *name) {
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

const char *fuzz_write(const char *name, const void *bytes, size_t n) {
    const char *path = path_of(name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(fd >= 0);
    FUZZ_REQUIRE(n == 0 || write(fd, bytes, n) == (ssize_t)n);
    FUZZ_REQUIRE(close(fd) == 0);
    return path;
}

void fuzz_remove(const char *name) { unlink(path_of(name)); }

void fuzz_link(const char *name, const char *to) { FUZZ_REQUIRE(symlink(to, path_of(name)) == 0); }

fuzz_pair fuzz_split(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    if (end == NULL) return (fuzz_pair){.first = data, .n_first = size};
    const size_t n = (size_t)(end - data);
    return (fuzz_pair){.first = data, .n_first = n, .second = end + 1, .n_second = size - n - 1, .has_second = true};
}

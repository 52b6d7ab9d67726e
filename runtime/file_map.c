/* Read-only file mapping; see file_map.h. */
#include "runtime/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static rt_status fail_read(rt_error *err, const char *path, const char *defect) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_READ, "%s: cannot read: %s", rt_quote_path(shown, path), defect);
}

static rt_status map_descriptor(int fd, const char *path, rt_file_map *map, rt_error *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_read(err, path, strerror(errno));
    if (S_ISDIR(st.st_mode)) return fail_read(err, path, "is a folder");
    if (!S_ISREG(st.st_mode)) return fail_read(err, path, "not a regular file");
    if (st.st_size == 0) {
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the file is empty", rt_quote_path(shown, path));
    }
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return fail_read(err, path, strerror(errno));
    *map = (rt_file_map){.data = data, .size = (size_t)st.st_size};
    return RT_OK;
}

rt_status rt_file_map_open(const char *path, rt_file_map *map, rt_error *err) {
    /* O_NONBLOCK: a FIFO given by mistake must not hang before fstat can refuse it. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail_read(err, path, strerror(errno));
    const rt_status status = map_descriptor(fd, path, map, err);
    close(fd);
    return status;
}

void rt_file_map_release(const void *data, size_t n_bytes) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = ((uintptr_t)data + page - 1) / page * page, end = ((uintptr_t)data + n_bytes) / page * page;
    /* Advice only: where the system declines, the pages stay, which is no error. */
    if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

void rt_file_map_close(rt_file_map *map) {
    if (map->data != NULL) munmap((void *)(uintptr_t)map->data, map->size);
    *map = (rt_file_map){0};
}

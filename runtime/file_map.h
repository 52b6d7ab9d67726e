/* A whole regular file, mapped read-only. */
#ifndef RUNTIME_FILE_MAP_H
#define RUNTIME_FILE_MAP_H

#include <stdint.h>

#include "runtime/status.h"

typedef struct rt_file_map {
    const uint8_t *data; /* [size]; page-aligned */
    size_t size;         /* at least 1: an empty file is refused */
} rt_file_map;

/* RT_ERR_READ: missing, not permitted, not a regular file. RT_ERR_MALFORMED: empty. Messages name the path. */
rt_status rt_file_map_open(const char *path, rt_file_map *map, rt_error *err);

/* Tells the system that these bytes will not be read again soon, so that they stop counting as this process's memory. Bytes outside the
 * whole pages inside [data, data + n_bytes) are not touched; reading them again is always right, only slower. */
void rt_file_map_release(const void *data, size_t n_bytes);

void rt_file_map_close(rt_file_map *map); /* a zeroed map is closed already */

#endif

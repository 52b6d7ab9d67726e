/* The data files that a path stands for. */
#ifndef TOOLS_DATA_FOLDER_H
#define TOOLS_DATA_FOLDER_H

#include "runtime/status.h"

enum { FOLDER_MAX_FILES = 1 << 17 };

typedef struct folder {
    char **paths; /* [n] */
    size_t n, capacity;
} folder;

/* A file: itself. A folder: its dev.tsv, else its test.tsv, else all its *.txt in order of their names, plain or .gz. RT_ERR_READ,
 * RT_ERR_UNSUPPORTED for a folder with none of these, RT_ERR_LIMIT above FOLDER_MAX_FILES. */
rt_status folder_open(const char *path, folder *f, rt_error *err);
void folder_close(folder *f);

#endif

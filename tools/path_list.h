/* Paths in one option, PATH[,PATH]... */
#ifndef TOOLS_PATH_LIST_H
#define TOOLS_PATH_LIST_H

#include "runtime/status.h"

typedef struct path_list {
    char *text;
    const char **v; /* [n], into text */
    size_t n;
} path_list;

/* Splits at the commas; a text that has commas itself is taken whole if there is such a file. RT_ERR_USAGE, naming the option, for an empty
 * path. */
rt_status path_list_split(const char *option, const char *text, path_list *paths, rt_error *err);
void path_list_free(path_list *paths);

#endif

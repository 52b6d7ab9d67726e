/* Lists of paths; see path_list.h. */
#include "tools/path_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

rt_status path_list_split(const char *option, const char *text, path_list *paths, rt_error *err) {
    const bool whole = access(text, F_OK) == 0;
    size_t n = 1;
    for (const char *c = text; !whole && *c != '\0'; c++) n += *c == ',';
    *paths = (path_list){.text = strdup(text), .v = calloc(n, sizeof(char *)), .n = n};
    if (paths->text == NULL || paths->v == NULL) {
        path_list_free(paths);
        return rt_fail_memory(err, n * sizeof(char *), "paths");
    }
    char *at = paths->text;
    for (size_t i = 0; i < n; i++) {
        paths->v[i] = at;
        at += whole ? strlen(at) : strcspn(at, ",");
        if (*at != '\0') *at++ = '\0';
        if (paths->v[i][0] != '\0') continue;
        path_list_free(paths);
        return rt_fail(err, RT_ERR_USAGE, "--%s has an empty path (PATH[,PATH]...)", option);
    }
    return RT_OK;
}

void path_list_free(path_list *paths) {
    free(paths->text);
    free(paths->v);
    *paths = (path_list){0};
}

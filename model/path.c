/* Paths; see path.h. */
#include "model/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The first n_folder bytes of folder, then name. */
static rt_status concatenate(const char *folder, size_t n_folder, const char *separator, const char *name, char **path, rt_error *err) {
    const size_t n_separator = strlen(separator), n_name = strlen(name), bytes = n_folder + n_separator + n_name + 1;
    char *p = malloc(bytes);
    if (p == NULL) return rt_fail_memory(err, bytes, "a path");
    if (n_folder > 0) memcpy(p, folder, n_folder);
    memcpy(p + n_folder, separator, n_separator);
    memcpy(p + n_folder + n_separator, name, n_name + 1);
    *path = p;
    return RT_OK;
}

rt_status t5_path_join(const char *folder, const char *name, char **path, rt_error *err) {
    const size_t n = strlen(folder);
    return concatenate(folder, n, n > 0 && folder[n - 1] == '/' ? "" : "/", name, path, err);
}

rt_status t5_path_beside(const char *sibling, const char *name, char **path, rt_error *err) {
    return concatenate(sibling, (size_t)(t5_path_name(sibling) - sibling), "", name, path, err);
}

const char *t5_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool t5_path_exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 || errno != ENOENT;
}

rt_status t5_path_is_folder(const char *path, bool *is_folder, rt_error *err) {
    struct stat st;
    if (stat(path, &st) != 0) {
        const int reason = errno;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_READ, "%s: cannot read: %s", rt_quote_path(shown, path), strerror(reason));
    }
    *is_folder = S_ISDIR(st.st_mode);
    return RT_OK;
}

/* GGUF files on disk; see gguf.h. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gguf.h"

static const char suffix[] = ".gguf";

rt_status rt_gguf_open(const char *path, rt_gguf_file *file, rt_error *err) {
    rt_gguf_file opened = {0};
    RT_TRY(rt_file_map_open(path, &opened.map, err));
    const rt_status status = rt_gguf_parse(path, opened.map.data, opened.map.size, &opened.gguf, err);
    if (status != RT_OK) {
        rt_file_map_close(&opened.map);
        return status;
    }
    *file = opened;
    return RT_OK;
}

void rt_gguf_close(rt_gguf_file *file) {
    rt_gguf_free(&file->gguf);
    rt_file_map_close(&file->map);
}

bool rt_gguf_is_name(const char *path) {
    const size_t n = strlen(path), n_suffix = sizeof suffix - 1;
    return n >= n_suffix && strcmp(path + n - n_suffix, suffix) == 0;
}

/* The first name of the folder's .gguf files, in byte order so that messages do not vary; "" if there is none. Returns how many. */
static size_t first_name(DIR *entries, char first[NAME_MAX + 1]) {
    size_t n = 0;
    *first = '\0';
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (!rt_gguf_is_name(e->d_name)) continue;
        n++;
        if (*first == '\0' || strcmp(e->d_name, first) < 0) strcpy(first, e->d_name);
    }
    return n;
}

rt_status rt_gguf_in_folder(const char *folder, char **path, rt_error *err) {
    char shown[RT_QUOTE_SIZE], quoted[RT_QUOTE_SIZE], name[NAME_MAX + 1];
    rt_quote_path(shown, folder);
    DIR *entries = opendir(folder);
    if (entries == NULL) return rt_fail(err, RT_ERR_READ, "%s: cannot read: %s", shown, strerror(errno));
    const size_t n = first_name(entries, name);
    closedir(entries);
    if (n > 1) {
        return rt_fail(err, RT_ERR_USAGE, "%s: holds %zu GGUF files, '%s' and others: name one of them", shown, n,
                       rt_quote(quoted, name, strlen(name)));
    }
    *path = NULL;
    if (n == 0) return RT_OK;
    const size_t n_folder = strlen(folder), n_name = strlen(name);
    char *joined = malloc(n_folder + n_name + 2);
    if (joined == NULL) return rt_fail_memory(err, n_folder + n_name + 2, "a path");
    memcpy(joined, folder, n_folder);
    joined[n_folder] = '/';
    memcpy(joined + n_folder + 1, name, n_name + 1);
    *path = joined;
    return RT_OK;
}

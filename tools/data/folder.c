/* Folders of data files; see folder.h. */
#include "tools/data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rt_status add(folder *f, const char *path, const char *name, rt_error *err) {
    if (f->n == FOLDER_MAX_FILES) return rt_fail(err, RT_ERR_LIMIT, "%.200s: too many files (at most %d)", path, FOLDER_MAX_FILES);
    if (f->n == f->capacity) {
        const size_t capacity = f->capacity > 0 ? 2 * f->capacity : 16;
        char **paths = realloc(f->paths, capacity * sizeof *paths);
        if (paths == NULL) return rt_fail_memory(err, capacity * sizeof *paths, "a folder");
        f->paths = paths;
        f->capacity = capacity;
    }
    char *joined = NULL;
    if (asprintf(&joined, "%s%s%s", path, *name != '\0' ? "/" : "", name) < 0) return rt_fail_memory(err, strlen(path), "a path");
    f->paths[f->n++] = joined;
    return RT_OK;
}

static int is_text(const char *name) {
    const size_t n = strlen(name);
    return (n > 4 && strcmp(name + n - 4, ".txt") == 0) || (n > 7 && strcmp(name + n - 7, ".txt.gz") == 0);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static rt_status add_texts(folder *f, const char *path, const char *shown, rt_error *err) {
    DIR *dir = opendir(path);
    if (dir == NULL) return rt_fail(err, RT_ERR_READ, "%s: cannot open the folder (%s)", shown, strerror(errno));
    rt_status status = RT_OK;
    for (const struct dirent *entry; status == RT_OK && (entry = readdir(dir)) != NULL;) {
        if (is_text(entry->d_name)) status = add(f, path, entry->d_name, err);
    }
    closedir(dir);
    RT_TRY(status);
    if (f->n == 0) return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: a folder without dev.tsv, test.tsv or *.txt: name one of its files", shown);
    qsort(f->paths, f->n, sizeof *f->paths, by_name);
    return RT_OK;
}

/* Adds the file if it is there. */
static rt_status add_if_there(folder *f, const char *path, const char *name, rt_error *err) {
    RT_TRY(add(f, path, name, err));
    if (access(f->paths[f->n - 1], F_OK) != 0) free(f->paths[--f->n]);
    return RT_OK;
}

static rt_status fill(folder *f, const char *path, rt_error *err) {
    static const char *const names[] = {"dev.tsv", "dev.tsv.gz", "test.tsv", "test.tsv.gz"};
    char shown[RT_QUOTE_SIZE];
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return add(f, path, "", err); /* what cannot be opened shows when it is */
    for (size_t i = 0; i < sizeof names / sizeof *names && f->n == 0; i++) RT_TRY(add_if_there(f, path, names[i], err));
    return f->n > 0 ? RT_OK : add_texts(f, path, rt_quote_path(shown, path), err);
}

rt_status folder_open(const char *path, folder *f, rt_error *err) {
    *f = (folder){0};
    const rt_status status = fill(f, path, err);
    if (status != RT_OK) folder_close(f);
    return status;
}

void folder_close(folder *f) {
    for (size_t i = 0; i < f->n; i++) free(f->paths[i]);
    free(f->paths);
    *f = (folder){0};
}

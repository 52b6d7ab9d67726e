/* Names out of paths; see eval_name.h. */
#include "tools/eval_name.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const splits[] = {"dev", "test", "train", "validation", "val"};
enum { N_SPLITS = sizeof splits / sizeof *splits };

/* The last component of the first n bytes of path. */
static slice last_component(const char *path, size_t n) {
    while (n > 1 && path[n - 1] == '/') n--;
    const char *slash = memrchr(path, '/', n);
    if (slash == NULL || n == 1) return (slice){path, n};
    return (slice){slash + 1, n - (size_t)(slash + 1 - path)};
}

/* Where a split stands in the name as a word of its own, or NULL. */
static const char *find_split(slice name, const char **split) {
    for (size_t i = 0; i < N_SPLITS; i++) {
        const size_t n = strlen(splits[i]);
        for (size_t at = 0; at + n <= name.n; at++) {
            const bool begins = at == 0 || !isalpha((unsigned char)name.v[at - 1]);
            const bool ends = at + n == name.n || !isalpha((unsigned char)name.v[at + n]);
            if (!begins || !ends || strncasecmp(name.v + at, splits[i], n) != 0) continue;
            *split = splits[i];
            return name.v + at;
        }
    }
    return NULL;
}

static void set(char out[EVAL_NAME_SIZE], slice text) { snprintf(out, EVAL_NAME_SIZE, "%.*s", (int)text.n, text.v); }

static void name_folder(const char *path, char dataset[EVAL_NAME_SIZE], char split[EVAL_NAME_SIZE]) {
    static const char *const files[] = {"dev.tsv", "dev.tsv.gz", "test.tsv", "test.tsv.gz"};
    set(dataset, last_component(path, strlen(path)));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[PATH_MAX];
        const int n = snprintf(file, sizeof file, "%s/%s", path, files[i]);
        if (n < 0 || (size_t)n >= sizeof file || access(file, F_OK) != 0) continue;
        set(split, (slice){files[i], strcspn(files[i], ".")});
        return;
    }
}

void eval_name_of(const char *path, char dataset[EVAL_NAME_SIZE], char split[EVAL_NAME_SIZE]) {
    struct stat st;
    set(split, slice_of("-"));
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        name_folder(path, dataset, split);
        return;
    }
    const slice file = last_component(path, strlen(path));
    const char *word = NULL, *at = find_split(file, &word);
    const char *dot = memchr(file.v, '.', file.n);
    if (at != NULL) set(split, slice_of(word));
    slice name = {file.v, at != NULL ? (size_t)(at - file.v) : dot != NULL && dot > file.v ? (size_t)(dot - file.v) : file.n};
    while (name.n > 0 && strchr("-_. ", name.v[name.n - 1]) != NULL) name.n--;
    if (name.n == 0 && file.v > path) name = last_component(path, (size_t)(file.v - path));
    if (name.n == 0 || (name.n == 1 && name.v[0] == '/')) name = file;
    set(dataset, name);
}

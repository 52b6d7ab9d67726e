/* A temporary folder; see scratch.h. */
#include "tests/support/scratch.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scratch_open(scratch *s) {
    strcpy(s->folder, "/tmp/t5k-test-XXXXXX");
    ck_assert_msg(mkdtemp(s->folder) != NULL, "no temporary folder");
}

const char *scratch_path(scratch *s, const char *name) {
    ck_assert_int_lt(snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name), (int)sizeof s->path);
    return s->path;
}

const char *scratch_write(scratch *s, const char *name, const void *bytes, size_t n) {
    FILE *f = fopen(scratch_path(s, name), "wb");
    ck_assert_msg(f != NULL, "cannot write %s", s->path);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    return s->path;
}

const char *scratch_write_text(scratch *s, const char *name, const char *text) { return scratch_write(s, name, text, strlen(text)); }

void scratch_close(scratch *s) {
    DIR *entries = opendir(s->folder);
    ck_assert_ptr_nonnull(entries);
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) ck_assert_int_eq(unlink(scratch_path(s, e->d_name)), 0);
    }
    closedir(entries);
    ck_assert_int_eq(rmdir(s->folder), 0);
}

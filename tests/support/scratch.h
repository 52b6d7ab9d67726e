/* A temporary folder for the files that a test makes. Its functions end the test where the system fails. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <limits.h>
#include <stddef.h>

typedef struct scratch {
    char folder[64];
    char path[PATH_MAX]; /* of the last scratch_path or scratch_write */
} scratch;

void scratch_open(scratch *s);

/* The path of a file of that name in the folder. */
const char *scratch_path(scratch *s, const char *name);

/* Writes the file and returns its path. */
const char *scratch_write(scratch *s, const char *name, const void *bytes, size_t n);
const char *scratch_write_text(scratch *s, const char *name, const char *text);

/* Removes the folder with all that is in it (files and links; no folders below). */
void scratch_close(scratch *s);

#endif

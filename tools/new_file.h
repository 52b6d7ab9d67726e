/* A file that is there in full or not at all: written to a temporary file in the same folder, synced, renamed, and the folder synced.
 *
 * The temporary file has no name (O_TMPFILE) where the file system can, so that a run that is killed leaves nothing behind; while it has
 * one, SIGINT, SIGTERM and SIGHUP wait until it is removed or renamed, and end the run then. */
#ifndef TOOLS_NEW_FILE_H
#define TOOLS_NEW_FILE_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>

#include "runtime/status.h"

typedef struct new_file {
    const char *path; /* borrowed */
    char folder[PATH_MAX], temporary[PATH_MAX];
    int fd;
    bool named;    /* temporary exists, and signals are held back */
    sigset_t held; /* those that were held back before */
} new_file;

/* All fail with RT_ERR_WRITE, which leaves to new_file_discard to take away what there is. */
rt_status new_file_create(new_file *file, const char *path, rt_error *err);

/* Fails where one of those signals has come. */
rt_status new_file_write(new_file *file, const void *bytes, size_t n_bytes, rt_error *err);

/* Puts the file in place of what was at path. Where it is the sync of the folder that fails, it is there already. */
rt_status new_file_commit(new_file *file, rt_error *err);

/* To be called in any case; a file that was put in place stays. */
void new_file_discard(new_file *file);

#endif

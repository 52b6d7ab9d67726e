/* Paths of the files that make up a model. */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include <stdbool.h>

#include "runtime/status.h"

/* FOLDER/NAME. The caller frees *path. */
rt_status t5_path_join(const char *folder, const char *name, char **path, rt_error *err);

/* NAME beside the file `sibling`. The caller frees *path. */
rt_status t5_path_beside(const char *sibling, const char *name, char **path, rt_error *err);

/* The last component of path. */
const char *t5_path_name(const char *path);

/* There is something of that name, if only a symbolic link to nothing: opening it will then tell the user what is wrong. */
bool t5_path_exists(const char *path);

/* RT_ERR_READ, with the system's reason, where nothing can be found at path. */
rt_status t5_path_is_folder(const char *path, bool *is_folder, rt_error *err);

#endif

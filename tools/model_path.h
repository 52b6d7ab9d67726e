/* Where the model is. */
#ifndef TOOLS_MODEL_PATH_H
#define TOOLS_MODEL_PATH_H

#include <limits.h>

#include "runtime/status.h"

typedef struct model_path {
    char v[PATH_MAX];
} model_path;

/* `given` (may be NULL) if it is set, else the environment's T5K_MODEL, else the model that comes with the program: found from where the
 * executable lies, installed or in its source tree. RT_ERR_READ if there is none. */
rt_status model_path_find(const char *given, model_path *path, rt_error *err);

#endif

/* Which model: -m, T5K_MODEL, or the embedded one; see model_path.h. */
#include "tools/model_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From the folder of the executable: PREFIX/bin, then build/CONFIG of the source tree. */
static const char *const embedded[] = {"../share/t5k/models/qa-mini", "../../data/models/qa-mini"};

static rt_status copy_path(const char *given, model_path *path, rt_error *err) {
    const size_t n = strlen(given);
    char quoted[RT_QUOTE_SIZE];
    if (n == 0) return rt_fail(err, RT_ERR_USAGE, "the path of the model is empty");
    if (n >= sizeof path->v) return rt_fail(err, RT_ERR_READ, "%s: the path is too long", rt_quote(quoted, given, n));
    memcpy(path->v, given, n + 1);
    return RT_OK;
}

rt_status model_path_find(const char *given, model_path *path, rt_error *err) {
    if (given != NULL) return copy_path(given, path, err);
    const char *environment = getenv("T5K_MODEL");
    if (environment != NULL && environment[0] != '\0') return copy_path(environment, path, err);

    char folder[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (n > 0) {
        folder[n] = '\0';
        *strrchr(folder, '/') = '\0'; /* the link is an absolute path */
        for (size_t i = 0; i < sizeof embedded / sizeof *embedded; i++) {
            char config[PATH_MAX + 16];
            if ((size_t)snprintf(path->v, sizeof path->v, "%s/%s", folder, embedded[i]) >= sizeof path->v) continue;
            snprintf(config, sizeof config, "%s/config.json", path->v);
            if (access(config, R_OK) == 0) return RT_OK;
        }
    }
    return rt_fail(err, RT_ERR_READ, "no model: the one that comes with t5k is not beside it; name one with -m MODEL or in T5K_MODEL");
}

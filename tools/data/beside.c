/* Files of answers, a line for each record; see beside.h. */
#include "tools/data/beside.h"

#include <string.h>
#include <unistd.h>

static bool cut_end(rt_text *text, const char *end) {
    const size_t n = strlen(end);
    if (text->n < n || memcmp(text->v + text->n - n, end, n) != 0) return false;
    text->n -= n;
    text->v[text->n] = '\0';
    return true;
}

static rt_status name_beside(const char *path, const char *strip, const char *suffix, rt_text *name, rt_error *err) {
    RT_TRY(rt_text_append(name, path, strlen(path), err));
    cut_end(name, ".gz");
    cut_end(name, strip);
    return rt_text_append(name, suffix, strlen(suffix), err);
}

static rt_status open_either(rt_text *name, beside *b, rt_error *err) {
    if (access(name->v, F_OK) != 0) RT_TRY(rt_text_append(name, ".gz", 3, err));
    if (access(name->v, F_OK) != 0) return RT_OK;
    RT_TRY(source_open(name->v, &b->source, err));
    source_release(&b->source);
    b->is_open = true;
    return RT_OK;
}

rt_status beside_open(const char *path, const char *strip, const char *suffix, beside *b, rt_text *looked_for, rt_error *err) {
    rt_text name = {0};
    *b = (beside){0};
    rt_status status = name_beside(path, strip, suffix, &name, err);
    if (status == RT_OK) {
        const char *slash = strrchr(name.v, '/'), *base = slash != NULL ? slash + 1 : name.v;
        status = rt_text_append(looked_for, base, strlen(base), err);
    }
    if (status == RT_OK) status = open_either(&name, b, err);
    rt_text_free(&name);
    return status;
}

void beside_close(beside *b) {
    source_close(&b->source);
    b->is_open = false;
}

rt_status beside_next(beside *b, const char *data, slice *line, rt_error *err) {
    bool have;
    *line = (slice){0};
    if (!b->is_open) return RT_OK;
    RT_TRY(source_filled_line(&b->source, line, &have, err));
    if (have) return RT_OK;
    return rt_fail(err, RT_ERR_DISAGREE, "%s: ends after %zu lines, but %s has more records", b->source.name, b->source.n_lines, data);
}

rt_status beside_end(beside *b, const char *data, rt_error *err) {
    bool have;
    slice line;
    if (!b->is_open) return RT_OK;
    RT_TRY(source_filled_line(&b->source, &line, &have, err));
    if (!have) return RT_OK;
    return rt_fail(err, RT_ERR_DISAGREE, "%s, line %zu: %s has no record for this line", b->source.name, b->source.n_lines, data);
}

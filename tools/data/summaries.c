/* NarrativeQA's summaries by document; see beside.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/data/beside.h"
#include "tools/data/comma_fields.h"

struct summary {
    size_t key, n_key, text, n_text; /* in summaries.text until all are read, sorted by key then */
};

enum { MAX_FIELDS = 8 };

static rt_status add(summaries *s, slice key, slice text, rt_error *err) {
    if (s->n == s->capacity) {
        const size_t capacity = s->capacity > 0 ? 2 * s->capacity : 256;
        struct summary *entries = realloc(s->entries, capacity * sizeof *entries);
        if (entries == NULL) return rt_fail_memory(err, capacity * sizeof *entries, "summaries");
        s->entries = entries;
        s->capacity = capacity;
    }
    s->entries[s->n++] = (struct summary){s->text.n, key.n, s->text.n + key.n, text.n};
    RT_TRY(rt_text_append(&s->text, key.v, key.n, err));
    return rt_text_append(&s->text, text.v, text.n, err);
}

static int compare(slice a, slice b) {
    const int order = memcmp(a.v, b.v, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_key(const void *a, const void *b, void *text) {
    const struct summary *x = a, *y = b;
    const char *v = text;
    return compare((slice){v + x->key, x->n_key}, (slice){v + y->key, y->n_key});
}

static rt_status read_all(source *file, summaries *s, rt_error *err) {
    rt_text text = {0};
    rt_status status;
    slice fields[MAX_FIELDS];
    size_t n_fields, line;
    bool have;
    do {
        status = comma_fields_next(file, &text, fields, MAX_FIELDS, &n_fields, &line, &have, err);
        if (status != RT_OK || !have) break;
        if (n_fields < 3) {
            status = rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: the number of columns is %zu, not 3 or more", file->name, line,
                             n_fields);
        } else if (s->text.n + fields[2].n > SUMMARIES_BYTES) {
            status = rt_fail(err, RT_ERR_LIMIT, "%s: too large (at most %d bytes)", file->name, SUMMARIES_BYTES);
        } else {
            status = add(s, fields[0], fields[2], err);
        }
    } while (status == RT_OK);
    rt_text_free(&text);
    if (status == RT_OK && s->n > 0) qsort_r(s->entries, s->n, sizeof *s->entries, by_key, s->text.v);
    return status;
}

/* FOLDER/name or FOLDER/name.gz, where FOLDER is the data file's; *name is empty where neither is there. */
static rt_status find_file(const char *path, const char *wanted, rt_text *name, rt_error *err) {
    const char *slash = strrchr(path, '/');
    name->n = 0;
    if (slash != NULL) RT_TRY(rt_text_append(name, path, (size_t)(slash + 1 - path), err));
    RT_TRY(rt_text_append(name, wanted, strlen(wanted), err));
    if (access(name->v, F_OK) == 0) return RT_OK;
    RT_TRY(rt_text_append(name, ".gz", 3, err));
    if (access(name->v, F_OK) != 0) name->n = 0;
    return RT_OK;
}

rt_status summaries_read(const char *path, summaries *s, bool *have, rt_error *err) {
    source file = {0};
    rt_text name = {0};
    *s = (summaries){0};
    rt_status status = find_file(path, "summaries.csv", &name, err);
    if (status == RT_OK && name.n == 0) status = find_file(path, "third_party/wikipedia/summaries.csv", &name, err);
    *have = status == RT_OK && name.n > 0;
    if (*have) {
        status = source_open(name.v, &file, err);
        if (status == RT_OK) source_release(&file);
        if (status == RT_OK) status = read_all(&file, s, err);
        source_close(&file);
    }
    if (status != RT_OK) summaries_free(s);
    rt_text_free(&name);
    return status;
}

slice summaries_find(const summaries *s, slice key) {
    size_t low = 0, high = s->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct summary *e = &s->entries[middle];
        const int order = compare(key, (slice){s->text.v + e->key, e->n_key});
        if (order == 0) return (slice){s->text.v + e->text, e->n_text};
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return (slice){0};
}

void summaries_free(summaries *s) {
    free(s->entries);
    rt_text_free(&s->text);
    *s = (summaries){0};
}

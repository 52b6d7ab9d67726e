/* Files that lie beside a data file and belong to it: answers, ids, summaries. */
#ifndef TOOLS_DATA_BESIDE_H
#define TOOLS_DATA_BESIDE_H

#include "tools/data/source.h"

typedef struct beside {
    source source;
    bool is_open;
} beside;

/* Opens NAME+suffix for a data file NAME+strip or NAME+strip.gz, or the same with .gz. Where neither is there, *b stays closed and the
 * status is RT_OK. The name that was looked for is appended to *looked_for, without its folder. */
rt_status beside_open(const char *path, const char *strip, const char *suffix, beside *b, rt_text *looked_for, rt_error *err);
void beside_close(beside *b);

/* The line of the next record; {NULL, 0} if b is closed. RT_ERR_DISAGREE if there is no line left. `data` is the data file's name. */
rt_status beside_next(beside *b, const char *data, slice *line, rt_error *err);

/* RT_ERR_DISAGREE unless all lines are used up. */
rt_status beside_end(beside *b, const char *data, rt_error *err);

/* Texts by key, all in memory. */
typedef struct summaries {
    rt_text text;
    struct summary *entries; /* sorted by key */
    size_t n, capacity;
} summaries;

enum { SUMMARIES_BYTES = 256 << 20 };

/* NarrativeQA's summaries.csv (document_id,set,summary,…) beside the data file, or below it in third_party/wikipedia. *have whether there
 * is one. RT_ERR_MALFORMED, RT_ERR_LIMIT. */
rt_status summaries_read(const char *path, summaries *s, bool *have, rt_error *err);
slice summaries_find(const summaries *s, slice key); /* {NULL, 0} if it is not there */
void summaries_free(summaries *s);

#endif

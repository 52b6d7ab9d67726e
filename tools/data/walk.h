/* The questions inside one record: the elements of nested arrays, or the columns of a line, in order. */
#ifndef TOOLS_DATA_WALK_H
#define TOOLS_DATA_WALK_H

#include "tools/data/formats.h"

typedef struct walk {
    const format *format;
    const cJSON *pending[RECORD_MAX_LEVELS]; /* of each level, the next element */
    size_t index[RECORD_MAX_LEVELS];         /* its number */
    size_t level, n_levels;
    size_t n; /* questions and defects so far */
    bool started, ended;
} walk;

void walk_start(walk *w, const format *of);

/* Sets r to its next question; *have is false when there are no more. RT_ERR_MALFORMED where an array of the way is missing: the walk goes
 * on behind it. */
rt_status walk_next(walk *w, record *r, bool *have, rt_error *err);

#endif

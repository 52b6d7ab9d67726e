/* The questions that a report shows, EVAL_MAX_RECORDS of them at most. */
#ifndef TOOLS_EVAL_RECORDS_H
#define TOOLS_EVAL_RECORDS_H

#include "tools/eval_line.h"
#include "tools/eval_result.h"

typedef struct eval_records {
    eval_record *v; /* [n]; texts are in blocks of their own, one a record */
    size_t n, capacity, n_left_out;
} eval_records;

void eval_records_free(eval_records *records);

/* Copies what a report shows of a question of set number `set`. */
rt_status eval_records_add(eval_records *records, size_t set, const eval_line *line, slice reference, rt_error *err);

#endif

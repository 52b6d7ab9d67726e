/* The results on standard output: a table for people, tab-separated columns of the top-k attention paper, or JSON. */
#ifndef TOOLS_EVAL_PRINT_H
#define TOOLS_EVAL_PRINT_H

#include "runtime/buffer.h"
#include "tools/eval_result.h"
#include "tools/options.h"

/* Appends the table: a row a set and, with --by-task, a row a task. Scores are per cent, with their 95 % intervals. */
rt_status eval_print_table(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err);

/* Appends f1, em, dataset, split, ff_dim and k with a header line; k is -1 where all units are kept. Sets without scores are left out. */
rt_status eval_print_tsv(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err);

/* Appends a JSON object a line for each set. Scores are 0 .. 1. */
rt_status eval_print_json(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err);

#endif

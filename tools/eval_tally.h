/* Means of the scores of a set and of its tasks, with their intervals. Memory depends on the number of tasks, not on that of questions. */
#ifndef TOOLS_EVAL_TALLY_H
#define TOOLS_EVAL_TALLY_H

#include "tools/eval_result.h"
#include "tools/eval_score.h"

typedef struct eval_tally eval_tally;

rt_status eval_tally_open(const char *set_name, eval_tally **tally, rt_error *err);
void eval_tally_close(eval_tally *tally); /* NULL is closed already */

/* Adds a question's scores to the set and, unless it is empty, to its task. */
rt_status eval_tally_add(eval_tally *tally, slice task, data_metric metric, const eval_score *score, rt_error *err);

/* The means so far; names are borrowed from the tally, and the list of tasks, which is in the order of their first questions, too. */
void eval_tally_result(eval_tally *tally, eval_group *all, const eval_group **tasks, size_t *n_tasks);

#endif

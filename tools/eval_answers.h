/* Answers made elsewhere, by id or by input.
 *
 *     {"56be4db0acb8000400e4e3cf": "Denver Broncos", …}      SQuAD's predictions: one object, id to answer
 *     {"id": …, "input": …, "answer": "…"}                   JSON lines: id (text or whole number), or input where there is no id;
 *                                                            "set", if there, is the path of the data set that the line is for. So
 *                                                            are the lines of --predictions, whose first line is passed over
 *
 * Plain or gzip. All answers are held in memory. */
#ifndef TOOLS_EVAL_ANSWERS_H
#define TOOLS_EVAL_ANSWERS_H

#include <stdbool.h>

#include "runtime/buffer.h"
#include "tools/slice.h"

enum { EVAL_ANSWERS_MAX_BYTES = 1 << 30 };

typedef struct eval_answers eval_answers;

/* RT_ERR_READ; RT_ERR_MALFORMED, also for two different answers to the same question; RT_ERR_LIMIT. */
rt_status eval_answers_open(const char *path, eval_answers **answers, rt_error *err);
void eval_answers_close(eval_answers *answers); /* NULL is closed already */

/* The answer to a question, borrowed; by its id if it has one, else or if there is none by its input, as the data set has it. */
bool eval_answers_find(eval_answers *answers, const char *set, slice id, slice input, slice *answer);

size_t eval_answers_count(const eval_answers *answers);
size_t eval_answers_unused(const eval_answers *answers); /* never found */

#endif

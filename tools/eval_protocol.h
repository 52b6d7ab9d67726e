/* The conventions of published evaluations: what a model is fed, how far it may write, how its answer is read and scored. Each is an option
 * of its own; a protocol sets all that the user has not. */
#ifndef TOOLS_EVAL_PROTOCOL_H
#define TOOLS_EVAL_PROTOCOL_H

#include "tools/options.h"

/* Words of the options, in the order of the option table. */
enum { EVAL_CASE_LOWER, EVAL_CASE_KEEP };
enum { EVAL_APOSTROPHES_KEEP, EVAL_APOSTROPHES_STRIP };
enum { EVAL_UNKNOWN_DROP, EVAL_UNKNOWN_MARK };
enum { EVAL_CLEAN_UP_NO, EVAL_CLEAN_UP_YES };
enum { EVAL_METRIC_OWN, EVAL_METRIC_SQUAD };
enum { EVAL_ANSWER_CASE_LOWER, EVAL_ANSWER_CASE_KEEP };
enum { EVAL_LETTERS_ALL, EVAL_LETTERS_PUBLISHED };
enum { EVAL_NQ_ALL, EVAL_NQ_FIRST };
enum { EVAL_LOST_SKIP, EVAL_LOST_WRONG };
enum { EVAL_BY_ANSWER, EVAL_BY_LIKELIHOOD, EVAL_BY_LIKELIHOOD_PER_TOKEN };

/* Sets the conventions that were not given. RT_ERR_USAGE where what comes of it contradicts itself. */
rt_status eval_protocol_apply(opt_values *options, rt_error *err);

#endif

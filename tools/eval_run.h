/* A run over data sets: what all of them share, and what is found out about each. */
#ifndef TOOLS_EVAL_RUN_H
#define TOOLS_EVAL_RUN_H

#include "tools/eval_answers.h"
#include "tools/eval_interrupt.h"
#include "tools/eval_predictions.h"
#include "tools/eval_progress.h"
#include "tools/eval_records.h"
#include "tools/eval_tally.h"
#include "tools/eval_window.h"

typedef struct eval_run {
    const opt_values *options; /* with the protocol applied */
    text2text model;           /* model.model is NULL where answers are given */
    eval_answers *answers;     /* NULL where a model is asked */
    eval_predictions predictions;
    eval_window window;
    eval_progress progress;
    eval_interrupt interrupt;
    bool keeps_records;
    eval_records records;
    eval_set *sets;       /* [n_sets] */
    eval_tally **tallies; /* [n_sets]; NULL before a set is begun */
    size_t n_sets;
    size_t set;           /* the one under way */
    double start;         /* of that set */
    rt_text text;
    rt_error failure; /* the first one; status RT_OK if there was none */
    bool stopped;     /* by a failure that is not one set's alone */
} eval_run;

/* Runs over set number run->set. What goes wrong is told, or kept as the first failure; what was done before is kept. */
void eval_run_set(eval_run *run);

/* Keeps the failure if it is the first, which is told at the very end, and tells it otherwise. */
void eval_run_failed(eval_run *run, const rt_error *failure);

/* Brings the results of the set under way up to date. */
void eval_run_sum_up(eval_run *run);

#endif

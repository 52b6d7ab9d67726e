/* The scores of one answer, by the metric of its set and the conventions in the options. */
#ifndef TOOLS_EVAL_SCORE_H
#define TOOLS_EVAL_SCORE_H

#include "tools/data/data_set.h"
#include "tools/options.h"

typedef struct eval_score {
    bool scored; /* false: the question has no reference */
    bool has_own;
    double exact_match, f1; /* SQuAD's */
    double own;             /* the set's own metric */
} eval_score;

/* What is known about the set that a question is from. */
typedef struct eval_source {
    const char *path, *form;
} eval_source;

/* `chosen` is the choice that the model found likeliest, or DATA_NO_GOLD where it wrote its answer. */
rt_status eval_score_answer(const opt_values *options, const eval_source *source, const data_question *question, slice answer,
                            size_t chosen, eval_score *score, rt_error *err);

/* "accuracy" or such; NULL where the own metric is SQuAD's. */
const char *eval_own_name(data_metric metric);

/* The same as a member of JSON objects has it, "drop_f1" or such. */
const char *eval_own_key(data_metric metric);

#endif

/* UnifiedQA's multiple choice: the choice that is nearest to the prediction counts as the answer. */
#ifndef TOOLS_METRICS_CHOICE_H
#define TOOLS_METRICS_CHOICE_H

#include <stdbool.h>

#include "runtime/buffer.h"
#include "tools/slice.h"

typedef struct choice_rules {
    char last_letter;      /* the choices are split at (a) to this letter: 'e', and 'h' for QASC */
    bool lower_prediction; /* as the second version of the evaluation does */
} choice_rules;

/* The number, from 0, of the choice in an encoded input that is nearest to the prediction. The choices are what stands between the first
 * separator and the second, in small letters, split at each letter in brackets, empty pieces left out: a choice that itself contains
 * "(a)" breaks the split, here as there. Scores: equal 3; equal without quotes and the characters that have no piece in T5's vocabulary 2;
 * else the distinct tokens in common over the larger number of tokens. The first of equals wins, so a prediction like none of them
 * selects the first. *n_choices is how many pieces there were; with none *choice is 0. */
rt_status choice_nearest(slice input, slice prediction, const choice_rules *rules, size_t *choice, size_t *n_choices, rt_error *err);

#endif

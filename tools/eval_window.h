/* Questions that wait for the model: copies, with the text and the ids that the model is fed. A window is filled by tokens, so that memory
 * does not depend on the number of questions. */
#ifndef TOOLS_EVAL_WINDOW_H
#define TOOLS_EVAL_WINDOW_H

#include "tools/batch.h"
#include "tools/eval_line.h"
#include "tools/text2text.h"

typedef struct eval_item {
    data_question question; /* into memory */
    void *memory;
    size_t first_choice; /* of choices, with --by likelihood */
    eval_answer answer;  /* its text is in answers */
    size_t answer_at;
} eval_item;

typedef struct eval_window {
    batch batch;
    eval_item *items; /* [BATCH_MAX_ITEMS], of which batch.n are in use */
    rt_text answers, text;
    t5_ids *inputs, *targets; /* [n_choices]: a pair for each choice of each question */
    batch_part *choices;      /* [n_choices] */
    float *logprobs;
    size_t n_choices, choices_max, n_logprobs_max;
} eval_window;

rt_status eval_window_init(eval_window *w, rt_error *err);
void eval_window_free(eval_window *w); /* a zeroed window is free already */
void eval_window_clear(eval_window *w);

/* Copies the question, and makes its ids; RT_ERR_USAGE if it has no choices and the options ask for the likeliest. */
rt_status eval_window_add(eval_window *w, const text2text *model, const data_question *question, rt_error *err);

/* What the model was fed for an item. */
slice eval_window_input(const eval_window *w, size_t item);

/* Lets the model answer all items. */
rt_status eval_window_answer(eval_window *w, const text2text *model, rt_error *err);

#endif

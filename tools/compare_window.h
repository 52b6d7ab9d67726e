/* Questions that go through the model together, once for each setting. */
#ifndef TOOLS_COMPARE_WINDOW_H
#define TOOLS_COMPARE_WINDOW_H

#include "tokenizer/tokenizer.h"
#include "tools/data/data_set.h"
#include "tools/options.h"

enum { COMPARE_WINDOW_MAX = 1024 };

typedef struct compare_question {
    size_t number;          /* in its set, from 1 */
    data_question question; /* a copy */
    void *memory;           /* what it points into */
    size_t text, n_text;    /* in compare_window.texts: what the model is fed */
    size_t ids, n_ids;
} compare_question;

typedef struct compare_window {
    compare_question *questions; /* [COMPARE_WINDOW_MAX], of which n are in use */
    t5_ids *inputs;              /* [COMPARE_WINDOW_MAX] */
    size_t n, n_cut;
    rt_text texts;
    rt_ids ids;
} compare_window;

rt_status compare_window_open(compare_window *window, rt_error *err);
void compare_window_close(compare_window *window); /* a zeroed one is closed already */
void compare_window_clear(compare_window *window);

/* Adds a question, of which it takes a copy. The window must have room. */
rt_status compare_window_add(compare_window *window, const opt_values *options, const tok_tokenizer *tokenizer, const data_question *question,
                             size_t number, rt_error *err);

/* Fills inputs from the questions; they point into ids, which must not grow while they are used. */
void compare_window_inputs(compare_window *window);

#endif

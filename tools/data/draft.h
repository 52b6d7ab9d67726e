/* A question under construction: readers append to it, and it becomes a data_question when all its text has come to rest. */
#ifndef TOOLS_DATA_DRAFT_H
#define TOOLS_DATA_DRAFT_H

#include "runtime/buffer.h"
#include "tools/data/data_set.h"

enum { DRAFT_MAX_TEXTS = 4096 }; /* references, and choices, of one question */

/* What becomes of white space in a text, as UnifiedQA's encoders treat it. */
typedef enum draft_space {
    SPACE_KEEP,      /* line breaks and tabs become spaces */
    SPACE_NO_BREAKS, /* line breaks go, tabs become spaces */
    SPACE_SQUEEZE,   /* tabs go, three spaces become one, then two become one, then line breaks become spaces */
    SPACE_DELETE     /* the ends are stripped, tabs and line breaks go, three spaces become one, then two become one */
} draft_space;

typedef struct draft_span {
    size_t at, n; /* in draft.text */
} draft_span;

typedef struct draft_list {
    draft_span *spans;
    slice *texts; /* filled in by draft_finish */
    size_t n, capacity;
} draft_list;

typedef struct draft {
    rt_text text, input;
    draft_list references, choices;
    draft_span id, task;
    size_t gold;
    bool answerable;
    data_metric metric;
} draft;

void draft_reset(draft *d, data_metric metric);
void draft_free(draft *d);

/* The question as it now stands, every text stripped of ASCII white space; borrowed until the draft changes. */
void draft_finish(draft *d, data_question *question);

/* A text kept in the draft, stripped of ASCII white space; borrowed until the draft changes. */
slice draft_text(const draft *d, draft_span span);

rt_status draft_id(draft *d, slice id, rt_error *err);
rt_status draft_task(draft *d, slice task, rt_error *err);
rt_status draft_reference(draft *d, slice text, draft_space space, rt_error *err);
rt_status draft_choice(draft *d, slice text, draft_space space, rt_error *err);

/* The reference that UnifiedQA gives to a question without an answer. */
rt_status draft_no_answer(draft *d, rt_error *err);

/* Whether the first reference is that one, in capitals or not. */
bool draft_says_no_answer(const draft *d);

/* Makes the choice the gold one and the reference. */
rt_status draft_gold(draft *d, size_t choice, rt_error *err);

/* Appends to the input. */
rt_status draft_put(draft *d, slice text, draft_space space, rt_error *err);
rt_status draft_literal(draft *d, const char *text, rt_error *err);

/* The question itself: with a '?' at its end if `mark` and there is none anywhere in it. */
rt_status draft_ask(draft *d, slice text, draft_space space, bool mark, rt_error *err);

/* The separator, which is " \n" but for RACE, and the choices as " (A) x (B) y", the letters from `first` on; at most 26. */
rt_status draft_put_choices(draft *d, const char *separator, char first, rt_error *err);

/* " \n " and, if it is not empty, "(title) ", then the passage. */
rt_status draft_put_passage(draft *d, slice title, slice passage, draft_space space, rt_error *err);

#endif

/* The progress bar on standard error, where that is a terminal: questions done, questions per second, time left. */
#ifndef TOOLS_EVAL_PROGRESS_H
#define TOOLS_EVAL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eval_progress {
    bool shown;   /* a bar may be drawn */
    bool drawn;   /* one stands on the last line */
    size_t total; /* questions in all; 0: not known */
    size_t done, skipped; /* skipped: of those done, the ones that took no time */
    double start, last;
} eval_progress;

void eval_progress_start(eval_progress *p, bool shown, size_t total);

/* One more question is done; resumed ones tell nothing about speed. */
void eval_progress_step(eval_progress *p, bool resumed);

/* Draws the bar, unless the last time was just now. */
void eval_progress_draw(eval_progress *p);

/* Takes the bar away, before something else is written. */
void eval_progress_clear(eval_progress *p);

#endif

/* The progress bar; see eval_progress.h. */
#include "tools/eval_progress.h"

#include <stdio.h>
#include <string.h>

#include "tools/verbose.h"

enum { WIDTH = 24 };
static const double redraw_seconds = 0.1;

void eval_progress_start(eval_progress *p, bool shown, size_t total) {
    *p = (eval_progress){.shown = shown, .total = total, .start = verbose_clock()};
}

void eval_progress_step(eval_progress *p, bool resumed) {
    p->done++;
    p->skipped += resumed;
}

void eval_progress_draw(eval_progress *p) {
    const double now = verbose_clock();
    if (!p->shown || p->done == 0 || (p->drawn && now - p->last < redraw_seconds)) return;
    char bar[WIDTH + 1], left[32] = "";
    const double rate = (double)(p->done - p->skipped) / (now - p->start);
    const size_t full = p->total > p->done ? p->done * WIDTH / p->total : WIDTH;
    memset(bar, '.', WIDTH);
    memset(bar, '#', full);
    bar[WIDTH] = '\0';
    if (p->total >= p->done && rate > 0) {
        const unsigned long seconds = (unsigned long)((double)(p->total - p->done) / rate + 0.5);
        snprintf(left, sizeof left, ", %lu:%02lu left", seconds / 60, seconds % 60);
    }
    if (p->total > 0) fprintf(stderr, "\r[%s] %zu of %zu, %.1f questions/s%s\033[K", bar, p->done, p->total, rate, left);
    else fprintf(stderr, "\r%zu questions, %.1f questions/s\033[K", p->done, rate);
    fflush(stderr);
    p->drawn = true;
    p->last = now;
}

void eval_progress_clear(eval_progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

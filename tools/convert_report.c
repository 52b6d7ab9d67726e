/* The progress bar and the table of losses; see convert_report.h. */
#include "tools/convert_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/verbose.h"

enum { BAR_WIDTH = 32 };
static const double redraw_seconds = 0.1;

convert_progress convert_progress_start(size_t total, bool is_quiet) {
    return (convert_progress){.shown = !is_quiet && isatty(STDERR_FILENO) == 1, .total = total};
}

void convert_progress_step(convert_progress *p, size_t n_bytes) {
    p->done += n_bytes;
    const double now = p->shown ? verbose_clock() : 0;
    if (!p->shown || now - p->last < redraw_seconds) return;
    char bar[BAR_WIDTH + 1];
    const size_t full = (size_t)((double)p->done / (double)p->total * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full < BAR_WIDTH ? full : BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %zu of %zu MiB\033[K", bar, p->done >> 20, p->total >> 20);
    fflush(stderr);
    p->drawn = true;
    p->last = now;
}

void convert_progress_end(convert_progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

/* One row: the tensors of one kind that went the same way. */
typedef struct row {
    t5_conversion_tensor tensor; /* the first of them */
    size_t n_tensors;
    t5_loss loss;
} row;

static bool belongs(const row *r, const t5_conversion_tensor *t) {
    return r->tensor.from == t->from && r->tensor.type == t->type && strcmp(r->tensor.kind, t->kind) == 0;
}

static rt_status print_row(const row *r, rt_text *out, rt_error *err) {
    char types[16];
    snprintf(types, sizeof types, r->tensor.from == r->tensor.type ? "%s" : "%s -> %s", rt_dtype_of(r->tensor.from).name,
             rt_dtype_of(r->tensor.type).name);
    RT_TRY(out_print(out, err, "%-40s %7zu  %-12s", r->tensor.kind, r->n_tensors, types));
    if (r->loss.largest == 0) return out_print(out, err, "  %13s  %13s\n", "0", "0");
    return out_print(out, err, "  %13.3g  %13.3g\n", r->loss.largest, r->loss.sum / (double)r->loss.n);
}

/* The row that tensor i opens; none where an earlier tensor has. */
static bool gather(const t5_conversion *conversion, const t5_loss *losses, size_t i, row *r) {
    *r = (row){.tensor = t5_conversion_at(conversion, i)};
    if (r->tensor.is_derived) return false;
    for (size_t j = 0; j < t5_conversion_count(conversion); j++) {
        const t5_conversion_tensor t = t5_conversion_at(conversion, j);
        if (t.is_derived || !belongs(r, &t)) continue;
        if (j < i) return false;
        r->n_tensors++;
        if (losses[j].largest > r->loss.largest) r->loss.largest = losses[j].largest;
        r->loss.sum += losses[j].sum;
        r->loss.n += losses[j].n;
    }
    return true;
}

rt_status convert_report(const t5_conversion *conversion, const t5_loss *losses, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "%-40s %7s  %-12s  %13s  %13s\n", "", "tensors", "type", "largest error", "mean error"));
    for (size_t i = 0; i < t5_conversion_count(conversion); i++) {
        row r;
        if (gather(conversion, losses, i, &r)) RT_TRY(print_row(&r, out, err));
    }
    return RT_OK;
}

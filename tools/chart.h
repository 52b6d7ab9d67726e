/* Charts as SVG: lines with markers, or bars, over a row of named places. Made for a phone's width, and drawn in the colours of the
 * reader's light or dark scheme. */
#ifndef TOOLS_CHART_H
#define TOOLS_CHART_H

#include <stdbool.h>

#include "runtime/buffer.h"

enum { CHART_MAX_SERIES = 6 };

/* One value for each place; NAN where there is none. */
typedef struct chart_series {
    const char *name;
    const double *y;
    const double *low, *high; /* an interval, drawn as a band; NULL: none */
} chart_series;

typedef enum chart_kind {
    CHART_LINES,
    CHART_BARS /* the first series as bars, the others as marks over them */
} chart_kind;

typedef struct chart {
    chart_kind kind;
    const char *id; /* of the element, unique on its page */
    const char *title, *x_name, *y_name;
    const char *unit;        /* of y, behind a value: " %" */
    const char *const *places; /* [n_places], named along the x axis */
    size_t n_places;
    const chart_series *series; /* [n_series] */
    size_t n_series;         /* 1 .. CHART_MAX_SERIES */
    bool from_zero;          /* the y axis begins at 0; always with bars */
    double y_limit;          /* the axis ends here at most; 0: no such limit */
} chart;

/* Appends the <svg> element. On a page the styles come from chart_style; alone, for a file of its own, it brings them along. */
rt_status chart_draw(const chart *c, bool alone, rt_text *out, rt_error *err);

/* The style rules of all charts, for a page's <style>. */
const char *chart_style(void);

#endif

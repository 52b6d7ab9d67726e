/* Charts; see chart.h. The drawing is WIDTH units wide; text of 12 units is readable where it is shown at a phone's width.
 *
 *     y axis    from a round number at or below the smallest value to one at or above the largest, in steps of 1, 2 or 5 times a power of
 *               10, at most 7 of them
 *     x axis    places at equal distances: for powers of two a logarithmic scale */
#include "tools/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/markup.h"
#include "tools/output.h"

enum {
    WIDTH = 360,
    LEFT = 48,
    RIGHT = 14,
    TOP = 48,
    PLOT_HEIGHT = 168,
    BELOW = 42, /* place names and the axis' name */
    LEGEND_LINE = 18,
    MAX_PLACE_NAMES = 14,
    N_STEPS = 5
};

static const char style[] =
    ".chart{--ink:#1d2430;--faint:#5a6472;--grid:#d5dae1;--s0:#0b5fa5;--s1:#b3400e;--s2:#1b7a4b;--s3:#7a3ea8;--s4:#7d6200;--s5:#555f6d;"
    "font-family:system-ui,sans-serif;font-size:12px;max-width:100%;height:auto}"
    "@media (prefers-color-scheme:dark){.chart{--ink:#e8ecf2;--faint:#a9b4c2;--grid:#3a4452;--s0:#6db3f2;--s1:#f59a6a;--s2:#5fd39a;"
    "--s3:#c79bf0;--s4:#e2c35a;--s5:#b5bdc8}}"
    "@media print{.chart{--ink:#000;--faint:#333;--grid:#bbb;--s0:#0b5fa5;--s1:#b3400e;--s2:#1b7a4b;--s3:#7a3ea8;"
    "--s4:#7d6200;--s5:#555f6d}}"
    ".chart text{fill:var(--faint)}.chart .title{fill:var(--ink);font-weight:600;font-size:14px}"
    ".chart .grid{stroke:var(--grid);stroke-width:1}.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".chart .band{opacity:.16;stroke:none}.chart .mark{stroke:none}"
    ".chart .c0{color:var(--s0)}.chart .c1{color:var(--s1)}.chart .c2{color:var(--s2)}.chart .c3{color:var(--s3)}"
    ".chart .c4{color:var(--s4)}.chart .c5{color:var(--s5)}"
    ".chart .line{stroke:currentColor}.chart .band,.chart .mark{fill:currentColor}";

const char *chart_style(void) { return style; }

typedef struct drawing {
    const chart *c;
    double low, high, step; /* of the y axis */
    rt_text *out;
    rt_error *err;
} drawing;

static double x_of(const chart *c, size_t place) {
    const double room = WIDTH - LEFT - RIGHT, n = (double)c->n_places;
    if (c->kind == CHART_BARS) return LEFT + room * ((double)place + 0.5) / n;
    return LEFT + 8 + (n > 1 ? (room - 16) * (double)place / (n - 1) : (room - 16) / 2);
}

static double y_of(const drawing *d, double y) { return TOP + PLOT_HEIGHT * (d->high - y) / (d->high - d->low); }

static void reach(double value, double *low, double *high) {
    if (!isfinite(value)) return;
    if (value < *low) *low = value;
    if (value > *high) *high = value;
}

/* The y axis: round ends and steps. */
static void scale(drawing *d) {
    double low = INFINITY, high = -INFINITY;
    for (size_t s = 0; s < d->c->n_series; s++) {
        const chart_series *series = &d->c->series[s];
        for (size_t i = 0; i < d->c->n_places; i++) {
            reach(series->y[i], &low, &high);
            if (series->low != NULL) reach(series->low[i], &low, &high);
            if (series->high != NULL) reach(series->high[i], &low, &high);
        }
    }
    if (!(low <= high)) low = high = 0;
    if (d->c->from_zero || d->c->kind == CHART_BARS) low = fmin(low, 0);
    if (high - low < 1e-9 * (1 + fabs(high))) { /* a flat line: an axis of some length, inside the limit */
        const bool at_limit = d->c->y_limit > 0 && high >= d->c->y_limit;
        const double length = fabs(high) > 0 ? fabs(high) / 10 : 1;
        if (at_limit) low -= length;
        else high += length;
    }
    const double rough = (high - low) / N_STEPS, power = pow(10, floor(log10(rough)));
    d->step = power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
    d->low = d->step * floor(low / d->step + 1e-9);
    d->high = d->step * ceil(high / d->step - 1e-9);
    if (d->c->y_limit > 0 && d->high > d->c->y_limit && high <= d->c->y_limit) d->high = d->c->y_limit;
}

static rt_status put_text(const drawing *d, double x, double y, const char *attributes, const char *text) {
    RT_TRY(out_print(d->out, d->err, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes));
    RT_TRY(markup_text(d->out, slice_of(text), d->err));
    return markup_raw(d->out, "</text>", d->err);
}

static rt_status draw_y_axis(const drawing *d) {
    char value[32];
    for (double y = d->low; y <= d->high + d->step * 1e-6; y += d->step) {
        const double at = y_of(d, y), shown = fabs(y) < d->step * 1e-6 ? 0 : y;
        RT_TRY(out_print(d->out, d->err, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, at, WIDTH - RIGHT));
        snprintf(value, sizeof value, "%.4g", shown);
        RT_TRY(put_text(d, LEFT - 6, at + 4, " text-anchor=\"end\"", value));
    }
    return RT_OK;
}

/* Where there are many places, every second or third is named, but always the last of a line chart. */
static rt_status draw_x_axis(const drawing *d) {
    const chart *c = d->c;
    const size_t every = (c->n_places + MAX_PLACE_NAMES - 1) / MAX_PLACE_NAMES;
    for (size_t i = 0; i < c->n_places; i++) {
        if (i % every != 0) continue;
        RT_TRY(put_text(d, x_of(c, i), TOP + PLOT_HEIGHT + 17, " text-anchor=\"middle\"", c->places[i]));
    }
    return put_text(d, LEFT + (WIDTH - LEFT - RIGHT) / 2.0, TOP + PLOT_HEIGHT + 34, " text-anchor=\"middle\"", c->x_name);
}

/* Circle, square, triangle, diamond, and the last two again smaller. */
static rt_status draw_mark(const drawing *d, size_t s, double x, double y) {
    static const char *const shapes[] = {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "m-4 -4h8v8h-8z", "m0 -5l5 9h-10z",
                                         "m0 -5l5 5l-5 5l-5 -5z", "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z", "m-3 -3h6v6h-6z"};
    return out_print(d->out, d->err, "<path class=\"mark\" d=\"M%.1f %.1f%s\">", x, y, shapes[s % CHART_MAX_SERIES]);
}

/* What a reader who points at a value is told, inside its element. */
static rt_status name_value(const drawing *d, const chart_series *series, size_t place) {
    char value[64];
    RT_TRY(markup_raw(d->out, "<title>", d->err));
    RT_TRY(markup_text(d->out, slice_of(series->name), d->err));
    RT_TRY(markup_raw(d->out, ", ", d->err));
    RT_TRY(markup_text(d->out, slice_of(d->c->places[place]), d->err));
    snprintf(value, sizeof value, ": %.4g%s", series->y[place], d->c->unit);
    RT_TRY(markup_text(d->out, slice_of(value), d->err));
    if (series->low != NULL) {
        snprintf(value, sizeof value, " (%.4g to %.4g)", series->low[place], series->high[place]);
        RT_TRY(markup_text(d->out, slice_of(value), d->err));
    }
    return markup_raw(d->out, "</title>", d->err);
}

static rt_status draw_band(const drawing *d, const chart_series *series) {
    bool begun = false;
    for (size_t i = 0; i < d->c->n_places; i++) {
        if (!isfinite(series->y[i])) continue;
        RT_TRY(markup_raw(d->out, begun ? "L" : "<path class=\"band\" d=\"M", d->err));
        RT_TRY(out_print(d->out, d->err, "%.1f %.1f", x_of(d->c, i), y_of(d, series->high[i])));
        begun = true;
    }
    if (!begun) return RT_OK;
    for (size_t i = d->c->n_places; i > 0; i--) {
        if (isfinite(series->y[i - 1])) RT_TRY(out_print(d->out, d->err, "L%.1f %.1f", x_of(d->c, i - 1), y_of(d, series->low[i - 1])));
    }
    return markup_raw(d->out, "z\"/>", d->err);
}

static rt_status draw_line(const drawing *d, const chart_series *series, size_t s) {
    static const char *const dashes[] = {"", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 4\""};
    bool begun = false;
    if (series->low != NULL) RT_TRY(draw_band(d, series));
    for (size_t i = 0; i < d->c->n_places; i++) {
        if (!isfinite(series->y[i])) continue;
        if (!begun) RT_TRY(out_print(d->out, d->err, "<path class=\"line\"%s d=\"M", dashes[s % 3]));
        RT_TRY(out_print(d->out, d->err, "%s%.1f %.1f", begun ? "L" : "", x_of(d->c, i), y_of(d, series->y[i])));
        begun = true;
    }
    if (begun) RT_TRY(markup_raw(d->out, "\"/>", d->err));
    for (size_t i = 0; i < d->c->n_places; i++) {
        if (!isfinite(series->y[i])) continue;
        RT_TRY(draw_mark(d, s, x_of(d->c, i), y_of(d, series->y[i])));
        RT_TRY(name_value(d, series, i));
        RT_TRY(markup_raw(d->out, "</path>", d->err));
    }
    return RT_OK;
}

static rt_status draw_bars(const drawing *d, const chart_series *series, bool first) {
    const double width = 0.7 * (WIDTH - LEFT - RIGHT) / (double)d->c->n_places;
    for (size_t i = 0; i < d->c->n_places; i++) {
        if (!isfinite(series->y[i])) continue;
        const double x = x_of(d->c, i) - width / 2, y = y_of(d, series->y[i]), height = first ? y_of(d, 0) - y : 3;
        RT_TRY(
            out_print(d->out, d->err, "<rect class=\"mark\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", x, y, width, height));
        RT_TRY(name_value(d, series, i));
        RT_TRY(markup_raw(d->out, "</rect>", d->err));
    }
    return RT_OK;
}

static rt_status draw_series(const drawing *d) {
    for (size_t s = 0; s < d->c->n_series; s++) {
        const chart_series *series = &d->c->series[s];
        RT_TRY(out_print(d->out, d->err, "<g class=\"c%zu\">", s));
        RT_TRY(d->c->kind == CHART_BARS ? draw_bars(d, series, s == 0) : draw_line(d, series, s));
        RT_TRY(markup_raw(d->out, "</g>", d->err));
    }
    return RT_OK;
}

static double legend_top(void) { return TOP + PLOT_HEIGHT + BELOW; }

static rt_status draw_legend(const drawing *d) {
    for (size_t s = 0; s < d->c->n_series; s++) {
        const double y = legend_top() + LEGEND_LINE * ((double)s + 0.5);
        RT_TRY(out_print(d->out, d->err, "<g class=\"c%zu\">", s));
        RT_TRY(draw_mark(d, d->c->kind == CHART_BARS ? 1 : s, LEFT + 6, y));
        RT_TRY(markup_raw(d->out, "</path></g>", d->err));
        RT_TRY(put_text(d, LEFT + 18, y + 4, "", d->c->series[s].name));
    }
    return RT_OK;
}

/* Everything a chart shows, for those who hear it: the values of each series. */
static rt_status describe(const drawing *d) {
    const chart *c = d->c;
    char value[64];
    RT_TRY(out_print(d->out, d->err, "<desc id=\"%s-desc\">", c->id));
    RT_TRY(markup_text(d->out, slice_of(c->y_name), d->err));
    RT_TRY(markup_raw(d->out, " by ", d->err));
    RT_TRY(markup_text(d->out, slice_of(c->x_name), d->err));
    for (size_t s = 0; s < c->n_series; s++) {
        RT_TRY(markup_raw(d->out, ". ", d->err));
        RT_TRY(markup_text(d->out, slice_of(c->series[s].name), d->err));
        for (size_t i = 0; i < c->n_places; i++) {
            if (!isfinite(c->series[s].y[i])) continue;
            RT_TRY(markup_raw(d->out, "; ", d->err));
            RT_TRY(markup_text(d->out, slice_of(c->places[i]), d->err));
            snprintf(value, sizeof value, ": %.4g", c->series[s].y[i]);
            RT_TRY(markup_raw(d->out, value, d->err));
        }
    }
    return markup_raw(d->out, ".</desc>", d->err);
}

rt_status chart_draw(const chart *c, bool alone, rt_text *out, rt_error *err) {
    drawing d = {.c = c, .out = out, .err = err};
    const int height = (int)legend_top() + LEGEND_LINE * (int)c->n_series + 4;
    scale(&d);
    RT_TRY(out_print(out, err, "<svg%s class=\"chart\" viewBox=\"0 0 %d %d\"", alone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", WIDTH,
                     height));
    RT_TRY(out_print(out, err, "%s role=\"img\" aria-labelledby=\"%s-title %s-desc\">", alone ? " width=\"720\"" : "", c->id, c->id));
    if (alone) {
        RT_TRY(markup_raw(out, "<style>", err));
        RT_TRY(markup_raw(out, style, err));
        RT_TRY(markup_raw(out, "</style>", err));
    }
    RT_TRY(out_print(out, err, "<title id=\"%s-title\">", c->id));
    RT_TRY(markup_text(out, slice_of(c->title), err));
    RT_TRY(markup_raw(out, "</title>", err));
    RT_TRY(describe(&d));
    RT_TRY(put_text(&d, 6, 15, " class=\"title\"", c->title));
    RT_TRY(put_text(&d, 6, 29, "", c->y_name));
    RT_TRY(draw_y_axis(&d));
    RT_TRY(draw_x_axis(&d));
    RT_TRY(draw_series(&d));
    RT_TRY(draw_legend(&d));
    return markup_raw(out, alone ? "</svg>\n" : "</svg>", err);
}

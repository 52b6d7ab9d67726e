/* Charts of a comparison; see compare_charts.h. A curve runs over the settings that differ in one k alone, and ends with dense, "all". */
#include "tools/compare_charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/chart.h"
#include "tools/markup.h"

typedef struct curve {
    const char *x_name, *id; /* id begins the ids of its charts */
    size_t (*k)(const compare_setting *setting);
    size_t n, settings[COMPARE_MAX_SETTINGS]; /* by rising k; the last is dense */
    char names[COMPARE_MAX_SETTINGS][16];
    const char *places[COMPARE_MAX_SETTINGS];
} curve;

typedef double value_fn(const compare_set *set, const compare_outcome *outcome);

typedef struct quantity {
    const char *id, *title, *y_name, *unit;
    value_fn *value, *low, *high; /* low, high NULL: no interval */
    bool from_zero;
    double y_limit;
} quantity;

static double exact_match(const compare_set *set, const compare_outcome *o) {
    return (void)set, o->exact_match.n > 0 ? 100 * o->exact_match.mean : NAN;
}
static double exact_low(const compare_set *set, const compare_outcome *o) { return (void)set, 100 * o->exact_match.low; }
static double exact_high(const compare_set *set, const compare_outcome *o) { return (void)set, 100 * o->exact_match.high; }

static double share(size_t n, size_t of) { return of > 0 ? 100 * (double)n / (double)of : NAN; }
static double same_answer(const compare_set *set, const compare_outcome *o) { return share(o->n_same_answer, set->n_questions); }
static double same_first(const compare_set *set, const compare_outcome *o) { return share(o->n_same_first, set->n_questions); }

static double milliseconds(const compare_set *set, const compare_outcome *o) {
    return set->n_questions > 0 ? 1e3 * (o->encode_seconds + o->decode_seconds) / (double)set->n_questions : NAN;
}

static double mebibytes(const compare_set *set, const compare_outcome *o) { return (void)set, (double)o->peak_bytes / (1 << 20); }

static const quantity accuracy = {
    "match", "Exact match", "per cent of the questions; shaded: 95 % interval", " %", exact_match, exact_low, exact_high, false, 100};

static const quantity others[] = {
    {"answers", "Same answer as dense", "per cent of the questions", " %", same_answer, NULL, NULL, false, 100},
    {"first", "Same first token as dense", "per cent of the questions", " %", same_first, NULL, NULL, false, 100},
    {"time", "Time", "milliseconds a question", " ms", milliseconds, NULL, NULL, true, 0},
    {"memory", "Memory beside the weights", "MiB at the most", " MiB", mebibytes, NULL, NULL, true, 0},
};

static void make_curve(const compare_settings *settings, curve *c) {
    c->n = 0;
    for (size_t s = 1; s < settings->n; s++) {
        const size_t k = c->k(&settings->v[s]);
        size_t at = c->n;
        if (k == 0) continue;
        for (; at > 0 && c->k(&settings->v[c->settings[at - 1]]) > k; at--) c->settings[at] = c->settings[at - 1];
        c->settings[at] = s;
        c->n++;
    }
    if (c->n == 0) return;
    c->settings[c->n++] = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->settings[i] == 0) snprintf(c->names[i], sizeof c->names[i], "all");
        else snprintf(c->names[i], sizeof c->names[i], "%zu", c->k(&settings->v[c->settings[i]]));
        c->places[i] = c->names[i];
    }
}

/* One line for each of the first data sets. */
static rt_status draw_curve(const compare_result *result, const curve *c, const quantity *q, bool alone, rt_text *out, rt_error *err) {
    double values[CHART_MAX_SERIES][3][COMPARE_MAX_SETTINGS];
    chart_series series[CHART_MAX_SERIES];
    char id[64];
    const size_t n = result->n_sets < CHART_MAX_SERIES ? result->n_sets : CHART_MAX_SERIES;
    for (size_t i = 0; i < n; i++) {
        const compare_set *set = &result->sets[i];
        for (size_t p = 0; p < c->n; p++) {
            const compare_outcome *outcome = &set->outcomes[c->settings[p]];
            values[i][0][p] = q->value(set, outcome);
            if (q->low == NULL) continue;
            values[i][1][p] = q->low(set, outcome);
            values[i][2][p] = q->high(set, outcome);
        }
        series[i] = (chart_series){set->dataset, values[i][0], q->low != NULL ? values[i][1] : NULL, q->low != NULL ? values[i][2] : NULL};
    }
    snprintf(id, sizeof id, "%s-%s", c->id, q->id);
    const chart drawn = {.kind = CHART_LINES,
                         .id = id,
                         .title = q->title,
                         .x_name = c->x_name,
                         .y_name = q->y_name,
                         .unit = q->unit,
                         .places = c->places,
                         .n_places = c->n,
                         .series = series,
                         .n_series = n,
                         .from_zero = q->from_zero,
                         .y_limit = q->y_limit};
    return chart_draw(&drawn, alone, out, err);
}

static rt_status draw_figure(const compare_result *result, const curve *c, const quantity *q, rt_text *out, rt_error *err) {
    RT_TRY(markup_raw(out, "<figure>", err));
    RT_TRY(draw_curve(result, c, q, false, out, err));
    return markup_raw(out, "</figure>\n", err);
}

/* ---- density: dense's positive units, layer by layer ---- */

typedef struct density {
    size_t n;
    double *mean, *p99;   /* [n]: per cent of d_ff */
    char (*names)[24];    /* [n]: e1, e2, ..., d1, ... */
    const char **places;  /* [n] */
} density;

static void density_free(density *d) {
    free(d->mean);
    free(d->p99);
    free(d->names);
    free(d->places);
}

static rt_status density_open(const compare_result *result, density *d, rt_error *err) {
    *d = (density){.n = result->n_encoder + result->n_decoder};
    d->mean = calloc(d->n, sizeof *d->mean);
    d->p99 = calloc(d->n, sizeof *d->p99);
    d->names = calloc(d->n, sizeof *d->names);
    d->places = calloc(d->n, sizeof *d->places);
    if (d->mean != NULL && d->p99 != NULL && d->names != NULL && d->places != NULL) return RT_OK;
    density_free(d);
    return rt_fail_memory(err, d->n * sizeof *d->names, "a chart");
}

static void density_fill(const compare_result *result, const compare_set *set, density *d) {
    const double percent = 100.0 / (double)result->d_ff;
    for (size_t i = 0; i < d->n; i++) {
        const bool encoder = i < result->n_encoder;
        const size_t block = encoder ? i : i - result->n_encoder;
        const compare_layer *layer = encoder ? &set->outcomes[0].encoder[block] : &set->outcomes[0].decoder[block];
        d->mean[i] = percent * layer->positive_mean;
        d->p99[i] = percent * (double)layer->positive_p99;
        snprintf(d->names[i], sizeof d->names[i], "%c%zu", encoder ? 'e' : 'd', block + 1);
        d->places[i] = d->names[i];
    }
}

static rt_status draw_density(const compare_result *result, size_t set, density *d, rt_text *out, rt_error *err) {
    char id[32], title[EVAL_NAME_SIZE + 32];
    density_fill(result, &result->sets[set], d);
    snprintf(id, sizeof id, "density-%zu", set);
    snprintf(title, sizeof title, "Positive units, %s", result->sets[set].dataset);
    const chart_series series[] = {{.name = "mean over the tokens", .y = d->mean}, {.name = "99 in 100 tokens have no more", .y = d->p99}};
    const chart drawn = {.kind = CHART_BARS,
                         .id = id,
                         .title = title,
                         .x_name = "block of encoder (e) and decoder (d)",
                         .y_name = "per cent of d_ff, dense",
                         .unit = " %",
                         .places = d->places,
                         .n_places = d->n,
                         .series = series,
                         .n_series = 2,
                         .y_limit = 100};
    RT_TRY(markup_raw(out, "<figure>", err));
    RT_TRY(chart_draw(&drawn, false, out, err));
    return markup_raw(out, "</figure>\n", err);
}

static rt_status draw_densities(const compare_result *result, rt_text *out, rt_error *err) {
    density d;
    RT_TRY(density_open(result, &d, err));
    rt_status status = RT_OK;
    for (size_t i = 0; status == RT_OK && i < result->n_sets && i < CHART_MAX_SERIES; i++) status = draw_density(result, i, &d, out, err);
    density_free(&d);
    return status;
}

/* ---- attention's kept weight, in the mean over the blocks ---- */

static double mean_mass(const compare_layer *layers, size_t n, bool cross) {
    double sum = 0;
    for (size_t b = 0; b < n; b++) sum += cross ? layers[b].cross_mass : layers[b].self_mass;
    return n > 0 ? 100 * sum / (double)n : NAN;
}

static rt_status draw_mass(const compare_result *result, const curve *c, rt_text *out, rt_error *err) {
    double values[3][COMPARE_MAX_SETTINGS];
    const compare_set *set = &result->sets[0];
    for (size_t p = 0; p < c->n; p++) {
        const compare_outcome *o = &set->outcomes[c->settings[p]];
        values[0][p] = mean_mass(o->encoder, result->n_encoder, false);
        values[1][p] = mean_mass(o->decoder, result->n_decoder, false);
        values[2][p] = mean_mass(o->decoder, result->n_decoder, true);
    }
    const chart_series series[] = {
        {.name = "encoder", .y = values[0]}, {.name = "decoder", .y = values[1]}, {.name = "cross-attention", .y = values[2]}};
    const chart drawn = {.kind = CHART_LINES, .id = "mass", .title = "Attention on the kept keys", .x_name = c->x_name,
                         .y_name = "per cent of the weight of all keys", .unit = " %", .places = c->places, .n_places = c->n,
                         .series = series, .n_series = 3, .y_limit = 100};
    RT_TRY(markup_raw(out, "<figure>", err));
    RT_TRY(chart_draw(&drawn, false, out, err));
    return markup_raw(out, "</figure>\n", err);
}

static curve ff_curve(void) { return (curve){.x_name = "k of the feed-forward layers", .id = "ff", .k = compare_ff_k}; }
static curve attn_curve(void) { return (curve){.x_name = "k of attention", .id = "attn", .k = compare_attn_k}; }

static rt_status begin_group(const char *heading, rt_text *out, rt_error *err) {
    RT_TRY(markup_raw(out, "<h3>", err));
    RT_TRY(markup_text(out, slice_of(heading), err));
    return markup_raw(out, "</h3>\n<div class=\"charts\">\n", err);
}

rt_status compare_charts_draw(const compare_result *result, rt_text *out, rt_error *err) {
    curve curves[] = {ff_curve(), attn_curve()};
    for (size_t i = 0; i < 2; i++) {
        curve *c = &curves[i];
        make_curve(&result->settings, c);
        if (c->n == 0) continue;
        RT_TRY(begin_group(i == 0 ? "Top-k in the feed-forward layers" : "Top-k in attention", out, err));
        RT_TRY(draw_figure(result, c, &accuracy, out, err));
        for (size_t q = 0; q < sizeof others / sizeof *others; q++) RT_TRY(draw_figure(result, c, &others[q], out, err));
        if (i == 1) RT_TRY(draw_mass(result, c, out, err));
        RT_TRY(markup_raw(out, "</div>\n", err));
    }
    RT_TRY(begin_group("Density of the feed-forward layers", out, err));
    RT_TRY(draw_densities(result, out, err));
    return markup_raw(out, "</div>\n", err);
}

rt_status compare_charts_file(const compare_result *result, rt_text *out, rt_error *err) {
    curve c = ff_curve();
    make_curve(&result->settings, &c);
    if (c.n == 0) {
        c = attn_curve();
        make_curve(&result->settings, &c);
    }
    if (c.n == 0) return rt_fail(err, RT_ERR_USAGE, "--chart: no setting lists a k of the feed-forward layers or of all attention alone");
    return draw_curve(result, &c, &accuracy, true, out, err);
}

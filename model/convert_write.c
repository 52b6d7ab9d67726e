/* The bytes of one tensor of a converted file, some rows or a panel at a time; see convert_tensors.h.
 *
 * Each row of the source goes through the type asked for, whatever it becomes afterwards: panels and 8-bit copies are made of the same
 * numbers that a file of rows would hold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/convert_tensors.h"
#include "model/weights_derive.h"
#include "runtime/narrow.h"
#include "runtime/quant.h"
#include "runtime/topk_attention.h"

enum { ROWS_BYTES = 1 << 20 }; /* handed to the sink at once, or one row */

typedef struct maker {
    const t5_piece *p;
    const rt_kernels *kernels;
    const t5_sink *sink;
    t5_loss *loss; /* NULL: not counted */
    rt_error *err;
    size_t row_bytes; /* of p->type */
    float *wide, *back; /* [rt_screen_fill_scratch(cols)], [cols]: a row before and after narrowing */
    uint8_t *rows;      /* rows of p->type: as many as `at_once` */
    size_t at_once;
    uint8_t *out; /* a panel, an 8-bit copy of RT_SCREEN_PANEL rows */
} maker;

static rt_status put(const maker *m, const void *bytes, size_t n_bytes) { return m->sink->put(m->sink->context, bytes, n_bytes, m->err); }

/* ---- one row ---- */

static void read_row(const maker *m, size_t row) {
    const t5_piece *p = m->p;
    if (!p->source_is_panels) {
        t5_widen(m->kernels, p->source, row * p->cols, p->cols, m->wide);
        return;
    }
    const size_t first = row / RT_PANEL * p->cols * RT_PANEL + row % RT_PANEL;
    for (size_t c = 0; c < p->cols; c++) t5_widen(m->kernels, p->source, first + c * RT_PANEL, 1, m->wide + c);
}

static void count_loss(const maker *m, const void *narrowed) {
    m->kernels->widen[m->p->type](m->p->cols, narrowed, m->back);
    for (size_t c = 0; c < m->p->cols; c++) {
        const double x = (double)m->wide[c];
        if (x == 0) continue;
        const double error = fabs((double)m->back[c] - x) / fabs(x);
        if (error > m->loss->largest) m->loss->largest = error;
        m->loss->sum += error;
        m->loss->n++;
    }
}

static rt_status fail_number(const maker *m, size_t row, size_t col) {
    char file[RT_QUOTE_SIZE];
    return rt_fail(m->err, RT_ERR_NUMERIC, "%s: tensor %s has a number that %s cannot hold (row %zu, column %zu, %g)",
                   rt_quote_path(file, m->p->source->file), m->p->source->name, rt_dtype_of(m->p->type).name, row, col,
                   (double)m->wide[col]);
}

static rt_status check_scales(const maker *m, size_t row) {
    const ckpt_tensor *t = m->p->source;
    if (t->dtype < RT_N_FLOAT_DTYPES) return RT_OK;
    if (rt_quant_is_finite(t->dtype, m->p->cols, t->data + rt_dtype_bytes(t->dtype, row * m->p->cols))) return RT_OK;
    char file[RT_QUOTE_SIZE];
    return rt_fail(m->err, RT_ERR_NUMERIC, "%s: tensor %s has a block whose scale is not finite (row %zu)", rt_quote_path(file, t->file),
                   t->name, row);
}

/* Row `row` as p->type, in its own place among those made at once. */
static rt_status make_row(const maker *m, size_t row, size_t place) {
    const t5_piece *p = m->p;
    uint8_t *out = m->rows + place * m->row_bytes;
    RT_TRY(check_scales(m, row));
    if (!p->source_is_panels && p->source->dtype == p->type) {
        memcpy(out, p->source->data + row * m->row_bytes, m->row_bytes);
        return RT_OK;
    }
    read_row(m, row);
    const size_t n = rt_narrow(p->type, p->cols, m->wide, out);
    if (n < p->cols) return fail_number(m, row, n);
    if (m->loss != NULL && p->type != RT_F32) count_loss(m, out);
    return RT_OK;
}

/* ---- the parts ---- */

static rt_status make_rows(const maker *m) {
    for (size_t first = 0; first < m->p->rows; first += m->at_once) {
        const size_t n = m->p->rows - first < m->at_once ? m->p->rows - first : m->at_once;
        for (size_t r = 0; r < n; r++) RT_TRY(make_row(m, first + r, r));
        RT_TRY(put(m, m->rows, n * m->row_bytes));
    }
    return RT_OK;
}

/* Row `row` down its column of the panel in m->out. */
static rt_status turn_row(const maker *m, size_t row) {
    const t5_piece *p = m->p;
    const size_t e = rt_dtype_bytes(p->stored, 1);
    const uint8_t *in = m->rows;
    RT_TRY(make_row(m, row, 0));
    if (p->stored != p->type) {
        m->kernels->widen[p->type](p->cols, m->rows, m->back);
        in = (const uint8_t *)m->back;
    }
    for (size_t c = 0; c < p->cols; c++) memcpy(m->out + (c * RT_PANEL + row % RT_PANEL) * e, in + c * e, e == 4 ? 4 : 2);
    return RT_OK;
}

static rt_status make_panels(const maker *m) {
    const t5_piece *p = m->p;
    const size_t panel_bytes = rt_dtype_bytes(p->stored, p->cols * RT_PANEL);
    for (size_t first = 0; first < p->rows; first += RT_PANEL) {
        const size_t n = p->rows - first < RT_PANEL ? p->rows - first : RT_PANEL;
        if (n < RT_PANEL) memset(m->out, 0, panel_bytes);
        for (size_t r = 0; r < n; r++) RT_TRY(turn_row(m, first + r));
        RT_TRY(put(m, m->out, panel_bytes));
    }
    return RT_OK;
}

/* The 8-bit copy of rows first .. of one panel into m->out, its bounds to where *bounds points. */
static rt_status screen_panel(const maker *m, size_t first, rt_screen bounds) {
    const t5_piece *p = m->p;
    const size_t n = p->rows - first < RT_SCREEN_PANEL ? p->rows - first : RT_SCREEN_PANEL;
    for (size_t r = 0; r < n; r++) RT_TRY(make_row(m, first + r, r));
    const rt_matrix W = {.dtype = p->type, .rows = n, .cols = p->cols, .stride = p->cols, .data = m->rows};
    rt_screen screen = rt_screen_of(n, p->cols);
    screen.q = m->out;
    screen.scale = bounds.scale + first;
    screen.alpha = bounds.alpha + first;
    screen.beta = bounds.beta + first;
    rt_screen_fill(m->kernels, &W, 0, &screen, m->wide);
    return RT_OK;
}

/* Both halves of an 8-bit copy are made in full each time; one is put. */
static rt_status make_screen(const maker *m) {
    const t5_piece *p = m->p;
    rt_screen whole = rt_screen_of(p->rows, p->cols);
    const size_t n_padded = rt_screen_panels(&whole) * RT_SCREEN_PANEL;
    float *bounds = malloc(3 * n_padded * sizeof *bounds);
    if (bounds == NULL) return rt_fail_memory(m->err, 3 * n_padded * sizeof *bounds, "an 8-bit copy");
    whole.scale = bounds;
    whole.alpha = bounds + n_padded;
    whole.beta = bounds + 2 * n_padded;
    rt_status status = RT_OK;
    for (size_t first = 0; status == RT_OK && first < p->rows; first += RT_SCREEN_PANEL) {
        status = screen_panel(m, first, whole);
        if (status == RT_OK && p->part == T5_PART_SCREEN) status = put(m, m->out, RT_SCREEN_PANEL * whole.k_padded);
    }
    if (status == RT_OK && p->part == T5_PART_BOUNDS) status = put(m, bounds, 3 * n_padded * sizeof *bounds);
    free(bounds);
    return status;
}

/* ---- the whole ---- */

static rt_status allocate(maker *m) {
    const t5_piece *p = m->p;
    const size_t many = ROWS_BYTES / m->row_bytes > 1 ? ROWS_BYTES / m->row_bytes : 1;
    const size_t panel_bytes = p->cols * RT_PANEL * sizeof(float); /* room for either kind of panel */
    m->at_once = p->part == T5_PART_ROWS ? many : RT_SCREEN_PANEL;
    m->wide = malloc(rt_screen_fill_scratch(p->cols) * sizeof *m->wide);
    m->back = malloc(p->cols * sizeof *m->back);
    m->rows = malloc(m->at_once * m->row_bytes);
    if (p->part != T5_PART_ROWS) m->out = malloc(panel_bytes + RT_SCREEN_PANEL * sizeof(float));
    if (m->wide != NULL && m->back != NULL && m->rows != NULL && (p->part == T5_PART_ROWS || m->out != NULL)) return RT_OK;
    return rt_fail_memory(m->err, panel_bytes, "rows of a tensor");
}

rt_status t5_piece_write(const t5_piece *p, const rt_kernels *kernels, const t5_sink *sink, t5_loss *loss, rt_error *err) {
    const bool is_derived = p->part == T5_PART_SCREEN || p->part == T5_PART_BOUNDS;
    maker m = {.p = p, .kernels = kernels, .sink = sink, .loss = is_derived ? NULL : loss, .err = err};
    m.row_bytes = rt_dtype_bytes(p->type, p->cols);
    rt_status status = allocate(&m);
    if (status == RT_OK) status = p->part == T5_PART_ROWS ? make_rows(&m) : p->part == T5_PART_PANELS ? make_panels(&m) : make_screen(&m);
    free(m.wide);
    free(m.back);
    free(m.rows);
    free(m.out);
    return status;
}

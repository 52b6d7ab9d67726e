/* Top-k attention on random data, set up and run; see attention_case.h. */
#include "tests/support/attention_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/require.h"

/* A row of Q, K or out holds more than its heads, so that a stride taken for a width shows. */
enum { GAP = 3 };

static size_t extent(size_t rows, size_t cols, size_t ld) { return rows == 0 ? 0 : (rows - 1) * ld + cols; }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Spans stand with one row of nobody's between them. */
static void place_spans(attention_case *c) {
    for (size_t s = 0; s < c->spec.n_spans; s++) {
        const span_shape shape = c->spec.shapes[s];
        c->spans[s] = (rt_span){.query = c->n_queries, .n_queries = shape.n_queries, .key = c->n_keys, .n_keys = shape.n_keys};
        c->n_queries += shape.n_queries + (s + 1 < c->spec.n_spans);
        c->n_keys += shape.n_keys + (s + 1 < c->spec.n_spans);
        c->max_keys = larger(c->max_keys, shape.n_keys);
    }
}

/* [rows, cols] of the type with `stride` elements from row to row, random; its values without gaps go to *wide. */
static guarded fill_matrix(random_source *r, const attention_spec *spec, rt_dtype dtype, size_t rows, size_t cols, size_t stride,
                           float **wide) {
    const size_t n = extent(rows, cols, stride);
    const guarded room = guarded_open(rt_dtype_bytes(dtype, n));
    float *values = malloc((n + 1) * sizeof *values);
    void *stored = guarded_tail(&room, rt_dtype_bytes(dtype, n));
    fill_stored(r, dtype, n, stored, values);
    if (dtype == RT_F32) {
        fill_floats(r, spec->kind, n, stored);
        memcpy(values, stored, n * sizeof *values);
    }
    *wide = malloc((rows * cols + 1) * sizeof **wide);
    for (size_t i = 0; i < rows; i++) memcpy(*wide + i * cols, values + i * stride, cols * sizeof **wide);
    free(values);
    return room;
}

/* V by panels of RT_PANEL columns, the last panel as narrow as its columns in the last row. */
static void fill_panels(attention_case *c, random_source *r) {
    const size_t rows = c->n_keys, d_v = c->spec.d_v, n_panels = (d_v + RT_PANEL - 1) / RT_PANEL, panel = rows * RT_PANEL + 5;
    const size_t n = (n_panels - 1) * panel + extent(rows, d_v - (n_panels - 1) * RT_PANEL, RT_PANEL);
    float *values;
    c->V = fill_matrix(r, &c->spec, c->spec.dtype_v, 1, n, n, &values);
    const void *data = guarded_tail(&c->V, rt_dtype_bytes(c->spec.dtype_v, n));
    c->args.V = (rt_values){.dtype = c->spec.dtype_v, .data = data, .stride = RT_PANEL, .panel = panel};
    c->wide_V = malloc((rows * d_v + 1) * sizeof *c->wide_V);
    for (size_t j = 0; j < rows; j++) {
        for (size_t col = 0; col < d_v; col++) c->wide_V[j * d_v + col] = values[col / RT_PANEL * panel + j * RT_PANEL + col % RT_PANEL];
    }
    free(values);
}

static void fill_rows_of_values(attention_case *c, random_source *r) {
    const size_t cols = c->spec.n_heads * c->spec.d_v, stride = cols + GAP;
    c->V = fill_matrix(r, &c->spec, c->spec.dtype_v, c->n_keys, cols, stride, &c->wide_V);
    const void *data = guarded_tail(&c->V, rt_dtype_bytes(c->spec.dtype_v, extent(c->n_keys, cols, stride)));
    c->args.V = (rt_values){.dtype = c->spec.dtype_v, .data = data, .stride = stride, .panel = RT_PANEL};
}

/* A causal query sees no key after its own place, so that no bias of such a distance exists. */
static void fill_bias(attention_case *c, random_source *r) {
    c->args.bias_zero = larger(c->max_keys, 1) - 1;
    c->args.bias_head = c->spec.causal ? c->args.bias_zero + 1 : 2 * c->args.bias_zero + 1;
    const size_t n = c->spec.n_heads * c->args.bias_head;
    c->bias = guarded_open(n * sizeof(float));
    float *bias = guarded_floats(&c->bias, n);
    fill_floats(r, c->spec.kind == FLOATS_TIED ? FLOATS_TIED : FLOATS_UNIT, n, bias);
    if (c->spec.bias) c->args.bias = bias;
}

static void fill_screen(attention_case *c) {
    rt_arena measured = {0};
    float *row = malloc(rt_screen_fill_scratch(c->spec.d_k) * sizeof *row);
    rt_screen_place(&measured, &c->args.K, &c->screen);
    REQUIRE(rt_arena_provide(&c->screen_room, &measured, "a screen", NULL) == RT_OK, "no memory for a screen");
    rt_screen_place(&c->screen_room, &c->args.K, &c->screen);
    for (size_t p = 0; p < rt_screen_panels(&c->screen); p++) rt_screen_fill(&rt_kernels_ref, &c->args.K, p, &c->screen, row);
    free(row);
}

static rt_matrix stored_matrix(const guarded *room, rt_dtype dtype, size_t rows, size_t all_cols, size_t cols, size_t stride) {
    return (rt_matrix){dtype, rows, cols, stride, guarded_tail(room, rt_dtype_bytes(dtype, extent(rows, all_cols, stride)))};
}

void attention_open(attention_case *c, const attention_spec *spec, uint64_t seed) {
    random_source r = {seed};
    *c = (attention_case){.spec = *spec};
    place_spans(c);
    const size_t width_k = spec->n_heads * spec->d_k, ldq = width_k + GAP, ldo = spec->n_heads * spec->d_v + GAP, stride = width_k + GAP;
    float *unused;
    c->args = (rt_topk_attention_args){.n_heads = spec->n_heads, .d_k = spec->d_k, .d_v = spec->d_v, .topk = spec->topk, .act = spec->act,
                                       .causal = spec->causal, .spans = c->spans, .n_spans = spec->n_spans, .ldq = ldq, .ldo = ldo};
    c->Q = fill_matrix(&r, spec, RT_F32, c->n_queries, width_k, ldq, &unused);
    free(unused);
    c->args.Q = guarded_floats(&c->Q, extent(c->n_queries, width_k, ldq));
    c->K = fill_matrix(&r, spec, spec->dtype_k, c->n_keys, width_k, stride, &c->wide_K);
    c->args.K = stored_matrix(&c->K, spec->dtype_k, c->n_keys, width_k, spec->d_k, stride);
    c->G = fill_matrix(&r, spec, spec->dtype_gate, c->n_keys, spec->d_k, spec->d_k + GAP, &c->wide_G);
    c->gate = stored_matrix(&c->G, spec->dtype_gate, c->n_keys, spec->d_k, spec->d_k, spec->d_k + GAP);
    if (spec->gate) c->args.gate = &c->gate;
    if (spec->panels) fill_panels(c, &r);
    else fill_rows_of_values(c, &r);
    fill_bias(c, &r);
    if (spec->screen) fill_screen(c);
    c->out = guarded_open(attention_out_size(c) * sizeof(float));
    c->args.out = guarded_floats(&c->out, attention_out_size(c));
    c->expected = malloc((attention_out_size(c) + 1) * sizeof *c->expected);
}

void attention_close(attention_case *c) {
    guarded *const rooms[] = {&c->Q, &c->K, &c->V, &c->G, &c->bias, &c->out};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) guarded_close(rooms[i]);
    rt_arena_free(&c->screen_room);
    free(c->wide_K);
    free(c->wide_V);
    free(c->wide_G);
    free(c->expected);
}

size_t attention_out_size(const attention_case *c) { return extent(c->n_queries, c->spec.n_heads * c->spec.d_v, c->args.ldo); }

const float *attention_out(const attention_case *c) { return c->args.out; }

rt_status attention_run(const attention_case *c, const rt_kernels *kernels, size_t chunk, size_t n_threads, rt_error *err) {
    enum { BETWEEN = 64, MARK = 0x5a };
    const rt_screen *screen = c->spec.screen ? &c->screen : NULL;
    const size_t need = screen != NULL ? rt_topk_attention_screen_scratch(kernels, chunk, screen, c->spec.gate)
                                       : rt_topk_attention_scratch(kernels, chunk, c->max_keys, c->spec.d_k, c->spec.gate);
    const size_t step = need + BETWEEN;
    const size_t total = n_threads * step - BETWEEN, out_bytes = attention_out_size(c) * sizeof(float);
    guarded scratch = guarded_open(total);
    char *begin = guarded_paint(&scratch, total);
    for (size_t worker = 0; worker + 1 < n_threads; worker++) memset(begin + worker * step + need, MARK, BETWEEN);
    rt_topk_attention_args args = c->args;
    args.chunk = chunk;
    args.screen = screen;
    args.out = guarded_paint(&c->out, out_bytes);
    rt_threads *threads = NULL;
    REQUIRE(rt_threads_open(n_threads, &threads, NULL) == RT_OK && rt_threads_count(threads) == n_threads, "no %zu threads", n_threads);
    const rt_compute compute = {.kernels = kernels, .threads = threads, .scratch = begin, .scratch_bytes = step};
    const rt_status status = rt_topk_attention(&compute, &args, err);
    rt_threads_close(threads);
    for (size_t worker = 0; worker + 1 < n_threads; worker++) {
        const char *between = begin + worker * step + need;
        for (size_t i = 0; i < BETWEEN; i++) REQUIRE(between[i] == MARK, "writes past the scratch of worker %zu", worker);
    }
    REQUIRE(guarded_intact(&scratch, total), "writes before the scratch");
    REQUIRE(guarded_intact(&c->out, out_bytes), "writes before out");
    guarded_close(&scratch);
    return status;
}

enum { ATTENTION_NAME_SIZE = 256 };

/* The case in one line, for messages. */
static void attention_name(const attention_spec *spec, char out[ATTENTION_NAME_SIZE]) {
    const span_shape last = spec->shapes[spec->n_spans - 1];
    snprintf(out, ATTENTION_NAME_SIZE,
             "%zu spans (the last %zu x %zu), %zu heads, d_k %zu, d_v %zu, topk %zu, act %d%s%s%s%s%s, K %s, V %s, G %s", spec->n_spans,
             last.n_queries, last.n_keys, spec->n_heads, spec->d_k, spec->d_v, spec->topk, (int)spec->act,
             spec->causal ? ", causal" : "", spec->bias ? ", bias" : "", spec->gate ? ", gated" : "", spec->panels ? ", panels" : "",
             spec->screen ? ", screened" : "", rt_dtype_of(spec->dtype_k).name, rt_dtype_of(spec->dtype_v).name,
             rt_dtype_of(spec->dtype_gate).name);
}

void attention_check(const attention_case *c, const rt_kernels *kernels, size_t chunk, size_t n_threads) {
    rt_error err = {0};
    char name[ATTENTION_NAME_SIZE];
    const rt_status status = attention_run(c, kernels, chunk, n_threads, &err);
    attention_name(&c->spec, name);
    REQUIRE(status == RT_OK, "%s, %s, chunk %zu, %zu threads: %s", name, kernels->isa, chunk, n_threads, err.message);
    const float *out = attention_out(c);
    for (size_t i = 0; i < attention_out_size(c); i++) {
        REQUIRE(same_floats(1, out + i, c->expected + i), "%s, %s, chunk %zu, %zu threads: out[%zu] of row %zu is %.9g, not %.9g",
                name, kernels->isa, chunk, n_threads, i % c->args.ldo, i / c->args.ldo, (double)out[i], (double)c->expected[i]);
    }
}

/* The kernels at the model's shapes, on one thread; see bench.h. Those that work on what is in the caches are shown as a share of the
 * processor's limit; those that pass once over their rows get rows from memory, and are shown as a share of its. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kept_blocks.h"
#include "runtime/matmul.h"
#include "tools/bench.h"

enum { QUERIES = 64, ROWS_AT_ONCE = 64, LISTED = 6, KEPT_SHARE = 20 };

/* A kernel's operands: rows of the room, from `at` on where they are to come from memory. */
typedef struct kernel_job {
    bench *bench;
    const rt_kernels *kernels;
    size_t m, n, k, step, at, round;
    float *out; /* [BENCH_TOKENS, the widest row] */
    float *scratch;
    uint32_t *index; /* [RT_KEPT_QUERIES, d_ff / KEPT_SHARE]: every KEPT_SHARE-th key, about */
    void *kept_memory;
    rt_kept_blocks kept;
    int8_t *p;       /* [QUERIES, k rounded up to 4] */
    rt_screen_query query[QUERIES];
    uint64_t mask[QUERIES];
} kernel_job;

/* The next `step` floats of the room. Every round begins RT_PANEL floats later, so that the rows that a gather leaves out have their turn before
 * those that it has read, which would still be in the caches. */
static float *next_rows(kernel_job *job) {
    if (job->at + job->step > job->bench->n_room) job->at = job->round++ % KEPT_SHARE * RT_PANEL;
    float *rows = job->bench->room + job->at;
    job->at += job->step;
    return rows;
}

/* ---- one call of each ---- */

static void call_matmul(void *context) {
    kernel_job *job = context;
    const rt_compute compute = {.kernels = job->kernels, .scratch = (char *)job->scratch, .scratch_bytes = rt_dot_rows_scratch(job->kernels, job->k)};
    const rt_matrix B = rt_matrix_f32(job->bench->room + job->m * job->k, job->n, job->k, job->k);
    rt_matmul(&compute, job->m, job->bench->room, job->k, &B, job->out, job->n);
}

static void call_dot(void *context) {
    kernel_job *job = context;
    job->kernels->dot(1, job->n, job->k, job->bench->room, job->k, next_rows(job), job->k, job->out, job->n);
}

static void call_dot_listed(void *context) {
    static const uint8_t row[LISTED] = {3, 9, 20, 31, 47, 62};
    kernel_job *job = context;
    for (size_t j = 0; j < job->n; j++) {
        job->kernels->dot_listed(LISTED, row, job->k, job->bench->room, job->k, job->bench->room + (QUERIES + j) * job->k, job->out);
    }
}

static void call_weighted_rows(void *context) {
    kernel_job *job = context;
    job->kernels->weighted_rows(job->m, job->n, job->k, job->bench->room, job->n, job->bench->room + job->m * job->n, job->k, job->out, job->k);
}

static void call_weighted_gather(void *context) {
    kernel_job *job = context;
    job->kernels->weighted_gather[RT_F32](job->n, job->index, job->bench->room, RT_PANEL, next_rows(job), RT_PANEL, job->out);
}

static void call_weighted_lists(void *context) {
    kernel_job *job = context;
    rt_kept_blocks_sum(job->kernels, &job->kept, job->step / RT_PANEL, RT_F32, next_rows(job), RT_PANEL, RT_PANEL, job->out, RT_PANEL);
}

static void call_rms_norm(void *context) {
    kernel_job *job = context;
    job->kernels->rms_norm(job->n, next_rows(job), job->scratch, 1e-6f, job->out);
}

static void call_exp_sum(void *context) {
    kernel_job *job = context;
    job->out[0] = job->kernels->exp_sum(job->n, next_rows(job), 1.0f, job->scratch);
}

static void call_keep_above(void *context) {
    kernel_job *job = context;
    job->kernels->keep_above(job->n, next_rows(job), 1.0f - 2.0f / KEPT_SHARE, 0, (uint32_t *)(void *)job->scratch, job->out);
}

static void call_quantise(void *context) {
    kernel_job *job = context;
    job->kernels->quantise(job->n, next_rows(job), job->p, job->query);
}

static void call_screen(void *context) {
    kernel_job *job = context;
    const float *bound = job->bench->room;
    for (size_t j = 0; j < job->n; j += RT_SCREEN_PANEL) {
        const uint8_t *panel = (const uint8_t *)job->bench->room + j * job->k;
        job->kernels->screen(job->m, job->k, job->p, job->k, job->query, panel, bound, bound, bound, job->mask);
    }
}

static void call_dot_bytes(void *context) {
    kernel_job *job = context;
    const float *scale = job->bench->room;
    for (size_t j = 0; j < job->n; j += RT_SCREEN_PANEL) {
        const uint8_t *panel = (const uint8_t *)job->bench->room + j * job->k;
        job->kernels->dot_bytes(job->m, RT_SCREEN_PANEL, job->k, job->p, job->k, job->query, panel, scale, job->out, RT_SCREEN_PANEL);
    }
}

static void call_screen_once(void *context) {
    kernel_job *job = context;
    const float *bound = job->bench->room;
    job->kernels->screen(1, job->k, job->p, job->k, job->query, (const uint8_t *)next_rows(job), bound, bound, bound, job->mask);
}

/* ---- the list ---- */

/* Times a call, which does so much work in units of the limit, and adds the kernel to the list; the shape printf-fashion. */
static void measure(kernel_job *job, const char *name, bench_limit limit, double work, void (*call)(void *context), const char *shape, ...)
    __attribute__((format(printf, 6, 7)));

static void measure(kernel_job *job, const char *name, bench_limit limit, double work, void (*call)(void *context), const char *shape, ...) {
    bench *b = job->bench;
    bench_kernel *kernel = &b->kernel[b->n_kernels++];
    va_list args;
    va_start(args, shape);
    vsnprintf(kernel->shape, sizeof kernel->shape, shape, args);
    va_end(args);
    job->at = 0;
    kernel->name = name;
    kernel->limit = limit;
    kernel->rate = work / bench_clock(b->options->bench.runs, call, job).median;
}

static void measure_products(kernel_job *job, const t5_config *c) {
    const size_t inner = c->num_heads * c->d_kv, widths[] = {inner, c->d_ff};
    for (size_t i = 0; i < 2; i++) {
        job->m = BENCH_TOKENS, job->n = widths[i], job->k = c->d_model;
        measure(job, "dot", BENCH_FMA, 2.0 * (double)(job->m * job->n * job->k), call_matmul, "[%zu, %zu] x [%zu, %zu]", job->m, job->k, job->n,
                job->k);
    }
    job->n = ROWS_AT_ONCE, job->step = job->n * job->k;
    measure(job, "dot", BENCH_READ, (double)(job->step * sizeof(float)), call_dot, "[1, %zu] x [rows, %zu]", job->k, job->k);
    measure(job, "dot_listed", BENCH_FMA, 2.0 * (double)(job->n * LISTED * job->k), call_dot_listed, "%d of [%d, %zu]", LISTED, QUERIES, job->k);
}

/* One key in KEPT_SHARE, but not the same for all queries; lists that are made into blocks before, as for every panel of V but the first. */
static void measure_kept(kernel_job *job, size_t n_keys) {
    size_t n_kept[RT_KEPT_QUERIES];
    job->m = RT_KEPT_QUERIES, job->n = n_keys / KEPT_SHARE, job->step = n_keys * RT_PANEL;
    if (job->n == 0) return;
    for (size_t i = 0; i < job->m; i++) {
        n_kept[i] = job->n;
        for (size_t t = 0; t < job->n; t++) job->index[i * job->n + t] = (uint32_t)(t * KEPT_SHARE + (7 * i + 3 * t) % KEPT_SHARE);
    }
    rt_kept_blocks_fill(job->m, n_keys, job->index, job->bench->room, job->n, n_kept, job->kept_memory, &job->kept);
    measure(job, "weighted_lists", BENCH_FMA, 2.0 * (double)(job->kept.m * job->n * RT_PANEL), call_weighted_lists, "%zu of [%zu, %d], %zu times",
            job->n, n_keys, RT_PANEL, job->kept.m);
    measure(job, "weighted_gather", BENCH_READ, (double)(job->n * RT_PANEL * sizeof(float)), call_weighted_gather, "%zu of [%zu, %d]", job->n,
            n_keys, RT_PANEL);
}

static void measure_sums(kernel_job *job, const t5_config *c) {
    job->m = QUERIES, job->n = BENCH_TOKENS, job->k = c->d_kv;
    measure(job, "weighted_rows", BENCH_FMA, 2.0 * (double)(job->m * job->n * job->k), call_weighted_rows, "[%zu, %zu] x [%zu, %zu]", job->m, job->n,
            job->n, job->k);
    measure_kept(job, c->d_ff);
}

static void measure_rows(kernel_job *job, const t5_config *c) {
    const struct {
        const char *name;
        size_t n;
        void (*call)(void *context);
    } rows[] = {{"rms_norm", c->d_model, call_rms_norm}, {"exp_sum", BENCH_TOKENS, call_exp_sum}, {"keep_above", c->d_ff, call_keep_above},
                {"quantise", c->d_model, call_quantise}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        job->n = job->step = rows[i].n;
        measure(job, rows[i].name, BENCH_READ, (double)(job->n * sizeof(float)), rows[i].call, "[%zu]", job->n);
    }
}

static void measure_bytes(kernel_job *job, const t5_config *c) {
    if (job->bench->limit[BENCH_INT8].one <= 0) return;
    const rt_screen screen = rt_screen_of(c->d_ff, c->d_model);
    job->m = QUERIES, job->k = screen.k_padded, job->n = rt_screen_panels(&screen) * RT_SCREEN_PANEL;
    for (size_t i = 0; i < QUERIES; i++) {
        job->kernels->quantise(c->d_model, job->bench->room + i * c->d_model, job->p + i * job->k, &job->query[i]);
    }
    measure(job, "dot_bytes", BENCH_INT8, 2.0 * (double)(job->m * job->n * job->k), call_dot_bytes, "[%zu, %zu] x [%zu, %zu]", job->m, job->k,
            job->n, job->k);
    measure(job, "screen", BENCH_INT8, 2.0 * (double)(job->m * job->n * job->k), call_screen, "[%zu, %zu] x [%zu, %zu]", job->m, job->k,
            job->n, job->k);
    job->step = RT_SCREEN_PANEL * job->k / sizeof(float);
    measure(job, "screen", BENCH_READ, (double)(RT_SCREEN_PANEL * job->k), call_screen_once, "[1, %zu] x [rows, %zu]", job->k, job->k);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

rt_status bench_measure_kernels(bench *b, rt_error *err) {
    const t5_config *c = &b->model->config;
    const rt_kernels *kernels = b->session->compute.kernels;
    const size_t widest = larger(larger(c->d_ff, c->num_heads * c->d_kv), larger(c->d_model, BENCH_TOKENS));
    const size_t scratch = larger(rt_dot_rows_scratch(kernels, c->d_model) / sizeof(float), widest);
    const size_t n_index = RT_KEPT_QUERIES * (c->d_ff / KEPT_SHARE), n_bytes = QUERIES * rt_screen_of(c->d_ff, c->d_model).k_padded;
    const size_t n_floats = BENCH_TOKENS * widest + scratch + n_index + (rt_kept_blocks_bytes(c->d_ff) + n_bytes) / sizeof(float) + 1;
    kernel_job job = {.bench = b, .kernels = kernels, .out = calloc(n_floats, sizeof(float))};
    if (job.out == NULL) return rt_fail_memory(err, n_floats * sizeof(float), "the kernels' results");
    job.scratch = job.out + BENCH_TOKENS * widest;
    job.index = (uint32_t *)(void *)(job.scratch + scratch);
    job.kept_memory = job.index + n_index;
    job.p = (int8_t *)job.kept_memory + rt_kept_blocks_bytes(c->d_ff);
    for (size_t i = 0; i < scratch; i++) job.scratch[i] = 1.0f;
    measure_products(&job, c);
    measure_sums(&job, c);
    measure_rows(&job, c);
    measure_bytes(&job, c);
    free(job.out);
    return RT_OK;
}

/* This machine's limits, and how everything is timed; see bench.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/peak.h"
#include "tools/bench.h"
#include "tools/verbose.h"

#define SAMPLE_SECONDS 0.01

enum { ROUNDS = 20000, ITEMS_PER_THREAD = 32, ROOM_MIN = 128 << 20, ROOM_MAX = 1 << 30 };

/* ---- time ---- */

static int by_time(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_time bench_sort(size_t n, double *seconds) {
    qsort(seconds, n, sizeof *seconds, by_time);
    return (bench_time){.median = (seconds[(n - 1) / 2] + seconds[n / 2]) / 2, .best = seconds[0]};
}

static double sample(size_t calls, void (*body)(void *context), void *context) {
    const double start = verbose_clock();
    for (size_t i = 0; i < calls; i++) body(context);
    return verbose_clock() - start;
}

size_t bench_calls(void (*body)(void *context), void *context) {
    size_t calls = 1;
    sample(1, body, context);
    while (sample(calls, body, context) < SAMPLE_SECONDS) calls *= 2;
    return calls;
}

bench_time bench_clock(size_t runs, void (*body)(void *context), void *context) {
    double seconds[BENCH_MAX_RUNS];
    const size_t calls = bench_calls(body, context);
    for (size_t i = 0; i < runs; i++) seconds[i] = sample(calls, body, context) / (double)calls;
    return bench_sort(runs, seconds);
}

/* ---- memory ---- */

size_t bench_available_bytes(void) {
    char line[128];
    unsigned long long kib;
    size_t bytes = SIZE_MAX;
    FILE *f = fopen("/proc/meminfo", "re");
    if (f == NULL) return bytes;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) bytes = (size_t)kib * 1024;
    }
    fclose(f);
    return bytes;
}

/* Twice the last cache, as far as a machine that is shared with others tells it. */
static size_t room_bytes(void) {
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const size_t bytes = cache > 0 ? 2 * (size_t)cache : ROOM_MIN;
    return bytes < ROOM_MIN ? ROOM_MIN : bytes > ROOM_MAX ? ROOM_MAX : bytes;
}

rt_status bench_make_room(bench *b, rt_error *err) {
    const t5_config *c = &b->model->config;
    const size_t inner = c->num_heads * c->d_kv, widest = c->d_ff > inner ? c->d_ff : inner;
    const size_t largest = (widest + BENCH_TOKENS) * (c->d_model > inner ? c->d_model : inner); /* a matrix, and rows to multiply with it */
    b->n_room = room_bytes() / sizeof *b->room;
    if (b->n_room < largest) b->n_room = largest;
    b->n_room = b->n_room / RT_SCREEN_PANEL * RT_SCREEN_PANEL;
    if (b->n_room * sizeof *b->room > bench_available_bytes()) return rt_fail_memory(err, b->n_room * sizeof *b->room, "the bench's room");
    b->room = aligned_alloc(RT_ARENA_ALIGN, b->n_room * sizeof *b->room);
    if (b->room == NULL) return rt_fail_memory(err, b->n_room * sizeof *b->room, "the bench's room");
    for (size_t i = 0; i < b->n_room; i++) b->room[i] = (float)(int32_t)bench_mix(i) * 0x1p-31f;
    return RT_OK;
}

/* ---- the limits ---- */

typedef struct limit_job {
    const bench *bench;
    size_t n_items;
} limit_job;

static void fma_item(void *context, size_t item, size_t worker) {
    const limit_job *job = context;
    (void)item, (void)worker;
    rt_peak_fma(job->bench->session->compute.kernels, ROUNDS);
}

static void int8_item(void *context, size_t item, size_t worker) {
    const limit_job *job = context;
    (void)item, (void)worker;
    rt_peak_int8(job->bench->session->compute.kernels, ROUNDS);
}

static void read_item(void *context, size_t item, size_t worker) {
    const limit_job *job = context;
    const bench *b = job->bench;
    const size_t n = b->n_room / job->n_items;
    (void)worker;
    const uint64_t words = rt_peak_read(b->session->compute.kernels, n / 2, (const uint64_t *)(const void *)(b->room + n / 2 * 2 * item));
    __asm__ volatile("" : : "r"(words));
}

static void (*const items[BENCH_N_LIMITS])(void *context, size_t item, size_t worker) = {fma_item, int8_item, read_item};

typedef struct limit_run {
    limit_job job;
    bench_limit limit;
    bool on_all;
} limit_run;

static void run_limit(void *context) {
    limit_run *run = context;
    if (run->on_all) {
        rt_threads_run(run->job.bench->session->compute.threads, run->job.n_items, items[run->limit], &run->job);
    } else {
        for (size_t i = 0; i < run->job.n_items; i++) items[run->limit](&run->job, i, 0);
    }
}

/* The best of the runs: nothing is faster than a limit. */
static double rate_of(bench *b, bench_limit limit, bool on_all) {
    const rt_kernels *kernels = b->session->compute.kernels;
    limit_run run = {.job = {.bench = b, .n_items = ITEMS_PER_THREAD * t5_session_threads(b->session)}, .limit = limit, .on_all = on_all};
    const double work[BENCH_N_LIMITS] = {rt_peak_fma(kernels, ROUNDS), rt_peak_int8(kernels, ROUNDS),
                                         (double)(b->n_room / run.job.n_items / 2 * 2 * sizeof *b->room)};
    if (work[limit] <= 0) return 0;
    return work[limit] * (double)run.job.n_items / bench_clock(b->options->bench.runs, run_limit, &run).best;
}

void bench_measure_limits(bench *b) {
    for (bench_limit l = 0; l < BENCH_N_LIMITS; l++) b->limit[l] = (bench_rate){rate_of(b, l, false), rate_of(b, l, true)};
}

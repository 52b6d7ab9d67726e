/* t5k's matrix product beside OpenBLAS's at T5-base's shapes, in turn in one run, on one thread and on several:
 *
 *     gemm [THREADS]         all cores without it
 *
 * C [m, n] = A [m, k] B [n, k]^T in f32. Weights come from memory, as in a pass over a model, which has far more of them than caches hold; the
 * keys of a head from the caches. Prints GFLOP/s, the ratio of t5k's to OpenBLAS's, and the share of the multiply-adds that this machine does at
 * most, measured in the same run. OpenBLAS chooses its kernels by what the processor has, unless OPENBLAS_CORETYPE or OPENBLAS_L2_SIZE are set:
 * run it without them. Its sums change their order with m and the number of threads, t5k's never do; so it is a baseline, no part of t5k. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/matmul.h"
#include "runtime/peak.h"

#define SAMPLE_SECONDS 0.004 /* less than a time slice, so that some samples have the core to themselves */

enum { ROUNDS = 21, MAX_THREADS = 64, PEAK_ROUNDS = 20000, PEAK_ITEMS = 32, D_MODEL = 768, MAX_M = 512, VOCABULARY = 32128, ROOM = 64 << 20 };

typedef struct shape {
    const char *name;
    size_t n, k, ldb;
    bool in_memory; /* where B comes from */
} shape;

static const shape shapes[] = {
    {"q, k, v, o", 768, 768, 768, true},
    {"wi", 3072, 768, 768, true},
    {"lm_head", VOCABULARY, 768, 768, true},
    {"scores of a head", 512, 64, D_MODEL, false},
};

typedef struct job {
    rt_compute compute;
    const shape *shape;
    size_t m, at;   /* at: where the next B begins in the room */
    const float *A; /* [MAX_M, D_MODEL] */
    const float *room; /* [ROOM]: more than caches hold */
    float *C;       /* [MAX_M, VOCABULARY] */
} job;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const float *next_B(job *j) {
    const size_t n_floats = j->shape->n * j->shape->ldb;
    if (!j->shape->in_memory) return j->room;
    if (j->at + n_floats > ROOM) j->at = 0;
    const float *B = j->room + j->at;
    j->at += n_floats;
    return B;
}

static void ours(job *j) {
    const rt_matrix B = rt_matrix_f32(next_B(j), j->shape->n, j->shape->k, j->shape->ldb);
    rt_matmul(&j->compute, j->m, j->A, D_MODEL, &B, j->C, j->shape->n);
}

static void theirs(job *j) {
    const shape *s = j->shape;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)j->m, (blasint)s->n, (blasint)s->k, 1.0f, j->A, D_MODEL, next_B(j), (blasint)s->ldb,
                0.0f, j->C, (blasint)s->n);
}

static double sample(job *j, void (*product)(job *), size_t calls) {
    const double begin = now();
    for (size_t i = 0; i < calls; i++) product(j);
    return now() - begin;
}

static size_t calls_of(job *j, void (*product)(job *)) {
    size_t calls = 1;
    sample(j, product, 1);
    while (sample(j, product, calls) < SAMPLE_SECONDS) calls *= 2;
    return calls;
}

/* OpenBLAS's threads look for work for a tenth of a second before they sleep, and meanwhile take ours their cores. */
static void let_threads_sleep(void) { nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); }

static double smaller(double a, double b) { return a < b ? a : b; }

/* Seconds of one call of each, in turn; the best of the rounds, for what neighbours take from either is not its own. */
static void time_both(job *j, double seconds[2]) {
    seconds[0] = seconds[1] = HUGE_VAL;
    const size_t calls[2] = {calls_of(j, ours), calls_of(j, theirs)};
    for (size_t r = 0; r < ROUNDS; r++) {
        if (j->compute.threads != NULL) let_threads_sleep();
        seconds[0] = smaller(seconds[0], sample(j, ours, calls[0]) / (double)calls[0]);
        sample(j, theirs, 1); /* its threads may have slept */
        seconds[1] = smaller(seconds[1], sample(j, theirs, calls[1]) / (double)calls[1]);
    }
}

/* ---- the limit ---- */

static void peak_item(void *context, size_t item, size_t worker) {
    (void)item, (void)worker;
    rt_peak_fma(context, PEAK_ROUNDS);
}

/* GFLOP/s of multiply-adds alone, the best of the rounds. */
static double peak_of(const rt_compute *compute) {
    double best = 0;
    const double operations = rt_peak_fma(compute->kernels, PEAK_ROUNDS);
    const size_t items = PEAK_ITEMS * rt_n_threads(compute);
    for (size_t r = 0; r < ROUNDS; r++) {
        const double begin = now();
        rt_parallel(compute, items, SIZE_MAX, peak_item, (void *)(uintptr_t)compute->kernels);
        const double rate = 1e-9 * operations * (double)items / (now() - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

/* ---- the table ---- */

static void print_threads(job *j, size_t threads) {
    static const size_t rows[] = {1, 8, 64, 512};
    openblas_set_num_threads((int)threads);
    let_threads_sleep();
    const double peak = peak_of(&j->compute);
    printf("\n%zu thread%s, at most %.1f GFLOP/s\n  %-32s %5s %10s %10s %7s %12s\n", threads, threads == 1 ? "" : "s", peak, "B [n, k]", "m", "t5k",
           "OpenBLAS", "ratio", "t5k's share");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        j->shape = &shapes[i];
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            char shown[24];
            double seconds[2];
            j->m = rows[r];
            time_both(j, seconds);
            const double work = 2e-9 * (double)(j->m * shapes[i].n * shapes[i].k);
            snprintf(shown, sizeof shown, "[%zu, %zu]", shapes[i].n, shapes[i].k);
            printf("  %-18s %-13s %5zu %10.1f %10.1f %7.2f %10.0f %%\n", shapes[i].name, shown, j->m, work / seconds[0], work / seconds[1],
                   seconds[1] / seconds[0], 100 * work / seconds[0] / peak);
            fflush(stdout);
        }
    }
}

/* Aligned to a cache line, as t5k's own memory and converted files are. */
static float *floats(size_t n) {
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    uint64_t state = 1;
    if (x == NULL) {
        fprintf(stderr, "gemm: out of memory (%zu bytes)\n", n * sizeof *x);
        exit(RT_ERR_LIMIT);
    }
    for (size_t i = 0; i < n; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        x[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
    return x;
}

static void must(rt_status status, const rt_error *err) {
    if (status == RT_OK) return;
    fprintf(stderr, "gemm: %s\n", err->message);
    exit((int)status);
}

int main(int argc, char **argv) {
    rt_error err;
    rt_threads *threads;
    job j = {.A = floats(MAX_M * D_MODEL), .room = floats(ROOM), .C = floats((size_t)MAX_M * VOCABULARY)};
    const size_t asked = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (argc > 2 || (argc > 1 && (asked < 1 || asked > MAX_THREADS))) {
        fprintf(stderr, "usage: gemm [THREADS (1 to %d)]\n", MAX_THREADS);
        return RT_ERR_USAGE;
    }
    must(rt_kernels_choose(getenv("T5K_ISA"), &j.compute.kernels, &err), &err);
    must(rt_threads_open(asked, &threads, &err), &err);
    const size_t n = rt_threads_count(threads);
    j.compute.scratch_bytes = rt_dot_rows_scratch(j.compute.kernels, D_MODEL);
    j.compute.scratch = aligned_alloc(64, n * j.compute.scratch_bytes);
    if (j.compute.scratch == NULL) must(rt_fail_memory(&err, n * j.compute.scratch_bytes, "scratch"), &err);
    printf("GFLOP/s in f32; t5k: %s; OpenBLAS: %s, %s; best of %d\n", j.compute.kernels->isa, openblas_get_config(), openblas_get_corename(), ROUNDS);
    print_threads(&j, 1);
    j.compute.threads = threads;
    if (n > 1) print_threads(&j, n);
    rt_threads_close(threads);
    free(j.compute.scratch);
    free((void *)(uintptr_t)j.A);
    free((void *)(uintptr_t)j.room);
    free(j.C);
    return 0;
}

/* t5k bench: what is measured, and the parts that measure it. Rates are per second; shares are of this machine's own limits, measured in
 * the same run. */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include "model/session.h"
#include "runtime/buffer.h"
#include "tools/options.h"

/* What bounds a piece of work: multiply-adds in f32, products of bytes, reading memory. */
typedef enum bench_limit { BENCH_FMA, BENCH_INT8, BENCH_READ, BENCH_N_LIMITS } bench_limit;

enum {
    BENCH_MAX_KERNELS = 16, BENCH_MAX_BLOCKS = 4, BENCH_MAX_LAYERS = 3, BENCH_N_REQUESTS = 5, BENCH_SHAPE_SIZE = 48, BENCH_MAX_RUNS = 100,
    BENCH_MAX_INPUTS = 64, BENCH_TOKENS = 512, BENCH_ASK_TOKENS = 64, BENCH_ASK_NEW_TOKENS = 16
};

typedef struct bench_rate {
    double one, all; /* of one thread, of all threads; 0 where the kernels have no such operation */
} bench_rate;

/* A kernel on one thread. */
typedef struct bench_kernel {
    const char *name;
    char shape[BENCH_SHAPE_SIZE];
    bench_limit limit;
    double rate;
} bench_kernel;

/* One layer of a block on all threads: that of all blocks in a whole pass, divided by their number. */
typedef struct bench_layer {
    const char *name;
    bench_limit limit;
    double seconds;
    double rate; /* of all the work or all the bytes of a dense layer, whether done or left out */
} bench_layer;

/* A block of a stack, its layers together; or what belongs to none and has no parts. */
typedef struct bench_block {
    bench_layer whole;
    bench_layer layer[BENCH_MAX_LAYERS];
    size_t n_layers;
} bench_block;

typedef struct bench_request {
    const char *name;
    size_t n_inputs, input_tokens; /* of all inputs */
    size_t num_beams, new_tokens;  /* of each input; 0: encodes alone */
    double median, best;           /* seconds */
    size_t peak_bytes;             /* of the session */
    size_t needs, available;       /* bytes; needs > available: left out */
} bench_request;

typedef struct bench {
    const opt_values *options;
    const char *name; /* of the model */
    t5_model *model;
    t5_session *session; /* for its kernels and threads */
    float *room;         /* [n_room]: more than the caches hold */
    size_t n_room;
    bench_rate limit[BENCH_N_LIMITS];
    double density[2]; /* of positive feed-forward units, encoder and decoder */
    bench_kernel kernel[BENCH_MAX_KERNELS];
    size_t n_kernels;
    bench_block block[BENCH_MAX_BLOCKS];
    size_t n_blocks;
    bench_request request[BENCH_N_REQUESTS];
    size_t n_requests;
} bench;

/* Makes a model of options->bench in memory. RT_ERR_LIMIT where it does not fit what is available. */
rt_status bench_make_model(const opt_values *options, t5_model **model, rt_error *err);

/* The room, filled with numbers between -1 and 1. */
rt_status bench_make_room(bench *b, rt_error *err);

void bench_measure_limits(bench *b);
rt_status bench_measure_kernels(bench *b, rt_error *err);
rt_status bench_measure_density(bench *b, rt_error *err);
rt_status bench_measure_blocks(bench *b, rt_error *err);
rt_status bench_measure_requests(bench *b, rt_error *err);

rt_status bench_print_text(const bench *b, rt_text *out, rt_error *err);
rt_status bench_print_json(const bench *b, rt_text *out, rt_error *err);

/* ---- shared by the parts ---- */

/* Seconds of one call of body: `runs` samples of as many calls as take some milliseconds, after a warm-up. */
typedef struct bench_time {
    double median, best;
} bench_time;
bench_time bench_clock(size_t runs, void (*body)(void *context), void *context);

/* How many calls make such a sample; warms up. */
size_t bench_calls(void (*body)(void *context), void *context);

bench_time bench_sort(size_t n, double *seconds);

/* Inputs of ids at random, the last of each </s>. */
typedef struct bench_inputs {
    rt_ids ids;
    t5_ids input[BENCH_MAX_INPUTS];
    size_t n;
} bench_inputs;

rt_status bench_make_inputs(const t5_config *config, size_t n, const size_t *length, bench_inputs *inputs, rt_error *err);

/* The ith of a fixed sequence of well-mixed numbers. */
static inline uint64_t bench_mix(uint64_t i) {
    uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Bytes of memory that the system can still give; SIZE_MAX where it does not say. */
size_t bench_available_bytes(void);

#endif

/* One top-k attention on random data, and what it must give: the equation of runtime/topk_attention.h worked out row by row, with the rank
 * of every score for the selection, each sum in its defined order, and nothing shared with the code under test but the reference's
 * arithmetic of one exp and of one activation. */
#ifndef TESTS_SUPPORT_ATTENTION_CASE_H
#define TESTS_SUPPORT_ATTENTION_CASE_H

#include "runtime/topk_attention.h"
#include "tests/support/floats.h"
#include "tests/support/guarded.h"

enum { MAX_SPANS = 8 };

/* The sizes of a span's queries and keys. */
typedef struct span_shape {
    size_t n_queries, n_keys;
} span_shape;

typedef struct attention_spec {
    size_t n_spans;
    span_shape shapes[MAX_SPANS];
    size_t n_heads, d_k, d_v, topk;
    rt_activation act;
    bool causal, bias, gate;
    bool panels; /* V is stored panel by panel */
    bool screen; /* scores are screened, by variants that can; one span, one head, ReLU */
    rt_dtype dtype_k, dtype_v, dtype_gate;
    float_kind kind; /* of Q and, where they are f32, of K and V */
} attention_spec;

/* Arguments for rt_topk_attention over operands that end at unmapped pages. wide_*: the same numbers as f32, [keys, ..] without gaps. */
typedef struct attention_case {
    attention_spec spec;
    rt_topk_attention_args args;
    rt_matrix gate;
    rt_screen screen;
    rt_arena screen_room;
    rt_span spans[MAX_SPANS];
    size_t n_queries, n_keys, max_keys; /* rows of Q and out, rows of K and V, keys of the widest span */
    guarded Q, K, V, G, bias, out;
    float *wide_K, *wide_V, *wide_G;
    float *expected; /* [n_queries * ldo], painted like out where nothing is to be written */
} attention_case;

void attention_open(attention_case *c, const attention_spec *spec, uint64_t seed);
void attention_close(attention_case *c);

/* Fills c->expected. Rows to select from must hold no NaN. */
void attention_expect(attention_case *c);

/* Runs the code under test into a freshly painted out, with scratch of just the size it asks for, and ends the test if anything beside is
 * written. The result is attention_out. */
rt_status attention_run(const attention_case *c, const rt_kernels *kernels, size_t chunk, size_t n_threads, rt_error *err);

/* out, [n_queries * ldo], and how many floats that is. */
const float *attention_out(const attention_case *c);
size_t attention_out_size(const attention_case *c);

/* Runs it and ends the test unless every bit is as expected. */
void attention_check(const attention_case *c, const rt_kernels *kernels, size_t chunk, size_t n_threads);

#endif

/* Floats for tests: reproducible random ones, awkward ones, and comparison bit for bit. */
#ifndef TESTS_SUPPORT_FLOATS_H
#define TESTS_SUPPORT_FLOATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/matrix.h"

/* The sanitizers slow a test down some ten times; sizes shrink by this. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

typedef struct random_source {
    uint64_t state;
} random_source;

uint32_t random_bits(random_source *r);
size_t random_below(random_source *r, size_t n);
float random_unit(random_source *r); /* in [-1, 1) */

typedef enum float_kind {
    FLOATS_UNIT,    /* in [-1, 1) */
    FLOATS_TIED,    /* -1, -0.5, -0, +0, 0.5 and 1: sums are exact and often equal */
    FLOATS_WIDE,    /* any finite bit pattern */
    FLOATS_AWKWARD, /* zeros, infinities, denormals, the largest, the edges of exp */
    FLOATS_NAN,     /* the same, and now and then NaN */
    N_FLOAT_KINDS
} float_kind;

void fill_floats(random_source *r, float_kind kind, size_t n, float *x);

/* Fills n elements of a float type, or RT_I8, with finite values of small magnitude, subnormal f16 among them, and gives their values in wide[n]. */
void fill_stored(random_source *r, rt_dtype dtype, size_t n, void *stored, float *wide);

float float_of_bits(uint32_t bits);

/* One f16 or bf16, by its definition with ldexp. */
float widen_by_formula(rt_dtype dtype, uint16_t bits);

/* a and b are the same bits; any NaN equals any other. */
bool same_floats(size_t n, const float *a, const float *b);

/* The sum of lane[16] by halves, and the dot product of a and b by lanes: the order of runtime/kernels.h. */
float sum_of_lanes(float lane[16]);
float dot_by_lanes(size_t n, const float *a, const float *b);

#endif

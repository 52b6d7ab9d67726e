/* The kernels: a small closed set of operations on f32 rows. Each has a plain C reference (kernels_ref.c), which is its definition, and
 * vector variants written once over a vector of 16 lanes (kernels_vector.h) and built for each instruction set. One table binds them.
 *
 * Order of sums. Every result is the same bits for every instruction set, tile, block and thread, because each sum has one order:
 *   lanes     (dot, exp_sum, rms_norm) lane l of 16 takes the terms l, l + 16, l + 32, ... from +0; then the lanes are added by halves:
 *             l and l + 8, l and l + 4, l and l + 2, l and l + 1. The terms of dot and rms_norm enter by fma.
 *   sequence  (weighted_rows, weighted_gather, weighted_lists) from the first term to the last, by fma.
 * fma is the fused operation of C99. Nothing else is contracted (-ffp-contract=off).
 *
 * Kernels neither allocate nor fail. NaN is never lost: it comes out of every sum, max, exp_sum and keep_above that it goes into.
 * Rows may have any alignment and stride; nothing outside [0, n) of a row is read or written. */
#ifndef RUNTIME_KERNELS_H
#define RUNTIME_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/matrix.h"
#include "runtime/status.h"

enum { RT_LANES = 16 };

typedef enum rt_activation { RT_IDENTITY, RT_RELU, RT_GELU_TANH, RT_GELU_ERF, RT_SILU, RT_SOFTMAX } rt_activation;

enum { RT_SCREEN_PANEL = 64 };

/* A query as screening sees it (screen.h): its scale, the sum of its 8-bit numbers, its norm and the norm of what they lose. */
typedef struct rt_screen_query {
    float scale, norm, loss;
    int32_t sum;
} rt_screen_query;

typedef struct rt_kernels {
    const char *isa;   /* "ref", "avx2", "avx512", "neon" */
    const char *bytes; /* what multiplies bytes: "vnni", "amx", "dotprod", "ref"; "" where that is hardly faster than f32 */

    /* Widths at which dot and weighted_rows run full tiles. Blocks of multiples of these waste nothing. */
    size_t dot_tile_rows, dot_tile_cols;

    /* C[i, j] = sum over c of A[i, c] B[j, c];  A [m, k], B [n, k], C [m, n]. Lanes order. */
    void (*dot)(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc);

    /* out[i, c] += sum over j of P[i, j] V[j, c];  P [m, n], V [n, n_c], out [m, n_c]. Sequence order, going on from out. */
    void (*weighted_rows)(size_t m, size_t n, size_t n_c, const float *P, size_t ldp, const float *V, size_t ldv, float *out, size_t ldo);

    /* out[c] = sum over t of p[t] V[index[t], c];  V [*, n_c] of a float type or RT_I8, ldv elements apart; index NULL: t itself. Sequence order
     * from +0. */
    void (*weighted_gather[RT_I8 + 1])(size_t n, const uint32_t *index, const float *p, size_t n_c, const void *V, size_t ldv, float *out);

    /* The same for short lists of m rows of out, one after another: out[i, c] += sum over the next count[i] of p[t] V[row[t], c];  out [m, n_c].
     * Sequence order, going on from out. Returns the length of all lists. */
    size_t (*weighted_lists[RT_I8 + 1])(size_t m, const uint8_t *count, const uint8_t *row, const float *p, size_t n_c, const void *V, size_t ldv,
                                        float *out, size_t ldo);

    /* out[i] = in[i] as f32, by type; exact. */
    void (*widen[RT_I8 + 1])(size_t n, const void *in, float *out);

    /* out = x / sqrt(mean(x^2) + eps) * w, and returns mean(x^2). Lanes order. */
    float (*rms_norm)(size_t n, const float *x, const float *w, float eps, float *out);

    void (*add)(size_t n, const float *x, float *y);   /* y += x */
    void (*mul)(size_t n, const float *x, float *y);   /* y *= x */
    void (*scale)(size_t n, float s, float *x);        /* x *= s */
    void (*activate)(rt_activation act, size_t n, float *x); /* GELU (both forms), SiLU, in place; error below 4e-7 |x| */

    float (*max)(size_t n, const float *x);     /* NaN if any is; n >= 1 */
    size_t (*argmax)(size_t n, const float *x); /* lowest index of the largest; of the first NaN if any; n >= 1 */

    /* y = exp(x - max) for x <= max, and returns the sum (lanes order). Below exp(-87.3) it is 0. Relative error below 1e-7. y may be x. */
    float (*exp_sum)(size_t n, const float *x, float max, float *y);

    size_t (*count_ge)(size_t n, const float *x, float t); /* how many x >= t */

    /* The kept of a row, in ascending index: all that are not <= t (so NaN too), and the first n_ties of those equal to t.
     * index[], value[] receive them; value may be x itself. Returns how many. */
    size_t (*keep_above)(size_t n, const float *x, float t, size_t n_ties, uint32_t *index, float *value);

    /* The indices that keep_above keeps with no ties. There is room for as many as n rounded up to RT_LANES, and all of it may be written. */
    size_t (*list_above)(size_t n, const float *x, float t, uint32_t *index);

    /* out[t] = A[row[t]] . b, the same bits as dot. dot_indexed is for rows anywhere, of which many are wanted. */
    void (*dot_listed)(size_t n, const uint8_t *row, size_t k, const float *A, size_t lda, const float *b, float *out);
    void (*dot_indexed)(size_t n, const uint32_t *index, size_t k, const float *A, size_t lda, const float *b, float *out);

    /* Rows of 8-bit numbers. P [m, k] with k a multiple of 4; Q [k / 4][64][4] plus 128, one panel of 64 units; scale, alpha, beta [64].
     *
     * quantise makes a row ready: p = round(x / scale), scale = largest |x| / 127, and norms rounded up; p [k rounded up to 4], the rest 0. A row so
     * small that its squares vanish is taken for 0; one that is not finite, or so large that its squares are not, has p 0 and scale NaN. Both have
     * infinite norms. */
    void (*quantise)(size_t k, const float *x, int8_t *p, rt_screen_query *query);

    /* C[i, j] = (q[j] . p[i]) scale[j] scale of i, for j < n <= 64;  the whole-number product is exact, then rounded, as are the two factors. */
    void (*dot_bytes)(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                      float *C, size_t ldc);

    /* Bit j of mask[i]: the score of query i and unit j may be positive. */
    void (*screen)(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                   const float *alpha, const float *beta, uint64_t *mask);

    /* Between what the scores lie: upper[i, j] is at least the dot kernel's score of query i and unit j, +inf where nothing is known; lower[i] is
     * raised to the largest number that a score of the units without a bit in forbidden[i * ldf] cannot be below. */
    void (*estimate)(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                     const float *alpha, const float *beta, const uint64_t *forbidden, size_t ldf, float *upper, size_t ldu, float *lower);

    /* The same for keys, with a bias b(i, j) = bias[j - i], NULL: none, and not rounded away (topk_keys.h does that for the one number it wants):
     *   middle = the score of dot_bytes + b,  reach = alpha norm + beta loss,  upper[i, j] = middle + reach,  lower = middle - reach
     *   most[i, j] = lower where that is larger;  NaN never is
     * for j < n <= 64; above that upper is -inf, and most and the bias are left alone. */
    void (*estimate_keys)(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                          const float *scale, const float *alpha, const float *beta, const float *bias, float *upper, size_t ldu, float *most,
                          size_t ldm);
} rt_kernels;

/* Whether an 8-bit product of so many rows is worth making to save f32 work. Few rows wait for memory, of which it reads a quarter. */
static inline bool rt_bytes_pay(const rt_kernels *kernels, size_t rows) { return kernels->bytes[0] != '\0' || rows <= 8; }

/* The variant that this machine runs best; `force` (one of the names above; NULL or "": none) asks for one. RT_ERR_USAGE for a name
 * that this machine does not run. The table is constant. */
rt_status rt_kernels_choose(const char *force, const rt_kernels **kernels, rt_error *err);

enum { RT_MAX_VARIANTS = 6 };

/* Every variant that this machine can run, best first; returns how many. */
size_t rt_kernels_runnable(const rt_kernels *runnable[RT_MAX_VARIANTS]);

#endif

/* The k best keys of a query, without most of the scores: 8-bit estimates of all keys first, then the dot kernel for those that the bound
 * (screen.h) does not rule out.
 *
 * With u = 2^-24, A the estimate of a key and b = fl(fma(beta, loss, fl(alpha norm))) its bound, c the bias, the estimate_keys kernel gives
 *
 *     M = fl(A + c),   U = fl(M + b),   L = fl(M - b)
 *     dot + c <= A + c + b <= U + u |U| + u |M| <= U + 3 u |U| + u b,    and in the same way    dot + c >= L - 3 u |L| - u b
 *
 * The room of 16 u that alpha and beta have for roundings (screen.c) covers the last term and the two roundings in b. (Sums of f32 are exact
 * where they are subnormal.) A score is S = fl(dot + c), and rounding is monotone. So if k of the L are >= t, then k of the scores are >= T,
 * T = t - 3 u |t| rounded down; and a key with U <= t - 16 u |t|, one float further down, has S < T: it is not among the k best, and leaving it
 * out changes no bit of the result. t need not be the k-th largest of L: the k-th largest among the maxima of groups of keys will do, and there
 * are few of these.
 * A key that is not finite, or 0, has b = +inf or NaN, and so U = +inf or NaN: it is always a candidate. Its L is -inf or NaN, and makes no t. Where
 * that leaves t at -inf, as a query that is not finite does, every score is computed. */
#ifndef RUNTIME_TOPK_KEYS_H
#define RUNTIME_TOPK_KEYS_H

#include "runtime/compute.h"
#include "runtime/screen.h"

/* Room for copies of the keys and values of every head of a ragged batch, and the copies: keys in 8 bits, and both in f32 with the rows of a head
 * side by side. Rows that are picked here and there then cost no more than their own cache lines and a page now and then. */
typedef struct rt_key_copies {
    rt_screen all; /* of n_heads * panels_a_head panels of keys, k = d_k */
    size_t panels_a_head;
    size_t n_keys, d_v;
    float *K, *V; /* [n_heads, n_keys, d_k], [n_heads, n_keys, d_v] */
} rt_key_copies;

/* n_keys in n_spans sequences that lie one after another from key 0 on. */
void rt_key_copies_place(rt_arena *arena, size_t n_keys, size_t n_spans, size_t n_heads, size_t d_k, size_t d_v, rt_key_copies *copies);

/* From key number `first` on. */
static inline float *rt_key_copies_K(const rt_key_copies *copies, size_t head, size_t first) {
    return copies->K + (head * copies->n_keys + first) * copies->all.k;
}

static inline float *rt_key_copies_V(const rt_key_copies *copies, size_t head, size_t first) {
    return copies->V + (head * copies->n_keys + first) * copies->d_v;
}

/* Whether the k best of n_keys keys are found faster so. Below 8 k a group would hold one key or two; below 512 keys the copies cost more than they
 * save (tests/bench/requests with --topk, 256 to 4,096 tokens). */
static inline bool rt_topk_keys_pays(const rt_kernels *kernels, size_t n_keys, size_t k) {
    return kernels->bytes[0] != '\0' && k > 0 && n_keys >= 512 && n_keys / 8 >= k;
}

/* The copy of one head's keys of span number `span`, which begins at `first_key`. */
rt_screen rt_key_copy(const rt_key_copies *copies, size_t span, size_t first_key, size_t n_keys, size_t head);

/* A chunk of queries against one head's keys of one span. */
typedef struct rt_topk_keys {
    rt_screen keys;
    const float *K; /* [keys.n, d_k] */
    size_t k, n_groups;
    size_t m;
    rt_screen_query *query; /* [m] */
    int8_t *p;              /* [m, k_padded] */
} rt_topk_keys;

size_t rt_topk_keys_bytes(size_t m, size_t d_k); /* a multiple of 64 */

/* Lays the chunk's own memory over `memory`, of rt_topk_keys_bytes. For the k best of the keys; rt_topk_keys_pays. */
rt_topk_keys rt_topk_keys_place(const rt_screen *keys, const float *K, size_t k, size_t m, void *memory);

/* Estimates the scores of queries Q [m, d_k]; bias[j - i] is that of query i and key j, NULL: none. Rows of U and most have room for whole panels;
 * most [m, n_groups]. */
void rt_topk_keys_estimate(const rt_kernels *kernels, const rt_topk_keys *chunk, const float *Q, size_t ldq, const float *bias, float *U, size_t ldu,
                           float *most, size_t ldm);

/* Of query i (q, bias): the k best keys as rt_topk of the whole row S = K q + bias gives them. S holds row i of U and receives the scores; index
 * holds row i of `most` and receives the keys; scratch [n_keys] floats. Returns how many, 0 if NaN is among the scores. */
size_t rt_topk_keys_select(const rt_kernels *kernels, const rt_topk_keys *chunk, const float *q, const float *bias, float *S, uint32_t *index,
                           void *scratch);

#endif

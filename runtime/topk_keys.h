/* The k best keys of a query, without most of the scores: 8-bit estimates of all keys first, then the dot kernel for those that the bound
 * (screen.h) does not rule out.
 *
 * Let U[j] >= S[j] be the upper ends that the estimate kernel gives, bias added (rounding is monotone, so U[j] >= fl(dot + bias) still holds),
 * and w the widest that any S[j] can lie below its U[j]. If k of the U are >= t, then k of the scores are >= T = t - w less roundings, so the k
 * best are all >= T, and their U too: keys with U[j] < T are left out, which changes no bit of the result. t need not be the k-th
 * largest of U: the k-th largest among the maxima of groups of keys will do, and there are few of these.
 * Where a query, a key or the bound is not finite, T is not above -inf and every score is computed. */
#ifndef RUNTIME_TOPK_KEYS_H
#define RUNTIME_TOPK_KEYS_H

#include "runtime/compute.h"
#include "runtime/screen.h"

/* Room for 8-bit copies of the keys of every head of a ragged batch, and the copies. */
typedef struct rt_key_copies {
    rt_screen all; /* of n_heads * panels_a_head panels of keys, k = d_k */
    size_t panels_a_head;
} rt_key_copies;

/* n_keys in n_spans sequences that lie one after another from key 0 on. */
void rt_key_copies_place(rt_arena *arena, size_t n_keys, size_t n_spans, size_t n_heads, size_t d_k, rt_key_copies *copies);

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
    float alpha, beta; /* the largest of the keys */
    size_t m;
    rt_screen_query *query; /* [m] */
    int8_t *p;              /* [m, k_padded] */
} rt_topk_keys;

size_t rt_topk_keys_bytes(size_t m, size_t d_k); /* a multiple of 64 */

/* Lays the chunk's own memory over `memory`, of rt_topk_keys_bytes. */
rt_topk_keys rt_topk_keys_place(const rt_screen *keys, size_t m, void *memory);

/* Makes the queries ready. Q [m, d_k]. */
void rt_topk_keys_prepare(const rt_kernels *kernels, rt_topk_keys *chunk, const float *Q, size_t ldq);

/* U[i, j], without bias, of keys first .. first + n - 1; first a multiple of RT_SCREEN_PANEL, rows of U have room for whole panels. */
void rt_topk_keys_estimate(const rt_kernels *kernels, const rt_topk_keys *chunk, size_t first, size_t n, float *U, size_t ldu);

/* Of query i (q): the k best of its keys K, f32, bias [n_keys] or NULL, k <= n_keys / 8, as rt_topk of the whole row S = K q + bias gives them. S holds U and
 * receives the scores; index [n_keys], scratch [n_keys] floats. Returns how many, 0 if NaN is among the scores. */
size_t rt_topk_keys_select(const rt_kernels *kernels, const rt_topk_keys *chunk, size_t i, const float *q, const rt_matrix *K, const float *bias,
                           size_t k, float *S, uint32_t *index, void *scratch);

#endif

/* Top-k attention (Gupta et al. 2021, section 2), the one operation behind attention and feed-forward:
 *
 *     out[i] = sum over the kept j, in ascending j, of  act(S[i, j]) * gate(i, j) * V[j]
 *     S      = Q K^T + bias
 *     kept   = the topk largest of row i of S among the keys that query i may see (topk.h); all of them when topk is 0
 *
 * | caller                  | K, V                                    | act              | bias, mask     |
 * | encoder self-attention  | projections of the input                | softmax          | bias           |
 * | decoder self-attention  | the cache                               | softmax          | bias, causal   |
 * | cross-attention         | projections of the encoder output       | softmax          |                |
 * | feed-forward            | rows of wi, rows of wo^T; gate: wi_1    | ReLU, GELU, SiLU |                |
 *
 * The order is: mask, select by signed value, activate (softmax: normalised over the kept), multiply by the gate, sum.
 * k >= the number of visible keys gives the dense result, bit for bit; so does, for ReLU, k >= the number of positive scores, since ReLU
 * keeps the positive scores alone. The bits of a row of out depend on its own query, keys and values, and on nothing else: not on
 * the chunk, the threads or the other sequences of the batch.
 *
 * Memory: queries go through in chunks. A chunk's scores are [chunk, keys], so scratch is linear in the number of keys, whatever the number
 * of queries, and no [queries, keys] matrix exists. */
#ifndef RUNTIME_TOPK_ATTENTION_H
#define RUNTIME_TOPK_ATTENTION_H

#include "runtime/compute.h"
#include "runtime/matmul_bytes.h"
#include "runtime/topk_keys.h"

/* One sequence of a ragged batch: its rows of Q and out, and its rows of K and V. */
typedef struct rt_span {
    size_t query, n_queries;
    size_t key, n_keys;
} rt_span;

enum { RT_PANEL = 64 };

/* V, by panels of RT_PANEL columns: element (j, c) is data[(c / RT_PANEL) * panel + j * stride + c % RT_PANEL]. A plain row-major matrix has
 * panel = RT_PANEL; a static V is better stored panel by panel (stride = RT_PANEL), where a panel fits the second-level cache. */
typedef struct rt_values {
    rt_dtype dtype; /* one of the float types, or RT_I8 */
    const void *data;
    size_t stride, panel;
    const float *scale; /* NULL, or [keys]: row j is scale[j] times what lies there */
} rt_values;

/* What can be counted on the way, in whole numbers, so that neither threads nor chunks change it. Zeroed by whoever owns it. */
typedef struct rt_topk_statistics {
    atomic_ullong rows;      /* of all heads */
    atomic_ullong kept_mass; /* softmax: which share the kept have of what all visible keys would weigh, summed over the rows, in 2^-24 */
    atomic_ullong *positive; /* other activations: [keys + 1], positive[n] rows had n scores above 0 before any was dropped; never NULL */
} rt_topk_statistics;

/* Queries, keys and gate as 8-bit numbers, for S and gate by 8-bit products. */
typedef struct rt_topk_bytes {
    const rt_byte_rows *Q;       /* all queries */
    const rt_screen *K, *gate; /* the 8-bit copies; gate NULL where there is none */
} rt_topk_bytes;

typedef struct rt_topk_attention_args {
    size_t n_heads, d_k, d_v;
    size_t topk;  /* 0: all */
    size_t chunk; /* at most so many queries share a block of scores; >= 1 */
    rt_activation act;
    bool causal; /* query i of a span stands at position n_keys - n_queries + i and sees keys up to its own position */

    const rt_span *spans; /* [n_spans] */
    size_t n_spans;

    const float *Q; /* [queries, ldq]: head h from column h * d_k */
    size_t ldq;
    rt_matrix K; /* [keys, ..]: head h from column h * d_k; `cols` is d_k */
    rt_values V; /* [keys, ..]: head h from column h * d_v; with n_heads > 1 a plain row-major f32 matrix */
    float *out;  /* [queries, ldo]: head h from column h * d_v */
    size_t ldo;

    const rt_screen *screen; /* NULL, or the 8-bit copy of K, to leave out scores that are proved not positive: ReLU, one head, one span.
                                Changes no bit */
    const rt_key_copies *copies; /* NULL, or room for 8-bit copies of K, to find the kept keys by (topk_keys.h): softmax, not causal, keys of
                                    the spans one after another, f32. Changes no bit */
    const rt_topk_bytes *bytes; /* NULL, or what S and the gate are computed from, in place of Q, K and gate: one head, no screen, no copies */
    rt_screen_tally *tally;  /* counts screened scores; NULL: nobody asks */
    rt_topk_statistics *statistics; /* NULL: nobody asks, and nothing is spent on it. Changes no bit */

    const rt_matrix *gate; /* NULL, or G [keys, d_k]: gate(i, j) = Q[i] . G[j]; only with n_heads = 1 */
    const float *bias;     /* NULL, or for head h the bias of a key at distance j - position(i): bias[h * bias_head + bias_zero + distance] */
    size_t bias_head, bias_zero;
} rt_topk_attention_args;

/* Bytes of scratch a thread needs for chunks of `chunk` queries on up to max_keys keys. */
size_t rt_topk_attention_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k, bool gated);

/* The same where args->screen is set. */
size_t rt_topk_attention_screen_scratch(const rt_kernels *kernels, size_t chunk, const rt_screen *screen, bool gated);

/* The same where args->copies is set. */
size_t rt_topk_attention_copies_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k);

/* Returns RT_ERR_NUMERIC if a row that had to be selected from holds NaN (out is then undefined); NaN elsewhere comes out in out. */
rt_status rt_topk_attention(const rt_compute *compute, const rt_topk_attention_args *args, rt_error *err);

#endif

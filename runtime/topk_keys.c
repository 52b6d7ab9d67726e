/* The k best keys by estimates; see topk_keys.h. */
#include "runtime/topk_keys.h"

#include <math.h>

#include "runtime/topk.h"

enum { GROUPS = 4 }; /* groups of keys for each of the k, at least: then t is nearly the k-th largest, and finding it takes few comparisons */

/* Span s begins at panel first_key / RT_SCREEN_PANEL + s, so that the spans before it have had room for their own last panels. */
void rt_key_copies_place(rt_arena *arena, size_t n_keys, size_t n_spans, size_t n_heads, size_t d_k, size_t d_v, rt_key_copies *copies) {
    copies->panels_a_head = n_keys / RT_SCREEN_PANEL + n_spans;
    const rt_matrix shape = {.rows = n_heads * copies->panels_a_head * RT_SCREEN_PANEL, .cols = d_k};
    rt_screen_place(arena, &shape, &copies->all);
    copies->n_keys = n_keys;
    copies->d_v = d_v;
    copies->K = rt_arena_alloc(arena, n_heads * n_keys * d_k, sizeof *copies->K);
    copies->V = rt_arena_alloc(arena, n_heads * n_keys * d_v, sizeof *copies->V);
}

rt_screen rt_key_copy(const rt_key_copies *copies, size_t span, size_t first_key, size_t n_keys, size_t head) {
    const size_t first = (head * copies->panels_a_head + first_key / RT_SCREEN_PANEL + span) * RT_SCREEN_PANEL;
    rt_screen copy = rt_screen_of(n_keys, copies->all.k);
    copy.q = copies->all.q + first * copy.k_padded;
    copy.scale = copies->all.scale + first;
    copy.alpha = copies->all.alpha + first;
    copy.beta = copies->all.beta + first;
    return copy;
}

static size_t k_padded(size_t d_k) { return rt_screen_of(0, d_k).k_padded; }

size_t rt_topk_keys_bytes(size_t m, size_t d_k) { return rt_aligned(m * (sizeof(rt_screen_query) + k_padded(d_k))); }

/* A group is the keys whose numbers have one remainder, of a number of whole panels: n / 8 >= k and n >= 512 leave each group two keys or more. */
static size_t groups_for(size_t k) { return (GROUPS * k + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL * RT_SCREEN_PANEL; }

rt_topk_keys rt_topk_keys_place(const rt_screen *keys, const float *K, size_t k, size_t m, void *memory) {
    rt_topk_keys chunk = {.keys = *keys, .K = K, .k = k, .n_groups = groups_for(k), .m = m, .query = memory};
    chunk.p = (int8_t *)(chunk.query + m);
    return chunk;
}

void rt_topk_keys_estimate(const rt_kernels *kernels, const rt_topk_keys *chunk, const float *Q, size_t ldq, const float *bias, float *U, size_t ldu,
                           float *most, size_t ldm) {
    const rt_screen *keys = &chunk->keys;
    for (size_t i = 0; i < chunk->m; i++) {
        kernels->quantise(keys->k, Q + i * ldq, chunk->p + i * keys->k_padded, &chunk->query[i]);
        for (size_t g = 0; g < chunk->n_groups; g++) most[i * ldm + g] = -INFINITY;
    }
    for (size_t j = 0; j < keys->n; j += RT_SCREEN_PANEL) {
        const size_t n = keys->n - j < RT_SCREEN_PANEL ? keys->n - j : RT_SCREEN_PANEL;
        kernels->estimate_keys(chunk->m, n, keys->k_padded, chunk->p, keys->k_padded, chunk->query, keys->q + j * keys->k_padded, keys->scale + j,
                               keys->alpha + j, keys->beta + j, bias != NULL ? bias + j : NULL, U + j, ldu, most + j % chunk->n_groups, ldm);
    }
}

size_t rt_topk_keys_select(const rt_kernels *kernels, const rt_topk_keys *chunk, const float *q, const float *bias, float *S, uint32_t *index,
                           void *scratch) {
    const size_t n = chunk->keys.n, d = chunk->keys.k;
    const float t = rt_topk_bound(kernels, chunk->n_groups, (const float *)index, chunk->k);
    const float below = nextafterf((float)((double)t - 0x1p-20 * fabs((double)t)), -INFINITY);
    if (!(below > -INFINITY)) {
        kernels->dot(1, n, d, q, d, chunk->K, d, S, n);
        if (bias != NULL) kernels->add(n, bias, S);
        return rt_topk(kernels, n, S, chunk->k, index, S);
    }
    const size_t candidates = kernels->list_above(n, S, below, index);
    kernels->dot_indexed(candidates, index, d, chunk->K, d, q, S);
    for (size_t c = 0; bias != NULL && c < candidates; c++) S[c] += bias[index[c]];
    uint32_t *among = scratch;
    const size_t kept = rt_topk(kernels, candidates, S, chunk->k, among, S);
    for (size_t c = 0; c < kept; c++) index[c] = index[among[c]];
    return kept;
}

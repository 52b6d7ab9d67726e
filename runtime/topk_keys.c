/* The k best keys by estimates; see topk_keys.h. */
#include "runtime/topk_keys.h"

#include <math.h>

#include "runtime/matmul.h"
#include "runtime/topk.h"

enum {
    GROUPS = 4,      /* groups of keys for each of the k: then t is nearly the k-th largest, and finding it takes few comparisons */
    QUERIES_MAX = 64 /* estimated at a time */
};

/* Span s begins at panel first_key / RT_SCREEN_PANEL + s, so that the spans before it have had room for their own last panels. */
void rt_key_copies_place(rt_arena *arena, size_t n_keys, size_t n_spans, size_t n_heads, size_t d_k, rt_key_copies *copies) {
    copies->panels_a_head = n_keys / RT_SCREEN_PANEL + n_spans;
    const rt_matrix shape = {.rows = n_heads * copies->panels_a_head * RT_SCREEN_PANEL, .cols = d_k};
    rt_screen_place(arena, &shape, &copies->all);
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

size_t rt_topk_keys_bytes(size_t m, size_t d_k) { return (m * (sizeof(rt_screen_query) + k_padded(d_k)) + 63) / 64 * 64; }

rt_topk_keys rt_topk_keys_place(const rt_screen *keys, size_t m, void *memory) {
    rt_topk_keys chunk = {.keys = *keys, .m = m, .query = memory};
    chunk.p = (int8_t *)(chunk.query + m);
    return chunk;
}

void rt_topk_keys_prepare(const rt_kernels *kernels, rt_topk_keys *chunk, const float *Q, size_t ldq) {
    const rt_screen *keys = &chunk->keys;
    chunk->alpha = kernels->max(keys->n, keys->alpha);
    chunk->beta = kernels->max(keys->n, keys->beta);
    for (size_t i = 0; i < chunk->m; i++) kernels->quantise(keys->k, Q + i * ldq, chunk->p + i * keys->k_padded, &chunk->query[i]);
}

void rt_topk_keys_estimate(const rt_kernels *kernels, const rt_topk_keys *chunk, size_t first, size_t n, float *U, size_t ldu) {
    const rt_screen *keys = &chunk->keys;
    const uint64_t none_forbidden = 0;
    float lower[QUERIES_MAX]; /* not used here: t is a better bound than the largest lower end */
    for (size_t j = first; j < first + n; j += RT_SCREEN_PANEL) {
        for (size_t i = 0; i < chunk->m; i += QUERIES_MAX) {
            const size_t m = chunk->m - i < QUERIES_MAX ? chunk->m - i : QUERIES_MAX;
            for (size_t r = 0; r < m; r++) lower[r] = -INFINITY;
            kernels->estimate(m, keys->k_padded, chunk->p + i * keys->k_padded, keys->k_padded, chunk->query + i, keys->q + j * keys->k_padded,
                              keys->scale + j, keys->alpha + j, keys->beta + j, &none_forbidden, 0, U + i * ldu + j, ldu, lower);
        }
    }
}

/* The least that a score can be whose U is t or more. U is estimate + bound a few units in the last place up, the score at least estimate -
 * bound, and |estimate| <= (|x| + |x - s p|) |scale q|; the score's own bias is added with one rounding of U's size. */
static float least_score(const rt_topk_keys *chunk, size_t i, float t) {
    const double norm = (double)chunk->query[i].norm, loss = (double)chunk->query[i].loss;
    const double bound = (double)chunk->alpha * norm + (double)chunk->beta * loss, estimate = (double)chunk->beta * (norm + loss);
    const double width = 2 * bound * (1 + 0x1p-18) + 0x1p-20 * (estimate + bound);
    return nextafterf((float)((double)t - width - 0x1p-20 * (fabs((double)t) + width)), -INFINITY);
}

/* The k-th largest among the maxima of n_groups groups of U. */
static float kth_of_groups(const rt_kernels *kernels, size_t n, const float *U, size_t k, size_t n_groups, float *scratch) {
    float *most = scratch;
    for (size_t g = 0; g < n_groups; g++) most[g] = U[g];
    for (size_t first = n_groups; first < n; first += n_groups) {
        const size_t width = n - first < n_groups ? n - first : n_groups;
        for (size_t g = 0; g < width; g++) most[g] = U[first + g] > most[g] ? U[first + g] : most[g];
    }
    const size_t kept = rt_topk(kernels, n_groups, most, k, (uint32_t *)(scratch + n_groups), most);
    float least = kept > 0 ? most[0] : NAN;
    for (size_t t = 1; t < kept; t++) least = most[t] < least ? most[t] : least;
    return least;
}

size_t rt_topk_keys_select(const rt_kernels *kernels, const rt_topk_keys *chunk, size_t i, const float *q, const rt_matrix *K, const float *bias,
                           size_t k, float *S, uint32_t *index, void *scratch) {
    const size_t n = chunk->keys.n, n_groups = GROUPS * k; /* at most half of n, for n / 8 >= k */
    if (bias != NULL) kernels->add(n, bias, S);
    const float T = least_score(chunk, i, kth_of_groups(kernels, n, S, k, n_groups, scratch));
    if (!(T > -INFINITY)) {
        kernels->dot(1, n, K->cols, q, K->cols, rt_matrix_row(K, 0), K->stride, S, n);
        if (bias != NULL) kernels->add(n, bias, S);
        return rt_topk(kernels, n, S, k, index, S);
    }
    const size_t candidates = kernels->keep_above(n, S, nextafterf(T, -INFINITY), 0, index, S);
    rt_dot_indexed(kernels, candidates, index, q, K, 0, S, NULL);
    for (size_t t = 0; bias != NULL && t < candidates; t++) S[t] += bias[index[t]];
    uint32_t *among = scratch;
    const size_t kept = rt_topk(kernels, candidates, S, k, among, S);
    for (size_t t = 0; t < kept; t++) index[t] = index[among[t]];
    return kept;
}

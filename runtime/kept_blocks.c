/* Kept keys by blocks; see kept_blocks.h. */
#include "runtime/kept_blocks.h"

#include <string.h>

#include "runtime/arena.h"

enum {
    ROOM = 1 << 16, /* kept keys in one filling: those of 256 queries that keep 5 % of 4,096 keys, and as many again to spare */
    AT_ONCE = 8     /* queries between two fetches of the next block's rows: about as many lines as the processor has on their way */
};

static size_t n_blocks(size_t n_keys) { return (n_keys + RT_KEPT_KEYS - 1) / RT_KEPT_KEYS; }

static size_t room(size_t max_keys) { return max_keys > ROOM ? max_keys : ROOM; }

size_t rt_kept_blocks_bytes(size_t max_keys) {
    const size_t blocks = n_blocks(max_keys);
    return rt_aligned(room(max_keys) * (sizeof(float) + 1) + blocks * (sizeof(uint32_t) + RT_KEPT_QUERIES));
}

/* As many queries as there is room for, the first in any case. */
static size_t n_that_fit(size_t m, size_t n_keys, const size_t *n_kept) {
    size_t n = 0, total = 0;
    while (n < m && n < RT_KEPT_QUERIES && total + n_kept[n] <= room(n_keys)) total += n_kept[n++];
    return n;
}

/* How many of a list lie in each block: count[b * m] of block b. */
static void count_kept(size_t n_kept, const uint32_t *index, size_t blocks, size_t m, uint8_t *count) {
    for (size_t b = 0, t = 0; b < blocks; b++) {
        const size_t first = t;
        while (t < n_kept && index[t] < (b + 1) * RT_KEPT_KEYS) t++;
        count[b * m] = (uint8_t)(t - first);
    }
}

/* Puts a list where its blocks have come to, at[b], and moves that on. */
static void deal_out(const uint32_t *index, const float *weight, size_t blocks, size_t m, const uint8_t *count, const rt_kept_blocks *to,
                     uint32_t *restrict at) {
    uint8_t *restrict row = to->row;
    float *restrict w = to->weight;
    for (size_t b = 0, t = 0; b < blocks; b++) {
        const size_t n = count[b * m], first = at[b];
        for (size_t r = 0; r < n; r++, t++) {
            row[first + r] = (uint8_t)(index[t] - b * RT_KEPT_KEYS);
            w[first + r] = weight[t];
        }
        at[b] = (uint32_t)(first + n);
    }
}

void rt_kept_blocks_fill(size_t m, size_t n_keys, const uint32_t *index, const float *weight, size_t ld, const size_t *n_kept, void *memory,
                         rt_kept_blocks *kept) {
    const size_t blocks = n_blocks(n_keys), n = n_that_fit(m, n_keys, n_kept);
    *kept = (rt_kept_blocks){.m = n, .n_blocks = blocks, .weight = memory};
    kept->end = (uint32_t *)(kept->weight + room(n_keys));
    kept->count = (uint8_t *)(kept->end + blocks);
    kept->row = kept->count + blocks * n;
    for (size_t i = 0; i < n; i++) count_kept(n_kept[i], index + i * ld, blocks, n, kept->count + i);
    /* First where each block begins; dealing out moves that to its end. */
    for (size_t b = 0, begin = 0; b < blocks; b++) {
        kept->end[b] = (uint32_t)begin;
        for (size_t i = 0; i < n; i++) begin += kept->count[b * n + i];
    }
    for (size_t i = 0; i < n; i++) deal_out(index + i * ld, weight + i * ld, blocks, n, kept->count + i, kept, kept->end);
}

/* Asks for n rows of V, so that they are in the second-level cache when their block's turn comes. */
static void fetch(const char *V, size_t n, size_t stride, size_t bytes) {
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < bytes; c += 64) __builtin_prefetch(V + r * stride + c, 0, 2);
    }
}

void rt_kept_blocks_sum(const rt_kernels *kernels, const rt_kept_blocks *kept, size_t n_keys, rt_dtype dtype, const void *V, size_t ldv, size_t n_c,
                        float *out, size_t ldo) {
    const size_t stride = rt_dtype_bytes(dtype, ldv), bytes = rt_dtype_bytes(dtype, n_c);
    for (size_t b = 0; b < kept->n_blocks; b++) {
        const size_t next = (b + 1) * RT_KEPT_KEYS, left = next < n_keys ? n_keys - next : 0, n_next = left < RT_KEPT_KEYS ? left : RT_KEPT_KEYS;
        const char *rows = (const char *)V + b * RT_KEPT_KEYS * stride;
        size_t t = b > 0 ? kept->end[b - 1] : 0;
        for (size_t i = 0; i < kept->m; i += AT_ONCE) {
            const size_t m = kept->m - i < AT_ONCE ? kept->m - i : AT_ONCE;
            const size_t from = n_next * i / kept->m, to = n_next * (i + m) / kept->m;
            if (to > from) fetch(rows + (RT_KEPT_KEYS + from) * stride, to - from, stride, bytes);
            const uint8_t *count = kept->count + b * kept->m + i;
            t += kernels->weighted_lists[dtype](m, count, kept->row + t, kept->weight + t, n_c, rows, ldv, out + i * ldo, ldo);
        }
    }
}

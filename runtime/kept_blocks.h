/* The kept keys of many queries, block of keys by block of keys: so the rows of V that belong to a block come into the first-level cache once for
 * all queries, and those of the next are fetched meanwhile. A query alone goes through its kept rows wherever they lie (weighted_gather).
 *
 * Each element of the result still adds up its terms in ascending key: the bits are those of weighted_gather.
 *
 * Stateless but for the caller's memory; any number of threads, each with its own. */
#ifndef RUNTIME_KEPT_BLOCKS_H
#define RUNTIME_KEPT_BLOCKS_H

#include "runtime/kernels.h"

enum {
    RT_KEPT_QUERIES = 256, /* at most, in one filling */
    RT_KEPT_KEYS = 128     /* in a block, whose rows of 64 floats fill the first-level cache (32 KiB) */
};

typedef struct rt_kept_blocks {
    size_t m, n_blocks;
    uint8_t *count; /* [n_blocks, m]: how many keys of the block a query keeps */
    uint32_t *end;  /* [n_blocks]: where the block ends in row and weight */
    uint8_t *row;   /* the kept of block 0, query by query, then those of block 1, ...: counted from the block's first key */
    float *weight;
} rt_kept_blocks;

/* Bytes of memory for up to max_keys keys; a multiple of 64. */
size_t rt_kept_blocks_bytes(size_t max_keys);

/* The lists of queries 0 .. m - 1 (index, weight [m, ld] and n_kept [m], indices ascending and below n_keys), as many of them as fit, at least
 * one: kept->m. Memory is aligned for floats. */
void rt_kept_blocks_fill(size_t m, size_t n_keys, const uint32_t *index, const float *weight, size_t ld, const size_t *n_kept, void *memory,
                         rt_kept_blocks *kept);

/* out[i, c] += sum over the kept keys j of query i of weight(i, j) V[j, c], for n_c columns of V [n_keys, n_c], of a float type or RT_I8, ldv
 * elements apart;  out [kept->m, n_c]. */
void rt_kept_blocks_sum(const rt_kernels *kernels, const rt_kept_blocks *kept, size_t n_keys, rt_dtype dtype, const void *V, size_t ldv, size_t n_c,
                        float *out, size_t ldo);

#endif

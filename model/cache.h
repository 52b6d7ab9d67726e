/* The decoder's self-attention cache: keys and values of every token that each row has been fed, in every decoder layer.
 *
 * A row owns a slot. When beams are dealt anew, a row that goes on takes its parent's slot over; only a parent with several children is
 * copied. Slots and positions grow as needed. */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include "runtime/arena.h"

typedef struct t5_cache {
    size_t n_layers, inner;      /* inner = num_heads * d_kv */
    size_t n_slots, n_positions; /* capacity */
    float *k, *v;                /* [n_layers, n_slots, n_positions, inner] */
    rt_arena memory;
} t5_cache;

/* The size that a cache grows to for so many slots and positions; without memory. */
t5_cache t5_cache_grown(const t5_cache *cache, size_t n_slots, size_t n_positions);

/* Lays out a cache of that size. */
void t5_cache_place(t5_cache *cache, rt_arena *arena);

/* Room for so many slots and positions; what is cached stays. */
rt_status t5_cache_reserve(t5_cache *cache, size_t n_slots, size_t n_positions, rt_error *err);

/* First row of a layer's slot, counted in rows of `inner`. */
static inline size_t t5_cache_row(const t5_cache *cache, size_t layer, size_t slot) {
    return (layer * cache->n_slots + slot) * cache->n_positions;
}

/* The first n positions of slot `from` to slot `to`, in all layers. */
void t5_cache_copy(t5_cache *cache, size_t from, size_t to, size_t n);

void t5_cache_free(t5_cache *cache);

#endif

/* The self-attention cache; see cache.h. */
#include "model/cache.h"

#include <string.h>

#include "runtime/checked.h"

/* Room for so many positions is made at first: growing holds the old and the new at once, and what no row has reached takes no memory yet. */
enum { FIRST_POSITIONS = 8 };

t5_cache t5_cache_grown(const t5_cache *cache, size_t n_slots, size_t n_positions) {
    t5_cache grown = {.n_layers = cache->n_layers, .inner = cache->inner, .n_slots = cache->n_slots, .n_positions = cache->n_positions};
    if (n_slots > grown.n_slots) grown.n_slots = n_slots;
    if (grown.n_positions == 0 && n_positions > 0) grown.n_positions = n_positions > FIRST_POSITIONS ? n_positions : FIRST_POSITIONS;
    while (grown.n_positions < n_positions) grown.n_positions *= 2;
    return grown;
}

void t5_cache_place(t5_cache *cache, rt_arena *arena) {
    size_t n = cache->n_layers;
    if (!rt_mul_size(n, cache->n_slots, &n) || !rt_mul_size(n, cache->n_positions, &n)) {
        arena->overflow = true;
        return;
    }
    cache->k = rt_arena_alloc(arena, n, cache->inner * sizeof(float));
    cache->v = rt_arena_alloc(arena, n, cache->inner * sizeof(float));
}

rt_status t5_cache_reserve(t5_cache *cache, size_t n_slots, size_t n_positions, rt_error *err) {
    if (n_slots <= cache->n_slots && n_positions <= cache->n_positions) return RT_OK;
    t5_cache grown = t5_cache_grown(cache, n_slots, n_positions);
    rt_arena measured = {0};
    t5_cache_place(&grown, &measured);
    RT_TRY(rt_arena_provide(&grown.memory, &measured, "the decoder's cache", err));
    t5_cache_place(&grown, &grown.memory);
    const size_t bytes = cache->n_positions * cache->inner * sizeof(float);
    for (size_t layer = 0; layer < cache->n_layers; layer++) {
        for (size_t slot = 0; slot < cache->n_slots && bytes > 0; slot++) {
            const size_t from = t5_cache_row(cache, layer, slot) * cache->inner, to = t5_cache_row(&grown, layer, slot) * grown.inner;
            memcpy(grown.k + to, cache->k + from, bytes);
            memcpy(grown.v + to, cache->v + from, bytes);
        }
    }
    t5_cache_free(cache);
    *cache = grown;
    return RT_OK;
}

void t5_cache_copy(t5_cache *cache, size_t from, size_t to, size_t n) {
    for (size_t layer = 0; layer < cache->n_layers; layer++) {
        const size_t a = t5_cache_row(cache, layer, from) * cache->inner, b = t5_cache_row(cache, layer, to) * cache->inner;
        memcpy(cache->k + b, cache->k + a, n * cache->inner * sizeof(float));
        memcpy(cache->v + b, cache->v + a, n * cache->inner * sizeof(float));
    }
}

void t5_cache_free(t5_cache *cache) { rt_arena_free(&cache->memory); }

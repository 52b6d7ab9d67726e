/* The arena; see arena.h. */
#include "runtime/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "runtime/checked.h"

void *rt_arena_alloc(rt_arena *arena, size_t n, size_t element) {
    size_t bytes, end;
    if (!rt_mul_size(n, element, &bytes) || !rt_add_size(bytes, RT_ARENA_ALIGN - 1, &bytes) ||
        !rt_add_size(arena->used, bytes / RT_ARENA_ALIGN * RT_ARENA_ALIGN, &end)) {
        arena->overflow = true;
        return NULL;
    }
    void *p = arena->base == NULL ? NULL : arena->base + arena->used;
    assert(arena->base == NULL || end <= arena->capacity); /* the layout was measured */
    arena->used = end;
    return p;
}

rt_status rt_arena_provide(rt_arena *block, const rt_arena *measured, const char *what, rt_error *err) {
    if (measured->overflow) return rt_fail(err, RT_ERR_LIMIT, "out of memory (%s: more bytes than can be counted)", what);
    if (block->base == NULL || block->capacity < measured->used) {
        rt_arena_free(block);
        const size_t bytes = measured->used > 0 ? measured->used : RT_ARENA_ALIGN;
        block->base = aligned_alloc(RT_ARENA_ALIGN, bytes);
        if (block->base == NULL) return rt_fail_memory(err, bytes, what);
        block->capacity = bytes;
    }
    block->used = 0;
    return RT_OK;
}

void rt_arena_free(rt_arena *arena) {
    free(arena->base);
    *arena = (rt_arena){0};
}

/* One aligned block of memory, dealt out front to back and freed at once.
 *
 * The same layout function runs twice: first on a measuring arena, which only counts, then on one that has a block of just that size. So
 * a plan of memory cannot drift from its use. */
#ifndef RUNTIME_ARENA_H
#define RUNTIME_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

enum { RT_ARENA_ALIGN = 64 };

typedef struct rt_arena {
    char *base; /* NULL while measuring */
    size_t used, capacity;
    bool overflow; /* while measuring: the total does not fit a size_t */
} rt_arena;

/* bytes, up to the next multiple of RT_ARENA_ALIGN. */
static inline size_t rt_aligned(size_t bytes) { return (bytes + RT_ARENA_ALIGN - 1) / RT_ARENA_ALIGN * RT_ARENA_ALIGN; }

/* Room for n elements of the size, aligned to RT_ARENA_ALIGN, not initialised. While measuring the pointer is NULL. */
void *rt_arena_alloc(rt_arena *arena, size_t n, size_t element);

/* Gives a measured arena its block: frees a smaller one, keeps a larger one, starts from its front. */
rt_status rt_arena_provide(rt_arena *block, const rt_arena *measured, const char *what, rt_error *err);

void rt_arena_free(rt_arena *arena);

#endif

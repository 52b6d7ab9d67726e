/* Threads that share the items of a job with the caller.
 *
 * The caller never waits for a thread that has not begun: it takes items itself until none is left, and then waits only for those under way. So
 * where other programs hold the cores a job costs what one thread needs, and not a time slice at every barrier (OpenMP's way: measured 80
 * times slower for a decoding step with one busy neighbour on two cores). Idle threads look for work for some microseconds, then sleep. */
#ifndef RUNTIME_THREADS_H
#define RUNTIME_THREADS_H

#include <stddef.h>

#include "runtime/status.h"

typedef struct rt_threads rt_threads;

/* n threads, the caller's among them; n = 0: as many as this process may run at once. Where the system refuses, fewer are made, at least the
 * caller's own. RT_ERR_LIMIT: out of memory. */
rt_status rt_threads_open(size_t n, rt_threads **threads, rt_error *err);
void rt_threads_close(rt_threads *threads); /* NULL does nothing */

size_t rt_threads_count(const rt_threads *threads);

/* Runs body(context, item, worker) for item = 0 .. n_items - 1, in any order; worker < count, and no two items run at once under the same
 * worker. Returns when all are done. One caller at a time, and not from inside a body. */
void rt_threads_run(rt_threads *threads, size_t n_items, void (*body)(void *context, size_t item, size_t worker), void *context);

#endif

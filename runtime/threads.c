/* The threads; see threads.h.
 *
 * One word, `state`, says which job there is, whether it may still be joined, and how many threads are in it:
 *     bits 0..15 threads inside, bit 16 open, bits 32..63 number of the job.
 * A thread enters by adding itself to the word while it is open, so that the job's fields stay as they are until it has left; the caller
 * shuts the job and waits until nobody is inside. */
#include "runtime/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define INSIDE UINT64_C(0xffff)
#define OPEN (UINT64_C(1) << 16)
#define NUMBER_SHIFT 32

/* Looks before a thread sleeps, and before a waiting caller offers its core: a look takes 10 to 40 ns with the pause. The gap between two jobs
 * of a decoding step is a few microseconds. */
enum { LOOKS_BEFORE_SLEEP = 2000, LOOKS_BEFORE_YIELD = 2000 };

enum { THREADS_MAX = 1024 }; /* they must fit INSIDE */

typedef struct worker {
    rt_threads *threads;
    size_t number;
    pthread_t thread;
} worker;

struct rt_threads {
    size_t n_workers; /* besides the caller */
    worker *workers;

    void (*body)(void *context, size_t item, size_t worker);
    void *context;
    size_t n_items;

    _Alignas(64) _Atomic uint64_t state;
    _Alignas(64) atomic_size_t next;
    _Alignas(64) atomic_size_t n_asleep;
    atomic_bool quit;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_items(rt_threads *t, size_t number) {
    for (size_t item; (item = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed)) < t->n_items;) t->body(t->context, item, number);
}

/* Waits for a job after number `seen`; returns the state word that shows it. */
static uint64_t next_job(rt_threads *t, uint64_t seen) {
    uint64_t state = 0;
    for (size_t look = 0; look < LOOKS_BEFORE_SLEEP; look++) {
        state = atomic_load(&t->state);
        if (state >> NUMBER_SHIFT != seen || atomic_load(&t->quit)) return state;
        pause_briefly();
    }
    pthread_mutex_lock(&t->mutex);
    atomic_fetch_add(&t->n_asleep, 1);
    while ((state = atomic_load(&t->state)) >> NUMBER_SHIFT == seen && !atomic_load(&t->quit)) pthread_cond_wait(&t->wake, &t->mutex);
    atomic_fetch_sub(&t->n_asleep, 1);
    pthread_mutex_unlock(&t->mutex);
    return state;
}

static void *work(void *argument) {
    const worker *w = argument;
    rt_threads *t = w->threads;
    uint64_t seen = 0;
    for (;;) {
        uint64_t state = next_job(t, seen);
        if (atomic_load(&t->quit)) return NULL;
        seen = state >> NUMBER_SHIFT;
        bool entered = false;
        while (!entered && (state & OPEN) != 0 && state >> NUMBER_SHIFT == seen) entered = atomic_compare_exchange_weak(&t->state, &state, state + 1);
        if (!entered) continue;
        take_items(t, w->number);
        atomic_fetch_sub(&t->state, 1);
    }
}

static void wake_sleepers(rt_threads *t) {
    if (atomic_load(&t->n_asleep) == 0) return;
    pthread_mutex_lock(&t->mutex);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

void rt_threads_run(rt_threads *t, size_t n_items, void (*body)(void *context, size_t item, size_t worker), void *context) {
    t->body = body;
    t->context = context;
    t->n_items = n_items;
    atomic_store_explicit(&t->next, 0, memory_order_relaxed);
    const uint64_t number = (atomic_load(&t->state) >> NUMBER_SHIFT) + 1;
    atomic_store(&t->state, (number << NUMBER_SHIFT) | OPEN);
    wake_sleepers(t);
    take_items(t, 0);
    atomic_fetch_and(&t->state, ~OPEN);
    for (size_t look = 0; (atomic_load(&t->state) & INSIDE) != 0; look++) {
        if (look < LOOKS_BEFORE_YIELD) pause_briefly();
        else sched_yield();
    }
}

static size_t n_cores(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

rt_status rt_threads_open(size_t n, rt_threads **threads, rt_error *err) {
    if (n == 0) n = n_cores();
    if (n > THREADS_MAX) n = THREADS_MAX;
    rt_threads *t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
    if (t == NULL) return rt_fail_memory(err, sizeof *t, "threads");
    *t = (rt_threads){.workers = calloc(n, sizeof *t->workers)};
    if (t->workers == NULL) {
        free(t);
        return rt_fail_memory(err, n * sizeof *t->workers, "threads");
    }
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
    for (; t->n_workers + 1 < n; t->n_workers++) {
        worker *w = &t->workers[t->n_workers];
        *w = (worker){.threads = t, .number = t->n_workers + 1};
        if (pthread_create(&w->thread, NULL, work, w) != 0) break;
    }
    *threads = t;
    return RT_OK;
}

void rt_threads_close(rt_threads *t) {
    if (t == NULL) return;
    pthread_mutex_lock(&t->mutex);
    atomic_store(&t->quit, true);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    for (size_t i = 0; i < t->n_workers; i++) pthread_join(t->workers[i].thread, NULL);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->wake);
    free(t->workers);
    free(t);
}

size_t rt_threads_count(const rt_threads *t) { return t->n_workers + 1; }

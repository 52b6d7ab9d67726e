/* SIGINT and SIGTERM in a run that takes hours: at once, with what was found so far told, and with the status 128 + signal.
 *
 * A thread waits for the signals. The results are the caller's all the time but for what it marks as slow, which may be given up at any
 * point; when a signal comes in that time, or when the caller next looks, the thread tells the results and ends the process. A second
 * signal ends it whatever it does. */
#ifndef TOOLS_EVAL_INTERRUPT_H
#define TOOLS_EVAL_INTERRUPT_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct eval_interrupt {
    pthread_mutex_t results; /* held by whoever may touch the results */
    pthread_t thread;
    bool running;
    sigset_t signals;
    atomic_bool stop;
    void (*tell)(void *context);
    void *context;
} eval_interrupt;

/* Threads that are made from here on do not get the signals. Where no thread can be made, signals do what they did before. */
void eval_interrupt_open(eval_interrupt *i, void (*tell)(void *context), void *context);
void eval_interrupt_close(eval_interrupt *i);

/* What stands between these two touches no result. */
void eval_interrupt_slow(eval_interrupt *i);
void eval_interrupt_resume(eval_interrupt *i);

/* The place to be interrupted where nothing slow comes: does not return if a signal has come. */
void eval_interrupt_look(eval_interrupt *i);

#endif

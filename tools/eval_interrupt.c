/* A thread that waits for signals; see eval_interrupt.h. */
#include "tools/eval_interrupt.h"

#include <stdio.h>
#include <unistd.h>

static void *wait_for_signal(void *context) {
    eval_interrupt *i = context;
    int signal_number;
    while (sigwait(&i->signals, &signal_number) != 0) {
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_store(&i->stop, true);
    pthread_sigmask(SIG_UNBLOCK, &i->signals, NULL); /* of this thread: a second signal has its usual effect */
    pthread_mutex_lock(&i->results);
    i->tell(i->context);
    fflush(NULL);
    _exit(128 + signal_number);
}

void eval_interrupt_open(eval_interrupt *i, void (*tell)(void *context), void *context) {
    *i = (eval_interrupt){.tell = tell, .context = context};
    pthread_mutex_init(&i->results, NULL);
    pthread_mutex_lock(&i->results);
    sigemptyset(&i->signals);
    sigaddset(&i->signals, SIGINT);
    sigaddset(&i->signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &i->signals, NULL);
    i->running = pthread_create(&i->thread, NULL, wait_for_signal, i) == 0;
    if (!i->running) pthread_sigmask(SIG_UNBLOCK, &i->signals, NULL);
}

void eval_interrupt_close(eval_interrupt *i) {
    pthread_mutex_unlock(&i->results); /* where a signal has come just now, the thread needs it to end the process */
    if (i->running) {
        pthread_cancel(i->thread);
        pthread_join(i->thread, NULL);
    }
    pthread_sigmask(SIG_UNBLOCK, &i->signals, NULL);
    pthread_mutex_destroy(&i->results);
}

void eval_interrupt_slow(eval_interrupt *i) { pthread_mutex_unlock(&i->results); }
void eval_interrupt_resume(eval_interrupt *i) { pthread_mutex_lock(&i->results); }

void eval_interrupt_look(eval_interrupt *i) {
    if (!atomic_load(&i->stop)) return;
    pthread_mutex_unlock(&i->results);
    for (;;) pause();
}

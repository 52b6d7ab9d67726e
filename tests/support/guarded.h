/* Buffers that lie between two unmapped pages, so that a read or write past either end faults at once, also in vector code that no
 * sanitizer sees. They end the test where the system fails. */
#ifndef TESTS_SUPPORT_GUARDED_H
#define TESTS_SUPPORT_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guarded {
    char *begin, *end; /* whole pages; the pages before begin and from end on are unmapped */
} guarded;

guarded guarded_open(size_t n_bytes);
void guarded_close(guarded *g);

/* The last n_bytes: they end at the unmapped page. */
void *guarded_tail(const guarded *g, size_t n_bytes);

/* The last n floats. */
float *guarded_floats(const guarded *g, size_t n);

/* Fills the last n_bytes, and what stands just before them, with a fixed byte. Returns the last n_bytes. */
void *guarded_paint(const guarded *g, size_t n_bytes);

/* Whether what guarded_paint left before the last n_bytes still stands. */
bool guarded_intact(const guarded *g, size_t n_bytes);

#endif

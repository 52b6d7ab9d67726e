/* Tokens of a text. */
#ifndef TOOLS_METRICS_WORDS_H
#define TOOLS_METRICS_WORDS_H

#include <stdbool.h>

#include "runtime/status.h"
#include "tools/slice.h"

typedef struct words {
    slice *v; /* [n]; borrowed from the text */
    size_t n, capacity;
} words;

rt_status words_add(words *w, slice word, rt_error *err);
void words_free(words *w);

/* Appends what stands between white space (Python's str.split). */
rt_status words_split(slice text, words *w, rt_error *err);

void words_sort(words *w);   /* by bytes */
void words_unique(words *w); /* of sorted words */

/* How many words, each as often as it is in both (of sorted lists). */
size_t words_common(const words *a, const words *b);

bool words_equal(slice a, slice b);

#endif

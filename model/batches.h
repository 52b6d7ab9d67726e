/* How many of the next inputs travel together. */
#ifndef MODEL_BATCHES_H
#define MODEL_BATCHES_H

#include "model/t5.h"

/* The longest run of inputs with at most batch_tokens ids in all; at least 1 (n >= 1). */
static inline size_t t5_batch_length(const t5_ids *inputs, size_t n, size_t batch_tokens) {
    size_t length = 1, tokens = inputs[0].n;
    while (length < n && tokens <= batch_tokens && inputs[length].n <= batch_tokens - tokens) tokens += inputs[length++].n;
    return length;
}

#endif

/* Inputs on their way to the model together: their texts, their ids, and where each came from. */
#ifndef TOOLS_BATCH_H
#define TOOLS_BATCH_H

#include "model/t5.h"
#include "runtime/buffer.h"
#include "tools/slice.h"

enum { BATCH_MAX_ITEMS = 1024 };

/* One text and its ids; with --ids the text is empty. Offsets, since the buffers may move while the batch grows. */
typedef struct batch_part {
    size_t text, n_text;
    size_t ids, n_ids;
} batch_part;

typedef struct batch_item {
    size_t line; /* of standard input; 0: an argument */
    batch_part input, target;
} batch_item;

typedef struct batch {
    rt_text texts;
    rt_ids ids;
    batch_item *items; /* [BATCH_MAX_ITEMS], of which n are in use */
    t5_ids *inputs, *targets; /* [BATCH_MAX_ITEMS] each, filled by batch_sequences */
    size_t n, n_input_tokens;
} batch;

rt_status batch_init(batch *b, rt_error *err);
void batch_free(batch *b); /* a zeroed batch is free already */
void batch_clear(batch *b);

slice batch_text(const batch *b, const batch_part *part);
t5_ids batch_ids(const batch *b, const batch_part *part);

/* Fills inputs [n] and targets [n] from the items; both point into ids, which must not grow while they are used. */
void batch_sequences(batch *b);

#endif

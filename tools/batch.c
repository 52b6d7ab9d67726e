/* A batch of inputs; see batch.h. */
#include "tools/batch.h"

#include <stdlib.h>

rt_status batch_init(batch *b, rt_error *err) {
    *b = (batch){.items = calloc(BATCH_MAX_ITEMS, sizeof *b->items),
                 .inputs = calloc(BATCH_MAX_ITEMS, sizeof *b->inputs),
                 .targets = calloc(BATCH_MAX_ITEMS, sizeof *b->targets)};
    if (b->items != NULL && b->inputs != NULL && b->targets != NULL) return RT_OK;
    batch_free(b);
    return rt_fail_memory(err, BATCH_MAX_ITEMS * (sizeof *b->items + 2 * sizeof *b->inputs), "a batch");
}

void batch_free(batch *b) {
    rt_text_free(&b->texts);
    rt_ids_free(&b->ids);
    free(b->items);
    free(b->inputs);
    free(b->targets);
    *b = (batch){0};
}

void batch_clear(batch *b) { b->texts.n = b->ids.n = b->n = b->n_input_tokens = 0; }

slice batch_text(const batch *b, const batch_part *part) {
    return part->n_text > 0 ? (slice){b->texts.v + part->text, part->n_text} : (slice){0};
}

t5_ids batch_ids(const batch *b, const batch_part *part) {
    return part->n_ids > 0 ? (t5_ids){b->ids.v + part->ids, part->n_ids} : (t5_ids){0};
}

void batch_sequences(batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        b->inputs[i] = batch_ids(b, &b->items[i].input);
        b->targets[i] = batch_ids(b, &b->items[i].target);
    }
}

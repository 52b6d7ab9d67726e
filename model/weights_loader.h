/* What the loading of weights hands round: weights.c has the tables and the loop, weights_copies.c what is derived for 8-bit products. Everything
 * is done twice: once to measure the arena, while its memory is not there, and once to fill it. */
#ifndef MODEL_WEIGHTS_LOADER_H
#define MODEL_WEIGHTS_LOADER_H

#include "model/weights.h"
#include "runtime/compute.h"

enum { T5_NAME_SIZE = 128 };

typedef struct t5_loader {
    const ckpt_checkpoint *checkpoint;
    const t5_config *config;
    t5_compute compute;
    const rt_kernels *kernels;
    rt_threads *threads;
    float *copy_scratch; /* [threads, rt_screen_fill_scratch of the widest rows] */
    t5_weights *weights;
    bool headers_only;
    t5_tensor_visit visit; /* NULL: nobody wants to know */
    void *context;
    size_t n_missing;
    char first_missing[T5_NAME_SIZE];
    rt_error *err;
} t5_loader;

/* Room on the arena, counted among the bytes of its kind; NULL while measuring. */
static inline void *t5_derive(t5_loader *l, size_t *kind, size_t n, size_t element) {
    rt_arena *arena = &l->weights->arena;
    const size_t before = arena->used;
    void *room = rt_arena_alloc(arena, n, element);
    *kind += arena->used - before;
    return room;
}

/* A tensor that is read where it lies. */
static inline void t5_count_mapped(t5_loader *l, const ckpt_tensor *t) {
    l->weights->stored_bytes += t->n_bytes;
    l->weights->mapped_bytes += t->n_bytes;
}

/* The 8-bit copies of a block, whose matrices are there: with T5_Q8 in their place, else of wi where screening may pay. */
void t5_copy_block(t5_loader *l, bool is_decoder, t5_block_weights *block);

/* That of lm_head, whose tensor is called so: the file's, or made here. */
rt_status t5_copy_head(t5_loader *l, const char *name);

/* The file's copy of a wi, for t5_copy_block; leaves *copy as it is where there is none. */
rt_status t5_take_wi_copy(t5_loader *l, const char *name, rt_screen *copy);

#endif

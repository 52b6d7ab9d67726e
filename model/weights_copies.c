/* 8-bit copies of weights: for screening, and with T5_Q8 in place of what they are made from; see weights_loader.h. */
#include <string.h>

#include "model/weights_loader.h"
#include "model/weights_packed.h"

/* Below so many weights a layer's 8-bit copy saves nothing: both fit the second-level cache. Making lm_head's takes as long as some answers save
 * by it (qa-mini, 2^22 weights: 8 ms at open, 4 ms an answer), so a program that asks a small model one question would lose. */
enum { SCREEN_WEIGHTS_MIN = 1 << 20, HEAD_SCREEN_WEIGHTS_MIN = 1 << 23 };

bool t5_has_screens(const t5_config *config) {
    return config->activation == T5_RELU && config->d_model <= RT_BYTES_MAX_K && config->d_ff * config->d_model >= SCREEN_WEIGHTS_MIN;
}

bool t5_has_head_screen(const t5_config *config) {
    return config->num_decoder_layers > 0 && config->d_model <= RT_BYTES_MAX_K && config->vocab_size * config->d_model >= HEAD_SCREEN_WEIGHTS_MIN;
}

typedef struct copy_job {
    const rt_kernels *kernels;
    const rt_matrix *W;
    rt_screen *screen;
    float *scratch; /* [threads, k] */
} copy_job;

static void fill_panel(void *context, size_t panel, size_t worker) {
    const copy_job *job = context;
    rt_screen_fill(job->kernels, job->W, panel, job->screen, job->scratch + worker * rt_screen_fill_scratch(job->W->cols));
}

static void derive_copy(t5_loader *l, const rt_matrix *W, rt_screen *screen) {
    const rt_compute compute = {.threads = l->threads};
    rt_arena *arena = &l->weights->arena;
    const size_t before = arena->used;
    if (l->copy_scratch == NULL) {
        const size_t inner = l->config->num_heads * l->config->d_kv, widest = inner > l->config->d_model ? inner : l->config->d_model;
        l->copy_scratch = rt_arena_alloc(arena, rt_n_threads(&compute) * rt_screen_fill_scratch(widest), sizeof(float));
    }
    rt_screen_place(arena, W, screen);
    l->weights->derived.screens += arena->used - before;
    if (arena->base == NULL) return;
    copy_job job = {.kernels = l->kernels, .W = W, .screen = screen, .scratch = l->copy_scratch};
    rt_parallel(&compute, rt_screen_panels(screen), rt_guess_ns(0, W->rows * W->cols), fill_panel, &job);
}

/* W is not read where it lies in the file (while measuring, such a copy has no place yet). */
static bool is_aligned_copy(const t5_loader *l, const rt_matrix *W) {
    const rt_arena *arena = &l->weights->arena;
    return W->data == NULL || (arena->base != NULL && (uintptr_t)W->data - (uintptr_t)arena->base < arena->used);
}

/* The 8-bit copy takes the place of W, which is not read again. */
static void replace(t5_loader *l, rt_matrix *W, rt_screen *bytes) {
    const ckpt_tensor stored = {.data = W->data, .n_bytes = rt_dtype_bytes(W->dtype, W->rows * W->stride)};
    if (bytes->q == NULL) derive_copy(l, W, bytes);
    if (is_aligned_copy(l, W)) return;
    l->weights->mapped_bytes -= stored.n_bytes;
    if (l->weights->arena.base == NULL) return;
    ckpt_release(l->checkpoint, &stored);
    W->data = NULL;
}

/* Absorbed cross-attention reads k and v in f32 (cross_attention.h), the projected form their copies. */
static void replace_block(t5_loader *l, bool is_decoder, t5_block_weights *block) {
    t5_attention_weights *self = &block->self, *cross = &block->cross;
    replace(l, &self->q, &self->bytes.q);
    replace(l, &self->k, &self->bytes.k);
    replace(l, &self->v, &self->bytes.v);
    replace(l, &self->o, &self->bytes.o);
    replace(l, &block->ff.wi, &block->ff.screen);
    if (l->config->is_gated_act) replace(l, &block->ff.wi_1, &block->ff.wi_1_bytes);
    if (!is_decoder) return;
    replace(l, &cross->q, &cross->bytes.q);
    derive_copy(l, &cross->k, &cross->bytes.k);
    derive_copy(l, &cross->v, &cross->bytes.v);
    replace(l, &cross->o, &cross->bytes.o);
}

static void copy_wi(t5_loader *l, t5_feed_forward_weights *ff) {
    if (!t5_has_screens(l->config) || ff->screen.q != NULL) return;
    derive_copy(l, &ff->wi, &ff->screen);
    l->weights->screen_shape = ff->screen;
}

void t5_copy_block(t5_loader *l, bool is_decoder, t5_block_weights *block) {
    if (l->compute == T5_Q8) replace_block(l, is_decoder, block);
    else copy_wi(l, &block->ff);
}

/* Leaves the copy of a matrix [n, d_model] as it is where the file has none. */
static rt_status take_copy(t5_loader *l, const char *name, size_t n, rt_screen *screen) {
    const ckpt_tensor *q = t5_packed_find(l->checkpoint, name, ".screen"), *bounds = t5_packed_find(l->checkpoint, name, ".bounds");
    if (q == NULL || bounds == NULL) return RT_OK;
    RT_TRY(t5_packed_screen(n, l->config->d_model, q, bounds, screen, l->err));
    t5_count_mapped(l, q);
    t5_count_mapped(l, bounds);
    return RT_OK;
}

rt_status t5_take_wi_copy(t5_loader *l, const char *name, rt_screen *copy) {
    if (!t5_has_screens(l->config)) return RT_OK;
    RT_TRY(take_copy(l, name, l->config->d_ff, copy));
    if (copy->q != NULL && l->compute == T5_F32) l->weights->screen_shape = *copy;
    return RT_OK;
}

rt_status t5_copy_head(t5_loader *l, const char *name) {
    t5_weights *w = l->weights;
    w->lm_head_screen = (rt_screen){0};
    if (l->config->num_decoder_layers == 0 || (l->compute == T5_F32 && !t5_has_head_screen(l->config))) return RT_OK;
    RT_TRY(take_copy(l, name, l->config->vocab_size, &w->lm_head_screen));
    const bool is_its_own = strcmp(name, "lm_head.weight") == 0; /* else it is the embedding, too */
    if (l->compute == T5_Q8 && is_its_own) replace(l, &w->lm_head, &w->lm_head_screen);
    else if (w->lm_head_screen.q == NULL) derive_copy(l, &w->lm_head, &w->lm_head_screen);
    return RT_OK;
}

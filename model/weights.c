/* From checkpoint tensors to the slots that the layers read: one table a kind of block, one loop; see weights.h. */
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights_derive.h"
#include "model/weights_loader.h"
#include "model/weights_packed.h"
#include "runtime/compute.h"
#include "runtime/quant.h"

typedef enum extent { NONE, VOCAB, D_MODEL, INNER, D_FF, BUCKETS, HEADS } extent;

typedef enum slot_kind {
    MATRIX, /* rt_matrix over the mapped tensor */
    VECTOR, /* const float *, widened */
    VALUES, /* rt_values, transposed into panels */
    SCREEN  /* rt_screen, of converted files alone */
} slot_kind;

typedef enum condition { ALWAYS, OWN_BIAS, GATED, NOT_GATED } condition;

typedef struct tensor_row {
    const char *name; /* after the prefix of its block or stack */
    slot_kind kind;
    extent rows, cols;
    condition when;
    size_t slot; /* offset in the struct that the table fills */
} tensor_row;

#define ATTENTION(layer, module, field)                                                                                  \
    {"layer." layer "." module ".q.weight", MATRIX, INNER, D_MODEL, ALWAYS, offsetof(t5_block_weights, field.q)},     \
    {"layer." layer "." module ".k.weight", MATRIX, INNER, D_MODEL, ALWAYS, offsetof(t5_block_weights, field.k)},     \
    {"layer." layer "." module ".v.weight", MATRIX, INNER, D_MODEL, ALWAYS, offsetof(t5_block_weights, field.v)},     \
    {"layer." layer "." module ".o.weight", MATRIX, D_MODEL, INNER, ALWAYS, offsetof(t5_block_weights, field.o)},     \
    {"layer." layer ".layer_norm.weight", VECTOR, D_MODEL, NONE, ALWAYS, offsetof(t5_block_weights, field.layer_norm)}

#define FEED_FORWARD(layer)                                                                                               \
    {"layer." layer ".DenseReluDense.wi.weight", MATRIX, D_FF, D_MODEL, NOT_GATED, offsetof(t5_block_weights, ff.wi)},    \
    {"layer." layer ".DenseReluDense.wi_0.weight", MATRIX, D_FF, D_MODEL, GATED, offsetof(t5_block_weights, ff.wi)},      \
    {"layer." layer ".DenseReluDense.wi_1.weight", MATRIX, D_FF, D_MODEL, GATED, offsetof(t5_block_weights, ff.wi_1)},    \
    {"layer." layer ".DenseReluDense.wo.weight", VALUES, D_MODEL, D_FF, ALWAYS, offsetof(t5_block_weights, ff.wo)},       \
    {"layer." layer ".DenseReluDense.wi.screen", SCREEN, D_FF, D_MODEL, NOT_GATED, offsetof(t5_block_weights, ff.screen)},\
    {"layer." layer ".DenseReluDense.wi_0.screen", SCREEN, D_FF, D_MODEL, GATED, offsetof(t5_block_weights, ff.screen)},  \
    {"layer." layer ".layer_norm.weight", VECTOR, D_MODEL, NONE, ALWAYS, offsetof(t5_block_weights, ff.layer_norm)}

#define SELF_ATTENTION                                                                               \
    ATTENTION("0", "SelfAttention", self),                                                           \
    {"layer.0.SelfAttention.relative_attention_bias.weight", VECTOR, BUCKETS, HEADS, OWN_BIAS,       \
     offsetof(t5_block_weights, relative_attention_bias)}

static const tensor_row encoder_block[] = {SELF_ATTENTION, FEED_FORWARD("1")};

static const tensor_row decoder_block[] = {SELF_ATTENTION, ATTENTION("1", "EncDecAttention", cross), FEED_FORWARD("2")};

static const tensor_row stack_tensors[] = {
    {"final_layer_norm.weight", VECTOR, D_MODEL, NONE, ALWAYS, offsetof(t5_stack_weights, final_layer_norm)},
};

/* The first that a file has: files differ in which copies of the one table they store. */
static const char *const embedding_names[] = {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};

#define N_ROWS(table) (sizeof(table) / sizeof(table)[0])

enum { NAME_SIZE = T5_NAME_SIZE, WORTH_THREADS_BYTES = 32 << 20 };


static size_t extent_of(const t5_config *c, extent e) {
    switch (e) {
    case VOCAB: return c->vocab_size;
    case D_MODEL: return c->d_model;
    case INNER: return c->num_heads * c->d_kv;
    case D_FF: return c->d_ff;
    case BUCKETS: return c->relative_attention_num_buckets;
    case HEADS: return c->num_heads;
    default: return 1;
    }
}

static rt_status check_shape(const t5_loader *l, const ckpt_tensor *t, const tensor_row *row) {
    const size_t rows = extent_of(l->config, row->rows), cols = extent_of(l->config, row->cols);
    const unsigned rank = row->cols == NONE ? 1 : 2;
    if (t->rank == rank && t->shape[0] == rows && (rank == 1 || t->shape[1] == cols)) return RT_OK;
    char stored[96] = "";
    for (unsigned d = 0; d < t->rank; d++) {
        const size_t used = strlen(stored);
        snprintf(stored + used, sizeof stored - used, "%s%zu", d > 0 ? ", " : "", t->shape[d]);
    }
    if (rank == 1) {
        return rt_fail(l->err, RT_ERR_DISAGREE, "%s: tensor %s is [%s], but the config asks for [%zu]", t->file, t->name, stored, rows);
    }
    return rt_fail(l->err, RT_ERR_DISAGREE, "%s: tensor %s is [%s], but the config asks for [%zu, %zu]", t->file, t->name, stored, rows, cols);
}

/* A block with a scale that is no number would only show in the results. */
static rt_status check_scales(const t5_loader *l, const ckpt_tensor *t) {
    const size_t n = t->shape[0] * (t->rank > 1 ? t->shape[1] : 1);
    if (t->dtype < RT_N_FLOAT_DTYPES || rt_quant_is_finite(t->dtype, n, t->data)) return RT_OK;
    char file[RT_QUOTE_SIZE];
    return rt_fail(l->err, RT_ERR_NUMERIC, "%s: tensor %s has a block whose scale is not finite", rt_quote_path(file, t->file),
                   t->name);
}

/* ---- derived forms; all of them are allocated while measuring and filled afterwards ---- */

static rt_matrix as_matrix(t5_loader *l, const ckpt_tensor *t) {
    rt_matrix m = {.dtype = t->dtype, .rows = t->shape[0], .cols = t->shape[1], .stride = t->shape[1], .data = t->data};
    if ((uintptr_t)t->data % (t->dtype == RT_F32 ? 4 : 2) != 0) {
        void *aligned = t5_derive(l, &l->weights->derived.aligned, t->n_bytes, 1);
        if (aligned != NULL) memcpy(aligned, t->data, t->n_bytes);
        m.data = aligned;
    } else {
        l->weights->mapped_bytes += t->n_bytes;
    }
    return m;
}

static const float *as_floats(t5_loader *l, const ckpt_tensor *t) {
    const size_t n = t->shape[0] * (t->rank > 1 ? t->shape[1] : 1);
    float *out = t5_derive(l, &l->weights->derived.widened, n, sizeof *out);
    if (out != NULL) t5_widen(l->kernels, t, 0, n, out);
    return out;
}

/* The float types keep their type; the blocks of quantised ones run along d_ff and cannot be turned, so these become f32. */
static rt_values as_values(t5_loader *l, const ckpt_tensor *t) {
    const size_t d_model = t->shape[0], d_ff = t->shape[1], n_panels = (d_model + RT_PANEL - 1) / RT_PANEL;
    rt_values v = {.dtype = t->dtype <= RT_BF16 ? t->dtype : RT_F32, .stride = RT_PANEL, .panel = d_ff * RT_PANEL};
    v.data = t5_derive(l, &l->weights->derived.panels, n_panels * v.panel, rt_dtype_bytes(v.dtype, 1));
    if (v.data != NULL) {
        t5_transpose(l->kernels, l->threads, t, v.dtype, (void *)(uintptr_t)v.data);
        ckpt_release(l->checkpoint, t);
    }
    return v;
}

/* With T5_Q8: from wo, or from a file's panels of it. */
static rt_values as_byte_values(t5_loader *l, const ckpt_tensor *t) {
    const size_t d_ff = t->shape[1], n_panels = (l->config->d_model + RT_PANEL - 1) / RT_PANEL;
    int8_t *data = t5_derive(l, &l->weights->derived.panels, n_panels * d_ff * RT_PANEL, 1);
    float *scale = t5_derive(l, &l->weights->derived.panels, d_ff, sizeof *scale);
    if (data != NULL && scale != NULL) {
        t5_values_to_bytes(l->kernels, l->threads, t, data, scale);
        ckpt_release(l->checkpoint, t);
    }
    return (rt_values){.dtype = RT_I8, .data = data, .stride = RT_PANEL, .panel = d_ff * RT_PANEL, .scale = scale};
}

/* ---- the loop ---- */

static rt_status fill_packed_values(t5_loader *l, const ckpt_tensor *panels, rt_values *values) {
    if (l->visit != NULL) RT_TRY(l->visit(l->context, panels, l->err));
    RT_TRY(t5_packed_values(l->config, panels, values, l->err));
    if (l->compute == T5_F32) {
        t5_count_mapped(l, panels);
        return RT_OK;
    }
    l->weights->stored_bytes += panels->n_bytes;
    *values = as_byte_values(l, panels);
    return RT_OK;
}

static rt_status fill_slot(t5_loader *l, const char *name, const tensor_row *row, void *into) {
    char *slot = (char *)into + row->slot;
    const ckpt_tensor *panels = row->kind == VALUES ? t5_packed_find(l->checkpoint, name, ".panels") : NULL;
    if (row->kind == SCREEN) return t5_take_wi_copy(l, name, (rt_screen *)slot);
    if (panels != NULL) return fill_packed_values(l, panels, (rt_values *)slot);
    const ckpt_tensor *t = ckpt_find(l->checkpoint, name);
    if (t == NULL) {
        if (l->n_missing++ == 0) snprintf(l->first_missing, sizeof l->first_missing, "%s", name);
        return RT_OK;
    }
    RT_TRY(check_shape(l, t, row));
    if (l->weights->arena.base == NULL && !l->headers_only && !ckpt_is_packed(l->checkpoint)) {
        RT_TRY(check_scales(l, t)); /* once, while measuring; the converter has done it for its own files */
    }
    l->weights->stored_bytes += t->n_bytes;
    if (l->visit != NULL) RT_TRY(l->visit(l->context, t, l->err));
    if (row->kind == MATRIX) {
        const rt_matrix m = as_matrix(l, t);
        memcpy(slot, &m, sizeof m);
    } else if (row->kind == VECTOR) {
        const float *v = as_floats(l, t);
        memcpy(slot, &v, sizeof v);
    } else {
        const rt_values v = l->compute == T5_Q8 ? as_byte_values(l, t) : as_values(l, t);
        memcpy(slot, &v, sizeof v);
    }
    return RT_OK;
}

static bool is_asked_for(const t5_config *config, condition when, size_t block) {
    switch (when) {
    case OWN_BIAS: return block == 0 || config->has_bias_per_layer;
    case GATED: return config->is_gated_act;
    case NOT_GATED: return !config->is_gated_act;
    default: return true;
    }
}

static rt_status fill_table(t5_loader *l, const char *prefix, size_t block, const tensor_row *table, size_t n_rows, void *into) {
    for (size_t r = 0; r < n_rows; r++) {
        if (!is_asked_for(l->config, table[r].when, block)) continue;
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s%s", prefix, table[r].name);
        RT_TRY(fill_slot(l, name, &table[r], into));
    }
    return RT_OK;
}

static rt_status fill_stack(t5_loader *l, const char *stack, size_t n_blocks, const tensor_row *table, size_t n_rows, t5_stack_weights *into) {
    char prefix[64];
    t5_block_weights unused;
    into->block = t5_derive(l, &l->weights->derived.tables, n_blocks, sizeof *into->block);
    for (size_t b = 0; b < n_blocks; b++) {
        t5_block_weights *block = into->block != NULL ? &into->block[b] : &unused;
        memset(block, 0, sizeof *block);
        snprintf(prefix, sizeof prefix, "%s.block.%zu.", stack, b);
        RT_TRY(fill_table(l, prefix, b, table, n_rows, block));
        if (l->n_missing == 0) t5_copy_block(l, table == decoder_block, block);
        if (!l->config->has_bias_per_layer && into->block != NULL) block->relative_attention_bias = into->block[0].relative_attention_bias;
    }
    snprintf(prefix, sizeof prefix, "%s.", stack);
    return fill_table(l, prefix, 0, stack_tensors, N_ROWS(stack_tensors), into);
}

static const char *embedding_name(const ckpt_checkpoint *checkpoint) {
    for (size_t n = 0; n < N_ROWS(embedding_names); n++) {
        if (ckpt_find(checkpoint, embedding_names[n]) != NULL) return embedding_names[n];
    }
    return embedding_names[0]; /* none: report the usual name */
}

const char *t5_head_name(const ckpt_checkpoint *checkpoint) {
    return ckpt_find(checkpoint, "lm_head.weight") != NULL ? "lm_head.weight" : embedding_name(checkpoint);
}

static rt_status fill_embeddings(t5_loader *l) {
    static const tensor_row shared = {.kind = MATRIX, .rows = VOCAB, .cols = D_MODEL, .slot = offsetof(t5_weights, shared)};
    static const tensor_row head = {.kind = MATRIX, .rows = VOCAB, .cols = D_MODEL, .slot = offsetof(t5_weights, lm_head)};
    RT_TRY(fill_slot(l, embedding_name(l->checkpoint), &shared, l->weights));
    l->weights->lm_head = l->weights->shared;
    return ckpt_find(l->checkpoint, "lm_head.weight") == NULL ? RT_OK : fill_slot(l, "lm_head.weight", &head, l->weights);
}

static rt_status fill_all(t5_loader *l) {
    l->n_missing = 0;
    l->weights->stored_bytes = l->weights->mapped_bytes = 0;
    l->weights->derived = (t5_derived_bytes){0};
    l->copy_scratch = NULL;
    RT_TRY(fill_embeddings(l));
    if (l->n_missing == 0) RT_TRY(t5_copy_head(l, t5_head_name(l->checkpoint)));
    RT_TRY(fill_stack(l, "encoder", l->config->num_layers, encoder_block, N_ROWS(encoder_block), &l->weights->encoder));
    if (l->config->num_decoder_layers == 0) return RT_OK;
    return fill_stack(l, "decoder", l->config->num_decoder_layers, decoder_block, N_ROWS(decoder_block), &l->weights->decoder);
}

static rt_status report_missing(const t5_loader *l) {
    const bool gated = l->config->is_gated_act;
    const char *other = gated ? "encoder.block.0.layer.1.DenseReluDense.wi.weight" : "encoder.block.0.layer.1.DenseReluDense.wi_0.weight";
    if (ckpt_find(l->checkpoint, other) != NULL) {
        return rt_fail(l->err, RT_ERR_DISAGREE, "%s: the config says the feed-forward is %s, but the weights hold %s", ckpt_path(l->checkpoint),
                       gated ? "gated" : "not gated", other);
    }
    return rt_fail(l->err, RT_ERR_DISAGREE, "%s: %zu tensors that the config asks for are missing, the first of them %s", ckpt_path(l->checkpoint),
                   l->n_missing, l->first_missing);
}

/* A checkpoint with more blocks than the config says is of another model; but an encoder may be taken out of a whole one. */
static rt_status check_no_more_blocks(const t5_loader *l) {
    static const char *const stacks[] = {"encoder", "decoder"};
    const size_t n_blocks[] = {l->config->num_layers, l->config->num_decoder_layers};
    for (size_t s = 0; s < 2 && n_blocks[s] > 0; s++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s.block.%zu.layer.0.layer_norm.weight", stacks[s], n_blocks[s]);
        if (ckpt_find(l->checkpoint, name) != NULL) {
            return rt_fail(l->err, RT_ERR_DISAGREE, "%s: the weights hold %s, but the config says that the %s has %zu blocks",
                           ckpt_path(l->checkpoint), name, stacks[s], n_blocks[s]);
        }
    }
    return RT_OK;
}

static rt_status measure(t5_loader *l) {
    RT_TRY(fill_all(l));
    return l->n_missing > 0 ? report_missing(l) : check_no_more_blocks(l);
}

static rt_status load(t5_loader *l) {
    RT_TRY(measure(l));
    if (l->headers_only) return RT_OK;
    const rt_arena measured = l->weights->arena;
    l->weights->arena = (rt_arena){0};
    RT_TRY(rt_arena_provide(&l->weights->arena, &measured, "derived weights", l->err));
    return fill_all(l);
}

static rt_status check_widths(const t5_loader *l) {
    const size_t inner = extent_of(l->config, INNER), widest = inner > l->config->d_model ? inner : l->config->d_model;
    if (l->compute == T5_F32 || widest <= RT_BYTES_MAX_K) return RT_OK;
    return rt_fail(l->err, RT_ERR_UNSUPPORTED, "%s: q8 multiplies rows of up to %d, but d_model is %zu and num_heads * d_kv %zu",
                   ckpt_path(l->checkpoint), RT_BYTES_MAX_K, l->config->d_model, inner);
}

/* l: without what is opened here. */
static rt_status load_checkpoint(t5_loader l, rt_error *err) {
    memset(l.weights, 0, sizeof *l.weights);
    l.err = err;
    RT_TRY(check_widths(&l));
    size_t stored = 0;
    for (size_t i = 0; i < ckpt_count(l.checkpoint); i++) stored += ckpt_at(l.checkpoint, i)->n_bytes;
    const bool is_worth_threads = stored >= WORTH_THREADS_BYTES && !ckpt_is_packed(l.checkpoint);
    RT_TRY(rt_kernels_choose(NULL, &l.kernels, err));
    RT_TRY(rt_threads_open(is_worth_threads ? 0 : 1, &l.threads, err));
    const rt_status status = load(&l);
    rt_threads_close(l.threads);
    return status;
}

rt_status t5_weights_load(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, t5_weights *weights, rt_error *err) {
    return load_checkpoint((t5_loader){.checkpoint = checkpoint, .config = config, .compute = compute, .weights = weights}, err);
}

rt_status t5_weights_measure(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, t5_weights *weights, rt_error *err) {
    const t5_loader loader = {.checkpoint = checkpoint, .config = config, .compute = compute, .weights = weights, .headers_only = true};
    return load_checkpoint(loader, err);
}

rt_status t5_weights_each(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_tensor_visit visit, void *context, rt_error *err) {
    t5_weights measured;
    return load_checkpoint((t5_loader){.checkpoint = checkpoint, .config = config, .weights = &measured, .headers_only = true, .visit = visit,
                                    .context = context}, err);
}

void t5_weights_free(t5_weights *weights) { rt_arena_free(&weights->arena); }

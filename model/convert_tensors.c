/* Which tensors a converted file has, in which order, type and shape; see convert_tensors.h and convert.h.
 *
 * The order is that of Hugging Face's names, byte by byte, as llama.cpp's converter takes them from a file; what t5k adds to a tensor
 * follows it. */
#include "model/convert_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"
#include "runtime/topk_attention.h"

enum { SOURCES_AT_FIRST = 256 };

typedef struct source_list {
    const ckpt_tensor **v; /* [n] */
    size_t n, capacity;
} source_list;

static rt_status add_source(void *context, const ckpt_tensor *tensor, rt_error *err) {
    source_list *list = context;
    if (list->n == list->capacity) {
        const size_t grown = list->capacity > 0 ? 2 * list->capacity : SOURCES_AT_FIRST;
        const ckpt_tensor **v = realloc(list->v, grown * sizeof *v);
        if (v == NULL) return rt_fail_memory(err, grown * sizeof *v, "a list of tensors");
        list->v = v;
        list->capacity = grown;
    }
    list->v[list->n++] = tensor;
    return RT_OK;
}

/* Checkpoints have the one table under several names. */
static const char *name_of(const ckpt_tensor *t) { return strstr(t->name, ".embed_tokens.") != NULL ? "shared.weight" : t->name; }

static int by_name(const void *a, const void *b) {
    const ckpt_tensor *const *x = a, *const *y = b;
    return strcmp(name_of(*x), name_of(*y));
}

/* "SelfAttention.q" of "encoder.block.0.layer.0.SelfAttention.q.weight", "final_layer_norm" of "encoder.final_layer_norm.weight". */
static void name_kind(const char *name, char kind[T5_KIND_SIZE]) {
    const char *layer = strstr(name, ".layer."), *outer = strchr(name, '.');
    const char *first = layer != NULL ? layer + sizeof ".layer.0." - 1 : name, *last = strrchr(name, '.');
    if (layer == NULL && outer != last) first = outer + 1;
    snprintf(kind, T5_KIND_SIZE, "%.*s", (int)(last - first), first);
}

/* ---- types and shapes ---- */

static rt_dtype choose_type(const t5_conversion_params *params, const ckpt_tensor *t, size_t cols) {
    const bool is_bias = ckpt_name_ends(t->name, ".relative_attention_bias.weight");
    if (t->rank == 1 || (is_bias && params->layout == T5_LAYOUT_T5K)) return RT_F32;
    if (!params->has_type) return t->dtype;
    return cols % rt_dtype_of(params->type).block == 0 ? params->type : RT_F16;
}

static void set_shape(t5_piece *p, rt_dtype stored, unsigned rank, const size_t *shape) {
    size_t n = 1;
    p->stored = stored;
    p->rank = rank;
    for (unsigned d = 0; d < rank; d++) {
        p->shape[d] = shape[d];
        n *= shape[d];
    }
    p->n_bytes = rt_dtype_bytes(stored, n); /* of about as many numbers as the source has in memory */
}

static void set_part(t5_piece *p, t5_part part, const char *ending) {
    const rt_screen screen = rt_screen_of(p->rows, p->cols);
    const size_t n_panels = rt_screen_panels(&screen);
    p->part = part;
    strcpy(strrchr(p->name, '.'), ending);
    switch (part) {
    case T5_PART_PANELS: {
        const size_t shape[] = {(p->rows + RT_PANEL - 1) / RT_PANEL, p->cols, RT_PANEL};
        set_shape(p, p->type < RT_N_FLOAT_DTYPES ? p->type : RT_F32, 3, shape);
        break;
    }
    case T5_PART_SCREEN: {
        const size_t shape[] = {n_panels, screen.k_padded / 4, RT_SCREEN_PANEL, 4};
        set_shape(p, RT_I8, 4, shape);
        break;
    }
    case T5_PART_BOUNDS: {
        const size_t shape[] = {3, n_panels * RT_SCREEN_PANEL};
        set_shape(p, RT_F32, 2, shape);
        break;
    }
    default: {
        const size_t shape[] = {p->rows, p->cols};
        const unsigned rank = p->source->rank == 1 ? 1 : 2;
        set_shape(p, p->type, rank, rank == 1 ? &p->cols : shape);
        break;
    }
    }
}

/* The pieces that one tensor becomes; there is room for three. */
static void list_parts(const ckpt_tensor *t, bool is_head, const t5_config *config, const t5_conversion_params *params, t5_pieces *pieces) {
    const char *name = name_of(t);
    const bool is_packed = params->layout == T5_LAYOUT_T5K, is_panels = ckpt_name_ends(name, ".panels");
    const bool is_wo = is_panels || ckpt_name_ends(name, ".DenseReluDense.wo.weight");
    const bool is_wi = ckpt_name_ends(name, ".DenseReluDense.wi.weight") || ckpt_name_ends(name, ".DenseReluDense.wi_0.weight");
    t5_piece p = {.source = t, .source_is_panels = is_panels, .rows = t->rank == 1 ? 1 : t->shape[0], .cols = t->shape[t->rank - 1]};
    if (is_panels) {
        p.rows = config->d_model;
        p.cols = config->d_ff;
    }
    ckpt_gguf_name_of(name, p.name);
    name_kind(name, p.kind);
    p.type = choose_type(params, t, p.cols);
    set_part(&p, is_packed && is_wo ? T5_PART_PANELS : T5_PART_ROWS, is_packed && is_wo ? ".panels" : ".weight");
    pieces->v[pieces->n++] = p;
    if (!is_packed || !((is_wi && t5_has_screens(config)) || (is_head && t5_has_head_screen(config)))) return;
    set_part(&p, T5_PART_SCREEN, ".screen");
    pieces->v[pieces->n++] = p;
    set_part(&p, T5_PART_BOUNDS, ".bounds");
    pieces->v[pieces->n++] = p;
}

rt_status t5_pieces_list(const ckpt_checkpoint *checkpoint, const t5_config *config, const t5_conversion_params *params, t5_pieces *pieces,
                         rt_error *err) {
    source_list list = {0};
    rt_status status = t5_weights_each(checkpoint, config, add_source, &list, err);
    if (status == RT_OK) {
        qsort(list.v, list.n, sizeof *list.v, by_name);
        pieces->v = malloc(3 * list.n * sizeof *pieces->v);
        if (pieces->v == NULL) status = rt_fail_memory(err, 3 * list.n * sizeof *pieces->v, "a list of tensors");
        for (size_t i = 0; status == RT_OK && i < list.n; i++) {
            list_parts(list.v[i], strcmp(list.v[i]->name, t5_head_name(checkpoint)) == 0, config, params, pieces);
        }
    }
    free(list.v);
    return status;
}

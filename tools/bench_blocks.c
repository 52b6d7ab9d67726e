/* Blocks of the two stacks and their layers, from the laps of whole passes, and what goes before and after them; see bench.h. */
#include <stdlib.h>

#include "model/laps.h"
#include "tools/bench.h"

typedef struct pass {
    t5_session *session;
    const bench_inputs *inputs;
    float *logits; /* [vocab_size] */
    rt_status status;
    rt_error *err;
} pass;

/* ---- the passes ---- */

static void encode_once(void *context) {
    pass *p = context;
    if (p->status == RT_OK) p->status = t5_encode(p->session, p->inputs->input, 1, p->err);
}

/* Feeds BENCH_ASK_NEW_TOKENS tokens one by one. */
static void decode_once(void *context) {
    static const size_t source = 0;
    pass *p = context;
    if (p->status == RT_OK) p->status = t5_decode_start(p->session, &source, 1, p->err);
    for (size_t t = 0; p->status == RT_OK && t < BENCH_ASK_NEW_TOKENS; t++) {
        const t5_ids token = {.ids = p->inputs->input[0].ids + t, .n = 1};
        p->status = t5_decode(p->session, &token, p->err);
    }
}

static void head_once(void *context) {
    pass *p = context;
    if (p->status == RT_OK) p->status = t5_logits(p->session, 0, 1, p->logits, p->err);
}

/* Seconds of each lap of one pass: medians of the runs. */
static void time_pass(size_t runs, void (*body)(void *context), pass *p, double median[T5_N_LAPS]) {
    double seconds[T5_N_LAPS][BENCH_MAX_RUNS];
    t5_laps laps;
    const size_t calls = bench_calls(body, p);
    p->session->laps = &laps;
    for (size_t i = 0; i < runs; i++) {
        laps = (t5_laps){0};
        for (size_t c = 0; c < calls; c++) body(p);
        for (size_t l = 0; l < T5_N_LAPS; l++) seconds[l][i] = laps.seconds[l] / (double)calls;
    }
    p->session->laps = NULL;
    for (size_t l = 0; l < T5_N_LAPS; l++) median[l] = bench_sort(runs, seconds[l]).median;
}

/* ---- what dense layers have to do ---- */

static double inner_of(const t5_config *c) { return (double)(c->num_heads * c->d_kv); }

/* Floating-point operations of the encoder's layers on L tokens. */
static double self_operations(const t5_config *c, double L) { return 2 * L * (4 * (double)c->d_model * inner_of(c) + 2 * L * inner_of(c)); }

static double feed_forward_operations(const t5_config *c, double L) {
    return 2 * L * (c->is_gated_act ? 3 : 2) * (double)c->d_model * (double)c->d_ff;
}

/* Bytes of weights as a dense layer reads them: as they are stored, or the 8-bit copy. */
static double bytes_of(const t5_model *model, const rt_matrix *m) {
    return (double)(model->compute == T5_Q8 ? m->rows * m->cols : rt_dtype_bytes(m->dtype, m->rows * m->cols));
}

/* Bytes that the decoder's layers read for one token. */
static double self_bytes(const t5_model *m, const t5_attention_weights *w) {
    return bytes_of(m, &w->q) + bytes_of(m, &w->k) + bytes_of(m, &w->v) + bytes_of(m, &w->o);
}

/* A source as short as this is projected (model/cross_attention.h). */
static double cross_bytes(const t5_model *m, const t5_attention_weights *w) {
    return bytes_of(m, &w->q) + bytes_of(m, &w->o) + 2 * BENCH_ASK_TOKENS * inner_of(&m->config) * sizeof(float);
}

static double feed_forward_bytes(const t5_model *m, const t5_feed_forward_weights *w) {
    const t5_config *c = &m->config;
    return bytes_of(m, &w->wi) + (c->is_gated_act ? bytes_of(m, &w->wi_1) : 0) + (double)rt_dtype_bytes(w->wo.dtype, c->d_model * c->d_ff);
}

/* What bounds layers of many rows. */
static bench_limit products_of(const bench *b) { return b->model->compute == T5_Q8 && b->limit[BENCH_INT8].all > 0 ? BENCH_INT8 : BENCH_FMA; }

/* ---- the list ---- */

static bench_layer layer_of(const char *name, bench_limit limit, double work, double seconds) {
    return (bench_layer){.name = name, .limit = limit, .seconds = seconds, .rate = work / seconds};
}

/* The n layers of a block are what it is. */
static void add_block(bench *b, const char *name, size_t n, const bench_layer *layer) {
    bench_block *block = &b->block[b->n_blocks++];
    double work = 0, seconds = 0;
    for (size_t l = 0; l < n; l++) {
        block->layer[l] = layer[l];
        seconds += layer[l].seconds;
        work += layer[l].rate * layer[l].seconds;
    }
    block->n_layers = n;
    block->whole = layer_of(name, layer[0].limit, work, seconds);
}

static rt_status measure_encoder(bench *b, pass *p) {
    const t5_config *c = &b->model->config;
    const double blocks = (double)c->num_layers;
    double seconds[T5_N_LAPS];
    time_pass(b->options->bench.runs, encode_once, p, seconds);
    const bench_layer layers[] = {
        layer_of("self-attention", products_of(b), self_operations(c, BENCH_TOKENS), seconds[T5_LAP_ENCODER_SELF] / blocks),
        layer_of("feed-forward", products_of(b), feed_forward_operations(c, BENCH_TOKENS), seconds[T5_LAP_ENCODER_FF] / blocks),
    };
    add_block(b, "encoder block, 512 tokens", 2, layers);
    return p->status;
}

static rt_status measure_decoder(bench *b, pass *p) {
    const t5_config *c = &b->model->config;
    const t5_block_weights *w = b->model->weights.decoder.block;
    const double projection = 2 * BENCH_ASK_TOKENS * 2 * (double)c->d_model * inner_of(c);
    const double blocks = (double)c->num_decoder_layers, steps = BENCH_ASK_NEW_TOKENS * blocks;
    double seconds[T5_N_LAPS];
    encode_once(p);
    time_pass(b->options->bench.runs, decode_once, p, seconds);
    const bench_layer layers[] = {
        layer_of("self-attention", BENCH_READ, self_bytes(b->model, &w->self), seconds[T5_LAP_DECODER_SELF] / steps),
        layer_of("cross-attention", BENCH_READ, cross_bytes(b->model, &w->cross), seconds[T5_LAP_DECODER_CROSS] / steps),
        layer_of("feed-forward", BENCH_READ, feed_forward_bytes(b->model, &w->ff), seconds[T5_LAP_DECODER_FF] / steps),
    };
    add_block(b, "decoder block, 1 token after 64", 3, layers);
    b->block[b->n_blocks++].whole = layer_of("its keys and values of 64 tokens", products_of(b), projection, seconds[T5_LAP_SOURCE] / blocks);
    return p->status;
}

static rt_status measure_head(bench *b, pass *p, rt_error *err) {
    const rt_matrix *head = &b->model->weights.lm_head;
    p->logits = malloc(head->rows * sizeof *p->logits);
    if (p->logits == NULL) return rt_fail_memory(err, head->rows * sizeof *p->logits, "logits");
    const double seconds = bench_clock(b->options->bench.runs, head_once, p).median;
    b->block[b->n_blocks++].whole = layer_of("lm_head, 1 token, all logits", BENCH_READ, bytes_of(b->model, head), seconds);
    free(p->logits);
    return p->status;
}

static rt_status measure_length(bench *b, size_t length, bool of_decoder, rt_error *err) {
    bench_inputs inputs;
    RT_TRY(bench_make_inputs(&b->model->config, 1, &length, &inputs, err));
    pass p = {.session = b->session, .inputs = &inputs, .err = err};
    rt_status status = of_decoder ? measure_decoder(b, &p) : measure_encoder(b, &p);
    if (status == RT_OK && of_decoder) status = measure_head(b, &p, err);
    rt_ids_free(&inputs.ids);
    return status;
}

rt_status bench_measure_blocks(bench *b, rt_error *err) {
    RT_TRY(measure_length(b, BENCH_TOKENS, false, err));
    return b->model->config.num_decoder_layers > 0 ? measure_length(b, BENCH_ASK_TOKENS, true, err) : RT_OK;
}

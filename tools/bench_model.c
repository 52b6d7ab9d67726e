/* A random T5 of a published shape, in memory; see bench.h.
 *
 * Speed does not depend on what a model knows, but it does on how many feed-forward units are positive: half of them with random weights, 3
 * to 5 % in trained models. So the first N_CONSTANT dimensions of every embedding hold a constant, which no layer writes to (rows of o and wo
 * are 0 there), and the first columns of wi move each unit's pre-activation down, by a mean shift with a spread between units. All other
 * weights are normal with the deviations of T5's initialisation (q: (d_model d_kv)^-1/2, o: inner^-1/2, wo: d_ff^-1/2, the rest d_model^-1/2),
 * but for the embeddings, which have EMBEDDED in place of 1: what layers add is then little beside them however many there are, so that the
 * RMS norm divides by what the embedding alone has, and a pre-activation is
 *
 *     normal(0, s^2) - shift - SPREAD normal(0, 1),    s^2 = the share of x^2 outside the constant dimensions
 *
 * which is positive with the probability P(shift / sqrt(s^2 + SPREAD^2)). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/plan.h"
#include "runtime/narrow.h"
#include "tools/bench.h"

/* The deviation of embeddings. With T5's own 1 layers outgrow the constant, and of 5 % asked for become 11 and 24 % in the stacks of T5-small's
 * shape, 23 and 34 % in those of T5-large's; with 10, 4.9 to 5.4 %. */
#define EMBEDDED 10.0
#define CONSTANT 2.0 /* in units of it */
#define SPREAD 0.5
#define OWN_SPREAD (UINT64_C(1) << 39) /* beyond the numbers of any tensor: where those of the spread lie */

enum { N_CONSTANT = 16, NAME_SIZE = 80, MAX_TENSORS = 640, ALIGN = 64, PIECE = 1024 };

typedef enum content { ONES, NORMAL, EMBEDDING, WRITES, MOVES_DOWN } content;

typedef struct random_model {
    t5_config config;
    t5_compute compute;
    rt_dtype dtype;
    double density;
    size_t n, n_bytes;
    uint8_t *data; /* [n_bytes] */
    ckpt_tensor tensors[MAX_TENSORS];
    content content[MAX_TENSORS];
    double deviation[MAX_TENSORS];
    size_t offset[MAX_TENSORS]; /* in data */
    char name[MAX_TENSORS][NAME_SIZE], file[32];
} random_model;

static t5_config config_of(size_t shape) {
    static const struct {
        size_t d_model, d_ff, num_heads, d_kv, num_layers;
    } shapes[] = {{512, 2048, 8, 64, 6}, {768, 3072, 12, 64, 12}, {1024, 4096, 16, 64, 24}, {1024, 16384, 32, 128, 24}, {1024, 65536, 128, 128, 24}};
    return (t5_config){.vocab_size = 32128, .d_model = shapes[shape].d_model, .d_ff = shapes[shape].d_ff, .num_heads = shapes[shape].num_heads,
                       .d_kv = shapes[shape].d_kv, .num_layers = shapes[shape].num_layers, .num_decoder_layers = shapes[shape].num_layers,
                       .relative_attention_num_buckets = 32, .relative_attention_max_distance = 128, .layer_norm_epsilon = 1e-6f,
                       .activation = T5_RELU, .scale_decoder_outputs = true, .eos_token_id = 1};
}

/* ---- the list of tensors ---- */

static void add(random_model *r, const char *prefix, const char *name, size_t rows, size_t cols, content what, double deviation) {
    ckpt_tensor *t = &r->tensors[r->n];
    *t = (ckpt_tensor){.dtype = what == ONES ? RT_F32 : r->dtype, .rank = what == ONES ? 1 : 2, .shape = {rows, cols}};
    t->n_bytes = rt_dtype_bytes(t->dtype, rows * cols);
    snprintf(r->name[r->n], NAME_SIZE, "%s%s", prefix, name);
    r->content[r->n] = what;
    r->deviation[r->n] = deviation;
    r->offset[r->n++] = r->n_bytes;
    r->n_bytes += (t->n_bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static void add_attention(random_model *r, const char *block, unsigned layer, const char *module) {
    const t5_config *c = &r->config;
    const size_t inner = c->num_heads * c->d_kv;
    const double of_input = 1 / sqrt((double)c->d_model);
    char prefix[48];
    snprintf(prefix, sizeof prefix, "%slayer.%u.%s.", block, layer, module);
    add(r, prefix, "q.weight", inner, c->d_model, NORMAL, of_input / sqrt((double)c->d_kv));
    add(r, prefix, "k.weight", inner, c->d_model, NORMAL, of_input);
    add(r, prefix, "v.weight", inner, c->d_model, NORMAL, of_input);
    add(r, prefix, "o.weight", c->d_model, inner, WRITES, 1 / sqrt((double)inner));
    snprintf(prefix, sizeof prefix, "%slayer.%u.", block, layer);
    add(r, prefix, "layer_norm.weight", c->d_model, 1, ONES, 0);
}

static void add_block(random_model *r, const char *stack, size_t b, bool is_decoder) {
    const t5_config *c = &r->config;
    const double of_input = 1 / sqrt((double)c->d_model);
    char block[24], prefix[48];
    snprintf(block, sizeof block, "%s.block.%u.", stack, (unsigned)b);
    add_attention(r, block, 0, "SelfAttention");
    if (b == 0) {
        add(r, block, "layer.0.SelfAttention.relative_attention_bias.weight", c->relative_attention_num_buckets, c->num_heads, NORMAL, of_input);
    }
    if (is_decoder) add_attention(r, block, 1, "EncDecAttention");
    snprintf(prefix, sizeof prefix, "%slayer.%d.", block, is_decoder ? 2 : 1);
    add(r, prefix, "DenseReluDense.wi.weight", c->d_ff, c->d_model, MOVES_DOWN, of_input);
    add(r, prefix, "DenseReluDense.wo.weight", c->d_model, c->d_ff, WRITES, 1 / sqrt((double)c->d_ff));
    add(r, prefix, "layer_norm.weight", c->d_model, 1, ONES, 0);
}

static void list_tensors(random_model *r) {
    const t5_config *c = &r->config;
    add(r, "", "shared.weight", c->vocab_size, c->d_model, EMBEDDING, EMBEDDED);
    for (size_t b = 0; b < c->num_layers; b++) add_block(r, "encoder", b, false);
    for (size_t b = 0; b < c->num_decoder_layers; b++) add_block(r, "decoder", b, true);
    add(r, "", "encoder.final_layer_norm.weight", c->d_model, 1, ONES, 0);
    add(r, "", "decoder.final_layer_norm.weight", c->d_model, 1, ONES, 0);
}

/* ---- the numbers ---- */

/* Nearly normal(0, 1): the sum of four even ones. */
static double normal(uint64_t bits) {
    const double sum = (double)((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    return (sum - 2 * 65535.0) * (1.7320508075688772 / 65536);
}

/* The x that a normal(0, 1) exceeds with probability p. */
static double exceeded_by(double p) {
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        *(0.5 * erfc(middle * M_SQRT1_2) > p ? &low : &high) = middle;
    }
    return low;
}

/* What the first columns of a row of wi hold, for a unit whose own part of the spread is `own`. */
static double move_down(const random_model *r, double own) {
    const double d_model = (double)r->config.d_model, squares = N_CONSTANT * CONSTANT * CONSTANT + d_model - N_CONSTANT;
    const double constant = CONSTANT / sqrt(squares / d_model), s2 = (d_model - N_CONSTANT) / squares;
    const double shift = sqrt(s2 + SPREAD * SPREAD) * exceeded_by(r->density);
    return -(shift + SPREAD * own) / (N_CONSTANT * constant);
}

/* n numbers of a row, from column c on. */
static void make_piece(const random_model *r, size_t tensor, size_t row, size_t c, size_t n, float out[PIECE]) {
    const content what = r->content[tensor];
    const uint64_t first = ((uint64_t)tensor << 40) + row * r->tensors[tensor].shape[1];
    const float deviation = what == WRITES && row < N_CONSTANT ? 0.0f : (float)r->deviation[tensor];
    for (size_t i = 0; i < n; i++) out[i] = deviation * (float)normal(bench_mix(first + c + i));
    if (c > 0 || (what != EMBEDDING && what != MOVES_DOWN)) return;
    const float constant = what == EMBEDDING ? (float)(EMBEDDED * CONSTANT) : (float)move_down(r, normal(bench_mix(first + OWN_SPREAD)));
    for (size_t i = 0; i < N_CONSTANT; i++) out[i] = constant;
}

static void fill_tensor(void *context, size_t tensor, size_t worker) {
    const random_model *r = context;
    const ckpt_tensor *t = &r->tensors[tensor];
    uint8_t *to = r->data + (t->data - r->data);
    float piece[PIECE];
    (void)worker;
    if (r->content[tensor] == ONES) {
        for (size_t i = 0; i < t->shape[0]; i++) ((float *)to)[i] = 1.0f;
        return;
    }
    for (size_t row = 0; row < t->shape[0]; row++) {
        for (size_t c = 0; c < t->shape[1]; c += PIECE) {
            const size_t n = t->shape[1] - c < PIECE ? t->shape[1] - c : PIECE;
            make_piece(r, tensor, row, c, n, piece);
            rt_narrow(t->dtype, n, piece, to);
            to += rt_dtype_bytes(t->dtype, n);
        }
    }
}

/* ---- from the list to the model ---- */

/* Takes pages, which are no memory before they are written, and puts the tensors there. The names, which must live as long, go behind them. */
static rt_status map_tensors(random_model *r, rt_file_map *map, rt_error *err) {
    const size_t n_bytes = r->n_bytes + sizeof r->name + sizeof r->file;
    void *pages = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return rt_fail_memory(err, n_bytes, "random weights");
    *map = (rt_file_map){.data = pages, .size = n_bytes};
    r->data = pages;
    char *names = memcpy(r->data + r->n_bytes, r->name, sizeof r->name);
    const char *file = memcpy(names + sizeof r->name, r->file, sizeof r->file);
    for (size_t i = 0; i < r->n; i++) {
        r->tensors[i].data = r->data + r->offset[i];
        r->tensors[i].name = names + i * NAME_SIZE;
        r->tensors[i].file = file;
    }
    return RT_OK;
}

static rt_status open_checkpoint(random_model *r, ckpt_checkpoint **checkpoint, rt_error *err) {
    rt_file_map map;
    RT_TRY(map_tensors(r, &map, err));
    ckpt_tensor *tensors = malloc(r->n * sizeof *tensors);
    rt_status status = tensors == NULL ? rt_fail_memory(err, r->n * sizeof *tensors, "the tensors of a checkpoint") : RT_OK;
    if (status == RT_OK) {
        memcpy(tensors, r->tensors, r->n * sizeof *tensors);
        status = ckpt_of_memory(r->file, &map, tensors, r->n, checkpoint, err);
    }
    if (status != RT_OK) {
        free(tensors);
        rt_file_map_close(&map);
    }
    return status;
}

/* The weights and the least request; what is read once is given back as the panels are made. */
static rt_status check_memory(const random_model *r, ckpt_checkpoint *checkpoint, rt_error *err) {
    const t5_session_params session = t5_session_defaults();
    const t5_generate_params generate = t5_generate_defaults();
    t5_memory plan;
    RT_TRY(t5_plan_checkpoint(checkpoint, &r->config, r->compute, &session, &generate, 1, 64, &plan, err));
    /* All weights are made before those that are read once are given back. */
    const size_t made = plan.mapped + plan.read_once, needed = plan.total > made ? plan.total : made, available = bench_available_bytes();
    if (needed <= available) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "%s: needs %zu bytes of memory, but %zu are available", r->file, needed, available);
}

static rt_status make(random_model *r, ckpt_checkpoint *checkpoint, t5_model **model, rt_error *err) {
    rt_threads *threads;
    RT_TRY(check_memory(r, checkpoint, err));
    RT_TRY(rt_threads_open(0, &threads, err));
    rt_threads_run(threads, r->n, fill_tensor, r);
    rt_threads_close(threads);
    return t5_model_of(&r->config, r->compute, checkpoint, model, err);
}

rt_status bench_make_model(const opt_values *options, t5_model **model, rt_error *err) {
    const opt_bench *o = &options->bench;
    ckpt_checkpoint *checkpoint;
    random_model *r = calloc(1, sizeof *r);
    if (r == NULL) return rt_fail_memory(err, sizeof *r, "a list of tensors");
    r->config = config_of(o->shape);
    r->compute = (t5_compute)options->compute;
    r->dtype = o->type == 0 ? RT_F32 : RT_BF16;
    r->density = (double)o->density;
    size_t n;
    const char *shape = opt_word(&opt_table[OPT_SHAPE], o->shape, &n);
    snprintf(r->file, sizeof r->file, "--shape %.*s", (int)n, shape);
    list_tensors(r);
    rt_status status = open_checkpoint(r, &checkpoint, err);
    if (status == RT_OK) {
        status = make(r, checkpoint, model, err);
        if (status != RT_OK) ckpt_close(checkpoint);
    }
    free(r);
    return status;
}

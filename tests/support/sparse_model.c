/* Sparse checkpoints; see sparse_model.h. */
#include "tests/support/sparse_model.h"

#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/buffer.h"

enum { BUCKETS = 32, NAME_SIZE = 128 };

typedef struct header {
    rt_text text;
    size_t n_bytes; /* of data so far */
} header;

static void append(rt_text *text, const char *bytes, size_t n) {
    rt_error err;
    if (rt_text_append(text, bytes, n, &err) != RT_OK) ck_abort_msg("%s", err.message);
}

/* cols 0: a vector. */
static void add(header *h, const char *name, size_t rows, size_t cols) {
    char entry[NAME_SIZE + 128], shape[64];
    const size_t n = rows * (cols > 0 ? cols : 1) * sizeof(float);
    snprintf(shape, sizeof shape, cols > 0 ? "%zu,%zu" : "%zu", rows, cols);
    const int length = snprintf(entry, sizeof entry, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                                h->n_bytes > 0 ? "," : "", name, shape, h->n_bytes, h->n_bytes + n);
    append(&h->text, entry, (size_t)length);
    h->n_bytes += n;
}

static void add_attention(header *h, const sparse_shape *s, const char *block, unsigned layer, const char *module) {
    static const char *const projections[] = {"q", "k", "v", "o"};
    const size_t inner = s->num_heads * s->d_kv;
    char name[NAME_SIZE];
    for (unsigned p = 0; p < 4; p++) {
        snprintf(name, sizeof name, "%s.layer.%u.%s.%s.weight", block, layer, module, projections[p]);
        add(h, name, p < 3 ? inner : s->d_model, p < 3 ? s->d_model : inner);
    }
    snprintf(name, sizeof name, "%s.layer.%u.layer_norm.weight", block, layer);
    add(h, name, s->d_model, 0);
}

static void add_stack(header *h, const sparse_shape *s, const char *stack, bool has_cross) {
    char block[32], name[NAME_SIZE];
    for (size_t b = 0; b < s->num_layers; b++) {
        const unsigned ff = has_cross ? 2 : 1;
        snprintf(block, sizeof block, "%s.block.%zu", stack, b);
        add_attention(h, s, block, 0, "SelfAttention");
        if (has_cross) add_attention(h, s, block, 1, "EncDecAttention");
        snprintf(name, sizeof name, "%s.layer.%u.DenseReluDense.wi.weight", block, ff);
        add(h, name, s->d_ff, s->d_model);
        snprintf(name, sizeof name, "%s.layer.%u.DenseReluDense.wo.weight", block, ff);
        add(h, name, s->d_model, s->d_ff);
        snprintf(name, sizeof name, "%s.layer.%u.layer_norm.weight", block, ff);
        add(h, name, s->d_model, 0);
    }
    snprintf(name, sizeof name, "%s.block.0.layer.0.SelfAttention.relative_attention_bias.weight", stack);
    add(h, name, BUCKETS, s->num_heads);
    snprintf(name, sizeof name, "%s.final_layer_norm.weight", stack);
    add(h, name, s->d_model, 0);
}

static void write_config(scratch *s, const sparse_shape *shape) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"model_type\": \"t5\", \"vocab_size\": %zu, \"d_model\": %zu, \"d_kv\": %zu, \"d_ff\": %zu, \"num_heads\": %zu, "
             "\"num_layers\": %zu, \"relative_attention_num_buckets\": %d, \"decoder_start_token_id\": 0}",
             shape->vocab_size, shape->d_model, shape->d_kv, shape->d_ff, shape->num_heads, shape->num_layers, BUCKETS);
    scratch_write_text(s, "config.json", json);
}

size_t sparse_model_write(scratch *s, const sparse_shape *shape) {
    header h = {.n_bytes = 0};
    append(&h.text, "{", 1);
    add(&h, "shared.weight", shape->vocab_size, shape->d_model);
    add_stack(&h, shape, "encoder", false);
    add_stack(&h, shape, "decoder", true);
    append(&h.text, "}", 1);
    while (h.text.n % 8 != 0) append(&h.text, " ", 1); /* the data is aligned then */
    write_config(s, shape);
    const uint64_t length = h.text.n;
    const size_t n_bytes = sizeof length + h.text.n + h.n_bytes;
    const int fd = open(scratch_path(s, "model.safetensors"), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, &length, sizeof length), sizeof length);
    ck_assert_int_eq(write(fd, h.text.v, h.text.n), (ssize_t)h.text.n);
    const bool fits = ftruncate(fd, (off_t)n_bytes) == 0;
    ck_assert_int_eq(close(fd), 0);
    rt_text_free(&h.text);
    return fits ? h.n_bytes : 0;
}

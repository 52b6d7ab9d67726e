/* Names of tensors; see gguf_names.h. */
#include "model/checkpoint/gguf_names.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BLOCK_DIGITS = 6 };

typedef struct name_row {
    const char *gguf, *hf; /* without ".weight"; those of a block without the block's own prefix */
} name_row;

static const name_row outer[] = {
    {"token_embd", "shared"},
    {"output", "lm_head"},
    {"enc.output_norm", "encoder.final_layer_norm"},
    {"dec.output_norm", "decoder.final_layer_norm"},
};

#define SELF_ATTENTION                                                                                                      \
    {"attn_norm", "layer.0.layer_norm"}, {"attn_q", "layer.0.SelfAttention.q"}, {"attn_k", "layer.0.SelfAttention.k"},        \
        {"attn_v", "layer.0.SelfAttention.v"}, {"attn_o", "layer.0.SelfAttention.o"},                                        \
        {"attn_rel_b", "layer.0.SelfAttention.relative_attention_bias"}

#define FEED_FORWARD(layer)                                                                                                 \
    {"ffn_norm", "layer." layer ".layer_norm"}, {"ffn_gate", "layer." layer ".DenseReluDense.wi_0"},                          \
        {"ffn_up", "layer." layer ".DenseReluDense.wi"}, {"ffn_down", "layer." layer ".DenseReluDense.wo"}

static const name_row encoder_block[] = {SELF_ATTENTION, FEED_FORWARD("1")};

static const name_row decoder_block[] = {
    SELF_ATTENTION,
    {"cross_attn_norm", "layer.1.layer_norm"},
    {"cross_attn_q", "layer.1.EncDecAttention.q"},
    {"cross_attn_k", "layer.1.EncDecAttention.k"},
    {"cross_attn_v", "layer.1.EncDecAttention.v"},
    {"cross_attn_o", "layer.1.EncDecAttention.o"},
    {"cross_attn_rel_b", "layer.1.EncDecAttention.relative_attention_bias"},
    FEED_FORWARD("2"),
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *find(const name_row *table, size_t n_rows, const char *name, size_t n_bytes) {
    for (size_t i = 0; i < n_rows; i++) {
        if (strlen(table[i].gguf) == n_bytes && memcmp(table[i].gguf, name, n_bytes) == 0) return table[i].hf;
    }
    return NULL;
}

/* Bytes of the number at the start of name, as a block is numbered: digits, and no 0 before others; 0 if there is none. */
static size_t match_number(const char *name, size_t n_bytes) {
    size_t n = 0;
    while (n < n_bytes && name[n] >= '0' && name[n] <= '9') n++;
    return n > MAX_BLOCK_DIGITS || (n > 1 && name[0] == '0') ? 0 : n;
}

static bool name_in_block(const char *stack, const name_row *table, size_t n_rows, const char *name, size_t n_bytes, bool is_gated,
                          char out[CKPT_GGUF_NAME_SIZE]) {
    const size_t n_digits = match_number(name, n_bytes);
    if (n_digits == 0 || n_digits == n_bytes || name[n_digits] != '.') return false;
    const char *tensor = name + n_digits + 1;
    const size_t n_tensor = n_bytes - n_digits - 1;
    const char *hf = find(table, n_rows, tensor, n_tensor);
    if (hf == NULL) return false;
    const bool is_second = is_gated && n_tensor == 6 && memcmp(tensor, "ffn_up", 6) == 0;
    snprintf(out, CKPT_GGUF_NAME_SIZE, "%s.block.%.*s.%s%s.weight", stack, (int)n_digits, name, hf, is_second ? "_1" : "");
    return true;
}

bool ckpt_gguf_name(const char *name, size_t n_bytes, bool is_gated, char out[CKPT_GGUF_NAME_SIZE]) {
    static const char suffix[] = ".weight", encoder[] = "enc.blk.", decoder[] = "dec.blk.";
    enum { N_SUFFIX = sizeof suffix - 1, N_STACK = sizeof encoder - 1 };
    if (n_bytes < N_SUFFIX || memcmp(name + n_bytes - N_SUFFIX, suffix, N_SUFFIX) != 0) return false;
    const size_t n = n_bytes - N_SUFFIX;
    if (n > N_STACK && memcmp(name, encoder, N_STACK) == 0) {
        return name_in_block("encoder", encoder_block, COUNT(encoder_block), name + N_STACK, n - N_STACK, is_gated, out);
    }
    if (n > N_STACK && memcmp(name, decoder, N_STACK) == 0) {
        return name_in_block("decoder", decoder_block, COUNT(decoder_block), name + N_STACK, n - N_STACK, is_gated, out);
    }
    const char *hf = find(outer, COUNT(outer), name, n);
    if (hf == NULL) return false;
    snprintf(out, CKPT_GGUF_NAME_SIZE, "%s.weight", hf);
    return true;
}

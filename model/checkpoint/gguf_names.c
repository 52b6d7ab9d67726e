/* Names of tensors; see gguf_names.h. */
#include "model/checkpoint/gguf_names.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BLOCK_DIGITS = 6 };

typedef struct name_row {
    const char *gguf, *hf; /* without their ending; those of a block without the block's own prefix */
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
    snprintf(out, CKPT_GGUF_NAME_SIZE, "%s.block.%.*s.%s%s", stack, (int)n_digits, name, hf, is_second ? "_1" : "");
    return true;
}

/* Bytes before the ending, which is one of those that tensors have; 0 if there is none. */
static size_t match_stem(const char *name, size_t n_bytes) {
    static const char *const endings[] = {".weight", ".panels", ".screen", ".bounds"};
    for (size_t i = 0; i < COUNT(endings); i++) {
        const size_t n = strlen(endings[i]);
        if (n_bytes > n && memcmp(name + n_bytes - n, endings[i], n) == 0) return n_bytes - n;
    }
    return 0;
}

bool ckpt_gguf_name(const char *name, size_t n_bytes, bool is_gated, char out[CKPT_GGUF_NAME_SIZE]) {
    static const char encoder[] = "enc.blk.", decoder[] = "dec.blk.";
    enum { N_STACK = sizeof encoder - 1 };
    const size_t n = match_stem(name, n_bytes);
    bool found = false;
    if (n > N_STACK && memcmp(name, encoder, N_STACK) == 0) {
        found = name_in_block("encoder", encoder_block, COUNT(encoder_block), name + N_STACK, n - N_STACK, is_gated, out);
    } else if (n > N_STACK && memcmp(name, decoder, N_STACK) == 0) {
        found = name_in_block("decoder", decoder_block, COUNT(decoder_block), name + N_STACK, n - N_STACK, is_gated, out);
    } else {
        const char *hf = find(outer, COUNT(outer), name, n);
        found = hf != NULL;
        if (found) snprintf(out, CKPT_GGUF_NAME_SIZE, "%s", hf);
    }
    if (found) strncat(out, name + n, n_bytes - n);
    return found;
}

static const char *find_hf(const name_row *table, size_t n_rows, const char *name, size_t n_bytes) {
    for (size_t i = 0; i < n_rows; i++) {
        if (strlen(table[i].hf) == n_bytes && memcmp(table[i].hf, name, n_bytes) == 0) return table[i].gguf;
    }
    return NULL;
}

/* name: behind "encoder.block." or "decoder.block.". */
static bool name_of_block(const char *stack, const name_row *table, size_t n_rows, const char *name, size_t n_bytes,
                          char out[CKPT_GGUF_NAME_SIZE]) {
    static const char second[] = ".DenseReluDense.wi_1";
    enum { N_SECOND = sizeof second - 1 };
    const size_t n_digits = match_number(name, n_bytes);
    if (n_digits == 0 || n_digits == n_bytes || name[n_digits] != '.') return false;
    const char *tensor = name + n_digits + 1;
    size_t n = n_bytes - n_digits - 1;
    if (n > N_SECOND && memcmp(tensor + n - N_SECOND, second, N_SECOND) == 0) n -= 2; /* as wi is called */
    const char *gguf = find_hf(table, n_rows, tensor, n);
    if (gguf != NULL) snprintf(out, CKPT_GGUF_NAME_SIZE, "%s.blk.%.*s.%s", stack, (int)n_digits, name, gguf);
    return gguf != NULL;
}

bool ckpt_gguf_name_of(const char *name, char out[CKPT_GGUF_NAME_SIZE]) {
    static const char encoder[] = "encoder.block.", decoder[] = "decoder.block.";
    enum { N_STACK = sizeof encoder - 1 };
    const size_t n = match_stem(name, strlen(name));
    bool found = false;
    if (n > N_STACK && memcmp(name, encoder, N_STACK) == 0) {
        found = name_of_block("enc", encoder_block, COUNT(encoder_block), name + N_STACK, n - N_STACK, out);
    } else if (n > N_STACK && memcmp(name, decoder, N_STACK) == 0) {
        found = name_of_block("dec", decoder_block, COUNT(decoder_block), name + N_STACK, n - N_STACK, out);
    } else {
        const char *gguf = find_hf(outer, COUNT(outer), name, n);
        found = gguf != NULL;
        if (found) snprintf(out, CKPT_GGUF_NAME_SIZE, "%s", gguf);
    }
    if (found) strcat(out, name + n);
    return found;
}

bool ckpt_name_ends(const char *name, const char *ending) {
    const size_t n = strlen(name), n_ending = strlen(ending);
    return n >= n_ending && memcmp(name + n - n_ending, ending, n_ending) == 0;
}

/* Finding the names of special tokens; see special_names.h. */
#include "tokenizer/special_names.h"

#include <string.h>

#include "tokenizer/tokenizer.h"

const tok_special_name tok_special_names[TOK_N_SPECIAL_NAMES] = {{"<pad>", 5, TOK_PAD}, {"</s>", 4, TOK_EOS}, {"<unk>", 5, TOK_UNK}};

const tok_special_name *tok_match_special(const char *text, size_t n_bytes) {
    for (size_t i = 0; i < TOK_N_SPECIAL_NAMES; i++) {
        const tok_special_name *s = &tok_special_names[i];
        if (n_bytes >= s->n_bytes && memcmp(text, s->name, s->n_bytes) == 0) return s;
    }
    return NULL;
}

size_t tok_match_sentinel(const char *text, size_t n_bytes, size_t n_sentinels, size_t *number) {
    const size_t n_prefix = sizeof TOK_SENTINEL_PREFIX - 1;
    if (n_bytes < n_prefix || memcmp(text, TOK_SENTINEL_PREFIX, n_prefix) != 0) return 0;
    size_t i = n_prefix, n = 0;
    while (i < n_bytes && text[i] >= '0' && text[i] <= '9') {
        n = n * 10 + (size_t)(text[i++] - '0');
        if (n >= n_sentinels) return 0;
    }
    const size_t n_digits = i - n_prefix;
    if (n_digits == 0 || (n_digits > 1 && text[n_prefix] == '0')) return 0;
    if (i == n_bytes || text[i] != '>') return 0;
    *number = n;
    return i + 1;
}

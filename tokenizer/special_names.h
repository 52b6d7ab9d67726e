/* The names of T5's special tokens, as they stand in texts. */
#ifndef TOKENIZER_SPECIAL_NAMES_H
#define TOKENIZER_SPECIAL_NAMES_H

#include <stddef.h>
#include <stdint.h>

typedef struct tok_special_name {
    const char *name;
    size_t n_bytes;
    int32_t id;
} tok_special_name;

/* <pad>, </s> and <unk>, which have the same ids in every T5. */
enum { TOK_N_SPECIAL_NAMES = 3 };
extern const tok_special_name tok_special_names[TOK_N_SPECIAL_NAMES];

/* The one of them at the start of text, NULL if there is none. */
const tok_special_name *tok_match_special(const char *text, size_t n_bytes);

#define TOK_SENTINEL_PREFIX "<extra_id_"
enum { TOK_SENTINEL_NAME_SIZE = 32 };

/* The number of bytes of the name <extra_id_N>, N < n_sentinels, at the start of text; 0 if there is none. */
size_t tok_match_sentinel(const char *text, size_t n_bytes, size_t n_sentinels, size_t *number);

#endif

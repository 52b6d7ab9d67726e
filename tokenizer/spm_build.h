/* A SentencePiece model written as a serialised ModelProto, field by field; spm_check.c tells the messages and their numbers. */
#ifndef TOKENIZER_SPM_BUILD_H
#define TOKENIZER_SPM_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/buffer.h"

enum { TOK_TYPE_UNKNOWN = 2, TOK_TYPE_UNUSED = 5, TOK_TYPE_BYTE = 6 };

/* Appends the next piece; its id is the number of pieces before it. */
rt_status tok_build_piece(rt_text *model, const char *piece, size_t n_bytes, float score, int32_t type, rt_error *err);

typedef struct tok_build_settings {
    bool byte_fallback;       /* characters without a piece become byte pieces */
    bool add_dummy_prefix;    /* a space before the text */
    bool remove_extra_spaces; /* at both ends, and of several in a row all but one */
    const uint8_t *charsmap;  /* [n_charsmap] */
    size_t n_charsmap;
} tok_build_settings;

/* Appends what is not a piece: a unigram model's trainer_spec and its normalizer_spec. */
rt_status tok_build_settings_of(rt_text *model, const tok_build_settings *settings, rt_error *err);

#endif

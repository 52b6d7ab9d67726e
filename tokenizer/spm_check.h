/* A SentencePiece model proved sound before the library sees it: the library trusts its files in places where it should not. */
#ifndef TOKENIZER_SPM_CHECK_H
#define TOKENIZER_SPM_CHECK_H

#include <stdint.h>

#include "runtime/status.h"

enum {
    TOK_MAX_MODEL_BYTES = 64 << 20,
    TOK_MAX_PIECES = 1000000,
    TOK_MAX_PIECE_BYTES = 4096, /* the library builds its trie by a recursion as deep as a piece is long */
    TOK_MAX_NESTED_SYMBOLS = 64 /* user-defined pieces that begin alike: the library's buffer holds so many */
};

/* Checks the whole of model [n_bytes]; file is the name that messages show. RT_ERR_MALFORMED; RT_ERR_UNSUPPORTED where the model is not
 * unigram; RT_ERR_LIMIT. */
rt_status tok_spm_check(const char *file, const uint8_t *model, size_t n_bytes, rt_error *err);

#endif

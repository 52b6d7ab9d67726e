/* SentencePiece's precompiled_charsmap: text replacements as a double-array trie, used by the library without a check of its own. */
#ifndef TOKENIZER_CHARSMAP_CHECK_H
#define TOKENIZER_CHARSMAP_CHECK_H

#include <stdint.h>

#include "runtime/status.h"

enum {
    TOK_MAX_NESTED_RULES = 32,     /* prefixes of one text that are keys: the library's buffer holds so many */
    TOK_MAX_RULE_BYTES = 256,      /* of a key */
    TOK_MAX_REPLACEMENT_BYTES = 64 /* of what replaces it; U+FDFA, the longest of NFKC, has 33 */
};

/* Proves that looking up any text in blob [n_bytes] reads inside it, ends, and finds no more than TOK_MAX_NESTED_RULES keys. file is the
 * name that messages show; offset is where in it the blob begins. RT_ERR_MALFORMED, RT_ERR_LIMIT. */
rt_status tok_charsmap_check(const char *file, size_t offset, const uint8_t *blob, size_t n_bytes, rt_error *err);

#endif

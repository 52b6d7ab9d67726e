/* ByT5's vocabulary, which needs no file: the bytes of the text are its tokens.
 *
 *     ids 0 <pad>, 1 </s>, 2 <unk>; 3 + b for the byte b; 259 + N for the sentinel <extra_id_N>
 *
 * The names of these tokens in a text become their ids, and white space beside <pad>, </s> and <unk> (not beside sentinels) is dropped, as
 * transformers' ByT5Tokenizer does it. */
#ifndef TOKENIZER_BYTES_H
#define TOKENIZER_BYTES_H

#include "runtime/buffer.h"

size_t tok_bytes_n_ids(size_t n_sentinels);

/* Appends the ids of text, without a </s> behind them. What is not UTF-8 is taken as it is. On failure *ids may have grown. */
rt_status tok_bytes_encode(size_t n_sentinels, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err);

/* Appends the text of ids, all >= 0: special tokens and ids above them have none, and of the bytes that remain those are left out that are
 * not part of a character of UTF-8. On failure *text may have grown. */
rt_status tok_bytes_decode(const int32_t *ids, size_t n_ids, rt_text *text, rt_error *err);

/* Appends the name of an id below tok_bytes_n_ids: a visible character of ASCII is itself, any other byte <0xNN>. */
rt_status tok_bytes_piece(int32_t id, rt_text *text, rt_error *err);

#endif

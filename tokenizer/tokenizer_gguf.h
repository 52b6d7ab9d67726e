/* The vocabulary that llama.cpp's converter puts into a GGUF file, as a SentencePiece model. */
#ifndef TOKENIZER_TOKENIZER_GGUF_H
#define TOKENIZER_TOKENIZER_GGUF_H

#include "runtime/buffer.h"
#include "runtime/gguf.h"
#include "tokenizer/tokenizer_config.h"

/* Keys of t5k's own, for what no key of llama.cpp's holds: bool, bool, bool, and a count as of tokenizer_config.json. */
#define TOK_KEY_BYT5 "t5k.tokenizer.is_byt5"
#define TOK_KEY_LOWER_CASE "t5k.tokenizer.lower_case"
#define TOK_KEY_LEGACY "t5k.tokenizer.legacy"
#define TOK_KEY_EXTRA_IDS "t5k.tokenizer.extra_ids"

/* Sets those fields of *config that the file has keys for. */
rt_status tok_gguf_settings(const rt_gguf *gguf, tok_config *config, rt_error *err);

/* The file has one. */
bool tok_gguf_has_vocabulary(const rt_gguf *gguf);

/* Appends the serialised model to *model. *n_unnamed: the ids behind the pieces that the file counts but has no pieces for.
 * RT_ERR_MALFORMED; RT_ERR_UNSUPPORTED where the vocabulary is of another kind; RT_ERR_DISAGREE where its arrays differ in length;
 * RT_ERR_LIMIT. The model itself is not proved sound. */
rt_status tok_gguf_build(const rt_gguf *gguf, rt_text *model, size_t *n_unnamed, rt_error *err);

#endif

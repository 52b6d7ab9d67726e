/* The vocabulary that llama.cpp's converter puts into a GGUF file, as a SentencePiece model. */
#ifndef TOKENIZER_TOKENIZER_GGUF_H
#define TOKENIZER_TOKENIZER_GGUF_H

#include "runtime/buffer.h"
#include "runtime/gguf.h"

/* The file has one. */
bool tok_gguf_has_vocabulary(const rt_gguf *gguf);

/* Appends the serialised model to *model. *n_unnamed: the ids behind the pieces that the file counts but has no pieces for.
 * RT_ERR_MALFORMED; RT_ERR_UNSUPPORTED where the vocabulary is of another kind; RT_ERR_DISAGREE where its arrays differ in length;
 * RT_ERR_LIMIT. The model itself is not proved sound. */
rt_status tok_gguf_build(const rt_gguf *gguf, rt_text *model, size_t *n_unnamed, rt_error *err);

#endif

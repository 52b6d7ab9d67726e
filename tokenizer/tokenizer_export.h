/* A tokenizer put into a GGUF file, as tokenizer_gguf.h reads it. */
#ifndef TOKENIZER_TOKENIZER_EXPORT_H
#define TOKENIZER_TOKENIZER_EXPORT_H

#include "runtime/gguf_write.h"

/* Puts the keys of the tokenizer that tok_open(path) opens, for a model of vocab_size ids: those of llama.cpp's converter, and t5k's own
 * where they are not the defaults; with all_settings in any case. Fails as tok_open does, having put nothing; RT_ERR_DISAGREE where
 * there are more pieces than ids; RT_ERR_UNSUPPORTED where the keys cannot hold the tokenizer, as llama.cpp's alone cannot hold ByT5's. */
rt_status tok_put_gguf(const char *path, size_t vocab_size, bool all_settings, rt_gguf_writer *writer, rt_error *err);

#endif

/* Where a tokenizer's SentencePiece model comes from: the file spiece.model, or the vocabulary inside a GGUF file. */
#ifndef TOKENIZER_SPM_SOURCE_H
#define TOKENIZER_SPM_SOURCE_H

#include "runtime/buffer.h"
#include "runtime/file_map.h"
#include "tokenizer/tokenizer_config.h"

typedef struct tok_spm_source {
    char name[RT_QUOTE_SIZE + 32]; /* as messages show it */
    const uint8_t *model;          /* [n_bytes], serialised, not proved sound; NULL for ByT5, which needs none */
    size_t n_bytes;
    size_t n_unnamed;              /* ids behind the pieces that sentinels may take; SIZE_MAX where it does not say */
    rt_file_map map;               /* what holds it: one of the two */
    rt_text built;
} tok_spm_source;

/* path: a folder with spiece.model, or with one GGUF file, and perhaps with tokenizer_config.json, of which *config takes what it gives; a
 * GGUF file; or a SentencePiece file. A GGUF file without a vocabulary takes the tokenizer of the folder it lies in. Where there is no
 * model at all, settings of ByT5 will do. */
rt_status tok_spm_source_open(const char *path, tok_spm_source *source, tok_config *config, rt_error *err);
void tok_spm_source_close(tok_spm_source *source); /* a zeroed one is closed already */

#endif

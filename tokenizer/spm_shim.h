/* SentencePiece's C++ class as C functions, and nothing more: no exception leaves them, no rule of T5's is in them.
 * Only a model that tok_spm_check has passed may be opened. An open processor is immutable and may be shared by threads. */
#ifndef TOKENIZER_SPM_SHIM_H
#define TOKENIZER_SPM_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stdint.h>

#include "runtime/buffer.h"
#include "runtime/status.h"

typedef struct tok_spm tok_spm;

/* Reads a serialised ModelProto; the bytes are not needed afterwards. file is the name that messages show. */
rt_status tok_spm_open(const char *file, const uint8_t *model, size_t n_bytes, tok_spm **spm, rt_error *err);
void tok_spm_close(tok_spm *spm); /* NULL does nothing */

size_t tok_spm_n_pieces(const tok_spm *spm);

/* Appends the ids of text. */
rt_status tok_spm_encode(const tok_spm *spm, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err);

/* The id of a piece, the unknown piece's where there is none of this text. */
int32_t tok_spm_find(const tok_spm *spm, const char *piece, size_t n_bytes);

/* Below, id is in 0 .. tok_spm_n_pieces - 1. The text is borrowed until tok_spm_close. */
const char *tok_spm_piece(const tok_spm *spm, int32_t id, size_t *n_bytes);
bool tok_spm_is_unknown(const tok_spm *spm, int32_t id);
bool tok_spm_is_control(const tok_spm *spm, int32_t id);
bool tok_spm_is_byte(const tok_spm *spm, int32_t id);

#ifdef __cplusplus
}
#endif
#endif

/* SentencePiece models written byte by byte, and what every model, sound or not, must go through. */
#ifndef TESTS_SUPPORT_SPM_BUILDER_H
#define TESTS_SUPPORT_SPM_BUILDER_H

#include <stdint.h>

#include "runtime/buffer.h"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, BYTE = 6 }; /* types of pieces */

/* Protocol Buffers: bytes as they are, a varint, and fields of wire types 0 and 2. */
void spm_put(rt_text *out, const void *bytes, size_t n);
void spm_put_varint(rt_text *out, uint64_t v);
void spm_put_number(rt_text *out, unsigned field, uint64_t v);
void spm_put_bytes(rt_text *out, unsigned field, const void *bytes, size_t n);

void spm_add_piece(rt_text *model, const void *bytes, size_t n, float score, unsigned type);
void spm_add_text(rt_text *model, const char *piece, float score, unsigned type);
void spm_add_trainer_spec(rt_text *model, unsigned model_type);

/* Empties model, then writes a T5 vocabulary of 8 pieces: <pad> </s> <unk> _ a b _ab e. */
void spm_start_model(rt_text *model);

/* Of tok_spm_check. */
void spm_assert_status(const rt_text *model, const char *what, rt_status expected);
rt_status spm_check_bytes(const void *bytes, size_t n);

/* What passes the check can be opened, or is refused by the library with a status, and then can be used. */
void spm_use_if_sound(const rt_text *model);

#endif

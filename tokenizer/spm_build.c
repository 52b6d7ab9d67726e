/* Protocol Buffers written; see spm_build.h. The field numbers are those of sentencepiece_model.proto:
 *
 *     ModelProto      1 pieces  2 trainer_spec  3 normalizer_spec
 *     SentencePiece   1 piece  2 score  3 type
 *     TrainerSpec     3 model_type (1: unigram)  35 byte_fallback
 *     NormalizerSpec  2 precompiled_charsmap  3 add_dummy_prefix  4 remove_extra_whitespaces */
#include "tokenizer/spm_build.h"

#include <string.h>

#include "tokenizer/protobuf.h"

enum { MODEL_PIECES = 1, MODEL_TRAINER_SPEC = 2, MODEL_NORMALIZER_SPEC = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_MODEL_TYPE = 3, TRAINER_BYTE_FALLBACK = 35, UNIGRAM = 1 };
enum { NORMALIZER_CHARSMAP = 2, NORMALIZER_DUMMY_PREFIX = 3, NORMALIZER_EXTRA_SPACES = 4 };
enum { MAX_VARINT_BYTES = 10 };

static size_t varint_bytes(uint64_t value) {
    size_t n = 1;
    while (value >>= 7) n++;
    return n;
}

static rt_status put_varint(rt_text *out, uint64_t value, rt_error *err) {
    char bytes[MAX_VARINT_BYTES];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    return rt_text_append(out, bytes, n, err);
}

static rt_status put_tag(rt_text *out, unsigned field, tok_pb_wire wire, rt_error *err) { return put_varint(out, field << 3 | wire, err); }

static rt_status put_number(rt_text *out, unsigned field, uint64_t value, rt_error *err) {
    RT_TRY(put_tag(out, field, TOK_PB_VARINT, err));
    return put_varint(out, value, err);
}

/* The head of a field of so many bytes, which have to follow. */
static rt_status put_length(rt_text *out, unsigned field, size_t n_bytes, rt_error *err) {
    RT_TRY(put_tag(out, field, TOK_PB_BYTES, err));
    return put_varint(out, n_bytes, err);
}

static rt_status put_float(rt_text *out, unsigned field, float value, rt_error *err) {
    uint32_t bits;
    char bytes[4];
    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(bits >> (8 * i));
    RT_TRY(put_tag(out, field, TOK_PB_FIXED32, err));
    return rt_text_append(out, bytes, sizeof bytes, err);
}

rt_status tok_build_piece(rt_text *model, const char *piece, size_t n_bytes, float score, int32_t type, rt_error *err) {
    /* Tags of these fields have one byte. A type below 0 becomes a number of ten, which the check refuses. */
    const uint64_t number = (uint64_t)(int64_t)type;
    const size_t n_message = 1 + varint_bytes(n_bytes) + n_bytes + 1 + 4 + 1 + varint_bytes(number);
    RT_TRY(put_length(model, MODEL_PIECES, n_message, err));
    RT_TRY(put_length(model, PIECE_TEXT, n_bytes, err));
    RT_TRY(rt_text_append(model, piece, n_bytes, err));
    RT_TRY(put_float(model, PIECE_SCORE, score, err));
    return put_number(model, PIECE_TYPE, number, err);
}

static rt_status put_trainer_spec(rt_text *out, const tok_build_settings *s, rt_error *err) {
    RT_TRY(put_number(out, TRAINER_MODEL_TYPE, UNIGRAM, err));
    return put_number(out, TRAINER_BYTE_FALLBACK, s->byte_fallback, err);
}

static rt_status put_normalizer_spec(rt_text *out, const tok_build_settings *s, rt_error *err) {
    RT_TRY(put_length(out, NORMALIZER_CHARSMAP, s->n_charsmap, err));
    RT_TRY(rt_text_append(out, (const char *)s->charsmap, s->n_charsmap, err));
    RT_TRY(put_number(out, NORMALIZER_DUMMY_PREFIX, s->add_dummy_prefix, err));
    return put_number(out, NORMALIZER_EXTRA_SPACES, s->remove_extra_spaces, err);
}

typedef rt_status (*put_spec)(rt_text *out, const tok_build_settings *settings, rt_error *err);

/* A message built apart, since its length comes before it. */
static rt_status put_message(rt_text *model, unsigned field, put_spec put, const tok_build_settings *settings, rt_error *err) {
    rt_text message = {0};
    rt_status status = put(&message, settings, err);
    if (status == RT_OK) status = put_length(model, field, message.n, err);
    if (status == RT_OK) status = rt_text_append(model, message.v, message.n, err);
    rt_text_free(&message);
    return status;
}

rt_status tok_build_settings_of(rt_text *model, const tok_build_settings *settings, rt_error *err) {
    RT_TRY(put_message(model, MODEL_TRAINER_SPEC, put_trainer_spec, settings, err));
    return put_message(model, MODEL_NORMALIZER_SPEC, put_normalizer_spec, settings, err);
}

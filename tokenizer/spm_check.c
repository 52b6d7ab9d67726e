/* The messages of sentencepiece_model.proto that are looked into, by field number (others are passed over):
 *
 *     ModelProto      1 pieces (repeated SentencePiece)  2 trainer_spec  3 normalizer_spec  5 denormalizer_spec
 *     SentencePiece   1 piece (string)  2 score (float, default 0)  3 type (enum, default NORMAL)
 *     TrainerSpec     3 model_type (enum: 1 unigram, 2 BPE, 3 word, 4 char; default 1)
 *     NormalizerSpec  2 precompiled_charsmap (bytes)
 *
 * A field given again replaces what was given before, and a message given again is merged; each occurrence is checked. */
#include "tokenizer/spm_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/charsmap_check.h"
#include "tokenizer/protobuf.h"
#include "runtime/utf8.h"

enum { MODEL_PIECES = 1, MODEL_TRAINER_SPEC = 2, MODEL_NORMALIZER_SPEC = 3, MODEL_DENORMALIZER_SPEC = 5 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_USER_DEFINED = 4, TYPE_LAST = 6 };
enum { TRAINER_MODEL_TYPE = 3, UNIGRAM = 1 };
enum { NORMALIZER_CHARSMAP = 2 };

typedef struct piece {
    uint64_t key; /* the first 8 bytes of text as a number, so that most comparisons touch nothing else */
    const uint8_t *text;
    uint32_t n_bytes;
    uint32_t type;
} piece;

typedef struct checker {
    const char *file;
    const uint8_t *base;
    piece *pieces; /* [n_pieces] */
    size_t n_pieces, n_seen, n_unknown;
} checker;

static uint64_t sort_key(const uint8_t *text, size_t n_bytes) {
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++) key = key << 8 | (i < n_bytes ? text[i] : 0);
    return key;
}

static bool is_prefix(const piece *a, const piece *b) { return a->n_bytes <= b->n_bytes && memcmp(a->text, b->text, a->n_bytes) == 0; }

/* Byte order, a prefix before what it begins. */
static int compare_pieces(const void *left, const void *right) {
    const piece *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    const size_t n = a->n_bytes < b->n_bytes ? a->n_bytes : b->n_bytes;
    const int order = memcmp(a->text, b->text, n);
    return order != 0 ? order : (a->n_bytes > b->n_bytes) - (a->n_bytes < b->n_bytes);
}

static size_t offset_of(const checker *c, const piece *p) { return (size_t)(p->text - c->base); }

static rt_status check_text(const checker *c, const tok_pb_field *field, rt_error *err) {
    if (field->value == 0 || field->value > TOK_MAX_PIECE_BYTES) {
        return rt_fail(err, field->value == 0 ? RT_ERR_MALFORMED : RT_ERR_LIMIT,
                       "%s: a piece has a wrong length (piece %zu, offset %zu, %llu bytes, allowed 1 to %d)", c->file, c->n_seen,
                       field->offset, (unsigned long long)field->value, TOK_MAX_PIECE_BYTES);
    }
    if (memchr(field->bytes, 0, field->value) != NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a piece holds a NUL (piece %zu, offset %zu)", c->file, c->n_seen, field->offset);
    }
    if (!rt_utf8_valid(field->bytes, field->value)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a piece is not UTF-8 (piece %zu, offset %zu)", c->file, c->n_seen, field->offset);
    }
    return RT_OK;
}

static rt_status check_score(const checker *c, const tok_pb_field *field, rt_error *err) {
    const uint32_t bits = (uint32_t)field->value;
    float score;
    memcpy(&score, &bits, sizeof score);
    if (isfinite(score)) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: a score is not finite (piece %zu, offset %zu, value %f)", c->file, c->n_seen, field->offset,
                   (double)score);
}

static rt_status check_piece_field(const checker *c, const tok_pb_cursor *message, const tok_pb_field *field, piece *p, rt_error *err) {
    switch (field->number) {
    case PIECE_TEXT:
        RT_TRY(tok_pb_expect(message, field, TOK_PB_BYTES, "piece", err));
        RT_TRY(check_text(c, field, err));
        p->text = field->bytes;
        p->n_bytes = (uint32_t)field->value;
        return RT_OK;
    case PIECE_SCORE:
        RT_TRY(tok_pb_expect(message, field, TOK_PB_FIXED32, "score", err));
        return check_score(c, field, err);
    case PIECE_TYPE:
        RT_TRY(tok_pb_expect(message, field, TOK_PB_VARINT, "type", err));
        if (field->value < TYPE_NORMAL || field->value > TYPE_LAST) {
            return rt_fail(err, RT_ERR_MALFORMED, "%s: not a type of piece (piece %zu, offset %zu, type %llu, allowed %d to %d)", c->file,
                           c->n_seen, field->offset, (unsigned long long)field->value, TYPE_NORMAL, TYPE_LAST);
        }
        p->type = (uint32_t)field->value;
        return RT_OK;
    default: return RT_OK;
    }
}

static rt_status check_piece(checker *c, tok_pb_cursor message, const tok_pb_field *outer, rt_error *err) {
    piece p = {.type = TYPE_NORMAL};
    tok_pb_field field;
    bool more;
    for (;;) {
        RT_TRY(tok_pb_next(&message, &field, &more, err));
        if (!more) break;
        RT_TRY(check_piece_field(c, &message, &field, &p, err));
    }
    if (p.text == NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a piece without text (piece %zu, offset %zu)", c->file, c->n_seen, outer->offset);
    }
    if (p.type == TYPE_UNKNOWN && ++c->n_unknown > 1) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a second unknown piece (piece %zu, offset %zu, allowed 1)", c->file, c->n_seen,
                       outer->offset);
    }
    p.key = sort_key(p.text, p.n_bytes);
    c->pieces[c->n_seen++] = p;
    return RT_OK;
}

static rt_status check_trainer_spec(tok_pb_cursor message, rt_error *err) {
    tok_pb_field field;
    bool more;
    for (;;) {
        RT_TRY(tok_pb_next(&message, &field, &more, err));
        if (!more) return RT_OK;
        if (field.number != TRAINER_MODEL_TYPE) continue;
        RT_TRY(tok_pb_expect(&message, &field, TOK_PB_VARINT, "model_type", err));
        if (field.value != UNIGRAM) {
            return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: not a unigram model (model_type, offset %zu, value %llu, allowed %d)",
                           message.file, field.offset, (unsigned long long)field.value, UNIGRAM);
        }
    }
}

static rt_status check_normalizer_spec(tok_pb_cursor message, rt_error *err) {
    tok_pb_field field;
    bool more;
    for (;;) {
        RT_TRY(tok_pb_next(&message, &field, &more, err));
        if (!more) return RT_OK;
        if (field.number != NORMALIZER_CHARSMAP) continue;
        RT_TRY(tok_pb_expect(&message, &field, TOK_PB_BYTES, "precompiled_charsmap", err));
        RT_TRY(tok_charsmap_check(message.file, (size_t)(field.bytes - message.base), field.bytes, field.value, err));
    }
}

/* First walk, along the outermost message only: how many pieces there are. */
static rt_status count_pieces(checker *c, tok_pb_cursor model, rt_error *err) {
    tok_pb_field field;
    bool more;
    for (;;) {
        RT_TRY(tok_pb_next(&model, &field, &more, err));
        if (!more) break;
        if (field.number != MODEL_PIECES) continue;
        RT_TRY(tok_pb_expect(&model, &field, TOK_PB_BYTES, "pieces", err));
        if (++c->n_pieces > TOK_MAX_PIECES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: too many pieces (pieces, offset %zu, at most %d)", c->file, field.offset,
                           TOK_MAX_PIECES);
        }
    }
    if (c->n_pieces == 0) return rt_fail(err, RT_ERR_MALFORMED, "%s: no pieces: not a SentencePiece model", c->file);
    return RT_OK;
}

/* Second walk: what is in them. */
static rt_status check_fields(checker *c, tok_pb_cursor model, rt_error *err) {
    tok_pb_field field;
    bool more;
    for (;;) {
        RT_TRY(tok_pb_next(&model, &field, &more, err));
        if (!more) break;
        switch (field.number) {
        case MODEL_PIECES: RT_TRY(check_piece(c, tok_pb_enter(&model, &field), &field, err)); break;
        case MODEL_TRAINER_SPEC:
            RT_TRY(tok_pb_expect(&model, &field, TOK_PB_BYTES, "trainer_spec", err));
            RT_TRY(check_trainer_spec(tok_pb_enter(&model, &field), err));
            break;
        case MODEL_NORMALIZER_SPEC:
        case MODEL_DENORMALIZER_SPEC:
            RT_TRY(tok_pb_expect(&model, &field, TOK_PB_BYTES, "normalizer_spec", err));
            RT_TRY(check_normalizer_spec(tok_pb_enter(&model, &field), err));
            break;
        default: break;
        }
    }
    if (c->n_unknown == 0) return rt_fail(err, RT_ERR_MALFORMED, "%s: no unknown piece (pieces, allowed exactly 1)", c->file);
    return RT_OK;
}

/* Sorts the pieces, and finds duplicates and user-defined pieces nested too deeply: the stack holds those that begin the current one. */
static rt_status check_texts(checker *c, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    const piece *stack[TOK_MAX_NESTED_SYMBOLS];
    size_t depth = 0;
    qsort(c->pieces, c->n_pieces, sizeof *c->pieces, compare_pieces);
    for (size_t i = 0; i < c->n_pieces; i++) {
        const piece *p = &c->pieces[i];
        if (i > 0 && compare_pieces(p - 1, p) == 0) {
            const size_t a = offset_of(c, p - 1), b = offset_of(c, p);
            return rt_fail(err, RT_ERR_MALFORMED, "%s: a duplicate piece (\"%s\", offset %zu and %zu)", c->file,
                           rt_quote(shown, (const char *)p->text, p->n_bytes), a < b ? a : b, a < b ? b : a);
        }
        if (p->type != TYPE_USER_DEFINED) continue;
        while (depth > 0 && !is_prefix(stack[depth - 1], p)) depth--;
        if (depth == TOK_MAX_NESTED_SYMBOLS) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: too many user-defined pieces that begin alike (piece, offset %zu, at most %d)", c->file,
                           offset_of(c, p), TOK_MAX_NESTED_SYMBOLS);
        }
        stack[depth++] = p;
    }
    return RT_OK;
}

rt_status tok_spm_check(const char *file, const uint8_t *model, size_t n_bytes, rt_error *err) {
    if (n_bytes > TOK_MAX_MODEL_BYTES) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too large for a SentencePiece model (%zu bytes, at most %d)", file, n_bytes,
                       TOK_MAX_MODEL_BYTES);
    }
    const tok_pb_cursor cursor = {.file = file, .base = model, .at = model, .end = model + n_bytes};
    checker c = {.file = file, .base = model};
    RT_TRY(count_pieces(&c, cursor, err));
    c.pieces = malloc(c.n_pieces * sizeof *c.pieces);
    if (c.pieces == NULL) return rt_fail_memory(err, c.n_pieces * sizeof *c.pieces, "the check of a SentencePiece model");
    rt_status status = check_fields(&c, cursor, err);
    if (status == RT_OK) status = check_texts(&c, err);
    free(c.pieces);
    return status;
}

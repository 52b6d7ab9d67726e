/* T5's rules round SentencePiece, and the choice between it and ByT5's bytes (bytes.h); see tokenizer.h.
 *
 * Encoding cuts the text at the names of special tokens, in one scan for '<', and gives what lies between to SentencePiece.
 *
 * Legacy: the model's own setting puts a "▁" before each stretch of text.
 * Otherwise the model is opened with that setting off. A "▁" is put before the first stretch, and stretches behind </s>, <pad> and <unk>
 * that begin with a space keep it; behind a sentinel the space is taken away. SentencePiece would strip a leading "▁", so such stretches
 * are encoded with "<unk>" before them, of which the ids are dropped. That is how transformers does it, and it must be done in the same
 * way: between segmentations of equal score rounding decides, and rounding depends on what stands before. */
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/bytes.h"
#include "tokenizer/special_names.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/spm_shim.h"
#include "tokenizer/spm_source.h"

/* A piece's mark of a space: U+2581. */
static const char space_mark[] = "\xe2\x96\x81";
enum { SPACE_MARK_BYTES = sizeof space_mark - 1 };

/* Text that keeps SentencePiece from stripping what follows it. */
static const char guard[] = "<unk>";
enum { GUARD_BYTES = sizeof guard - 1 };

/* SentencePiece counts in ints, and its time is quadratic in the length of a run of unknown characters: a minute for one that fills
 * this. */
enum { MAX_TEXT_BYTES = 2 << 20 };

struct tok_tokenizer {
    tok_spm *spm; /* NULL for ByT5 */
    bool legacy;
    size_t n_guard_ids; /* of "<unk>" as text; 0 when legacy */
    size_t n_pieces;
    size_t n_sentinels;
    bool own_sentinels; /* they are pieces of the file, wherever they stand there; otherwise they follow the pieces */
    bool lower_case;
};

/* ---- names of special tokens ---- */

/* The sentinel's id, TOK_UNK if the file brings sentinels of its own and this is none of them. */
static int32_t sentinel_id(const tok_tokenizer *t, size_t number, const char *name, size_t n_bytes) {
    if (t->own_sentinels) return tok_spm_find(t->spm, name, n_bytes);
    return (int32_t)(t->n_pieces + t->n_sentinels - 1 - number);
}

/* The number of bytes of the special token's name at the start of text, 0 if there is none. */
static size_t match_special(const tok_tokenizer *t, const char *text, size_t n_bytes, int32_t *id, bool *is_sentinel) {
    size_t number;
    const size_t n = tok_match_sentinel(text, n_bytes, t->n_sentinels, &number);
    *is_sentinel = n > 0;
    if (n > 0) {
        *id = sentinel_id(t, number, text, n);
        return *id == TOK_UNK ? 0 : n;
    }
    const tok_special_name *special = tok_match_special(text, n_bytes);
    if (special == NULL) return 0;
    *id = special->id;
    return special->n_bytes;
}

/* ---- opening ---- */

/* T5 fixes the ids of its special tokens; a vocabulary with others belongs to another family. */
static rt_status check_special_ids(const tok_tokenizer *t, const char *file, rt_error *err) {
    for (size_t i = 0; i < TOK_N_SPECIAL_NAMES; i++) {
        const tok_special_name *s = &tok_special_names[i];
        size_t n_bytes = 0;
        const char *piece = (size_t)s->id < t->n_pieces ? tok_spm_piece(t->spm, s->id, &n_bytes) : "";
        if (n_bytes == s->n_bytes && memcmp(piece, s->name, n_bytes) == 0 && tok_spm_is_unknown(t->spm, s->id) == (s->id == TOK_UNK)) {
            continue;
        }
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: not a vocabulary of T5 (piece %d is \"%s\", allowed \"%s\")", file, (int)s->id,
                       rt_quote(shown, piece, n_bytes), s->name);
    }
    return RT_OK;
}

static void find_own_sentinels(tok_tokenizer *t) {
    for (size_t i = 0; i < t->n_sentinels && !t->own_sentinels; i++) {
        char name[TOK_SENTINEL_NAME_SIZE];
        const int n = snprintf(name, sizeof name, TOK_SENTINEL_PREFIX "%zu>", i);
        t->own_sentinels = tok_spm_find(t->spm, name, (size_t)n) != TOK_UNK;
    }
}

/* Opens the model with add_dummy_prefix off. A serialised message with a second one behind it is the two of them merged, so that these
 * bytes at the end override one setting: ModelProto.normalizer_spec (3) = {add_dummy_prefix (3) = false}. */
static rt_status open_without_prefix(tok_tokenizer *t, const tok_spm_source *source, rt_error *err) {
    static const uint8_t override[] = {3 << 3 | 2, 2, 3 << 3 | 0, 0};
    const size_t n_bytes = source->n_bytes + sizeof override;
    uint8_t *joined = malloc(n_bytes);
    if (joined == NULL) return rt_fail_memory(err, n_bytes, "a SentencePiece model");
    memcpy(joined, source->model, source->n_bytes);
    memcpy(joined + source->n_bytes, override, sizeof override);
    const rt_status status = tok_spm_open(source->name, joined, n_bytes, &t->spm, err);
    free(joined);
    return status;
}

static rt_status count_guard_ids(tok_tokenizer *t, rt_error *err) {
    rt_ids ids = {0};
    const rt_status status = tok_spm_encode(t->spm, guard, GUARD_BYTES, &ids, err);
    t->n_guard_ids = ids.n;
    rt_ids_free(&ids);
    return status;
}

static rt_status open_model(tok_tokenizer *t, const tok_spm_source *source, rt_error *err) {
    if (source->model == NULL) return RT_OK;
    RT_TRY(tok_spm_check(source->name, source->model, source->n_bytes, err));
    RT_TRY(t->legacy ? tok_spm_open(source->name, source->model, source->n_bytes, &t->spm, err) : open_without_prefix(t, source, err));
    t->n_pieces = tok_spm_n_pieces(t->spm);
    RT_TRY(check_special_ids(t, source->name, err));
    find_own_sentinels(t);
    if (!t->own_sentinels && source->n_unnamed < t->n_sentinels) t->n_sentinels = 0;
    return t->legacy ? RT_OK : count_guard_ids(t, err);
}

rt_status tok_open(const char *path, tok_tokenizer **tokenizer, rt_error *err) {
    tok_config config = tok_config_defaults();
    tok_spm_source source = {0};
    tok_tokenizer *t = calloc(1, sizeof *t);
    if (t == NULL) return rt_fail_memory(err, sizeof *t, "a tokenizer");
    rt_status status = tok_spm_source_open(path, &source, &config, err);
    t->legacy = config.legacy;
    t->lower_case = config.lower_case;
    t->n_sentinels = config.extra_ids;
    if (status == RT_OK) status = open_model(t, &source, err);
    tok_spm_source_close(&source);
    if (status != RT_OK) {
        tok_close(t);
        return status;
    }
    *tokenizer = t;
    return RT_OK;
}

void tok_close(tok_tokenizer *t) {
    if (t == NULL) return;
    tok_spm_close(t->spm);
    free(t);
}

size_t tok_n_ids(const tok_tokenizer *t) {
    if (t->spm == NULL) return tok_bytes_n_ids(t->n_sentinels);
    return t->n_pieces + (t->own_sentinels ? 0 : t->n_sentinels);
}

bool tok_lower_case(const tok_tokenizer *t) { return t->lower_case; }

/* ---- text to ids ---- */

typedef enum stretch { AT_START, BEHIND_SENTINEL, BEHIND_SPECIAL } stretch;

static bool begins_with_space(const char *text, size_t n_bytes) {
    return text[0] == ' ' || (n_bytes >= SPACE_MARK_BYTES && memcmp(text, space_mark, SPACE_MARK_BYTES) == 0);
}

/* Encodes guard, a "▁" if asked for, and text, and appends the ids without the guard's. */
static rt_status encode_guarded(const tok_tokenizer *t, bool add_mark, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    const size_t before = ids->n;
    rt_text guarded = {0};
    rt_status status = rt_text_append(&guarded, guard, GUARD_BYTES, err);
    if (status == RT_OK && add_mark) status = rt_text_append(&guarded, space_mark, SPACE_MARK_BYTES, err);
    if (status == RT_OK) status = rt_text_append(&guarded, text, n_bytes, err);
    if (status == RT_OK) status = tok_spm_encode(t->spm, guarded.v, guarded.n, ids, err);
    rt_text_free(&guarded);
    if (status != RT_OK) return status;
    const size_t n_encoded = ids->n - before, n_dropped = n_encoded < t->n_guard_ids ? 0 : t->n_guard_ids;
    memmove(ids->v + before, ids->v + before + n_dropped, (n_encoded - n_dropped) * sizeof *ids->v);
    ids->n -= n_dropped;
    return RT_OK;
}

static rt_status encode_stretch(const tok_tokenizer *t, stretch where, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    if (n_bytes == 0) return RT_OK;
    if (!t->legacy && (where == AT_START || (where == BEHIND_SPECIAL && begins_with_space(text, n_bytes)))) {
        return encode_guarded(t, where == AT_START, text, n_bytes, ids, err);
    }
    return tok_spm_encode(t->spm, text, n_bytes, ids, err);
}

static rt_status encode_stretches(const tok_tokenizer *t, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    stretch where = AT_START;
    size_t first = 0, at = 0; /* of the text not yet encoded, of the scan */
    while (at < n_bytes) {
        const char *open = memchr(text + at, '<', n_bytes - at);
        if (open == NULL) break;
        at = (size_t)(open - text);
        int32_t id;
        bool is_sentinel;
        const size_t n_name = match_special(t, open, n_bytes - at, &id, &is_sentinel);
        if (n_name == 0) {
            at++;
            continue;
        }
        RT_TRY(encode_stretch(t, where, text + first, at - first, ids, err));
        RT_TRY(rt_ids_append(ids, &id, 1, err));
        where = is_sentinel ? BEHIND_SENTINEL : BEHIND_SPECIAL;
        at += n_name;
        first = at;
    }
    return encode_stretch(t, where, text + first, n_bytes - first, ids, err);
}

rt_status tok_encode(const tok_tokenizer *t, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    static const int32_t eos = TOK_EOS;
    if (n_bytes > MAX_TEXT_BYTES) {
        return rt_fail(err, RT_ERR_LIMIT, "a text is too long to be encoded (%zu bytes, at most %d)", n_bytes, MAX_TEXT_BYTES);
    }
    const size_t before = ids->n;
    rt_status status = t->spm == NULL ? tok_bytes_encode(t->n_sentinels, text, n_bytes, ids, err)
                                      : encode_stretches(t, text, n_bytes, ids, err);
    if (status == RT_OK && (ids->n == before || ids->v[ids->n - 1] != TOK_EOS)) status = rt_ids_append(ids, &eos, 1, err);
    if (status != RT_OK) ids->n = before;
    return status;
}

/* ---- ids to text ---- */

static bool has_text(const tok_tokenizer *t, int32_t id) {
    if ((size_t)id >= t->n_pieces || tok_spm_is_control(t->spm, id) || tok_spm_is_unknown(t->spm, id)) return false;
    if (!t->own_sentinels) return true;
    size_t n_bytes, number;
    const char *piece = tok_spm_piece(t->spm, id, &n_bytes);
    return tok_match_sentinel(piece, n_bytes, t->n_sentinels, &number) != n_bytes;
}

static unsigned hex_digit(char c) { return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10; }

static rt_status append_piece(const tok_tokenizer *t, int32_t id, bool is_first, rt_text *text, rt_error *err) {
    size_t n_bytes;
    const char *piece = tok_spm_piece(t->spm, id, &n_bytes);
    if (tok_spm_is_byte(t->spm, id)) { /* "<0xNN>", as SentencePiece has made sure */
        const char byte = (char)(hex_digit(piece[3]) << 4 | hex_digit(piece[4]));
        return rt_text_append(text, &byte, 1, err);
    }
    const char *const end = piece + n_bytes;
    if (is_first && n_bytes >= SPACE_MARK_BYTES && memcmp(piece, space_mark, SPACE_MARK_BYTES) == 0) piece += SPACE_MARK_BYTES;
    for (;;) {
        const char *mark = memmem(piece, (size_t)(end - piece), space_mark, SPACE_MARK_BYTES);
        RT_TRY(rt_text_append(text, piece, (size_t)((mark != NULL ? mark : end) - piece), err));
        if (mark == NULL) return RT_OK;
        RT_TRY(rt_text_append(text, " ", 1, err));
        piece = mark + SPACE_MARK_BYTES;
    }
}

static rt_status decode(const tok_tokenizer *t, const int32_t *ids, size_t n_ids, rt_text *text, rt_error *err) {
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] < 0) return rt_fail(err, RT_ERR_USAGE, "not a token id (position %zu, id %d, allowed 0 and above)", i, (int)ids[i]);
    }
    if (t->spm == NULL) return tok_bytes_decode(ids, n_ids, text, err);
    bool is_first = true;
    for (size_t i = 0; i < n_ids; i++) {
        if (!has_text(t, ids[i])) continue;
        RT_TRY(append_piece(t, ids[i], is_first, text, err));
        is_first = false;
    }
    return RT_OK;
}

rt_status tok_decode(const tok_tokenizer *t, const int32_t *ids, size_t n_ids, rt_text *text, rt_error *err) {
    const size_t before = text->n;
    RT_TRY(rt_text_append(text, "", 0, err));
    const rt_status status = decode(t, ids, n_ids, text, err);
    if (status != RT_OK) {
        text->n = before;
        text->v[before] = '\0';
    }
    return status;
}

rt_status tok_piece(const tok_tokenizer *t, int32_t id, rt_text *text, rt_error *err) {
    if (id < 0) return rt_fail(err, RT_ERR_USAGE, "not a token id (id %d, allowed 0 and above)", (int)id);
    if (t->spm == NULL && (size_t)id < tok_n_ids(t)) return tok_bytes_piece(id, text, err);
    char name[TOK_SENTINEL_NAME_SIZE];
    size_t n_bytes;
    const char *piece = name;
    if ((size_t)id < t->n_pieces) {
        piece = tok_spm_piece(t->spm, id, &n_bytes);
    } else if ((size_t)id < tok_n_ids(t)) {
        n_bytes = (size_t)snprintf(name, sizeof name, TOK_SENTINEL_PREFIX "%zu>", tok_n_ids(t) - 1 - (size_t)id);
    } else {
        n_bytes = (size_t)snprintf(name, sizeof name, "<%d>", (int)id);
    }
    return rt_text_append(text, piece, n_bytes, err);
}

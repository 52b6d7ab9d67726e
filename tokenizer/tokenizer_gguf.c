/* The keys, all behind "tokenizer.ggml.":
 *
 *     model                            "t5": a unigram model of SentencePiece
 *     tokens, scores, token_type       arrays of as many strings, f32 and i32 as the model has embeddings; the types are SentencePiece's
 *     precompiled_charsmap             array of bytes; missing where the text is taken as it is
 *     add_space_prefix, remove_extra_whitespaces    true if missing
 *     padding_token_id, eos_token_id, unknown_token_id    0, 1 and 2 if missing, and T5 has no others
 *
 * Rows of the embedding that have no piece are there as "[PADn]", n being their id, of type UNUSED, behind all pieces. SentencePiece's
 * model does not have them, and neither has what is built here. */
#include "tokenizer/tokenizer_gguf.h"

#include <stdio.h>
#include <string.h>

#include "tokenizer/spm_build.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/tokenizer.h"

#define KEY(name) "tokenizer.ggml." name

typedef struct vocabulary {
    const rt_gguf *gguf;
    const rt_gguf_pair *tokens, *scores, *types; /* arrays of tokens->n */
    size_t n_pieces;
    bool names_unknown; /* unknown_token_id is there, and TOK_UNK */
} vocabulary;

static const struct {
    const char *key;
    uint64_t id;
} special_ids[] = {{KEY("padding_token_id"), TOK_PAD}, {KEY("eos_token_id"), TOK_EOS}, {KEY("unknown_token_id"), TOK_UNK}};
enum { N_SPECIAL_IDS = sizeof special_ids / sizeof *special_ids };

bool tok_gguf_has_vocabulary(const rt_gguf *gguf) {
    return rt_gguf_find(gguf, KEY("tokens")) != NULL || rt_gguf_find(gguf, KEY("model")) != NULL;
}

static rt_status get(const rt_gguf *gguf, const char *key, const rt_gguf_pair **pair, rt_error *err) {
    *pair = rt_gguf_find(gguf, key);
    return *pair != NULL ? RT_OK : rt_fail(err, RT_ERR_MALFORMED, "%s: no %s", gguf->file, key);
}

static rt_status check_model(const rt_gguf *gguf, rt_error *err) {
    const rt_gguf_pair *pair;
    rt_gguf_text name;
    RT_TRY(get(gguf, KEY("model"), &pair, err));
    RT_TRY(rt_gguf_string(gguf, pair, &name, err));
    if (rt_gguf_text_is(name, "t5")) return RT_OK;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: not a vocabulary of T5 (tokenizer.ggml.model, '%s', allowed t5)", gguf->file,
                   rt_quote(shown, name.v, name.n));
}

static rt_status check_special_ids(const rt_gguf *gguf, rt_error *err) {
    for (size_t i = 0; i < N_SPECIAL_IDS; i++) {
        const rt_gguf_pair *pair = rt_gguf_find(gguf, special_ids[i].key);
        uint64_t id;
        if (pair == NULL) continue;
        RT_TRY(rt_gguf_count(gguf, pair, &id, err));
        if (id == special_ids[i].id) continue;
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: not a vocabulary of T5 (%s, %llu, allowed %llu)", gguf->file, special_ids[i].key,
                       (unsigned long long)id, (unsigned long long)special_ids[i].id);
    }
    return RT_OK;
}

/* The array of that key, as long as the tokens. */
static rt_status get_array(const vocabulary *v, const char *key, rt_gguf_type element, const rt_gguf_pair **array, rt_error *err) {
    RT_TRY(get(v->gguf, key, array, err));
    RT_TRY(rt_gguf_array(v->gguf, *array, element, err));
    if ((*array)->n == v->tokens->n) return RT_OK;
    return rt_fail(err, RT_ERR_DISAGREE, "%s: %s has %zu elements, but tokenizer.ggml.tokens %zu", v->gguf->file, key, (*array)->n,
                   v->tokens->n);
}

static bool is_unnamed(const vocabulary *v, size_t id, rt_gguf_text token) {
    char name[32];
    snprintf(name, sizeof name, "[PAD%zu]", id);
    return rt_gguf_i32_at(v->types, id) == TOK_TYPE_UNUSED && rt_gguf_text_is(token, name);
}

static rt_status read_arrays(vocabulary *v, rt_error *err) {
    RT_TRY(get(v->gguf, KEY("tokens"), &v->tokens, err));
    RT_TRY(rt_gguf_array(v->gguf, v->tokens, RT_GGUF_STRING, err));
    RT_TRY(get_array(v, KEY("scores"), RT_GGUF_F32, &v->scores, err));
    RT_TRY(get_array(v, KEY("token_type"), RT_GGUF_I32, &v->types, err));
    if (v->tokens->n > TOK_MAX_PIECES) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too many pieces (tokenizer.ggml.tokens, %zu, at most %d)", v->gguf->file, v->tokens->n,
                       TOK_MAX_PIECES);
    }
    const uint8_t *at = v->tokens->value;
    for (size_t id = 0; id < v->tokens->n; id++) {
        if (!is_unnamed(v, id, rt_gguf_next_string(&at))) v->n_pieces = id + 1;
    }
    return RT_OK;
}

static rt_status build_pieces(const vocabulary *v, rt_text *model, bool *has_bytes, rt_error *err) {
    const uint8_t *at = v->tokens->value;
    *has_bytes = false;
    for (size_t id = 0; id < v->n_pieces; id++) {
        const rt_gguf_text token = rt_gguf_next_string(&at);
        const int32_t type = v->names_unknown && id == TOK_UNK ? TOK_TYPE_UNKNOWN : rt_gguf_i32_at(v->types, id);
        if (token.n > TOK_MAX_PIECE_BYTES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: a piece is too long (tokenizer.ggml.tokens, element %zu, %zu bytes, at most %d)",
                           v->gguf->file, id, token.n, TOK_MAX_PIECE_BYTES);
        }
        RT_TRY(tok_build_piece(model, token.v, token.n, rt_gguf_f32_at(v->scores, id), type, err));
        *has_bytes = *has_bytes || type == TOK_TYPE_BYTE;
        if (model->n > TOK_MAX_MODEL_BYTES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: too large for a vocabulary (tokenizer.ggml.tokens, element %zu, at most %d bytes)",
                           v->gguf->file, id, TOK_MAX_MODEL_BYTES);
        }
    }
    return RT_OK;
}

/* *flag stays as it is where the key is missing. */
static rt_status read_flag(const rt_gguf *gguf, const char *key, bool *flag, rt_error *err) {
    const rt_gguf_pair *pair = rt_gguf_find(gguf, key);
    return pair == NULL ? RT_OK : rt_gguf_bool(gguf, pair, flag, err);
}

static rt_status read_normalizer(const rt_gguf *gguf, tok_build_settings *settings, rt_error *err) {
    RT_TRY(read_flag(gguf, KEY("add_space_prefix"), &settings->add_dummy_prefix, err));
    RT_TRY(read_flag(gguf, KEY("remove_extra_whitespaces"), &settings->remove_extra_spaces, err));
    const rt_gguf_pair *charsmap = rt_gguf_find(gguf, KEY("precompiled_charsmap"));
    if (charsmap == NULL) return RT_OK;
    /* Writers differ in the sign of a byte. */
    if (charsmap->element != RT_GGUF_I8) RT_TRY(rt_gguf_array(gguf, charsmap, RT_GGUF_U8, err));
    if (charsmap->n > TOK_MAX_MODEL_BYTES) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: too large (tokenizer.ggml.precompiled_charsmap, %zu bytes, at most %d)", gguf->file,
                       charsmap->n, TOK_MAX_MODEL_BYTES);
    }
    settings->charsmap = charsmap->value;
    settings->n_charsmap = charsmap->n;
    return RT_OK;
}

rt_status tok_gguf_build(const rt_gguf *gguf, rt_text *model, size_t *n_unnamed, rt_error *err) {
    vocabulary v = {.gguf = gguf, .names_unknown = rt_gguf_find(gguf, KEY("unknown_token_id")) != NULL};
    tok_build_settings settings = {.add_dummy_prefix = true, .remove_extra_spaces = true};
    RT_TRY(check_model(gguf, err));
    RT_TRY(check_special_ids(gguf, err));
    RT_TRY(read_arrays(&v, err));
    RT_TRY(read_normalizer(gguf, &settings, err));
    RT_TRY(build_pieces(&v, model, &settings.byte_fallback, err));
    RT_TRY(tok_build_settings_of(model, &settings, err));
    *n_unnamed = v.tokens->n - v.n_pieces;
    return RT_OK;
}

rt_status tok_gguf_settings(const rt_gguf *gguf, tok_config *config, rt_error *err) {
    tok_config read = *config;
    const rt_gguf_pair *pair = rt_gguf_find(gguf, TOK_KEY_EXTRA_IDS);
    RT_TRY(read_flag(gguf, TOK_KEY_BYT5, &read.is_byt5, err));
    RT_TRY(read_flag(gguf, TOK_KEY_LOWER_CASE, &read.lower_case, err));
    RT_TRY(read_flag(gguf, TOK_KEY_LEGACY, &read.legacy, err));
    if (pair != NULL) {
        uint64_t count;
        RT_TRY(rt_gguf_count(gguf, pair, &count, err));
        if (count > TOK_MAX_SENTINELS) {
            return rt_fail(err, RT_ERR_MALFORMED, "%s: not a number of sentinels (%s, %llu, allowed 0 to %d)", gguf->file,
                           TOK_KEY_EXTRA_IDS, (unsigned long long)count, TOK_MAX_SENTINELS);
        }
        read.extra_ids = (size_t)count;
    }
    *config = read;
    return RT_OK;
}

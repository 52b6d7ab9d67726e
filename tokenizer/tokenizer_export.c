/* From a SentencePiece model to the keys of a GGUF file; see tokenizer_export.h, and spm_build.c for the messages and their numbers. */
#include "tokenizer/tokenizer_export.h"

#include <stdio.h>
#include <string.h>

#include "tokenizer/protobuf.h"
#include "tokenizer/spm_build.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/spm_source.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_gguf.h"

#define KEY(name) "tokenizer.ggml." name

enum { MODEL_PIECES = 1, MODEL_NORMALIZER_SPEC = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3, TYPE_NORMAL = 1 };
enum { NORMALIZER_CHARSMAP = 2, NORMALIZER_DUMMY_PREFIX = 3, NORMALIZER_EXTRA_SPACES = 4, NORMALIZER_ESCAPE_SPACES = 5 };

/* Of a row of the embedding that no piece belongs to. */
static const float unnamed_score = -10000.0f;

typedef struct vocabulary {
    rt_text tokens, scores, types; /* elements one after another, as the file has them */
    size_t n;
    tok_build_settings settings;
} vocabulary;

static rt_status add_piece(vocabulary *v, const char *text, size_t n_bytes, float score, int32_t type, rt_error *err) {
    v->n++;
    RT_TRY(rt_gguf_append_string(&v->tokens, text, n_bytes, err));
    RT_TRY(rt_text_append(&v->scores, (const char *)&score, sizeof score, err));
    return rt_text_append(&v->types, (const char *)&type, sizeof type, err);
}

static rt_status read_piece(vocabulary *v, tok_pb_cursor message, rt_error *err) {
    tok_pb_field field;
    const uint8_t *text = (const uint8_t *)"";
    size_t n_bytes = 0;
    float score = 0.0f;
    int32_t type = TYPE_NORMAL;
    bool more = true;
    for (;;) {
        RT_TRY(tok_pb_next(&message, &field, &more, err));
        if (!more) return add_piece(v, (const char *)text, n_bytes, score, type, err);
        if (field.number == PIECE_TEXT) {
            text = field.bytes;
            n_bytes = (size_t)field.value;
        } else if (field.number == PIECE_SCORE) {
            const uint32_t bits = (uint32_t)field.value;
            memcpy(&score, &bits, sizeof score);
        } else if (field.number == PIECE_TYPE) {
            type = (int32_t)field.value;
        }
    }
}

static rt_status read_normalizer(vocabulary *v, tok_pb_cursor message, rt_error *err) {
    tok_pb_field field;
    bool more = true;
    for (;;) {
        RT_TRY(tok_pb_next(&message, &field, &more, err));
        if (!more) return RT_OK;
        switch (field.number) {
        case NORMALIZER_CHARSMAP:
            v->settings.charsmap = field.bytes;
            v->settings.n_charsmap = (size_t)field.value;
            break;
        case NORMALIZER_DUMMY_PREFIX: v->settings.add_dummy_prefix = field.value != 0; break;
        case NORMALIZER_EXTRA_SPACES: v->settings.remove_extra_spaces = field.value != 0; break;
        case NORMALIZER_ESCAPE_SPACES:
            if (field.value != 0) break;
            return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: GGUF has no key for a vocabulary that does not mark spaces (escape_whitespaces)",
                           message.file);
        default: break;
        }
    }
}

/* The model has passed tok_spm_check: fields have the wire types of their numbers. */
static rt_status read_model(vocabulary *v, const tok_spm_source *source, rt_error *err) {
    tok_pb_cursor model = {source->name, source->model, source->model, source->model + source->n_bytes};
    tok_pb_field field;
    bool more = true;
    for (;;) {
        RT_TRY(tok_pb_next(&model, &field, &more, err));
        if (!more) return RT_OK;
        if (field.number == MODEL_PIECES) RT_TRY(read_piece(v, tok_pb_enter(&model, &field), err));
        if (field.number == MODEL_NORMALIZER_SPEC) RT_TRY(read_normalizer(v, tok_pb_enter(&model, &field), err));
    }
}

/* llama.cpp counts as many tokens as the model has ids. */
static rt_status fill_up(vocabulary *v, const char *file, size_t vocab_size, rt_error *err) {
    if (v->n > vocab_size) {
        return rt_fail(err, RT_ERR_DISAGREE, "%s: more pieces than the model has ids (%zu, at most %zu)", file, v->n, vocab_size);
    }
    while (v->n < vocab_size) {
        char name[32];
        const int n = snprintf(name, sizeof name, "[PAD%zu]", v->n);
        RT_TRY(add_piece(v, name, (size_t)n, unnamed_score, TOK_TYPE_UNUSED, err));
    }
    return RT_OK;
}

static rt_status put_vocabulary(const vocabulary *v, rt_gguf_writer *writer, rt_error *err) {
    const tok_build_settings *s = &v->settings;
    RT_TRY(rt_gguf_put_string(writer, KEY("model"), "t5", 2, err));
    RT_TRY(rt_gguf_put_string(writer, KEY("pre"), "default", 7, err));
    RT_TRY(rt_gguf_put_strings(writer, KEY("tokens"), &v->tokens, v->n, err));
    RT_TRY(rt_gguf_put_numbers(writer, KEY("scores"), RT_GGUF_F32, v->scores.v, v->n, err));
    RT_TRY(rt_gguf_put_numbers(writer, KEY("token_type"), RT_GGUF_I32, v->types.v, v->n, err));
    RT_TRY(rt_gguf_put_bool(writer, KEY("add_space_prefix"), s->add_dummy_prefix, err));
    RT_TRY(rt_gguf_put_bool(writer, KEY("remove_extra_whitespaces"), s->remove_extra_spaces, err));
    if (s->n_charsmap > 0) RT_TRY(rt_gguf_put_numbers(writer, KEY("precompiled_charsmap"), RT_GGUF_U8, s->charsmap, s->n_charsmap, err));
    RT_TRY(rt_gguf_put_u32(writer, KEY("eos_token_id"), TOK_EOS, err));
    return rt_gguf_put_u32(writer, KEY("padding_token_id"), TOK_PAD, err);
}

static rt_status put_model(const tok_spm_source *source, size_t vocab_size, rt_gguf_writer *writer, rt_error *err) {
    vocabulary v = {.settings = {.add_dummy_prefix = true, .remove_extra_spaces = true}};
    rt_status status = tok_spm_check(source->name, source->model, source->n_bytes, err);
    if (status == RT_OK) status = read_model(&v, source, err);
    if (status == RT_OK) status = fill_up(&v, source->name, vocab_size, err);
    if (status == RT_OK) status = put_vocabulary(&v, writer, err);
    rt_text_free(&v.tokens);
    rt_text_free(&v.scores);
    rt_text_free(&v.types);
    return status;
}

static rt_status put_settings(const tok_config *config, bool all, rt_gguf_writer *writer, rt_error *err) {
    const tok_config defaults = tok_config_defaults();
    if (all) RT_TRY(rt_gguf_put_bool(writer, TOK_KEY_BYT5, config->is_byt5, err));
    if (all || config->lower_case != defaults.lower_case) RT_TRY(rt_gguf_put_bool(writer, TOK_KEY_LOWER_CASE, config->lower_case, err));
    if (all || config->legacy != defaults.legacy) RT_TRY(rt_gguf_put_bool(writer, TOK_KEY_LEGACY, config->legacy, err));
    if (!all && config->extra_ids == defaults.extra_ids) return RT_OK;
    return rt_gguf_put_u32(writer, TOK_KEY_EXTRA_IDS, (uint32_t)config->extra_ids, err);
}

static rt_status put(const tok_spm_source *source, const tok_config *config, size_t vocab_size, bool all, rt_gguf_writer *writer,
                     rt_error *err) {
    if (source->model != NULL) {
        RT_TRY(put_model(source, vocab_size, writer, err));
    } else if (!all) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "llama.cpp's layout cannot hold the tokenizer of ByT5");
    }
    return put_settings(config, all, writer, err);
}

rt_status tok_put_gguf(const char *path, size_t vocab_size, bool all_settings, rt_gguf_writer *writer, rt_error *err) {
    tok_config config = tok_config_defaults();
    tok_spm_source source = {0};
    RT_TRY(tok_spm_source_open(path, &source, &config, err));
    const rt_status status = put(&source, &config, vocab_size, all_settings, writer, err);
    tok_spm_source_close(&source);
    return status;
}

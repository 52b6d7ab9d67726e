/* Options as texts; see eval_settings.h. What only memory, speed or output depend on is left out. */
#include "tools/eval_settings.h"

#include "tools/json_out.h"
#include "tools/output.h"

/* In the order in which a difference is told. */
static const opt_id of_model[] = {OPT_COMPUTE,        OPT_FF_TOPK,        OPT_ATTN_TOPK,       OPT_BY,      OPT_BEAMS, OPT_MAX_NEW_TOKENS,
                                  OPT_MIN_NEW_TOKENS, OPT_LENGTH_PENALTY, OPT_EARLY_STOPPING,  OPT_NO_REPEAT_NGRAM,
                                  OPT_CASE,           OPT_APOSTROPHES,    OPT_MAX_INPUT_TOKENS, OPT_UNKNOWN, OPT_CLEAN_UP};
static const opt_id of_scores[] = {OPT_METRIC,       OPT_ANSWER_CASE, OPT_CHOICE_LETTERS, OPT_NQ_REFERENCES,
                                   OPT_LOST_RECORDS, OPT_LIMIT,       OPT_DATA};

static rt_status put_count(size_t value, const char *zero, rt_text *out, rt_error *err) {
    if (value == 0 && zero != NULL) return out_print(out, err, "%s", zero);
    return out_print(out, err, "%zu", value);
}

static rt_status put_attention(const t5_session_params *s, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "enc="));
    RT_TRY(put_count(s->encoder_topk, "all", out, err));
    RT_TRY(out_print(out, err, ",dec="));
    RT_TRY(put_count(s->decoder_topk, "all", out, err));
    RT_TRY(out_print(out, err, ",cross="));
    return put_count(s->cross_topk, "all", out, err);
}

static rt_status put_value(const opt_row *row, const opt_values *options, rt_text *out, rt_error *err) {
    static const char *const early[] = {[T5_EARLY_FALSE] = "false", [T5_EARLY_TRUE] = "true", [T5_EARLY_NEVER] = "never"};
    const void *field = (const char *)options + row->field;
    size_t n;
    const char *word;
    switch (row->kind) {
    case OPT_KIND_COUNT: return put_count(*(const size_t *)field, row->preset, out, err);
    case OPT_KIND_COUNT_OR_ALL: return put_count(*(const size_t *)field, "all", out, err);
    case OPT_KIND_ATTENTION: return put_attention(field, out, err);
    case OPT_KIND_DECIMAL: return out_print(out, err, "%.9g", (double)*(const float *)field);
    case OPT_KIND_EARLY_STOPPING: return out_print(out, err, "%s", early[*(const t5_early_stopping *)field]);
    case OPT_KIND_WORD:
        word = opt_word(row, *(const size_t *)field, &n);
        return rt_text_append(out, word, n, err);
    default: return rt_text_append(out, *(const char *const *)field, strlen(*(const char *const *)field), err);
    }
}

/* Ends the text of the value that begins at `start`. The pointers into text are set when it no longer grows. */
static rt_status end_value(eval_settings *s, const char *name, size_t offsets[EVAL_MAX_SETTINGS], size_t start, rt_error *err) {
    RT_TRY(rt_text_append(&s->text, "", 1, err));
    s->v[s->n].name = name;
    offsets[s->n++] = start;
    return RT_OK;
}

static rt_status add_text(eval_settings *s, const char *name, const char *value, size_t offsets[EVAL_MAX_SETTINGS], rt_error *err) {
    const size_t start = s->text.n;
    RT_TRY(rt_text_append(&s->text, value, strlen(value), err));
    return end_value(s, name, offsets, start, err);
}

static rt_status add_options(eval_settings *s, const opt_id *ids, size_t n, const opt_values *options, size_t offsets[EVAL_MAX_SETTINGS],
                             rt_error *err) {
    for (size_t i = 0; i < n; i++) {
        const size_t start = s->text.n;
        RT_TRY(put_value(&opt_table[ids[i]], options, &s->text, err));
        RT_TRY(end_value(s, opt_table[ids[i]].name, offsets, start, err));
    }
    return RT_OK;
}

static rt_status list(const opt_values *options, const char *model, eval_settings *s, size_t offsets[EVAL_MAX_SETTINGS], rt_error *err) {
    RT_TRY(add_text(s, "version", T5K_VERSION, offsets, err));
    if (model != NULL) {
        RT_TRY(add_options(s, of_model, sizeof of_model / sizeof *of_model, options, offsets, err));
        RT_TRY(add_text(s, "model", model, offsets, err));
    }
    return add_options(s, of_scores, sizeof of_scores / sizeof *of_scores, options, offsets, err);
}

rt_status eval_settings_list(const opt_values *options, const char *model, eval_settings *settings, rt_error *err) {
    size_t offsets[EVAL_MAX_SETTINGS];
    *settings = (eval_settings){0};
    const rt_status status = list(options, model, settings, offsets, err);
    if (status != RT_OK) {
        eval_settings_free(settings);
        return status;
    }
    for (size_t i = 0; i < settings->n; i++) settings->v[i].value = settings->text.v + offsets[i];
    return RT_OK;
}

void eval_settings_free(eval_settings *settings) {
    rt_text_free(&settings->text);
    *settings = (eval_settings){0};
}

const char *eval_settings_find(const eval_settings *settings, const char *name) {
    for (size_t i = 0; i < settings->n; i++) {
        if (strcmp(settings->v[i].name, name) == 0) return settings->v[i].value;
    }
    return NULL;
}

rt_status eval_settings_json(const eval_settings *settings, rt_text *out, rt_error *err) {
    for (size_t i = 0; i < settings->n; i++) {
        RT_TRY(out_print(out, err, i == 0 ? "{\"%s\":" : ",\"%s\":", settings->v[i].name));
        RT_TRY(json_string(out, slice_of(settings->v[i].value), err));
    }
    return rt_text_append(out, "}", 1, err);
}

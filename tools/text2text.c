/* Text to ids to text, round the model; see text2text.h. */
#include "tools/text2text.h"

#include <stdint.h>
#include <stdio.h>

#include "tools/output.h"
#include "tools/verbose.h"

/* One call of the model takes this many times --batch-tokens: inside a call, waiting inputs take the place of finished ones, so that only
 * the last part of it runs with few rows. */
enum { BATCHES_PER_CALL = 4 };

rt_status text2text_open_tokenizer(const char *path, bool verbose, tok_tokenizer **tokenizer, rt_error *err) {
    const double start = verbose_clock();
    RT_TRY(tok_open(path, tokenizer, err));
    if (verbose) verbose_opened("tokenizer", start);
    return RT_OK;
}

static rt_status open_model(text2text *t, rt_error *err) {
    const double start = verbose_clock();
    RT_TRY(t5_model_open(t->path.v, (t5_compute)t->options->compute, &t->model, err));
    if (t->options->verbose) verbose_opened("weights", start);
    const size_t d_ff = t5_model_config(t->model)->d_ff, k = t->options->session.ff_topk;
    if (k > d_ff) return rt_fail(err, RT_ERR_USAGE, "--ff-topk %zu is above this model's d_ff (1 to %zu, or all)", k, d_ff);
    t5_session_params settings = t->options->session;
    settings.tokens_per_input = t->options->generate.num_beams * t->options->generate.max_new_tokens;
    return t5_session_open(t->model, &settings, &t->session, err);
}

static rt_status check_vocabulary(const text2text *t, rt_error *err) {
    const size_t n_ids = tok_n_ids(t->tokenizer), vocab_size = t5_model_config(t->model)->vocab_size;
    if (n_ids <= vocab_size) return RT_OK;
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_DISAGREE, "%s: tokenizer and model do not belong together (the tokenizer has ids up to %zu, the model's "
                   "vocab_size is %zu)", rt_quote_path(quoted, t->path.v), n_ids - 1, vocab_size);
}

rt_status text2text_open(const opt_values *options, text2text *t, rt_error *err) {
    *t = (text2text){.options = options};
    rt_status status = model_path_find(options->model, &t->path, err);
    if (status == RT_OK && !options->ids) status = text2text_open_tokenizer(t->path.v, options->verbose, &t->tokenizer, err);
    if (status == RT_OK) status = open_model(t, err);
    if (status == RT_OK && t->tokenizer != NULL) status = check_vocabulary(t, err);
    if (status == RT_OK && options->verbose) verbose_model(t->path.v, t->model, t->session);
    if (status != RT_OK) text2text_close(t);
    return status;
}

void text2text_close(text2text *t) {
    if (t->session != NULL && t->options->verbose) verbose_screening(t->session);
    t5_session_close(t->session);
    t5_model_close(t->model);
    tok_close(t->tokenizer);
    *t = (text2text){0};
}

bool text2text_is_full(const text2text *t, const batch *b) {
    return b->n == BATCH_MAX_ITEMS || b->n_input_tokens / BATCHES_PER_CALL >= t->options->session.batch_tokens;
}

/* "standard input, line 3, input" or "the QUESTION". */
static const char *describe(const text2text_source *source, char out[64]) {
    if (source->line == 0) return "the QUESTION";
    snprintf(out, 64, "standard input, line %zu, %s", source->line, source->name);
    return out;
}

rt_status text2text_parse_ids(slice text, size_t max, const char *where, rt_status failure, rt_ids *ids, rt_error *err) {
    for (size_t i = 0; i < text.n;) {
        size_t n = 0, id;
        while (i + n < text.n && text.v[i + n] != ' ') n++;
        if (n > 0) {
            if (!opt_parse_count(text.v + i, n, 0, max, &id)) {
                char quoted[RT_QUOTE_SIZE];
                return rt_fail(err, failure, "%s: \"%s\" is not a token id (whole numbers from 0 to %zu, separated by spaces)", where,
                               rt_quote(quoted, text.v + i, n), max);
            }
            const int32_t value = (int32_t)id;
            RT_TRY(rt_ids_append(ids, &value, 1, err));
        }
        i += n + 1;
    }
    return RT_OK;
}

static rt_status add_ids(const text2text *t, slice text, const text2text_source *source, batch *b, rt_error *err) {
    char where[64];
    const rt_status failure = source->line > 0 ? RT_ERR_MALFORMED : RT_ERR_USAGE;
    const size_t max = t5_model_config(t->model)->vocab_size - 1, before = b->ids.n;
    const char *place = describe(source, where);
    RT_TRY(text2text_parse_ids(text, max, place, failure, &b->ids, err));
    if (b->ids.n == before) return rt_fail(err, failure, "%s: no ids (at least one is needed)", place);
    return RT_OK;
}

static rt_status add_text(const text2text *t, slice text, const text2text_source *source, batch *b, rt_error *err) {
    const size_t start = b->texts.n;
    RT_TRY(qa_repair_utf8(text, &b->texts, err));
    const bool lower = (source->lower_case || tok_lower_case(t->tokenizer)) && !t->options->keep_case;
    const size_t n = b->texts.n - start;
    if (lower) qa_lower_case(b->texts.v + start, n);
    return tok_encode(t->tokenizer, b->texts.v + start, n, &b->ids, err);
}

/* Keeps the first max_input_tokens ids; where the last of all is </s>, it takes the last place, as transformers' truncation does. */
static void cut(const text2text *t, const text2text_source *source, batch *b, size_t start) {
    const size_t n = b->ids.n - start, max = t->options->max_input_tokens;
    if (!source->may_cut || max == 0 || n <= max) return;
    const int32_t last = b->ids.v[b->ids.n - 1];
    if (last == t5_model_config(t->model)->eos_token_id) b->ids.v[start + max - 1] = last;
    b->ids.n = start + max;
    char where[64];
    if (!t->options->quiet) out_message("%s: cut from %zu to %zu tokens (--max-input-tokens)", describe(source, where), n, max);
}

rt_status text2text_part(const text2text *t, slice text, const text2text_source *source, batch *b, batch_part *part, rt_error *err) {
    *part = (batch_part){.text = b->texts.n, .ids = b->ids.n};
    RT_TRY(t->options->ids ? add_ids(t, text, source, b, err) : add_text(t, text, source, b, err));
    cut(t, source, b, part->ids);
    part->n_text = b->texts.n - part->text;
    part->n_ids = b->ids.n - part->ids;
    if (!t->options->verbose) return RT_OK;
    char name[64];
    const slice seen = batch_text(b, part);
    const t5_ids ids = batch_ids(b, part);
    return verbose_input(describe(source, name), t->options->ids ? NULL : &seen, ids.ids, ids.n, err);
}

rt_status text2text_decode(const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, rt_text *out, rt_error *err) {
    rt_text raw = {0};
    rt_status status = tok_decode(tokenizer, ids, n, &raw, err);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.v[i] == '\n' || raw.v[i] == '\r') raw.v[i] = ' ';
    }
    if (status == RT_OK) status = qa_repair_utf8((slice){raw.v, raw.n}, out, err);
    rt_text_free(&raw);
    return status;
}

rt_status text2text_answer(const text2text *t, const int32_t *ids, size_t n, rt_text *out, rt_error *err) {
    if (t->options->ids) return out_ids(out, ids, n, err);
    return text2text_decode(t->tokenizer, ids, n, out, err);
}

/* The nearest choice, after evaluate_multiple_choice_answers of allenai/unifiedqa; see choice.h. */
#include "tools/metrics/choice.h"

#include "tools/metrics/unicode.h"
#include "tools/metrics/words.h"

/* What stands between the first separator and the second. */
static slice choices_part(slice input) {
    const char *from = input.n > 0 ? memmem(input.v, input.n, "\\n", 2) : NULL;
    if (from == NULL) return (slice){0};
    slice part = {from + 2, input.n - (size_t)(from + 2 - input.v)};
    const char *to = part.n > 0 ? memmem(part.v, part.n, "\\n", 2) : NULL;
    if (to != NULL) part.n = (size_t)(to - part.v);
    return unicode_strip(part);
}

static rt_status add_piece(slice piece, words *pieces, rt_error *err) {
    const slice s = unicode_strip(piece);
    return s.n > 0 ? words_add(pieces, s, err) : RT_OK;
}

static rt_status split_at_letters(slice text, char last_letter, words *pieces, rt_error *err) {
    size_t start = 0;
    for (size_t i = 0; i + 2 < text.n; i++) {
        const char *c = text.v + i;
        if (c[0] != '(' || c[2] != ')' || c[1] < 'a' || c[1] > last_letter) continue;
        RT_TRY(add_piece((slice){text.v + start, i - start}, pieces, err));
        start = i + 3;
        i += 2;
    }
    return add_piece((slice){text.v + start, text.n - start}, pieces, err);
}

/* Without quotes; what T5's vocabulary has no piece for, and U+2047 that stands for it in a decoded text, becomes a space. */
static rt_status repair(slice text, rt_text *out, rt_error *err) {
    out->n = 0;
    RT_TRY(rt_text_append(out, "", 0, err));
    for (size_t i = 0; i < text.n; i++) {
        if (text.v[i] == '"' || text.v[i] == '\'') continue;
        const bool unknown_mark = text.n - i >= 3 && memcmp(text.v + i, "\xe2\x81\x87", 3) == 0;
        const bool odd = unknown_mark || (text.v[i] != '\0' && strchr("{}^\\`<", text.v[i]) != NULL);
        RT_TRY(rt_text_append(out, odd ? " " : text.v + i, 1, err));
        if (unknown_mark) i += 2;
    }
    return RT_OK;
}

/* At single spaces: two in a row have an empty token between them. */
static rt_status split_at_spaces(const rt_text *text, words *tokens, rt_error *err) {
    size_t start = 0;
    tokens->n = 0;
    for (size_t i = 0; i <= text->n; i++) {
        if (i < text->n && text->v[i] != ' ') continue;
        RT_TRY(words_add(tokens, (slice){text->v + start, i - start}, err));
        start = i + 1;
    }
    return RT_OK;
}

typedef struct scratch {
    rt_text a, b;
    words a_tokens, b_tokens;
} scratch;

static rt_status similarity(slice choice, slice prediction, scratch *s, double *score, rt_error *err) {
    *score = 3;
    if (words_equal(choice, prediction)) return RT_OK;
    RT_TRY(repair(choice, &s->a, err));
    RT_TRY(repair(prediction, &s->b, err));
    *score = 2;
    if (words_equal((slice){s->a.v, s->a.n}, (slice){s->b.v, s->b.n})) return RT_OK;
    RT_TRY(split_at_spaces(&s->a, &s->a_tokens, err));
    RT_TRY(split_at_spaces(&s->b, &s->b_tokens, err));
    *score = 0;
    const size_t n = s->a_tokens.n > s->b_tokens.n ? s->a_tokens.n : s->b_tokens.n;
    if (n < 2) return RT_OK;
    words_sort(&s->a_tokens);
    words_sort(&s->b_tokens);
    words_unique(&s->a_tokens);
    words_unique(&s->b_tokens);
    *score = (double)words_common(&s->a_tokens, &s->b_tokens) / (double)n;
    return RT_OK;
}

static rt_status pick(const words *pieces, slice prediction, size_t *choice, rt_error *err) {
    scratch s = {0};
    double best = -1;
    rt_status status = RT_OK;
    *choice = 0;
    for (size_t i = 0; status == RT_OK && i < pieces->n; i++) {
        double score;
        status = similarity(pieces->v[i], prediction, &s, &score, err);
        if (status != RT_OK || score <= best) continue;
        best = score;
        *choice = i;
    }
    rt_text_free(&s.a);
    rt_text_free(&s.b);
    words_free(&s.a_tokens);
    words_free(&s.b_tokens);
    return status;
}

rt_status choice_nearest(slice input, slice prediction, const choice_rules *rules, size_t *choice, size_t *n_choices, rt_error *err) {
    rt_text lower = {0}, lower_prediction = {0};
    words pieces = {0};
    rt_status status = unicode_lower(choices_part(input), &lower, err);
    if (status == RT_OK) status = split_at_letters((slice){lower.v, lower.n}, rules->last_letter, &pieces, err);
    slice compared = unicode_strip(prediction);
    if (status == RT_OK && rules->lower_prediction) {
        status = unicode_lower(compared, &lower_prediction, err);
        compared = (slice){lower_prediction.v, lower_prediction.n};
    }
    if (status == RT_OK) status = pick(&pieces, compared, choice, err);
    if (status == RT_OK) *n_choices = pieces.n;
    rt_text_free(&lower);
    rt_text_free(&lower_prediction);
    words_free(&pieces);
    return status;
}

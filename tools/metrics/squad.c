/* With m tokens shared by a prediction of p tokens and a reference of r:
 *
 *     precision = m / p,  recall = m / r,  F1 = 2 · precision · recall / (precision + recall) */
#include "tools/metrics/squad.h"

#include "tools/metrics/unicode.h"
#include "tools/metrics/words.h"

static bool is_punctuation(char c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static bool is_article(slice word) {
    return words_equal(word, slice_of("a")) || words_equal(word, slice_of("an")) || words_equal(word, slice_of("the"));
}

/* The length of the word characters at the front of s. */
static size_t word_length(slice s) {
    size_t n = 0, length;
    while (n < s.n && unicode_is_word(unicode_at((slice){s.v + n, s.n - n}, &length))) n += length;
    return n;
}

/* A word is an article only from one edge of word characters to the next: "a–b" has one, "aé" has none. */
rt_status squad_without_articles(slice text, rt_text *out, rt_error *err) {
    const size_t front = out->n;
    bool space = false;
    RT_TRY(rt_text_append(out, "", 0, err));
    for (size_t i = 0, length; i < text.n; i += length) {
        const slice rest = {text.v + i, text.n - i};
        length = unicode_space_length(rest);
        if (length > 0) {
            space = true;
            continue;
        }
        length = word_length(rest);
        if (length > 0 && is_article((slice){rest.v, length})) {
            space = true;
            continue;
        }
        if (length == 0) unicode_at(rest, &length);
        if (space && out->n > front) RT_TRY(rt_text_append(out, " ", 1, err));
        space = false;
        RT_TRY(rt_text_append(out, rest.v, length, err));
    }
    return RT_OK;
}

rt_status squad_without_punctuation(slice text, rt_text *out, rt_error *err) {
    const size_t front = out->n;
    RT_TRY(rt_text_append(out, "", 0, err));
    RT_TRY(unicode_lower(text, out, err));
    size_t n = front;
    for (size_t i = front; i < out->n; i++) {
        if (!is_punctuation(out->v[i])) out->v[n++] = out->v[i];
    }
    out->v[out->n = n] = '\0';
    return RT_OK;
}

rt_status squad_normalise(slice text, rt_text *out, rt_error *err) {
    rt_text lower = {0};
    rt_status status = squad_without_punctuation(text, &lower, err);
    if (status == RT_OK) status = squad_without_articles((slice){lower.v, lower.n}, out, err);
    rt_text_free(&lower);
    return status;
}

typedef struct normal {
    rt_text text;
    words tokens; /* sorted */
} normal;

static rt_status normalise(slice text, normal *n, rt_error *err) {
    n->text.n = n->tokens.n = 0;
    RT_TRY(squad_normalise(text, &n->text, err));
    RT_TRY(words_split((slice){n->text.v, n->text.n}, &n->tokens, err));
    words_sort(&n->tokens);
    return RT_OK;
}

static void normal_free(normal *n) {
    rt_text_free(&n->text);
    words_free(&n->tokens);
}

static double f1(const words *prediction, const words *reference, bool empty_agree) {
    if (empty_agree && prediction->n == 0 && reference->n == 0) return 1;
    const double common = (double)words_common(prediction, reference);
    if (common == 0) return 0;
    const double precision = common / (double)prediction->n, recall = common / (double)reference->n;
    return 2 * precision * recall / (precision + recall);
}

static rt_status best(slice prediction, const slice *references, size_t n_references, bool empty_agree, squad_score *score, rt_error *err) {
    normal p = {0}, r = {0};
    squad_score top = {0};
    rt_status status = normalise(prediction, &p, err);
    for (size_t i = 0; status == RT_OK && i < n_references; i++) {
        status = normalise(references[i], &r, err);
        if (status != RT_OK) break;
        if (words_equal((slice){p.text.v, p.text.n}, (slice){r.text.v, r.text.n})) top.exact_match = 1;
        const double of_this = f1(&p.tokens, &r.tokens, empty_agree);
        if (of_this > top.f1) top.f1 = of_this;
    }
    normal_free(&p);
    normal_free(&r);
    if (status == RT_OK) *score = top;
    return status;
}

rt_status squad_best(slice prediction, const slice *references, size_t n_references, squad_score *score, rt_error *err) {
    return best(prediction, references, n_references, false, score, err);
}

static rt_status says_no_answer(slice text, bool *says, rt_error *err) {
    static const char no_answer[] = "no answer";
    rt_text lower = {0};
    const rt_status status = unicode_lower(text, &lower, err);
    *says = lower.n > 0 && memmem(lower.v, lower.n, no_answer, sizeof no_answer - 1) != NULL;
    rt_text_free(&lower);
    return status;
}

rt_status squad2_best(slice prediction, const slice *references, size_t n_references, squad_score *score, rt_error *err) {
    static const slice none = {"", 0};
    bool predicted_none, none_is_right = false;
    RT_TRY(says_no_answer(prediction, &predicted_none, err));
    for (size_t i = 0; i < n_references && !none_is_right; i++) RT_TRY(says_no_answer(references[i], &none_is_right, err));
    if (predicted_none) prediction = none;
    if (none_is_right) references = &none, n_references = 1;
    return best(prediction, references, n_references, true, score, err);
}

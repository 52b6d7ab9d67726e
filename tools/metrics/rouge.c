/* With L the length of the longest common subsequence of words:
 *
 *     P = L / words of the prediction,  R = L / words of the reference,  F = P · R / (0.5 · P + 0.5 · R) */
#include "tools/metrics/rouge.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/metrics/unicode.h"
#include "tools/metrics/words.h"

enum { MAX_WORDS = 100 };

typedef struct rouge_text {
    rt_text lower;
    words words;
} rouge_text;

/* The length of what is, or is not, of letters and digits at the front of s. */
static size_t run_length(slice s, bool of_letters) {
    size_t n = 0, length;
    for (; n < s.n; n += length) {
        const uint32_t c = unicode_at((slice){s.v + n, s.n - n}, &length);
        if ((unicode_is_word(c) && c != '_') != of_letters) break;
    }
    return n;
}

/* The text up to its MAX_WORDS-th token between white space. */
static slice cut(slice text) {
    size_t n = 0;
    for (size_t i = 0; i < MAX_WORDS && n < text.n; i++) {
        n += unicode_space_length((slice){text.v + n, text.n - n});
        n += unicode_token_length((slice){text.v + n, text.n - n});
    }
    return (slice){text.v, n};
}

static rt_status prepare(slice text, rouge_text *r, rt_error *err) {
    r->lower.n = r->words.n = 0;
    RT_TRY(unicode_lower(cut(text), &r->lower, err));
    const slice s = {r->lower.v, r->lower.n};
    for (size_t i = 0; i < s.n;) {
        i += run_length((slice){s.v + i, s.n - i}, false);
        const size_t n = run_length((slice){s.v + i, s.n - i}, true);
        if (n > 0) RT_TRY(words_add(&r->words, (slice){s.v + i, n}, err));
        i += n;
    }
    return RT_OK;
}

static rt_status common_length(const words *a, const words *b, size_t *length, rt_error *err) {
    size_t *row = calloc(b->n + 1, sizeof *row); /* of the table of lengths, for the words of a so far */
    if (row == NULL) return rt_fail_memory(err, (b->n + 1) * sizeof *row, "a table");
    for (size_t i = 0; i < a->n; i++) {
        size_t diagonal = 0;
        for (size_t j = 1; j <= b->n; j++) {
            const size_t above = row[j];
            if (words_equal(a->v[i], b->v[j - 1])) row[j] = diagonal + 1;
            else if (row[j - 1] > above) row[j] = row[j - 1];
            diagonal = above;
        }
    }
    *length = row[b->n];
    free(row);
    return RT_OK;
}

static double rounded(double f) {
    char text[32];
    snprintf(text, sizeof text, "%.2f", f);
    return strtod(text, NULL);
}

static rt_status score(const rouge_text *p, slice reference, rouge_text *r, double *f, rt_error *err) {
    size_t length = 0;
    RT_TRY(prepare(reference, r, err));
    RT_TRY(common_length(&p->words, &r->words, &length, err));
    *f = 0;
    if (length == 0) return RT_OK;
    const double precision = (double)length / (double)p->words.n, recall = (double)length / (double)r->words.n;
    *f = rounded(precision * recall / (0.5 * precision + 0.5 * recall));
    return RT_OK;
}

rt_status rouge_l_best(slice prediction, const slice *references, size_t n_references, double *f, rt_error *err) {
    rouge_text p = {0}, r = {0};
    double best = 0;
    rt_status status = prepare(prediction, &p, err);
    for (size_t i = 0; status == RT_OK && i < n_references; i++) {
        double of_this = 0;
        status = score(&p, references[i], &r, &of_this, err);
        if (of_this > best) best = of_this;
    }
    rt_text_free(&p.lower);
    rt_text_free(&r.lower);
    words_free(&p.words);
    words_free(&r.words);
    if (status == RT_OK) *f = best;
    return status;
}

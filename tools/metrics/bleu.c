/* After SQuAD's normalisation of both sides, over tokens:
 *
 *     BLEU-1 = BP · Σ_t min(count of t in the prediction, largest count of t in a reference) / p
 *     BP = 1 if p > r, else exp(1 − r / p)
 *
 * p is the length of the prediction, r that of the reference nearest in length, the shorter of two as near. */
#include "tools/metrics/bleu.h"

#include <math.h>
#include <stdlib.h>

#include "tools/metrics/squad.h"
#include "tools/metrics/words.h"

static rt_status tokens_of(slice text, rt_text *normal, words *tokens, rt_error *err) {
    normal->n = tokens->n = 0;
    RT_TRY(squad_normalise(text, normal, err));
    RT_TRY(words_split((slice){normal->v, normal->n}, tokens, err));
    words_sort(tokens);
    return RT_OK;
}

/* How many tokens from the i-th on are equal to it (in a sorted list). */
static size_t count_from(const words *w, size_t i) {
    size_t n = 1;
    while (i + n < w->n && words_equal(w->v[i], w->v[i + n])) n++;
    return n;
}

/* Raises matched[i], of the first of equal tokens of the prediction, to its clipped count in the reference. */
static void match(const words *prediction, const words *reference, size_t *matched) {
    for (size_t i = 0, n; i < prediction->n; i += n) {
        n = count_from(prediction, i);
        const words group = {.v = prediction->v + i, .n = n};
        const size_t common = words_common(&group, reference);
        if (common > matched[i]) matched[i] = common;
    }
}

static size_t distance(size_t a, size_t b) { return a > b ? a - b : b - a; }

static double penalised(size_t n_matched, size_t p, size_t r) {
    if (n_matched == 0) return 0;
    const double precision = (double)n_matched / (double)p;
    return p > r ? precision : precision * exp(1 - (double)r / (double)p);
}

static rt_status match_all(const words *prediction, const slice *references, size_t n_references, size_t *matched, size_t *nearest,
                           rt_error *err) {
    rt_text normal = {0};
    words tokens = {0};
    rt_status status = RT_OK;
    for (size_t i = 0; status == RT_OK && i < n_references; i++) {
        status = tokens_of(references[i], &normal, &tokens, err);
        if (status != RT_OK) break;
        match(prediction, &tokens, matched);
        const size_t d = distance(tokens.n, prediction->n), best = distance(*nearest, prediction->n);
        if (i == 0 || d < best || (d == best && tokens.n < *nearest)) *nearest = tokens.n;
    }
    rt_text_free(&normal);
    words_free(&tokens);
    return status;
}

rt_status bleu_1(slice prediction, const slice *references, size_t n_references, double *score, rt_error *err) {
    rt_text normal = {0};
    words tokens = {0};
    size_t nearest = 0, n_matched = 0, *matched = NULL;
    rt_status status = tokens_of(prediction, &normal, &tokens, err);
    if (status == RT_OK) {
        matched = calloc(tokens.n + 1, sizeof *matched);
        if (matched == NULL) status = rt_fail_memory(err, (tokens.n + 1) * sizeof *matched, "counts");
    }
    if (status == RT_OK) status = match_all(&tokens, references, n_references, matched, &nearest, err);
    for (size_t i = 0; status == RT_OK && i < tokens.n; i++) n_matched += matched[i];
    if (status == RT_OK) *score = penalised(n_matched, tokens.n, nearest);
    free(matched);
    rt_text_free(&normal);
    words_free(&tokens);
    return status;
}

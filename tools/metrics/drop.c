/* For each gold span i and predicted span j, as sets of tokens, with m tokens shared:
 *
 *     s[i][j] = 0 if the gold span has numbers and none is shared, else F1 of m / |predicted|, m / |gold|
 *     F1 = max over one-to-one alignments of Σ s[i][a(i)] / max(number of spans), rounded
 *
 * An empty predicted set has precision 1, an empty gold set recall 1. */
#include "tools/metrics/drop.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/checked.h"
#include "tools/metrics/assignment.h"
#include "tools/metrics/number_text.h"
#include "tools/metrics/squad.h"
#include "tools/metrics/unicode.h"
#include "tools/metrics/words.h"

static rt_status put_number(double value, rt_text *out, rt_error *err) {
    char number[NUMBER_TEXT_SIZE];
    return rt_text_append(out, number, number_write(value, number), err);
}

static rt_status normalise_token(slice token, rt_text *out, rt_error *err) {
    double value;
    rt_text bare = {0};
    if (number_read(token, &value)) return put_number(value, out, err);
    rt_status status = squad_without_punctuation(token, &bare, err);
    const slice rest = {bare.v, bare.n};
    if (status == RT_OK) status = number_read(rest, &value) ? put_number(value, out, err) : squad_without_articles(rest, out, err);
    rt_text_free(&bare);
    return status;
}

rt_status drop_normalise(slice span, rt_text *out, rt_error *err) {
    const size_t front = out->n;
    RT_TRY(rt_text_append(out, "", 0, err));
    for (size_t i = 0; i < span.n;) {
        size_t end = i;
        while (end < span.n && span.v[end] != ' ' && span.v[end] != '-') end++;
        const size_t before = out->n;
        if (before > front) RT_TRY(rt_text_append(out, " ", 1, err));
        const size_t at = out->n;
        RT_TRY(normalise_token((slice){span.v + i, end - i}, out, err));
        if (out->n == at) out->v[out->n = before] = '\0';
        i = end + 1;
    }
    return RT_OK;
}

typedef struct bag {
    rt_text text;
    words tokens; /* sorted, each once */
} bag;

static void free_bags(bag *bags, size_t n) {
    for (size_t i = 0; bags != NULL && i < n; i++) {
        rt_text_free(&bags[i].text);
        words_free(&bags[i].tokens);
    }
    free(bags);
}

static rt_status make_bag(slice span, bag *b, rt_error *err) {
    RT_TRY(drop_normalise(span, &b->text, err));
    RT_TRY(words_split((slice){b->text.v, b->text.n}, &b->tokens, err));
    words_sort(&b->tokens);
    words_unique(&b->tokens);
    return RT_OK;
}

static rt_status make_bags(const slice *spans, size_t n, bag **bags, rt_error *err) {
    *bags = calloc(n > 0 ? n : 1, sizeof **bags);
    if (*bags == NULL) return rt_fail_memory(err, n * sizeof **bags, "spans");
    for (size_t i = 0; i < n; i++) RT_TRY(make_bag(spans[i], &(*bags)[i], err));
    return RT_OK;
}

/* Whether the gold set has no numbers or shares one. */
static bool numbers_match(const words *gold, const words *predicted) {
    bool has_numbers = false;
    for (size_t i = 0; i < gold->n; i++) {
        double value;
        if (!number_read(gold->v[i], &value)) continue;
        has_numbers = true;
        const words one = {.v = &gold->v[i], .n = 1};
        if (words_common(&one, predicted) > 0) return true;
    }
    return !has_numbers;
}

static double bag_f1(const words *gold, const words *predicted) {
    if (!numbers_match(gold, predicted)) return 0;
    const double common = (double)words_common(gold, predicted);
    const double precision = predicted->n == 0 ? 1 : common / (double)predicted->n;
    const double recall = gold->n == 0 ? 1 : common / (double)gold->n;
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

/* The sets of the spans' texts are the same, and their numbers. */
static rt_status same_spans(const bag *a, size_t n_a, const bag *b, size_t n_b, bool *same, rt_error *err) {
    words x = {0}, y = {0};
    rt_status status = RT_OK;
    for (size_t i = 0; status == RT_OK && i < n_a; i++) status = words_add(&x, (slice){a[i].text.v, a[i].text.n}, err);
    for (size_t i = 0; status == RT_OK && i < n_b; i++) status = words_add(&y, (slice){b[i].text.v, b[i].text.n}, err);
    words_sort(&x);
    words_sort(&y);
    words_unique(&x);
    words_unique(&y);
    *same = n_a == n_b && x.n == y.n && words_common(&x, &y) == x.n;
    words_free(&x);
    words_free(&y);
    return status;
}

/* The mean over the larger number of spans, of the best alignment. */
static rt_status align(const bag *predicted, size_t n_predicted, const bag *gold, size_t n_gold, double *f1, rt_error *err) {
    const bool wide = n_gold <= n_predicted; /* the assignment takes no more rows than columns */
    const size_t rows = wide ? n_gold : n_predicted, columns = wide ? n_predicted : n_gold;
    size_t n, bytes;
    *f1 = 0;
    if (rows == 0) return RT_OK;
    if (!rt_mul_size(rows, columns, &n) || !rt_mul_size(n, sizeof(double), &bytes)) return rt_fail_memory(err, rows, "an alignment");
    double *score = malloc(bytes), sum = 0;
    if (score == NULL) return rt_fail_memory(err, bytes, "an alignment");
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            score[i * columns + j] = bag_f1(&gold[wide ? i : j].tokens, &predicted[wide ? j : i].tokens);
        }
    }
    const rt_status status = assignment_best(score, rows, columns, &sum, err);
    free(score);
    *f1 = rint(sum / (double)columns * 100) / 100;
    return status;
}

rt_status drop_best(const slice *predicted, size_t n_predicted, const slice *gold, size_t n_gold, drop_score *score, rt_error *err) {
    bag *p = NULL, *g = NULL;
    bool same = false;
    double f1 = 0;
    rt_status status = make_bags(predicted, n_predicted, &p, err);
    if (status == RT_OK) status = make_bags(gold, n_gold, &g, err);
    if (status == RT_OK) status = same_spans(p, n_predicted, g, n_gold, &same, err);
    if (status == RT_OK) status = align(p, n_predicted, g, n_gold, &f1, err);
    free_bags(p, n_predicted);
    free_bags(g, n_gold);
    if (status == RT_OK) *score = (drop_score){.exact_match = same, .f1 = f1};
    return status;
}

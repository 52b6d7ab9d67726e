/* What a top-k attention must give, by brute force; see attention_case.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "tests/support/attention_case.h"

/* The kept of one row: their keys in ascending order, and their scores, then weights. */
typedef struct kept_row {
    size_t n;
    size_t *key;
    float *weight;
} kept_row;

/* How many of s[n] go before s[j]. */
static size_t rank_of(size_t n, const float *s, size_t j) {
    size_t before = 0;
    for (size_t i = 0; i < n; i++) before += s[i] > s[j] || (s[i] == s[j] && i < j);
    return before;
}

/* ReLU gives 0 to all that are not positive: they add nothing, and are left out so that 0 * infinity does not arise. */
static void select_kept(const attention_spec *spec, size_t n, const float *s, kept_row *kept) {
    kept->n = 0;
    for (size_t j = 0; j < n; j++) {
        if (spec->topk != 0 && spec->topk < n && rank_of(n, s, j) >= spec->topk) continue;
        if (spec->act == RT_RELU && s[j] <= 0.0f) continue;
        kept->key[kept->n] = j;
        kept->weight[kept->n++] = s[j];
    }
}

static void softmax(size_t n, float *x) {
    float largest = x[0], lane[16] = {0};
    for (size_t t = 0; t < n; t++) largest = x[t] > largest || isnan(x[t]) ? x[t] : largest;
    for (size_t t = 0; t < n; t++) {
        rt_kernels_ref.exp_sum(1, x + t, largest, x + t);
        lane[t % 16] += x[t];
    }
    const float factor = 1.0f / sum_of_lanes(lane);
    for (size_t t = 0; t < n; t++) x[t] *= factor;
}

static void weigh(const attention_spec *spec, kept_row *kept) {
    if (kept->n == 0 || spec->act == RT_IDENTITY || spec->act == RT_RELU) return;
    if (spec->act == RT_SOFTMAX) softmax(kept->n, kept->weight);
    else rt_kernels_ref.activate(spec->act, kept->n, kept->weight);
}

/* Query i of span s under one head. */
static void expect_row(attention_case *c, size_t s, size_t i, size_t head, float *scores, kept_row *kept) {
    const attention_spec *spec = &c->spec;
    const rt_span span = c->spans[s];
    const size_t position = span.n_keys - span.n_queries + i, visible = spec->causal ? position + 1 : span.n_keys;
    const size_t width_k = spec->n_heads * spec->d_k, width_v = spec->n_heads * spec->d_v;
    const float *q = c->args.Q + (span.query + i) * c->args.ldq + head * spec->d_k;
    for (size_t j = 0; j < visible; j++) {
        scores[j] = dot_by_lanes(spec->d_k, q, c->wide_K + (span.key + j) * width_k + head * spec->d_k);
        if (spec->bias) scores[j] += c->args.bias[head * c->args.bias_head + c->args.bias_zero + j - position];
    }
    select_kept(spec, visible, scores, kept);
    weigh(spec, kept);
    for (size_t t = 0; spec->gate && t < kept->n; t++) {
        kept->weight[t] *= dot_by_lanes(spec->d_k, q, c->wide_G + (span.key + kept->key[t]) * spec->d_k);
    }
    float *out = c->expected + (span.query + i) * c->args.ldo + head * spec->d_v;
    for (size_t col = 0; col < spec->d_v; col++) {
        out[col] = 0.0f;
        for (size_t t = 0; t < kept->n; t++) {
            out[col] = fmaf(kept->weight[t], c->wide_V[(span.key + kept->key[t]) * width_v + head * spec->d_v + col], out[col]);
        }
    }
}

void attention_expect(attention_case *c) {
    const size_t bytes = attention_out_size(c) * sizeof(float);
    float *scores = malloc((c->max_keys + 1) * sizeof *scores);
    kept_row kept = {.key = malloc((c->max_keys + 1) * sizeof *kept.key), .weight = malloc((c->max_keys + 1) * sizeof *kept.weight)};
    memcpy(c->expected, guarded_paint(&c->out, bytes), bytes);
    for (size_t s = 0; s < c->spec.n_spans; s++) {
        for (size_t i = 0; i < c->spans[s].n_queries; i++) {
            for (size_t head = 0; head < c->spec.n_heads; head++) expect_row(c, s, i, head, scores, &kept);
        }
    }
    free(scores);
    free(kept.key);
    free(kept.weight);
}

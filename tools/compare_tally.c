/* Sums over questions; see compare_tally.h. Everything is added in the order of the questions, so that neither the window they went through
 * the model in nor the threads change a digit. */
#include "tools/compare_tally.h"

#include <stdlib.h>

enum { SEED = 20210614 };

rt_status compare_tally_open(const compare_settings *settings, const t5_model *model, compare_tally *tally, rt_error *err) {
    *tally = (compare_tally){.settings = settings, .config = t5_model_config(model), .seed = SEED};
    tally->sums = calloc(settings->n, sizeof *tally->sums);
    rt_status status = tally->sums == NULL ? rt_fail_memory(err, settings->n * sizeof *tally->sums, "scores") : RT_OK;
    for (size_t s = 0; status == RT_OK && s < settings->n; s++) {
        if (settings->v[s].encoded_by == s) status = t5_statistics_open(model, &tally->sums[s].encoder, err);
        if (status == RT_OK) status = t5_statistics_open(model, &tally->sums[s].decoder, err);
    }
    if (status != RT_OK) compare_tally_close(tally);
    return status;
}

void compare_tally_close(compare_tally *tally) {
    for (size_t s = 0; tally->sums != NULL && s < tally->settings->n; s++) {
        t5_statistics_close(tally->sums[s].encoder);
        t5_statistics_close(tally->sums[s].decoder);
    }
    free(tally->sums);
    *tally = (compare_tally){0};
}

void compare_tally_logits(compare_sums *sums, const t5_logit_difference *steps, size_t n) {
    compare_logits *to = &sums->logits;
    for (size_t i = 0; i < n; i++) {
        to->n_steps++;
        to->n_same_argmax += steps[i].same_argmax;
        if (steps[i].max_abs > to->max_abs) to->max_abs = steps[i].max_abs;
        to->mean_abs += steps[i].mean_abs;
        to->mean_kl += steps[i].kl;
        if (i >= COMPARE_STEPS) continue;
        to->n_by_step[i]++;
        to->kl_by_step[i] += steps[i].kl;
    }
}

void compare_tally_scores(compare_tally *tally, const eval_score *scores) {
    uint8_t weights[BOOTSTRAP_RESAMPLES];
    if (!scores[0].scored) return;
    bootstrap_weights(&tally->seed, weights);
    for (size_t s = 0; s < tally->settings->n; s++) {
        compare_sums *to = &tally->sums[s];
        const double exact_match = scores[s].exact_match - scores[0].exact_match, f1 = scores[s].f1 - scores[0].f1;
        bootstrap_add(&to->exact_match, weights, scores[s].exact_match);
        bootstrap_add(&to->f1, weights, scores[s].f1);
        if (scores[s].has_own) bootstrap_add(&to->own, weights, scores[s].own);
        bootstrap_add(&to->exact_match_change, weights, exact_match);
        bootstrap_add(&to->f1_change, weights, f1);
        to->exact_match_better += exact_match > 0;
        to->exact_match_worse += exact_match < 0;
        to->f1_better += f1 > 0;
        to->f1_worse += f1 < 0;
    }
}

static eval_mean mean_of(const bootstrap_mean *m) {
    if (m->n == 0) return (eval_mean){0};
    const interval i = bootstrap_interval(m);
    return (eval_mean){.n = m->n, .mean = m->sum / (double)m->n, .low = i.low, .high = i.high};
}

static compare_change change_of(const bootstrap_mean *m, size_t n_better, size_t n_worse) {
    return (compare_change){.mean = mean_of(m), .n_better = n_better, .n_worse = n_worse, .p = sign_test(n_better, n_worse)};
}

static compare_logits logits_of(const compare_logits *sums) {
    compare_logits logits = *sums;
    if (logits.n_steps == 0) return logits;
    logits.mean_abs /= (double)logits.n_steps;
    logits.mean_kl /= (double)logits.n_steps;
    for (size_t i = 0; i < COMPARE_STEPS && logits.n_by_step[i] > 0; i++) logits.kl_by_step[i] /= (double)logits.n_by_step[i];
    return logits;
}

/* The mean of the counts, the least that 99 in a hundred rows do not exceed, and the largest. */
static void read_positive(const uint64_t *counts, size_t d_ff, compare_layer *layer) {
    uint64_t rows = 0, sum = 0, below = 0;
    for (size_t n = 0; n <= d_ff; n++) {
        rows += counts[n];
        sum += counts[n] * n;
        if (counts[n] > 0) layer->positive_max = n;
    }
    if (rows == 0) return;
    layer->positive_mean = (double)sum / (double)rows;
    while (layer->positive_p99 < d_ff && (below += counts[layer->positive_p99]) * 100 < rows * 99) layer->positive_p99++;
}

static void read_layers(const compare_tally *tally, size_t s, uint64_t *counts, compare_outcome *out) {
    const t5_config *config = tally->config;
    const t5_statistics *encoder = tally->sums[tally->settings->v[s].encoded_by].encoder, *decoder = tally->sums[s].decoder;
    for (size_t b = 0; b < config->num_layers; b++) {
        t5_statistics_positive(encoder, T5_ENCODER_FF, b, counts);
        read_positive(counts, config->d_ff, &out->encoder[b]);
        out->encoder[b].self_mass = t5_statistics_kept_mass(encoder, T5_ENCODER_SELF, b);
    }
    for (size_t b = 0; b < config->num_decoder_layers; b++) {
        t5_statistics_positive(decoder, T5_DECODER_FF, b, counts);
        read_positive(counts, config->d_ff, &out->decoder[b]);
        out->decoder[b].self_mass = t5_statistics_kept_mass(decoder, T5_DECODER_SELF, b);
        out->decoder[b].cross_mass = t5_statistics_kept_mass(decoder, T5_DECODER_CROSS, b);
    }
}

static compare_outcome outcome_of(const compare_tally *tally, size_t s) {
    const compare_sums *sums = &tally->sums[s], *encoding = &tally->sums[tally->settings->v[s].encoded_by];
    return (compare_outcome){
        .exact_match = mean_of(&sums->exact_match), .f1 = mean_of(&sums->f1), .own = mean_of(&sums->own),
        .exact_match_change = change_of(&sums->exact_match_change, sums->exact_match_better, sums->exact_match_worse),
        .f1_change = change_of(&sums->f1_change, sums->f1_better, sums->f1_worse),
        .n_same_answer = sums->n_same_answer, .n_same_first = sums->n_same_first,
        .logits = logits_of(&sums->logits),
        .encode_seconds = encoding->encode_seconds, .decode_seconds = sums->decode_seconds,
        .peak_bytes = sums->peak_bytes > encoding->peak_bytes ? sums->peak_bytes : encoding->peak_bytes,
    };
}

rt_status compare_tally_result(const compare_tally *tally, compare_outcome *outcomes, rt_error *err) {
    const t5_config *config = tally->config;
    uint64_t *counts = calloc(config->d_ff + 1, sizeof *counts);
    if (counts == NULL) return rt_fail_memory(err, config->d_ff * sizeof *counts, "counts");
    rt_status status = RT_OK;
    for (size_t s = 0; status == RT_OK && s < tally->settings->n; s++) {
        outcomes[s] = outcome_of(tally, s);
        outcomes[s].encoder = calloc(config->num_layers, sizeof *outcomes->encoder);
        outcomes[s].decoder = calloc(config->num_decoder_layers, sizeof *outcomes->decoder);
        if (outcomes[s].encoder != NULL && outcomes[s].decoder != NULL) read_layers(tally, s, counts, &outcomes[s]);
        else status = rt_fail_memory(err, config->num_layers * sizeof *outcomes->encoder, "counts");
    }
    free(counts);
    return status;
}

void compare_outcomes_free(compare_outcome *outcomes, size_t n) {
    for (size_t s = 0; outcomes != NULL && s < n; s++) {
        free(outcomes[s].encoder);
        free(outcomes[s].decoder);
    }
    free(outcomes);
}

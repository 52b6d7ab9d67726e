/* The table of a comparison:
 *
 *     setting      EM   change  (95 % interval)  better worse      p     F1  change   same   first    KL   max |d|    ms/q   MiB   paper */
#include <stdio.h>

#include "tools/compare_paper.h"
#include "tools/compare_print.h"
#include "tools/output.h"

static double percent(size_t n, size_t of) { return of > 0 ? 100 * (double)n / (double)of : 0; }

/* How wide the column of names has to be. */
static int name_width(const compare_settings *settings) {
    size_t width = strlen("setting");
    for (size_t s = 0; s < settings->n; s++) {
        if (strlen(settings->v[s].name) > width) width = strlen(settings->v[s].name);
    }
    return (int)width;
}

/* A score, and how far it is from dense's; the first row has dense's own interval there. */
static rt_status put_score(const eval_mean *mean, const compare_change *change, bool is_dense, rt_text *out, rt_error *err) {
    char interval[48];
    if (mean->n == 0) return out_print(out, err, "  %6s  %6s %-16s", "-", "", "");
    const eval_mean *shown = is_dense ? mean : &change->mean;
    snprintf(interval, sizeof interval, is_dense ? "(%.2f to %.2f)" : "(%+.2f to %+.2f)", 100 * shown->low, 100 * shown->high);
    RT_TRY(out_print(out, err, "  %6.2f", 100 * mean->mean));
    return is_dense ? out_print(out, err, "  %6s %-16s", "", interval)
                    : out_print(out, err, "  %+6.2f %-16s", 100 * change->mean.mean, interval);
}

static rt_status put_row(const compare_result *result, const compare_set *set, size_t s, int width, rt_text *out, rt_error *err) {
    const compare_outcome *o = &set->outcomes[s];
    const double n = set->n_questions > 0 ? (double)set->n_questions : 1;
    paper_score paper;
    RT_TRY(out_print(out, err, "%-*s", width, result->settings.v[s].name));
    RT_TRY(put_score(&o->exact_match, &o->exact_match_change, s == 0, out, err));
    if (s == 0) RT_TRY(out_print(out, err, "  %6s %6s %7s", "", "", ""));
    else
        RT_TRY(out_print(out, err, "  %6zu %6zu %7.2g", o->exact_match_change.n_better, o->exact_match_change.n_worse,
                         o->exact_match_change.p));
    if (o->f1.n > 0) RT_TRY(out_print(out, err, "  %6.2f", 100 * o->f1.mean));
    else RT_TRY(out_print(out, err, "  %6s", "-"));
    if (set->own_name != NULL) RT_TRY(out_print(out, err, "  %8.2f", 100 * o->own.mean));
    RT_TRY(out_print(out, err, "  %6.2f  %6.2f", percent(o->n_same_answer, set->n_questions), percent(o->n_same_first, set->n_questions)));
    if (s == 0) RT_TRY(out_print(out, err, "  %8s %8s %8s", "", "", ""));
    else RT_TRY(out_print(out, err, "  %8.2g %8.3g %8.3g", o->logits.mean_kl, o->logits.max_abs, o->logits.mean_abs));
    RT_TRY(out_print(out, err, "  %7.2f  %6.1f", 1e3 * (o->encode_seconds + o->decode_seconds) / n, (double)o->peak_bytes / (1 << 20)));
    const size_t k = s == 0 ? result->d_ff : compare_ff_k(&result->settings.v[s]);
    if (k > 0 && paper_published(result->d_ff, set->dataset, set->split, k, &paper)) {
        RT_TRY(out_print(out, err, paper.f1 < 0 ? "  %.1f" : "  %.1f / %.1f", paper.exact_match, paper.f1));
    }
    return out_print(out, err, "\n");
}

/* Dense's layers: how many of a token's units are positive. */
static rt_status put_layers(const compare_result *result, const compare_set *set, rt_text *out, rt_error *err) {
    const compare_outcome *dense = &set->outcomes[0];
    RT_TRY(out_print(out, err, "positive units of %zu, dense: block, mean, 99th percentile, most\n", result->d_ff));
    for (size_t i = 0; i < result->n_encoder + result->n_decoder; i++) {
        const bool encoder = i < result->n_encoder;
        const size_t block = encoder ? i : i - result->n_encoder;
        const compare_layer *layer = encoder ? &dense->encoder[block] : &dense->decoder[block];
        RT_TRY(out_print(out, err, "  %s %2zu  %8.1f (%4.1f %%)  %6zu  %6zu\n", encoder ? "encoder" : "decoder", block + 1,
                         layer->positive_mean, 100 * layer->positive_mean / (double)result->d_ff, layer->positive_p99,
                         layer->positive_max));
    }
    return RT_OK;
}

static rt_status put_heads(const compare_result *result, const compare_set *set, int width, rt_text *out, rt_error *err) {
    paper_score paper;
    RT_TRY(out_print(out, err, "%-*s  %6s  %6s %-16s  %6s %6s %7s  %6s", width, "setting", "EM", "change", "95 %", "better", "worse", "p",
                     "F1"));
    if (set->own_name != NULL) RT_TRY(out_print(out, err, "  %8s", set->own_name));
    RT_TRY(out_print(out, err, "  %6s  %6s  %8s %8s %8s  %7s  %6s", "same", "first", "KL", "max", "mean", "ms/q", "MiB"));
    if (paper_published(result->d_ff, set->dataset, set->split, result->d_ff, &paper)) RT_TRY(out_print(out, err, "  paper"));
    return out_print(out, err, "\n");
}

rt_status compare_print_table(const compare_result *result, rt_text *out, rt_error *err) {
    const int width = name_width(&result->settings);
    for (size_t i = 0; i < result->n_sets; i++) {
        const compare_set *set = &result->sets[i];
        if (set->outcomes == NULL) continue;
        RT_TRY(out_print(out, err, "%s%s%s: %zu questions\n", i > 0 ? "\n" : "", set->dataset, set->complete ? "" : " (in part)", set->n_questions));
        RT_TRY(put_heads(result, set, width, out, err));
        for (size_t s = 0; s < result->settings.n; s++) RT_TRY(put_row(result, set, s, width, out, err));
        RT_TRY(put_layers(result, set, out, err));
    }
    return RT_OK;
}

/* The page of a comparison: the settings of each data set as a table, charts, layers, and the questions with every answer that is not
 * dense's. */
#include "tools/report.h"

#include <stdio.h>

#include "tools/compare_charts.h"
#include "tools/compare_paper.h"
#include "tools/markup.h"
#include "tools/output.h"
#include "tools/report_page.h"

static double percent(size_t n, size_t of) { return of > 0 ? 100 * (double)n / (double)of : 0; }

/* ---- scores ---- */

/* "−0.25 (−0.6–0.1)" and "3 better, 11 worse, p 0.057". */
static rt_status put_change(const compare_change *change, rt_text *out, rt_error *err) {
    if (change->mean.n == 0) RT_TRY(report_number(out, err, "–"));
    else
        RT_TRY(report_number(out, err, "%+.2f (%+.1f to %+.1f)", 100 * change->mean.mean, 100 * change->mean.low, 100 * change->mean.high));
    return report_number(out, err, "%zu / %zu, p %.2g", change->n_better, change->n_worse, change->p);
}

static rt_status put_scores_row(const compare_result *result, const compare_set *set, size_t s, bool published, rt_text *out,
                                rt_error *err) {
    const compare_outcome *o = &set->outcomes[s];
    paper_score paper;
    RT_TRY(report_name(out, result->settings.v[s].name, err));
    RT_TRY(report_mean(out, &o->exact_match, err));
    if (s == 0) RT_TRY(markup_raw(out, "<td></td><td></td>", err));
    else RT_TRY(put_change(&o->exact_match_change, out, err));
    RT_TRY(report_mean(out, &o->f1, err));
    if (s == 0) RT_TRY(markup_raw(out, "<td></td><td></td>", err));
    else RT_TRY(put_change(&o->f1_change, out, err));
    if (set->own_name != NULL) RT_TRY(report_mean(out, &o->own, err));
    if (published) {
        const size_t k = s == 0 ? result->d_ff : compare_ff_k(&result->settings.v[s]);
        if (k == 0 || !paper_published(result->d_ff, set->dataset, set->split, k, &paper)) RT_TRY(report_number(out, err, "–"));
        else if (paper.f1 < 0) RT_TRY(report_number(out, err, "%.1f", paper.exact_match));
        else RT_TRY(report_number(out, err, "%.1f / %.1f", paper.exact_match, paper.f1));
    }
    return markup_raw(out, "</tr>\n", err);
}

static rt_status put_scores(const compare_result *result, const compare_set *set, rt_text *out, rt_error *err) {
    const char *heads[9] = {"setting", "exact match", "to dense", "better / worse", "F1", "to dense", "better / worse"};
    size_t n = 7;
    paper_score paper;
    const bool published = paper_published(result->d_ff, set->dataset, set->split, result->d_ff, &paper);
    if (set->own_name != NULL) heads[n++] = set->own_name;
    if (published) heads[n++] = "in the paper";
    RT_TRY(report_table_begin(out,
                              "Scores in per cent with 95 % intervals; their difference to dense on the same questions, and its sign test",
                              heads, n, 1, err));
    for (size_t s = 0; s < result->settings.n; s++) RT_TRY(put_scores_row(result, set, s, published, out, err));
    return report_table_end(out, err);
}

/* ---- agreement, time, memory ---- */

static rt_status put_distance_row(const compare_result *result, const compare_set *set, size_t s, rt_text *out, rt_error *err) {
    const compare_outcome *o = &set->outcomes[s];
    const double n = set->n_questions > 0 ? (double)set->n_questions : 1;
    RT_TRY(report_name(out, result->settings.v[s].name, err));
    RT_TRY(report_number(out, err, "%.2f", percent(o->n_same_answer, set->n_questions)));
    RT_TRY(report_number(out, err, "%.2f", percent(o->n_same_first, set->n_questions)));
    if (s == 0) {
        for (size_t i = 0; i < 4; i++) RT_TRY(markup_raw(out, "<td></td>", err));
    } else {
        RT_TRY(report_number(out, err, "%.2f", percent(o->logits.n_same_argmax, o->logits.n_steps)));
        RT_TRY(report_number(out, err, "%.3g", o->logits.max_abs));
        RT_TRY(report_number(out, err, "%.3g", o->logits.mean_abs));
        RT_TRY(report_number(out, err, "%.3g", o->logits.mean_kl));
    }
    RT_TRY(report_number(out, err, "%.2f + %.2f", 1e3 * o->encode_seconds / n, 1e3 * o->decode_seconds / n));
    RT_TRY(report_number(out, err, "%.1f", (double)o->peak_bytes / (1 << 20)));
    return markup_raw(out, "</tr>\n", err);
}

static rt_status put_distances(const compare_result *result, const compare_set *set, rt_text *out, rt_error *err) {
    static const char *const heads[] = {"setting",
                                        "same answer, %",
                                        "same first token, %",
                                        "same best token, %",
                                        "largest difference of a logit",
                                        "mean difference",
                                        "mean KL, nats",
                                        "encode + decode, ms a question",
                                        "memory, MiB"};
    RT_TRY(report_table_begin(out, "Agreement with dense; logits step by step along the dense answers; time and memory beside the weights",
                              heads, sizeof heads / sizeof *heads, 1, err));
    for (size_t s = 0; s < result->settings.n; s++) RT_TRY(put_distance_row(result, set, s, out, err));
    return report_table_end(out, err);
}

static rt_status put_set(const compare_result *result, const compare_set *set, rt_text *out, rt_error *err) {
    char about[256];
    RT_TRY(report_heading(out, set->dataset, err));
    snprintf(about, sizeof about,
             "%zu questions, %zu without references; %zu inputs cut; %zu records that cannot be read; %zu tokens in, %zu out (dense)%s.",
             set->n_questions, set->n_no_answer, set->n_cut, set->n_defects, set->input_tokens, set->output_tokens,
             set->complete ? "" : "; not to its end");
    RT_TRY(markup_raw(out, "<p class=\"note\">", err));
    RT_TRY(markup_text(out, slice_of(set->path), err));
    RT_TRY(markup_raw(out, ": ", err));
    RT_TRY(markup_raw(out, about, err));
    RT_TRY(markup_raw(out, "</p>\n", err));
    RT_TRY(put_scores(result, set, out, err));
    return put_distances(result, set, out, err);
}

/* ---- layers ---- */

static rt_status put_layers_row(const compare_result *result, const compare_set *set, size_t s, bool decoder, size_t block, rt_text *out,
                                rt_error *err) {
    const compare_layer *layer = decoder ? &set->outcomes[s].decoder[block] : &set->outcomes[s].encoder[block];
    RT_TRY(report_name(out, result->settings.v[s].name, err));
    RT_TRY(report_number(out, err, "%s %zu", decoder ? "decoder" : "encoder", block + 1));
    RT_TRY(report_number(out, err, "%.1f (%.1f %%)", layer->positive_mean, 100 * layer->positive_mean / (double)result->d_ff));
    RT_TRY(report_number(out, err, "%zu", layer->positive_p99));
    RT_TRY(report_number(out, err, "%zu", layer->positive_max));
    RT_TRY(report_number(out, err, "%.4f", layer->self_mass));
    if (decoder) RT_TRY(report_number(out, err, "%.4f", layer->cross_mass));
    else RT_TRY(markup_raw(out, "<td></td>", err));
    return markup_raw(out, "</tr>\n", err);
}

static rt_status put_layers(const compare_result *result, const compare_set *set, rt_text *out, rt_error *err) {
    static const char *const heads[] = {
        "setting", "block", "positive units, mean", "99th percentile", "most", "kept weight, self-attention", "cross-attention"};
    RT_TRY(markup_raw(out, "<details><summary>", err));
    RT_TRY(markup_text(out, slice_of(set->dataset), err));
    RT_TRY(markup_raw(out, "</summary>\n", err));
    RT_TRY(report_table_begin(
        out, "Units of a token with a positive pre-activation, before any is dropped; share of attention's weight on the kept keys", heads,
        sizeof heads / sizeof *heads, 1, err));
    for (size_t s = 0; s < result->settings.n; s++) {
        for (size_t b = 0; b < result->n_encoder; b++) RT_TRY(put_layers_row(result, set, s, false, b, out, err));
        for (size_t b = 0; b < result->n_decoder; b++) RT_TRY(put_layers_row(result, set, s, true, b, out, err));
    }
    RT_TRY(report_table_end(out, err));
    return markup_raw(out, "</details>\n", err);
}

/* ---- questions ---- */

static const compare_answer *answers_of(const compare_result *result, const compare_record *record) {
    return result->answers + record->answers;
}

typedef enum relation { DIFFERS, BETTER, WORSE } relation;

static bool relates(const compare_answer *dense, const compare_answer *answer, relation r) {
    return r == DIFFERS ? !answer->same : r == BETTER ? answer->exact_match > dense->exact_match : answer->exact_match < dense->exact_match;
}

/* ` data-differ="1 4"`: the settings whose answers stand so to dense's. */
static rt_status put_relation(const compare_result *result, const compare_answer *answers, const char *name, relation r, rt_text *out,
                              rt_error *err) {
    bool begun = false;
    RT_TRY(out_print(out, err, " data-%s=\"", name));
    for (size_t s = 1; s < result->settings.n; s++) {
        if (!relates(&answers[0], &answers[s], r)) continue;
        RT_TRY(out_print(out, err, begun ? " %zu" : "%zu", s));
        begun = true;
    }
    return markup_raw(out, "\"", err);
}

/* The settings that gave another answer, each with it. */
static rt_status put_others(const compare_result *result, const compare_record *record, rt_text *out, rt_error *err) {
    const compare_answer *answers = answers_of(result, record);
    if (record->n_differing == 0) return markup_raw(out, "<td data-name=\"top-k\"><span class=\"tag\">all as dense</span></td>", err);
    RT_TRY(markup_raw(out, "<td data-name=\"top-k\"><ul>", err));
    for (size_t s = 1; s < result->settings.n; s++) {
        if (answers[s].same) continue;
        RT_TRY(out_print(out, err, "<li data-setting=\"%zu\"><span class=\"tag\">", s));
        RT_TRY(markup_text(out, slice_of(result->settings.v[s].name), err));
        RT_TRY(markup_raw(out, "</span>", err));
        RT_TRY(report_answer(out, result->text + answers[s].text, record->n_references > 0, answers[s].exact_match > 0, err));
        RT_TRY(markup_raw(out, "</li>", err));
    }
    return markup_raw(out, "</ul></td>", err);
}

static rt_status put_question(const compare_result *result, size_t place, rt_text *out, rt_error *err) {
    const compare_record *r = &result->records[place];
    const compare_answer *answers = answers_of(result, r);
    double max_abs = 0;
    for (size_t s = 1; s < result->settings.n; s++) max_abs = answers[s].max_abs > max_abs ? answers[s].max_abs : max_abs;
    RT_TRY(out_print(out, err, "<tr data-place=\"%zu\" data-set=\"%zu\" data-differing=\"%zu\" data-logit=\"%.6g\" data-f1=\"%.4g\"", place,
                     r->set, r->n_differing, max_abs, answers[0].f1));
    if (r->n_references > 0) RT_TRY(out_print(out, err, " data-right=\"%d\"", answers[0].exact_match > 0));
    RT_TRY(put_relation(result, answers, "differ", DIFFERS, out, err));
    RT_TRY(put_relation(result, answers, "better", BETTER, out, err));
    RT_TRY(put_relation(result, answers, "worse", WORSE, out, err));
    RT_TRY(out_print(out, err, "><td class=\"number\" data-name=\"number\">%zu</td>", r->number));
    RT_TRY(report_question(out, result->text + r->id, result->text + r->task, result->text + r->input, result->text + r->references,
                           r->n_references, err));
    RT_TRY(markup_raw(out, "<td data-name=\"dense\">", err));
    RT_TRY(report_answer(out, result->text + answers[0].text, r->n_references > 0, answers[0].exact_match > 0, err));
    RT_TRY(markup_raw(out, "</td>", err));
    RT_TRY(put_others(result, r, out, err));
    return out_print(out, err,
                     "<td class=\"number\" data-name=\"settings that differ\">%zu</td><td class=\"number\" data-name=\"largest difference "
                     "of a logit\">%.3g</td></tr>\n",
                     r->n_differing, max_abs);
}

static rt_status put_controls(const compare_result *result, rt_text *out, rt_error *err) {
    RT_TRY(markup_raw(out, "<form class=\"controls\" hidden><label>Text<input name=\"q\" type=\"search\" autocomplete=\"off\"></label>"
                           "<label>Setting<select name=\"setting\"><option value=\"\">any</option>", err));
    for (size_t s = 1; s < result->settings.n; s++) RT_TRY(report_option(out, s, result->settings.v[s].name, err));
    RT_TRY(markup_raw(out,
                      "</select></label><label>Show<select name=\"show\"><option value=\"\">all questions</option>"
                      "<option value=\"differ\">another answer than dense</option><option value=\"same\">the same answer as dense</option>"
                      "<option value=\"worse\">right with dense, wrong with top-k</option><option value=\"better\">wrong with dense, right "
                      "with top-k</option>"
                      "<option value=\"right\">dense right</option><option value=\"wrong\">dense wrong</option></select></label>",
                      err));
    if (result->n_sets > 1) {
        RT_TRY(markup_raw(out, "<label>Data set<select name=\"set\"><option value=\"\">all</option>", err));
        for (size_t i = 0; i < result->n_sets; i++) RT_TRY(report_option(out, i, result->sets[i].dataset, err));
        RT_TRY(markup_raw(out, "</select></label>", err));
    }
    return markup_raw(out, "<output aria-live=\"polite\"></output></form>\n", err);
}

static rt_status put_questions(const compare_result *result, rt_text *out, rt_error *err) {
    static const char head[] =
        "<table class=\"questions\"><thead><tr><th scope=\"col\" class=\"number\" data-sort=\"place\"><button "
        "type=\"button\">number</button></th>"
        "<th scope=\"col\">question (opens)</th><th scope=\"col\" data-sort=\"f1\"><button type=\"button\">dense</button></th><th "
        "scope=\"col\">top-k, where it differs</th>"
        "<th scope=\"col\" class=\"number\" data-sort=\"differing\"><button type=\"button\">settings that differ</button></th>"
        "<th scope=\"col\" class=\"number\" data-sort=\"logit\"><button type=\"button\">largest difference of a "
        "logit</button></th></tr></thead><tbody>\n";
    RT_TRY(report_heading(out, "Questions", err));
    if (result->n_left_out > 0) {
        RT_TRY(out_print(
            out, err,
            "<p class=\"note\">The first %d questions with another answer than dense's and the first %d without; %zu are left out.</p>\n",
            COMPARE_MAX_DIFFERING, COMPARE_MAX_SAME, result->n_left_out));
    }
    RT_TRY(put_controls(result, out, err));
    RT_TRY(markup_raw(out, head, err));
    for (size_t i = 0; i < result->n_records; i++) RT_TRY(put_question(result, i, out, err));
    return markup_raw(out, "</tbody></table>\n", err);
}

rt_status report_compare(const compare_result *result, rt_text *out, rt_error *err) {
    char about[256];
    snprintf(about, sizeof about, "Dense and %zu setting%s of top-k on the same questions of %zu data set%s. d_ff is %zu; %zu threads, %s.",
             result->settings.n - 1, result->settings.n == 2 ? "" : "s", result->n_sets, result->n_sets == 1 ? "" : "s", result->d_ff,
             result->threads, result->isa);
    RT_TRY(report_begin(out, "Top-k attention against dense", about, err));
    for (size_t i = 0; i < result->n_sets; i++) RT_TRY(put_set(result, &result->sets[i], out, err));
    RT_TRY(report_heading(out, "Charts", err));
    RT_TRY(compare_charts_draw(result, out, err));
    RT_TRY(report_heading(out, "Layers", err));
    for (size_t i = 0; i < result->n_sets; i++) RT_TRY(put_layers(result, &result->sets[i], out, err));
    RT_TRY(put_questions(result, out, err));
    RT_TRY(report_settings(out, result->options, result->n_options, err));
    return report_end(out, err);
}

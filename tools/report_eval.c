/* The page of an evaluation: scores by data set and task, and the questions with their answers. */
#include "tools/report.h"

#include "tools/markup.h"
#include "tools/output.h"
#include "tools/report_page.h"

static rt_status put_group(const eval_group *group, const char *name, rt_text *out, rt_error *err) {
    RT_TRY(report_name(out, name, err));
    RT_TRY(report_number(out, err, "%zu", group->n_questions));
    RT_TRY(report_mean(out, &group->exact_match, err));
    RT_TRY(report_mean(out, &group->f1, err));
    RT_TRY(report_mean(out, &group->own, err));
    RT_TRY(report_text(out, group->own_name != NULL ? group->own_name : "", err));
    return markup_raw(out, "</tr>\n", err);
}

static rt_status put_set(const eval_set *set, rt_text *out, rt_error *err) {
    static const char *const heads[] = {"set or task", "questions", "exact match", "F1", "own metric", "which"};
    RT_TRY(report_heading(out, set->dataset, err));
    RT_TRY(markup_raw(out, "<p class=\"note\">", err));
    RT_TRY(markup_text(out, slice_of(set->path), err));
    RT_TRY(out_print(out, err, ": %zu without references, %zu inputs cut, %zu records that cannot be read, %zu without an answer; ",
                     set->n_no_answer, set->n_cut, set->n_defects, set->n_missing));
    RT_TRY(out_print(out, err, "%zu tokens in, %zu out; %.1f s%s.</p>\n", set->input_tokens, set->output_tokens, set->seconds,
                     set->complete ? "" : "; not to its end"));
    RT_TRY(report_table_begin(out, "Scores in per cent with 95 % intervals", heads, sizeof heads / sizeof *heads, 1, err));
    RT_TRY(put_group(&set->all, set->dataset, out, err));
    for (size_t t = 0; t < set->n_tasks; t++) RT_TRY(put_group(&set->tasks[t], set->tasks[t].name, out, err));
    return report_table_end(out, err);
}

static rt_status put_question(const eval_result *result, size_t place, rt_text *out, rt_error *err) {
    const eval_record *r = &result->records[place];
    const bool has_reference = r->reference[0] != '\0';
    RT_TRY(out_print(out, err, "<tr data-place=\"%zu\" data-set=\"%zu\" data-f1=\"%.4g\"", place, r->set, r->f1));
    if (has_reference) RT_TRY(out_print(out, err, " data-right=\"%d\"", r->exact_match > 0));
    RT_TRY(out_print(out, err, "><td class=\"number\" data-name=\"number\">%zu</td>", r->number));
    RT_TRY(report_question(out, r->id, r->task, r->input, r->reference, has_reference, err));
    RT_TRY(markup_raw(out, "<td data-name=\"answer\">", err));
    RT_TRY(report_answer(out, r->answer, has_reference, r->exact_match > 0, err));
    RT_TRY(markup_raw(out, "</td><td data-name=\"reference\" class=\"text\">", err));
    if (has_reference) RT_TRY(markup_text(out, slice_of(r->reference), err));
    return out_print(out, err, "</td><td class=\"number\" data-name=\"F1\">%.3g</td></tr>\n", r->f1);
}

static rt_status put_questions(const eval_result *result, rt_text *out, rt_error *err) {
    static const char head[] =
        "<table class=\"questions\"><thead><tr><th scope=\"col\" class=\"number\" data-sort=\"place\"><button "
        "type=\"button\">number</button></th>"
        "<th scope=\"col\">question (opens)</th><th scope=\"col\">answer</th><th scope=\"col\">reference</th>"
        "<th scope=\"col\" class=\"number\" data-sort=\"f1\"><button type=\"button\">F1</button></th></tr></thead><tbody>\n";
    RT_TRY(report_heading(out, "Questions", err));
    if (result->n_records_left_out > 0) {
        RT_TRY(
            out_print(out, err, "<p class=\"note\">The first %zu; %zu are left out.</p>\n", result->n_records, result->n_records_left_out));
    }
    RT_TRY(markup_raw(out,
                      "<form class=\"controls\" hidden><label>Text<input name=\"q\" type=\"search\" autocomplete=\"off\"></label>"
                      "<label>Show<select name=\"show\"><option value=\"\">all questions</option><option value=\"right\">right</option>"
                      "<option value=\"wrong\">wrong</option></select></label>",
                      err));
    if (result->n_sets > 1) {
        RT_TRY(markup_raw(out, "<label>Data set<select name=\"set\"><option value=\"\">all</option>", err));
        for (size_t i = 0; i < result->n_sets; i++) RT_TRY(report_option(out, i, result->sets[i].dataset, err));
        RT_TRY(markup_raw(out, "</select></label>", err));
    }
    RT_TRY(markup_raw(out, "<output aria-live=\"polite\"></output></form>\n", err));
    RT_TRY(markup_raw(out, head, err));
    for (size_t i = 0; i < result->n_records; i++) RT_TRY(put_question(result, i, out, err));
    return markup_raw(out, "</tbody></table>\n", err);
}

rt_status report_eval(const eval_result *result, rt_text *out, rt_error *err) {
    RT_TRY(report_begin(out, "Evaluation", result->has_model ? "Accuracy on data sets." : "Accuracy of answers made elsewhere.", err));
    for (size_t i = 0; i < result->n_sets; i++) RT_TRY(put_set(&result->sets[i], out, err));
    RT_TRY(put_questions(result, out, err));
    RT_TRY(report_settings(out, result->settings, result->n_settings, err));
    return report_end(out, err);
}

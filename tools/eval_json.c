/* Results as JSON; see eval_print.h.
 *
 *     {"set":"qa.jsonl","dataset":"qa","split":"-","form":"t5k","questions":3200,"exact_match":{"mean":0.91,"low":0.9,"high":0.92},
 *      "f1":{…},"accuracy":{…},"tasks":[{"task":"t","questions":100,…}],"lost_records":0,"without_reference":0,"missing":0,"cut":0,
 *      "resumed":0,"input_tokens":…,"output_tokens":…,"seconds":…,"peak_bytes":…,"complete":true,"settings":{"version":"0.1.0",…}} */
#include "tools/eval_print.h"
#include "tools/json_out.h"
#include "tools/output.h"

static rt_status put_mean(const char *name, const eval_mean *mean, rt_text *out, rt_error *err) {
    if (mean->n == 0) return RT_OK;
    return out_print(out, err, ",\"%s\":{\"mean\":%.9g,\"low\":%.9g,\"high\":%.9g}", name, mean->mean, mean->low, mean->high);
}

static rt_status put_group(const eval_group *g, rt_text *out, rt_error *err) {
    char name[32] = "";
    for (size_t i = 0; g->own_name != NULL && i + 1 < sizeof name && g->own_name[i] != '\0'; i++) {
        const char c = g->own_name[i];
        name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == ' ' || c == '-' ? '_' : c;
    }
    RT_TRY(out_print(out, err, "\"questions\":%zu", g->n_questions));
    RT_TRY(put_mean("exact_match", &g->exact_match, out, err));
    RT_TRY(put_mean("f1", &g->f1, out, err));
    return put_mean(name, &g->own, out, err);
}

static rt_status put_tasks(const eval_set *s, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"tasks\":["));
    for (size_t i = 0; i < s->n_tasks; i++) {
        RT_TRY(out_print(out, err, i == 0 ? "{\"task\":" : ",{\"task\":"));
        RT_TRY(json_string(out, slice_of(s->tasks[i].name), err));
        RT_TRY(out_print(out, err, ","));
        RT_TRY(put_group(&s->tasks[i], out, err));
        RT_TRY(out_print(out, err, "}"));
    }
    return out_print(out, err, "]");
}

static rt_status put_text(const char *name, const char *text, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "\"%s\":", name));
    RT_TRY(json_string(out, slice_of(text), err));
    return out_print(out, err, ",");
}

static rt_status put_settings(const eval_result *result, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"settings\":{"));
    for (size_t i = 0; i < result->n_settings; i++) {
        RT_TRY(out_print(out, err, i == 0 ? "\"%s\":" : ",\"%s\":", result->settings[i].name));
        RT_TRY(json_string(out, slice_of(result->settings[i].value), err));
    }
    return out_print(out, err, "}}\n");
}

static rt_status put_set(const eval_result *result, const eval_set *s, bool by_task, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "{"));
    RT_TRY(put_text("set", s->path, out, err));
    RT_TRY(put_text("dataset", s->dataset, out, err));
    RT_TRY(put_text("split", s->split, out, err));
    if (s->form != NULL) RT_TRY(put_text("form", s->form, out, err));
    RT_TRY(put_group(&s->all, out, err));
    if (by_task) RT_TRY(put_tasks(s, out, err));
    RT_TRY(out_print(out, err, ",\"lost_records\":%zu,\"without_reference\":%zu,\"missing\":%zu,\"cut\":%zu,\"resumed\":%zu", s->n_defects,
                     s->n_no_answer, s->n_missing, s->n_cut, s->n_resumed));
    RT_TRY(out_print(out, err, ",\"input_tokens\":%zu,\"output_tokens\":%zu,\"seconds\":%.3f,\"peak_bytes\":%zu,\"complete\":%s",
                     s->input_tokens, s->output_tokens, s->seconds, s->peak_bytes, s->complete ? "true" : "false"));
    return put_settings(result, out, err);
}

rt_status eval_print_json(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err) {
    for (size_t i = 0; i < result->n_sets; i++) RT_TRY(put_set(result, &result->sets[i], options->eval.by_task, out, err));
    return RT_OK;
}

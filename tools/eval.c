/* t5k eval: the accuracy of a model, or of answers made elsewhere, on data sets. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/eval_identity.h"
#include "tools/eval_name.h"
#include "tools/eval_print.h"
#include "tools/eval_protocol.h"
#include "tools/eval_run.h"
#include "tools/output.h"
#include "tools/path_list.h"
#include "tools/report.h"

typedef struct eval {
    opt_values options; /* with the protocol applied */
    path_list paths;
    eval_settings settings;
    bool opened;        /* there is something to tell */
    eval_run run;
} eval;

static rt_status list_sets(eval *e, rt_error *err) {
    eval_run *r = &e->run;
    RT_TRY(path_list_split("data", e->options.eval.data, &e->paths, err));
    const size_t n = e->paths.n;
    r->sets = calloc(n, sizeof *r->sets);
    r->tallies = calloc(n, sizeof(eval_tally *));
    if (r->sets == NULL || r->tallies == NULL) return rt_fail_memory(err, n * sizeof *r->sets, "data sets");
    r->n_sets = n;
    for (size_t i = 0; i < n; i++) {
        eval_set *s = &r->sets[i];
        s->path = s->all.name = e->paths.v[i];
        eval_name_of(s->path, s->dataset, s->split);
    }
    return RT_OK;
}

static void close_all(eval *e) {
    eval_run *r = &e->run;
    for (size_t i = 0; i < r->n_sets; i++) eval_tally_close(r->tallies[i]);
    free(r->tallies);
    free(r->sets);
    path_list_free(&e->paths);
    eval_records_free(&r->records);
    eval_window_free(&r->window);
    eval_predictions_close(&r->predictions);
    eval_answers_close(r->answers);
    text2text_close(&r->model);
    eval_settings_free(&e->settings);
    rt_text_free(&r->text);
}

static rt_status open_predictions(eval *e, rt_error *err) {
    const opt_eval *o = &e->options.eval;
    if (o->predictions == NULL) return RT_OK;
    char identity[EVAL_IDENTITY_SIZE];
    eval_settings settings;
    RT_TRY(eval_identity(&e->run.model, identity, err));
    RT_TRY(eval_settings_list(&e->options, identity, &settings, err));
    const rt_status status = eval_predictions_open(o->predictions, o->resume, &settings, &e->run.predictions, err);
    eval_settings_free(&settings);
    return status;
}

static rt_status open_model(eval *e, rt_error *err) {
    eval_run *r = &e->run;
    RT_TRY(text2text_open(&e->options, &r->model, err));
    RT_TRY(t5_model_can_generate(r->model.model, err));
    RT_TRY(eval_window_init(&r->window, err));
    RT_TRY(eval_settings_list(&e->options, r->model.path.v, &e->settings, err));
    return open_predictions(e, err);
}

static rt_status open_answers(eval *e, rt_error *err) {
    RT_TRY(eval_settings_list(&e->options, NULL, &e->settings, err));
    return eval_answers_open(e->options.eval.answers, &e->run.answers, err);
}

/* How many questions all sets have; 0 where one of them can be read only once. Defects show when the set is run. */
static size_t count_questions(const eval_run *r) {
    size_t total = 0;
    for (size_t i = 0; i < r->n_sets; i++) {
        const size_t limit = r->options->eval.limit;
        struct stat st;
        data_set *data;
        data_item item = {.kind = DATA_DEFECT};
        if (stat(r->sets[i].path, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) return 0;
        if (data_open(r->sets[i].path, &data, NULL) != RT_OK) continue;
        while (item.kind != DATA_END && (limit == 0 || data_n_questions(data) < limit) && data_next(data, &item, NULL) == RT_OK) {
        }
        total += data_n_questions(data);
        data_close(data);
    }
    return total;
}

static eval_result result_of(const eval *e) {
    const eval_run *r = &e->run;
    return (eval_result){.settings = e->settings.v,
                         .n_settings = e->settings.n,
                         .has_model = r->model.model != NULL,
                         .d_ff = r->model.model != NULL ? t5_model_config(r->model.model)->d_ff : 0,
                         .sets = r->sets,
                         .n_sets = r->n_sets,
                         .records = r->records.v,
                         .n_records = r->records.n,
                         .n_records_left_out = r->records.n_left_out};
}

static rt_status write_report(const char *path, const eval_result *result, rt_error *err) {
    rt_text page = {0};
    rt_status status = report_eval(result, &page, err);
    if (status == RT_OK) status = report_file_write(path, &page, err);
    rt_text_free(&page);
    return status;
}

/* On standard output, and as a report if one was asked for. */
static rt_status tell_result(const eval *e, rt_error *err) {
    const opt_values *o = &e->options;
    const eval_result result = result_of(e);
    rt_text out = {0};
    rt_status status = o->json ? eval_print_json(&result, o, &out, err)
                               : o->eval.tsv ? eval_print_tsv(&result, o, &out, err) : eval_print_table(&result, o, &out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    if (o->eval.report == NULL || status != RT_OK) return status;
    return write_report(o->eval.report, &result, err);
}

/* What is told when a signal ends the run. */
static void tell_interrupted(void *context) {
    eval *e = context;
    eval_run *r = &e->run;
    rt_error err;
    eval_progress_clear(&r->progress);
    if (r->failure.status != RT_OK) out_message("%s", r->failure.message);
    if (!e->opened) return;
    if (r->set < r->n_sets && r->tallies[r->set] != NULL) eval_run_sum_up(r);
    if (tell_result(e, &err) != RT_OK) out_message("%s", err.message);
    out_message("interrupted%s", r->predictions.fd >= 0 ? " (--resume goes on)" : "");
}

static void run_sets(eval *e) {
    eval_run *r = &e->run;
    const opt_values *o = &e->options;
    const bool shows_bar = r->model.model != NULL && !o->quiet && !o->verbose && isatty(STDERR_FILENO);
    size_t total = 0;
    if (shows_bar) {
        eval_interrupt_slow(&r->interrupt);
        total = count_questions(r);
        eval_interrupt_resume(&r->interrupt);
    }
    eval_progress_start(&r->progress, shows_bar, total);
    for (r->set = 0; r->set < r->n_sets && !r->stopped; r->set++) eval_run_set(r);
    rt_error err;
    const bool whole = r->failure.status == RT_OK && r->predictions.fd >= 0;
    if (whole && eval_predictions_end(&r->predictions, &err) != RT_OK) eval_run_failed(r, &err);
    eval_progress_clear(&r->progress);
    if (r->answers != NULL && eval_answers_unused(r->answers) > 0 && !o->quiet) {
        out_message("%zu of %zu answers belong to none of the questions", eval_answers_unused(r->answers), eval_answers_count(r->answers));
    }
}

static rt_status open_all(eval *e, rt_error *err) {
    eval_interrupt_slow(&e->run.interrupt);
    const rt_status status = e->options.eval.answers != NULL ? open_answers(e, err) : open_model(e, err);
    eval_interrupt_resume(&e->run.interrupt);
    e->opened = status == RT_OK;
    return status;
}

rt_status eval_run_command(const opt_values *options, rt_error *err) {
    eval e = {.options = *options, .run.predictions.fd = -1, .run.keeps_records = options->eval.report != NULL};
    e.run.options = &e.options;
    rt_status status = eval_protocol_apply(&e.options, err);
    if (status == RT_OK) status = list_sets(&e, err);
    if (status == RT_OK && options->eval.report != NULL) status = report_file_check(options->eval.report, err);
    if (status == RT_OK) {
        eval_interrupt_open(&e.run.interrupt, tell_interrupted, &e);
        status = open_all(&e, err);
        if (status == RT_OK) run_sets(&e);
        eval_interrupt_close(&e.run.interrupt);
        if (status == RT_OK) status = tell_result(&e, err);
    }
    if (status == RT_OK && e.run.failure.status != RT_OK) {
        status = e.run.failure.status;
        if (err != NULL) *err = e.run.failure;
    }
    close_all(&e);
    return status;
}

/* t5k compare: settings of top-k against dense, on the same questions. Each window of questions is read once and goes through the model
 * under every setting; nothing but the records of a report grows with their number. */
#include <stdlib.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/compare_charts.h"
#include "tools/compare_print.h"
#include "tools/compare_records.h"
#include "tools/eval_input.h"
#include "tools/eval_interrupt.h"
#include "tools/eval_name.h"
#include "tools/eval_progress.h"
#include "tools/eval_protocol.h"
#include "tools/eval_settings.h"
#include "tools/output.h"
#include "tools/path_list.h"
#include "tools/report.h"

enum { TOLD_DEFECTS = 5 }; /* of a set, one by one */

typedef struct compare {
    opt_values options; /* with the protocol applied */
    eval_settings described;
    path_list paths;
    text2text model;
    eval_window window;
    compare_measure measure;
    compare_tally tally; /* of the set under way */
    compare_records records;
    compare_result result;
    eval_progress progress;
    eval_interrupt interrupt;
    rt_text answers; /* of one question */
    rt_error failure; /* the first of a set; the others are run all the same */
} compare;

/* ---- one question ---- */

/* The text of each setting's answer; where it is dense's, dense's. */
static rt_status read_answers(compare *c, const compare_measured *const *measured, slice *texts, rt_error *err) {
    size_t begin[COMPARE_MAX_SETTINGS], end[COMPARE_MAX_SETTINGS];
    c->answers.n = 0;
    for (size_t s = 0; s < c->result.settings.n; s++) {
        begin[s] = s > 0 && measured[s]->same ? begin[0] : c->answers.n;
        if (s == 0 || !measured[s]->same) {
            RT_TRY(eval_answer_text(&c->options, c->model.tokenizer, measured[s]->ids, measured[s]->n, &c->answers, err));
        }
        end[s] = s > 0 && measured[s]->same ? end[0] : c->answers.n;
    }
    for (size_t s = 0; s < c->result.settings.n; s++) {
        texts[s] = (slice){c->answers.n > 0 ? c->answers.v + begin[s] : "", end[s] - begin[s]};
    }
    return RT_OK;
}

static rt_status take_question(compare *c, size_t item, size_t number, rt_error *err) {
    compare_set *set = &c->result.sets[c->result.n_sets];
    const data_question *question = &c->window.items[item].question;
    const eval_source source = {set->path, set->form};
    const compare_measured *measured[COMPARE_MAX_SETTINGS];
    eval_score scores[COMPARE_MAX_SETTINGS];
    slice texts[COMPARE_MAX_SETTINGS];
    bool same[COMPARE_MAX_SETTINGS];
    const size_t n = c->result.settings.n;
    for (size_t s = 0; s < n; s++) measured[s] = compare_measured_at(&c->measure, s, item);
    RT_TRY(read_answers(c, measured, texts, err));
    for (size_t s = 0; s < n; s++) {
        same[s] = texts[s].n == texts[0].n && memcmp(texts[s].v, texts[0].v, texts[0].n) == 0;
        c->tally.sums[s].n_same_answer += same[s];
        if (s > 0 && same[s]) scores[s] = scores[0];
        else RT_TRY(eval_score_answer(&c->options, &source, question, texts[s], DATA_NO_GOLD, &scores[s], err));
    }
    compare_tally_scores(&c->tally, scores);
    if (scores[0].has_own) {
        set->own_name = eval_own_name(question->metric);
        set->own_key = eval_own_key(question->metric);
    }
    set->n_no_answer += !scores[0].scored;
    set->n_cut += c->window.items[item].answer.cut;
    set->input_tokens += c->window.items[item].answer.input_tokens;
    set->output_tokens += measured[0]->n;
    if (c->options.eval.report == NULL) return RT_OK;
    const compare_asked asked = {c->result.n_sets, number, question, eval_window_input(&c->window, item), texts, same, scores, measured};
    return compare_records_add(&c->records, &asked, err);
}

/* ---- one set ---- */

/* Brings the outcomes of the set under way up to date: what is told of it, an interrupt's table too. */
static rt_status sum_up(compare *c, rt_error *err) {
    compare_set *set = &c->result.sets[c->result.n_sets];
    const size_t n = c->result.settings.n;
    set->n_questions = c->tally.n_questions;
    compare_outcomes_free(set->outcomes, n);
    set->outcomes = calloc(n, sizeof *set->outcomes);
    if (set->outcomes == NULL) return rt_fail_memory(err, n * sizeof *set->outcomes, "results");
    return compare_tally_result(&c->tally, set->outcomes, err);
}

/* Runs the window, and empties it; `last` is the number of its last question. A window that is given up is in the tally in part. */
static rt_status run_window(compare *c, size_t last, rt_error *err) {
    const size_t n = c->window.batch.n;
    if (n == 0) return RT_OK;
    batch_sequences(&c->window.batch);
    RT_TRY(sum_up(c, err));
    eval_interrupt_slow(&c->interrupt);
    rt_status status = compare_measure_run(&c->measure, &c->tally, c->window.batch.inputs, n, err);
    eval_interrupt_resume(&c->interrupt);
    for (size_t i = 0; status == RT_OK && i < n; i++) {
        status = take_question(c, i, last - n + i + 1, err);
        eval_progress_step(&c->progress, false);
    }
    eval_progress_draw(&c->progress);
    eval_window_clear(&c->window);
    return status;
}

static rt_status add_question(compare *c, const data_question *question, size_t number, rt_error *err) {
    const batch *b = &c->window.batch;
    RT_TRY(eval_window_add(&c->window, &c->model, question, err));
    const bool full = b->n == c->measure.max_questions || b->n_input_tokens >= c->options.session.batch_tokens;
    return full ? run_window(c, number, err) : RT_OK;
}

/* The first failure is told at the end, by the exit status too; later ones at once. */
static void note_failure(compare *c, const rt_error *failure, bool tells) {
    if (c->failure.status == RT_OK) {
        c->failure = *failure;
        return;
    }
    if (!tells) return;
    eval_progress_clear(&c->progress);
    out_message("%s", failure->message);
}

static void take_defect(compare *c, const rt_error *defect) {
    compare_set *set = &c->result.sets[c->result.n_sets];
    eval_score wrong[COMPARE_MAX_SETTINGS];
    note_failure(c, defect, ++set->n_defects <= TOLD_DEFECTS);
    if (c->options.eval.lost_records != EVAL_LOST_WRONG) return;
    for (size_t s = 0; s < c->result.settings.n; s++) wrong[s] = (eval_score){.scored = true};
    compare_tally_scores(&c->tally, wrong);
}

static rt_status run_questions(compare *c, data_set *data, rt_error *err) {
    const size_t limit = c->options.eval.limit;
    size_t number = 0;
    while (limit == 0 || number < limit) {
        data_item item;
        RT_TRY(data_next(data, &item, err));
        if (item.kind == DATA_END) break;
        if (item.kind == DATA_DEFECT) take_defect(c, &item.defect);
        else RT_TRY(add_question(c, &item.question, ++number, err));
    }
    return run_window(c, number, err);
}

static rt_status run_set(compare *c, const char *path, rt_error *err) {
    compare_set *set = &c->result.sets[c->result.n_sets];
    data_set *data;
    *set = (compare_set){.path = path};
    eval_name_of(path, set->dataset, set->split);
    RT_TRY(data_open(path, &data, err));
    set->form = data_form(data);
    if (data_note(data) != NULL && !c->options.quiet) out_message("%s", data_note(data));
    rt_status status = compare_tally_open(&c->result.settings, c->model.model, &c->tally, err);
    if (status == RT_OK) status = run_questions(c, data, err);
    eval_window_clear(&c->window);
    data_close(data);
    set->complete = status == RT_OK;
    return status == RT_OK ? sum_up(c, err) : status;
}

/* A set that fails is left out of the results; the others are run. */
static void run_sets(compare *c) {
    const bool shows_bar = !c->options.quiet && !c->options.verbose && isatty(STDERR_FILENO);
    eval_progress_start(&c->progress, shows_bar, 0);
    for (size_t i = 0; i < c->paths.n; i++) {
        rt_error err;
        const compare_records before = c->records;
        const rt_status status = run_set(c, c->paths.v[i], &err);
        compare_tally_close(&c->tally);
        eval_progress_clear(&c->progress);
        if (status == RT_OK) {
            c->result.n_sets++;
            continue;
        }
        compare_outcomes_free(c->result.sets[c->result.n_sets].outcomes, c->result.settings.n);
        c->result.sets[c->result.n_sets].outcomes = NULL;
        compare_records_forget(&c->records, &before);
        note_failure(c, &err, true);
    }
}

/* ---- the whole ---- */

static rt_status open_model(compare *c, rt_error *err) {
    RT_TRY(text2text_open(&c->options, &c->model, err));
    RT_TRY(t5_model_can_generate(c->model.model, err));
    const t5_config *config = t5_model_config(c->model.model);
    const size_t most = compare_measure_max_questions(config, &c->options.generate);
    compare_result *r = &c->result;
    RT_TRY(compare_settings_list(c->options.compare.ff_list, c->options.compare.attn_list, config->d_ff, &r->settings, err));
    RT_TRY(eval_window_init(&c->window, err));
    RT_TRY(compare_measure_open(c->model.session, config, &c->options.session, &c->options.generate,
                                most < BATCH_MAX_ITEMS ? most : BATCH_MAX_ITEMS, &c->measure, err));
    r->d_ff = config->d_ff;
    r->n_encoder = config->num_layers;
    r->n_decoder = config->num_decoder_layers;
    r->threads = t5_session_threads(c->model.session);
    r->isa = t5_session_isa(c->model.session);
    c->records.n_settings = r->settings.n;
    return RT_OK;
}

/* Has the weights in memory, so that dense, which is first, does not pay for reading the file. */
static rt_status warm_up(compare *c, rt_error *err) {
    const int32_t id = t5_model_config(c->model.model)->eos_token_id;
    const t5_ids input = {&id, 1};
    t5_generate_params one_token = t5_generate_defaults();
    t5_generation *unused;
    one_token.max_new_tokens = 1;
    RT_TRY(t5_generate(c->model.session, &input, 1, &one_token, &unused, err));
    t5_generation_free(unused);
    return RT_OK;
}

/* What is quick, and may refuse. */
static rt_status prepare(compare *c, rt_error *err) {
    RT_TRY(eval_protocol_apply(&c->options, err));
    RT_TRY(path_list_split("data", c->options.eval.data, &c->paths, err));
    c->result.sets = calloc(c->paths.n, sizeof *c->result.sets);
    if (c->result.sets == NULL) return rt_fail_memory(err, c->paths.n * sizeof *c->result.sets, "data sets");
    if (c->options.eval.report != NULL) RT_TRY(report_file_check(c->options.eval.report, err));
    return c->options.compare.chart != NULL ? report_file_check(c->options.compare.chart, err) : RT_OK;
}

static rt_status open_all(compare *c, rt_error *err) {
    RT_TRY(open_model(c, err));
    RT_TRY(warm_up(c, err));
    RT_TRY(eval_settings_list(&c->options, c->model.path.v, &c->described, err));
    c->result.options = c->described.v;
    c->result.n_options = c->described.n;
    return RT_OK;
}

static void close_all(compare *c) {
    for (size_t i = 0; i < c->result.n_sets; i++) compare_outcomes_free(c->result.sets[i].outcomes, c->result.settings.n);
    free(c->result.sets);
    compare_measure_close(&c->measure);
    compare_records_free(&c->records);
    eval_window_free(&c->window);
    text2text_close(&c->model);
    eval_settings_free(&c->described);
    path_list_free(&c->paths);
    rt_text_free(&c->answers);
}

/* Makes a file of the results by one of the two functions. */
static rt_status write_file(const compare *c, const char *path, rt_status (*make)(const compare_result *, rt_text *, rt_error *),
                            rt_error *err) {
    if (path == NULL || c->result.n_sets == 0) return RT_OK;
    rt_text page = {0};
    rt_status status = make(&c->result, &page, err);
    if (status == RT_OK) status = report_file_write(path, &page, err);
    rt_text_free(&page);
    return status;
}

static rt_status tell(compare *c, rt_error *err) {
    rt_text out = {0};
    c->result.records = c->records.v;
    c->result.answers = c->records.answers;
    c->result.text = c->records.text.v;
    c->result.n_records = c->records.n;
    c->result.n_left_out = c->records.n_left_out;
    rt_status status = c->options.json ? compare_print_json(&c->result, &out, err) : compare_print_table(&c->result, &out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    if (status == RT_OK) status = write_file(c, c->options.eval.report, report_compare, err);
    if (status == RT_OK) status = write_file(c, c->options.compare.chart, compare_charts_file, err);
    return status;
}

/* What is told when a signal ends the run. */
static void tell_interrupted(void *context) {
    compare *c = context;
    rt_error err;
    const size_t n = c->result.n_sets;
    const bool in_part = n < c->paths.n && c->result.sets[n].outcomes != NULL && c->result.sets[n].n_questions > 0;
    eval_progress_clear(&c->progress);
    if (c->failure.status != RT_OK) out_message("%s", c->failure.message);
    c->result.n_sets += in_part;
    if (c->result.n_sets > 0 && tell(c, &err) != RT_OK) out_message("%s", err.message);
    if (c->result.n_sets == 0) out_message("interrupted: nothing is compared yet");
    else out_message("interrupted: %zu of %zu data sets compared%s", n, c->paths.n, in_part ? ", one more in part" : "");
}

rt_status compare_run(const opt_values *options, rt_error *err) {
    compare c = {.options = *options};
    rt_status status = prepare(&c, err);
    if (status == RT_OK) {
        eval_interrupt_open(&c.interrupt, tell_interrupted, &c);
        eval_interrupt_slow(&c.interrupt);
        status = open_all(&c, err);
        eval_interrupt_resume(&c.interrupt);
        if (status == RT_OK) run_sets(&c);
        eval_interrupt_close(&c.interrupt);
        if (status == RT_OK) status = tell(&c, err);
    }
    if (status == RT_OK && c.failure.status != RT_OK) {
        status = c.failure.status;
        if (err != NULL) *err = c.failure;
    }
    close_all(&c);
    return status;
}

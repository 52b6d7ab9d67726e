/* One data set: its questions read, answered, scored and written, one after another; see eval_run.h.
 *
 * Memory holds a window of questions, a line of the predictions and the means; nothing grows with the number of questions but, if there are
 * any, the answers made elsewhere. */
#include "tools/eval_run.h"

#include <sys/resource.h>

#include "tools/eval_input.h"
#include "tools/eval_protocol.h"
#include "tools/output.h"
#include "tools/verbose.h"

enum { TOLD_DEFECTS = 5 }; /* of a set, one by one */

void eval_run_failed(eval_run *run, const rt_error *failure) {
    if (run->failure.status == RT_OK) {
        run->failure = *failure;
        return;
    }
    eval_progress_clear(&run->progress);
    out_message("%s", failure->message);
}

void eval_run_sum_up(eval_run *run) {
    eval_set *s = &run->sets[run->set];
    struct rusage usage;
    eval_tally_result(run->tallies[run->set], &s->all, &s->tasks, &s->n_tasks);
    s->seconds = verbose_clock() - run->start;
    if (getrusage(RUSAGE_SELF, &usage) == 0) s->peak_bytes = (size_t)usage.ru_maxrss * 1024;
}

/* One line on standard error, unless -q. */
static void note(eval_run *run, const char *text, size_t n, const char *what) {
    if (n == 0 || run->options->quiet) return;
    eval_progress_clear(&run->progress);
    out_message("%s: %zu %s", text, n, what);
}

/* A failure of the predictions file is not one set's alone. */
static rt_status of_predictions(eval_run *run, rt_status status) {
    if (status != RT_OK) run->stopped = true;
    return status;
}

static rt_status score_line(eval_run *run, const data_question *q, eval_line *line, bool missing, rt_error *err) {
    const eval_set *s = &run->sets[run->set];
    const eval_source from = {s->path, s->form};
    RT_TRY(eval_score_answer(run->options, &from, q, line->answer.text, line->answer.choice, &line->score, err));
    if (missing) line->score.exact_match = line->score.f1 = line->score.own = 0;
    return eval_tally_add(run->tallies[run->set], q->task, q->metric, &line->score, err);
}

/* Scores an answer and adds it to all that is found out; *line is left as it goes to the predictions. */
static rt_status take_answer(eval_run *run, const data_question *q, eval_line *line, bool missing, rt_error *err) {
    eval_set *s = &run->sets[run->set];
    line->set = s->path;
    line->id = q->id;
    line->task = q->task;
    line->metric = q->metric;
    RT_TRY(score_line(run, q, line, missing, err));
    if (run->keeps_records) {
        RT_TRY(eval_records_add(&run->records, run->set, line, q->n_references > 0 ? q->references[0] : slice_of(""), err));
    }
    s->n_no_answer += q->n_references == 0;
    s->n_cut += line->answer.cut;
    s->n_missing += missing;
    s->input_tokens += line->answer.input_tokens;
    s->output_tokens += line->answer.output_tokens;
    return RT_OK;
}

/* Lets the model answer the window, and empties it; `last` is the number of the window's last question. */
static rt_status answer_window(eval_run *run, size_t last, rt_error *err) {
    eval_window *w = &run->window;
    const size_t n = w->batch.n;
    if (n == 0) return RT_OK;
    eval_interrupt_slow(&run->interrupt);
    const double start = verbose_clock();
    const size_t steps = t5_session_steps(run->model.session);
    rt_status status = eval_window_answer(w, &run->model, err);
    const double seconds = verbose_clock() - start;
    eval_interrupt_resume(&run->interrupt);
    size_t n_output_tokens = 0;
    for (size_t i = 0; status == RT_OK && i < n; i++) {
        eval_line line = {.number = last - n + i + 1, .input = eval_window_input(w, i), .answer = w->items[i].answer};
        n_output_tokens += line.answer.output_tokens;
        status = take_answer(run, &w->items[i].question, &line, false, err);
        if (status == RT_OK) status = of_predictions(run, eval_predictions_add(&run->predictions, &line, err));
        eval_progress_step(&run->progress, false);
    }
    if (status == RT_OK) status = of_predictions(run, eval_predictions_flush(&run->predictions, err));
    if (status == RT_OK && run->options->verbose) {
        verbose_speed(n, w->batch.n_input_tokens, n_output_tokens, t5_session_steps(run->model.session) - steps, seconds);
    }
    eval_progress_draw(&run->progress);
    eval_window_clear(w);
    return status;
}

/* An answer made elsewhere. */
static rt_status look_up(eval_run *run, const data_question *q, eval_line *line, rt_error *err) {
    const char *set = run->sets[run->set].path;
    eval_answer *answer = &line->answer;
    *answer = (eval_answer){.text = slice_of(""), .choice = DATA_NO_GOLD};
    const bool found = eval_answers_find(run->answers, set, q->id, q->input, &answer->text) ||
                       eval_answers_find(run->answers, set, (slice){0}, line->input, &answer->text);
    return take_answer(run, q, line, !found, err);
}

static rt_status take_question(eval_run *run, const data_question *q, size_t number, rt_error *err) {
    bool have;
    eval_line line = {.number = number};
    run->text.n = 0;
    RT_TRY(eval_input_text(run->options, q->input, &run->text, err));
    line.input = (slice){run->text.v, run->text.n};
    if (run->answers != NULL) return look_up(run, q, &line, err);
    RT_TRY(of_predictions(run, eval_predictions_next(&run->predictions, &line.answer, &have, err)));
    if (have) {
        RT_TRY(take_answer(run, q, &line, false, err));
        run->sets[run->set].n_resumed++;
        eval_progress_step(&run->progress, true);
        return of_predictions(run, eval_predictions_check(&run->predictions, &line, err));
    }
    RT_TRY(eval_window_add(&run->window, &run->model, q, err));
    return text2text_is_full(&run->model, &run->window.batch) ? answer_window(run, number, err) : RT_OK;
}

static rt_status take_defect(eval_run *run, const rt_error *defect, rt_error *err) {
    eval_set *s = &run->sets[run->set];
    const eval_score wrong = {.scored = true};
    s->n_defects++;
    if (s->n_defects <= TOLD_DEFECTS) eval_run_failed(run, defect);
    if (run->options->eval.lost_records != EVAL_LOST_WRONG) return RT_OK;
    return eval_tally_add(run->tallies[run->set], (slice){0}, DATA_EM_F1, &wrong, err);
}

/* The message begins with the question's place, which what lies below does not know. */
static rt_status at_question(const eval_run *run, const data_question *q, rt_status status, rt_error *err) {
    if (status == RT_OK || run->stopped) return status;
    char quoted[RT_QUOTE_SIZE];
    rt_error cause = *err;
    const char *path = rt_quote_path(quoted, run->sets[run->set].path);
    return rt_fail(err, status, "%s, question of line %zu: %.400s", path, q->line, cause.message);
}

/* Reads all questions. On failure those before have been answered, unless it was the model that failed. */
static rt_status take_all(eval_run *run, data_set *data, rt_error *err) {
    const size_t limit = run->options->eval.limit;
    size_t number = 0;
    rt_status status = RT_OK;
    while (status == RT_OK && (limit == 0 || number < limit)) {
        data_item item;
        eval_interrupt_look(&run->interrupt);
        status = data_next(data, &item, err);
        if (status != RT_OK || item.kind == DATA_END) break;
        if (item.kind == DATA_DEFECT) status = take_defect(run, &item.defect, err);
        else status = at_question(run, &item.question, take_question(run, &item.question, number + 1, err), err);
        number += status == RT_OK && item.kind == DATA_QUESTION;
    }
    rt_error later;
    const rt_status last = run->stopped ? RT_OK : answer_window(run, number, &later);
    if (status == RT_OK && last != RT_OK) *err = later;
    eval_window_clear(&run->window);
    return status != RT_OK ? status : last;
}

static rt_status run_set(eval_run *run, rt_error *err) {
    eval_set *s = &run->sets[run->set];
    data_set *data;
    RT_TRY(eval_tally_open(s->path, &run->tallies[run->set], err));
    RT_TRY(data_open(s->path, &data, err));
    s->form = data_form(data);
    if (data_note(data) != NULL && !run->options->quiet) {
        eval_progress_clear(&run->progress);
        out_message("%s", data_note(data));
    }
    const rt_status status = take_all(run, data, err);
    data_close(data);
    return status;
}

void eval_run_set(eval_run *run) {
    eval_set *s = &run->sets[run->set];
    rt_error err;
    run->start = verbose_clock();
    s->failure = run_set(run, &err);
    s->complete = s->failure == RT_OK;
    if (s->failure != RT_OK) eval_run_failed(run, &err);
    if (run->tallies[run->set] != NULL) eval_run_sum_up(run);
    note(run, s->path, s->n_defects, "records cannot be read");
    note(run, s->path, s->n_cut, "inputs are cut (--max-input-tokens)");
    note(run, s->path, s->n_no_answer, "questions have no reference and are not scored");
    note(run, s->path, s->n_missing, "questions have no answer in the file of --answers and count as wrong");
}

/* t5k ask: questions, from the command line or one a line, to answers. */
#include "tools/batch.h"
#include "tools/command.h"
#include "tools/dump.h"
#include "tools/json_out.h"
#include "tools/lines.h"
#include "tools/output.h"
#include "tools/verbose.h"

typedef struct ask {
    const opt_values *options;
    text2text model;
    batch batch;
    rt_text context; /* of --context-file */
    rt_text form, out;
} ask;

static bool builds_form(const opt_values *o) { return o->given[OPT_CONTEXT] || o->given[OPT_CONTEXT_FILE] || o->given[OPT_CHOICE]; }

/* The text of one question before case and repair, in a->form or the question itself. */
static rt_status question_text(ask *a, slice question, bool is_argument, slice *text, rt_error *err) {
    const opt_values *o = a->options;
    a->form.n = 0;
    if (builds_form(o)) {
        const slice context = o->context != NULL ? slice_of(o->context) : (slice){a->context.v, a->context.n};
        const qa_parts parts = {question, o->choices, o->n_choices, context};
        RT_TRY(qa_form(&parts, &a->form, err));
    } else if (is_argument && !o->ids) {
        RT_TRY(qa_separate_lines(question, &a->form, err));
    } else {
        *text = question;
        return RT_OK;
    }
    *text = (slice){a->form.v, a->form.n};
    return RT_OK;
}

/* Takes one question; line 0 is the argument. */
static rt_status take_question(void *context, slice question, size_t line, bool *full, rt_error *err) {
    ask *a = context;
    batch *b = &a->batch;
    slice text;
    RT_TRY(question_text(a, question, line == 0, &text, err));
    const text2text_source source = {.line = line, .name = "question", .lower_case = builds_form(a->options), .may_cut = true};
    batch_item item = {.line = line};
    RT_TRY(text2text_part(&a->model, text, &source, b, &item.input, err));
    b->items[b->n++] = item;
    b->n_input_tokens += item.input.n_ids;
    *full = text2text_is_full(&a->model, b);
    return RT_OK;
}

static rt_status print_lines(ask *a, const t5_answer *answers, size_t n, rt_error *err) {
    for (size_t i = 0; i < n; i++) {
        RT_TRY(text2text_answer(&a->model, answers[i].ids, answers[i].n, &a->out, err));
        RT_TRY(rt_text_append(&a->out, "\n", 1, err));
    }
    return RT_OK;
}

static rt_status print_json_answer(ask *a, const t5_answer *answer, rt_error *err) {
    rt_text *out = &a->out;
    RT_TRY(out_print(out, err, "{"));
    if (!a->options->ids) {
        rt_text text = {0};
        rt_status status = text2text_answer(&a->model, answer->ids, answer->n, &text, err);
        if (status == RT_OK) status = out_print(out, err, "\"text\":");
        if (status == RT_OK) status = json_string(out, (slice){text.v, text.n}, err);
        if (status == RT_OK) status = out_print(out, err, ",");
        rt_text_free(&text);
        RT_TRY(status);
    }
    RT_TRY(out_print(out, err, "\"score\":"));
    RT_TRY(json_float(out, answer->score, err));
    RT_TRY(out_print(out, err, ",\"tokens\":"));
    RT_TRY(json_ids(out, answer->ids, answer->n, err));
    return out_print(out, err, "}");
}

static rt_status print_json(ask *a, const batch_item *item, const t5_answer *answers, size_t n, double seconds, rt_error *err) {
    rt_text *out = &a->out;
    const t5_ids ids = batch_ids(&a->batch, &item->input);
    RT_TRY(out_print(out, err, "{\"input\":"));
    RT_TRY(a->options->ids ? json_ids(out, ids.ids, ids.n, err) : json_string(out, batch_text(&a->batch, &item->input), err));
    RT_TRY(out_print(out, err, ",\"answers\":["));
    for (size_t i = 0; i < n; i++) {
        if (i > 0) RT_TRY(out_print(out, err, ","));
        RT_TRY(print_json_answer(a, &answers[i], err));
    }
    return out_print(out, err, "],\"input_tokens\":%zu,\"seconds\":%.6f}\n", ids.n, seconds);
}

/* Prints the answers of the whole batch. */
static rt_status print_batch(ask *a, const t5_generation *generation, size_t n_steps, double seconds, rt_error *err) {
    const batch *b = &a->batch;
    size_t n_tokens = 0;
    a->out.n = 0;
    for (size_t i = 0; i < b->n; i++) {
        size_t n;
        const t5_answer *answers = t5_generation_answers(generation, i, &n);
        for (size_t j = 0; j < n; j++) n_tokens += answers[j].n;
        RT_TRY(a->options->json ? print_json(a, &b->items[i], answers, n, seconds, err) : print_lines(a, answers, n, err));
    }
    if (a->options->verbose) verbose_speed(b->n, b->n_input_tokens, n_tokens, n_steps, seconds);
    return out_write(&a->out, err);
}

/* An encoder alone has no answers: its states go to the dump. */
static rt_status encode_batch(ask *a, rt_error *err) {
    batch_sequences(&a->batch);
    const rt_status status = dump_encoded(&a->model, a->batch.inputs[0], err);
    batch_clear(&a->batch);
    return status;
}

/* Answers the batch, and empties it. */
static rt_status answer_batch(void *context, rt_error *err) {
    ask *a = context;
    batch *b = &a->batch;
    if (t5_model_config(a->model.model)->num_decoder_layers == 0) return encode_batch(a, err);
    const double start = verbose_clock();
    const size_t steps = t5_session_steps(a->model.session);
    t5_generation *generation;
    t5_generate_params params = a->options->generate;
    params.skip_logprobs = !a->options->json && a->options->dump == NULL;
    batch_sequences(b);
    RT_TRY(t5_generate(a->model.session, b->inputs, b->n, &params, &generation, err));
    const double seconds = verbose_clock() - start;
    const size_t n_steps = t5_session_steps(a->model.session) - steps;
    rt_status status = RT_OK;
    if (a->options->dump != NULL) {
        size_t n;
        const t5_answer *best = t5_generation_answers(generation, 0, &n);
        status = dump_run(&a->model, b->inputs[0], (t5_ids){best->ids, best->n}, err);
    }
    if (status == RT_OK) status = print_batch(a, generation, n_steps, seconds, err);
    t5_generation_free(generation);
    batch_clear(b);
    return status;
}

static rt_status answer_argument(ask *a, rt_error *err) {
    bool full;
    RT_TRY(take_question(a, slice_of(a->options->argument), 0, &full, err));
    return answer_batch(a, err);
}

static rt_status answer_lines(ask *a, rt_error *err) {
    const lines_handler handler = {a, take_question, answer_batch};
    lines_reader reader = lines_standard_input(a->options->ids ? "token ids of a question, one question a line" : "a question, one a line",
                                               a->options->quiet);
    const rt_status status = a->options->dump != NULL ? lines_only(&reader, &handler, "--dump", err) : lines_each(&reader, &handler, err);
    lines_close(&reader);
    return status;
}

rt_status ask_run(const opt_values *options, rt_error *err) {
    ask a = {.options = options};
    rt_status status = options->context_file != NULL ? lines_read_all(options->context_file, &a.context, err) : RT_OK;
    if (status == RT_OK) status = batch_init(&a.batch, err);
    if (status == RT_OK) status = text2text_open(options, &a.model, err);
    if (status == RT_OK && options->dump == NULL) status = t5_model_can_generate(a.model.model, err);
    if (status == RT_OK) status = dump_check(options, a.model.path.v, err);
    if (status == RT_OK) status = options->argument != NULL ? answer_argument(&a, err) : answer_lines(&a, err);
    text2text_close(&a.model);
    batch_free(&a.batch);
    rt_text_free(&a.context);
    rt_text_free(&a.form);
    rt_text_free(&a.out);
    return status;
}

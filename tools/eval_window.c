/* Questions that wait for the model, and its answers; see eval_window.h.
 *
 * By likelihood: score(choice) = Σ log p(token) over the choice's tokens, </s> included, or that divided by their number; the first of
 * equals wins. */
#include "tools/eval_window.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/checked.h"
#include "tools/eval_input.h"
#include "tools/eval_protocol.h"
#include "tools/verbose.h"

rt_status eval_window_init(eval_window *w, rt_error *err) {
    *w = (eval_window){.items = calloc(BATCH_MAX_ITEMS, sizeof *w->items)};
    if (w->items == NULL) return rt_fail_memory(err, BATCH_MAX_ITEMS * sizeof *w->items, "questions");
    const rt_status status = batch_init(&w->batch, err);
    if (status != RT_OK) eval_window_free(w);
    return status;
}

void eval_window_clear(eval_window *w) {
    for (size_t i = 0; i < w->batch.n; i++) free(w->items[i].memory);
    batch_clear(&w->batch);
    w->answers.n = 0;
    w->n_choices = 0;
}

void eval_window_free(eval_window *w) {
    if (w->items != NULL) eval_window_clear(w);
    batch_free(&w->batch);
    free(w->items);
    free(w->inputs);
    free(w->targets);
    free(w->choices);
    free(w->logprobs);
    rt_text_free(&w->answers);
    rt_text_free(&w->text);
    *w = (eval_window){0};
}

static slice copy_slice(slice s, char **at) {
    if (s.n == 0) return (slice){*at, 0};
    memcpy(*at, s.v, s.n);
    const slice copy = {*at, s.n};
    *at += s.n;
    return copy;
}

/* Everything of a question in one block: first the lists, then the texts. */
static rt_status copy_question(const data_question *q, eval_item *item, rt_error *err) {
    size_t n = (q->n_references + q->n_choices) * sizeof(slice) + q->id.n + q->task.n + q->input.n + 1;
    for (size_t i = 0; i < q->n_references; i++) n += q->references[i].n;
    for (size_t i = 0; i < q->n_choices; i++) n += q->choices[i].n;
    item->memory = malloc(n);
    if (item->memory == NULL) return rt_fail_memory(err, n, "a question");
    slice *lists = item->memory;
    char *at = (char *)(lists + q->n_references + q->n_choices);
    for (size_t i = 0; i < q->n_references; i++) lists[i] = copy_slice(q->references[i], &at);
    for (size_t i = 0; i < q->n_choices; i++) lists[q->n_references + i] = copy_slice(q->choices[i], &at);
    item->question = *q;
    item->question.references = lists;
    item->question.choices = lists + q->n_references;
    item->question.id = copy_slice(q->id, &at);
    item->question.task = copy_slice(q->task, &at);
    item->question.input = copy_slice(q->input, &at);
    return RT_OK;
}

static rt_status grow_choices(eval_window *w, size_t n, rt_error *err) {
    if (n <= w->choices_max) return RT_OK;
    const size_t max = 2 * n;
    batch_part *choices = realloc(w->choices, max * sizeof *choices);
    if (choices != NULL) w->choices = choices;
    t5_ids *inputs = realloc(w->inputs, max * sizeof *inputs);
    if (inputs != NULL) w->inputs = inputs;
    t5_ids *targets = realloc(w->targets, max * sizeof *targets);
    if (targets != NULL) w->targets = targets;
    if (choices == NULL || inputs == NULL || targets == NULL) return rt_fail_memory(err, max * sizeof *choices, "choices");
    w->choices_max = max;
    return RT_OK;
}

static rt_status add_choices(eval_window *w, const text2text *model, const data_question *q, rt_error *err) {
    if (q->n_choices == 0) return rt_fail(err, RT_ERR_USAGE, "has no choices to find the likeliest of (--by)");
    RT_TRY(grow_choices(w, w->n_choices + q->n_choices, err));
    for (size_t i = 0; i < q->n_choices; i++) {
        batch_part *part = &w->choices[w->n_choices + i];
        w->text.n = 0;
        RT_TRY(eval_input_text(model->options, q->choices[i], &w->text, err));
        *part = (batch_part){.ids = w->batch.ids.n};
        RT_TRY(tok_encode(model->tokenizer, w->text.v, w->text.n, &w->batch.ids, err));
        part->n_ids = w->batch.ids.n - part->ids;
    }
    w->n_choices += q->n_choices;
    return RT_OK;
}

/* With -v, what the model is fed. */
static rt_status tell_input(const eval_window *w, size_t line, const batch_part *part, rt_error *err) {
    char name[48];
    const slice text = batch_text(&w->batch, part);
    const t5_ids ids = batch_ids(&w->batch, part);
    snprintf(name, sizeof name, "question of line %zu", line);
    return verbose_input(name, &text, ids.ids, ids.n, err);
}

static rt_status make_ids(eval_window *w, const text2text *model, const data_question *q, eval_item *item, batch_part *part,
                          rt_error *err) {
    batch *b = &w->batch;
    *part = (batch_part){.text = b->texts.n, .ids = b->ids.n};
    RT_TRY(eval_input_text(model->options, q->input, &b->texts, err));
    part->n_text = b->texts.n - part->text;
    RT_TRY(eval_input_ids(model->options, model->tokenizer, batch_text(b, part), &b->ids, &item->answer.cut, err));
    part->n_ids = b->ids.n - part->ids;
    item->answer.input_tokens = part->n_ids;
    if (model->options->verbose) RT_TRY(tell_input(w, q->line, part, err));
    return model->options->eval.by != EVAL_BY_ANSWER ? add_choices(w, model, q, err) : RT_OK;
}

rt_status eval_window_add(eval_window *w, const text2text *model, const data_question *question, rt_error *err) {
    batch *b = &w->batch;
    eval_item *item = &w->items[b->n];
    batch_item *place = &b->items[b->n];
    *item = (eval_item){.first_choice = w->n_choices, .answer.choice = DATA_NO_GOLD};
    RT_TRY(make_ids(w, model, question, item, &place->input, err));
    RT_TRY(copy_question(question, item, err));
    place->target = (batch_part){0};
    b->n_input_tokens += place->input.n_ids;
    b->n++;
    return RT_OK;
}

slice eval_window_input(const eval_window *w, size_t item) { return batch_text(&w->batch, &w->batch.items[item].input); }

static rt_status write_answers(eval_window *w, const text2text *model, rt_error *err) {
    t5_generation *generation;
    rt_status status = RT_OK;
    batch_sequences(&w->batch);
    t5_generate_params params = model->options->generate;
    params.skip_logprobs = model->options->eval.predictions == NULL; /* the one place where scores of answers are written */
    RT_TRY(t5_generate(model->session, w->batch.inputs, w->batch.n, &params, &generation, err));
    for (size_t i = 0; status == RT_OK && i < w->batch.n; i++) {
        size_t n;
        const t5_answer *best = t5_generation_answers(generation, i, &n);
        eval_item *item = &w->items[i];
        item->answer.score = best->score;
        item->answer.output_tokens = best->n;
        item->answer_at = w->answers.n;
        status = eval_answer_text(model->options, model->tokenizer, best->ids, best->n, &w->answers, err);
        item->answer.text.n = w->answers.n - item->answer_at;
    }
    t5_generation_free(generation);
    return status;
}

/* Pairs of inputs and choices; how many ids the choices have in all. */
static size_t make_pairs(eval_window *w) {
    size_t n_ids = 0;
    for (size_t i = 0; i < w->batch.n; i++) {
        const t5_ids input = batch_ids(&w->batch, &w->batch.items[i].input);
        for (size_t c = 0; c < w->items[i].question.n_choices; c++) {
            const size_t pair = w->items[i].first_choice + c;
            w->inputs[pair] = input;
            w->targets[pair] = batch_ids(&w->batch, &w->choices[pair]);
            n_ids += w->targets[pair].n;
        }
    }
    return n_ids;
}

static void choose(const eval_window *w, bool per_token, eval_item *item, const float *logprobs) {
    double best = 0;
    for (size_t c = 0; c < item->question.n_choices; c++) {
        const size_t n = w->targets[item->first_choice + c].n;
        double score = 0;
        for (size_t t = 0; t < n; t++) score += (double)logprobs[t];
        logprobs += n;
        if (per_token) score /= (double)n;
        if (c > 0 && score <= best) continue;
        best = score;
        item->answer.choice = c;
        item->answer.score = (float)score;
        item->answer.output_tokens = n;
    }
}

static rt_status choose_answers(eval_window *w, const text2text *model, rt_error *err) {
    const size_t n_ids = make_pairs(w);
    if (n_ids > w->n_logprobs_max) {
        float *logprobs = realloc(w->logprobs, n_ids * sizeof *logprobs);
        if (logprobs == NULL) return rt_fail_memory(err, n_ids * sizeof *logprobs, "log-probabilities");
        w->logprobs = logprobs;
        w->n_logprobs_max = n_ids;
    }
    RT_TRY(t5_score(model->session, w->inputs, w->targets, w->n_choices, w->logprobs, err));
    const float *logprobs = w->logprobs;
    for (size_t i = 0; i < w->batch.n; i++) {
        eval_item *item = &w->items[i];
        choose(w, model->options->eval.by == EVAL_BY_LIKELIHOOD_PER_TOKEN, item, logprobs);
        for (size_t c = 0; c < item->question.n_choices; c++) logprobs += w->targets[item->first_choice + c].n;
        const slice text = item->question.choices[item->answer.choice];
        item->answer_at = w->answers.n;
        item->answer.text.n = text.n;
        RT_TRY(rt_text_append(&w->answers, text.v, text.n, err));
    }
    return RT_OK;
}

rt_status eval_window_answer(eval_window *w, const text2text *model, rt_error *err) {
    RT_TRY(model->options->eval.by == EVAL_BY_ANSWER ? write_answers(w, model, err) : choose_answers(w, model, err));
    for (size_t i = 0; i < w->batch.n; i++) w->items[i].answer.text.v = w->answers.n > 0 ? w->answers.v + w->items[i].answer_at : "";
    return RT_OK;
}

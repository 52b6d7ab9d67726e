/* A window of questions; see compare_window.h. */
#include "tools/compare_window.h"

#include <stdlib.h>

#include "runtime/arena.h"
#include "tools/eval_input.h"

rt_status compare_window_open(compare_window *window, rt_error *err) {
    *window = (compare_window){.questions = calloc(COMPARE_WINDOW_MAX, sizeof *window->questions),
                               .inputs = calloc(COMPARE_WINDOW_MAX, sizeof *window->inputs)};
    if (window->questions != NULL && window->inputs != NULL) return RT_OK;
    compare_window_close(window);
    return rt_fail_memory(err, COMPARE_WINDOW_MAX * sizeof *window->questions, "questions");
}

void compare_window_clear(compare_window *window) {
    for (size_t i = 0; i < window->n; i++) free(window->questions[i].memory);
    window->n = window->n_cut = window->texts.n = window->ids.n = 0;
}

void compare_window_close(compare_window *window) {
    compare_window_clear(window);
    free(window->questions);
    free(window->inputs);
    rt_text_free(&window->texts);
    rt_ids_free(&window->ids);
    *window = (compare_window){0};
}

static slice place_text(rt_arena *arena, slice text) {
    char *v = rt_arena_alloc(arena, text.n, 1);
    if (v != NULL && text.n > 0) memcpy(v, text.v, text.n);
    return (slice){v, text.n};
}

static const slice *place_texts(rt_arena *arena, const slice *texts, size_t n) {
    slice *v = rt_arena_alloc(arena, n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        const slice text = place_text(arena, texts[i]);
        if (v != NULL) v[i] = text;
    }
    return v;
}

static void place_question(rt_arena *arena, const data_question *from, data_question *to) {
    *to = *from;
    to->id = place_text(arena, from->id);
    to->task = place_text(arena, from->task);
    to->input = place_text(arena, from->input);
    to->references = place_texts(arena, from->references, from->n_references);
    to->choices = place_texts(arena, from->choices, from->n_choices);
}

static rt_status copy_question(const data_question *from, compare_question *to, rt_error *err) {
    rt_arena measured = {0}, arena = {0};
    place_question(&measured, from, &to->question);
    RT_TRY(rt_arena_provide(&arena, &measured, "a question", err));
    place_question(&arena, from, &to->question);
    to->memory = arena.base;
    return RT_OK;
}

rt_status compare_window_add(compare_window *window, const opt_values *options, const tok_tokenizer *tokenizer, const data_question *question,
                             size_t number, rt_error *err) {
    compare_question *q = &window->questions[window->n];
    bool cut;
    *q = (compare_question){.number = number, .text = window->texts.n, .ids = window->ids.n};
    RT_TRY(eval_input_text(options, question->input, &window->texts, err));
    q->n_text = window->texts.n - q->text;
    const slice text = {q->n_text > 0 ? window->texts.v + q->text : "", q->n_text};
    RT_TRY(eval_input_ids(options, tokenizer, text, &window->ids, &cut, err));
    q->n_ids = window->ids.n - q->ids;
    window->n_cut += cut;
    RT_TRY(copy_question(question, q, err));
    window->n++;
    return RT_OK;
}

void compare_window_inputs(compare_window *window) {
    for (size_t i = 0; i < window->n; i++) {
        window->inputs[i] = (t5_ids){window->ids.v + window->questions[i].ids, window->questions[i].n_ids};
    }
}

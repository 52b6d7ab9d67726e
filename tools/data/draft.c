/* UnifiedQA's text form, after the encoders of allenai/unifiedqa:
 *
 *     question \n (A) x (B) y \n (title) passage
 *
 * The separator is a space, a backslash, an n and a space. */
#include "tools/data/draft.h"

#include <stdlib.h>
#include <strings.h>

static const char no_answer[] = "<No Answer>";

void draft_reset(draft *d, data_metric metric) {
    d->text.n = d->input.n = d->references.n = d->choices.n = 0;
    d->id = d->task = (draft_span){0};
    d->gold = DATA_NO_GOLD;
    d->answerable = true;
    d->metric = metric;
}

static void list_free(draft_list *list) {
    free(list->spans);
    free(list->texts);
}

void draft_free(draft *d) {
    rt_text_free(&d->text);
    rt_text_free(&d->input);
    list_free(&d->references);
    list_free(&d->choices);
    *d = (draft){0};
}

static bool is_break(char c) { return c == '\n' || c == '\r'; }
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || is_break(c); }

static slice strip(slice s) {
    while (s.n > 0 && is_space(s.v[0])) s.v++, s.n--;
    while (s.n > 0 && is_space(s.v[s.n - 1])) s.n--;
    return s;
}

slice draft_text(const draft *d, draft_span span) { return strip((slice){span.n > 0 ? d->text.v + span.at : "", span.n}); }

static void list_finish(const draft *d, draft_list *list) {
    for (size_t i = 0; i < list->n; i++) list->texts[i] = draft_text(d, list->spans[i]);
}

void draft_finish(draft *d, data_question *question) {
    list_finish(d, &d->references);
    list_finish(d, &d->choices);
    *question = (data_question){
        .id = draft_text(d, d->id),
        .task = draft_text(d, d->task),
        .metric = d->metric,
        .input = strip((slice){d->input.n > 0 ? d->input.v : "", d->input.n}),
        .references = d->references.texts,
        .n_references = d->references.n,
        .choices = d->choices.texts,
        .n_choices = d->choices.n,
        .gold = d->gold,
        .answerable = d->answerable,
    };
}

static rt_status list_grow(draft_list *list, rt_error *err) {
    if (list->n < list->capacity) return RT_OK;
    if (list->n == DRAFT_MAX_TEXTS) {
        return rt_fail(err, RT_ERR_MALFORMED, "too many answers or choices of one question (at most %d)", DRAFT_MAX_TEXTS);
    }
    const size_t capacity = list->capacity > 0 ? list->capacity * 2 : 16;
    draft_span *spans = realloc(list->spans, capacity * sizeof *spans);
    if (spans == NULL) return rt_fail_memory(err, capacity * sizeof *spans, "a question");
    list->spans = spans;
    slice *texts = realloc(list->texts, capacity * sizeof *texts);
    if (texts == NULL) return rt_fail_memory(err, capacity * sizeof *texts, "a question");
    list->texts = texts;
    list->capacity = capacity;
    return RT_OK;
}

/* What a run of n spaces becomes when each three in it become one, then each two. */
static size_t squeezed(size_t n) {
    const size_t after_three = n / 3 + n % 3;
    return after_three / 2 + after_three % 2;
}

static rt_status put_spaces(rt_text *out, size_t n, rt_error *err) {
    for (size_t i = 0; i < n; i++) RT_TRY(rt_text_append(out, " ", 1, err));
    return RT_OK;
}

/* The run of white space at the front of s behind `lead` spaces that are not yet written, turned into spaces; *taken is its length. A line
 * break that becomes a space (SPACE_SQUEEZE) does so after the squeeze, so it parts two runs. */
static rt_status put_run(rt_text *out, size_t lead, slice s, draft_space space, size_t *taken, rt_error *err) {
    size_t run = lead, i = 0;
    for (; i < s.n && (s.v[i] == ' ' || s.v[i] == '\t' || is_break(s.v[i])); i++) {
        if (s.v[i] == ' ' || space == SPACE_KEEP || (space == SPACE_NO_BREAKS && s.v[i] == '\t')) {
            run++;
        } else if (space == SPACE_SQUEEZE && is_break(s.v[i])) {
            RT_TRY(put_spaces(out, squeezed(run) + 1, err));
            run = 0;
        }
    }
    *taken = i;
    return put_spaces(out, space == SPACE_KEEP || space == SPACE_NO_BREAKS ? run : squeezed(run), err);
}

static rt_status put_text(rt_text *out, size_t lead, slice s, draft_space space, rt_error *err) {
    size_t i;
    RT_TRY(put_run(out, lead, s, space, &i, err));
    while (i < s.n) {
        size_t end = i, taken;
        while (end < s.n && s.v[end] != ' ' && s.v[end] != '\t' && !is_break(s.v[end])) end++;
        RT_TRY(rt_text_append(out, s.v + i, end - i, err));
        RT_TRY(put_run(out, 0, (slice){s.v + end, s.n - end}, space, &taken, err));
        i = end + taken;
    }
    return RT_OK;
}

static rt_status keep(draft *d, slice text, draft_space space, draft_span *span, rt_error *err) {
    const size_t at = d->text.n;
    RT_TRY(put_text(&d->text, 0, space == SPACE_DELETE ? strip(text) : text, space, err));
    *span = (draft_span){at, d->text.n - at};
    return RT_OK;
}

static rt_status add(draft *d, draft_list *list, slice text, draft_space space, rt_error *err) {
    draft_span span;
    RT_TRY(list_grow(list, err));
    RT_TRY(keep(d, text, space, &span, err));
    list->spans[list->n++] = span;
    return RT_OK;
}

rt_status draft_id(draft *d, slice id, rt_error *err) { return keep(d, id, SPACE_KEEP, &d->id, err); }
rt_status draft_task(draft *d, slice task, rt_error *err) { return keep(d, task, SPACE_KEEP, &d->task, err); }

rt_status draft_reference(draft *d, slice text, draft_space space, rt_error *err) { return add(d, &d->references, text, space, err); }
rt_status draft_choice(draft *d, slice text, draft_space space, rt_error *err) { return add(d, &d->choices, text, space, err); }

rt_status draft_no_answer(draft *d, rt_error *err) {
    d->answerable = false;
    return draft_reference(d, slice_of(no_answer), SPACE_KEEP, err);
}

bool draft_says_no_answer(const draft *d) {
    const slice first = draft_text(d, d->references.spans[0]);
    return first.n == sizeof no_answer - 1 && strncasecmp(first.v, no_answer, first.n) == 0;
}

rt_status draft_gold(draft *d, size_t choice, rt_error *err) {
    d->gold = choice;
    RT_TRY(list_grow(&d->references, err));
    d->references.spans[d->references.n++] = d->choices.spans[choice];
    return RT_OK;
}

rt_status draft_put(draft *d, slice text, draft_space space, rt_error *err) { return put_text(&d->input, 0, text, space, err); }
rt_status draft_literal(draft *d, const char *text, rt_error *err) { return rt_text_append(&d->input, text, strlen(text), err); }

rt_status draft_ask(draft *d, slice text, draft_space space, bool mark, rt_error *err) {
    const bool has_mark = text.n > 0 && memchr(text.v, '?', text.n) != NULL;
    RT_TRY(draft_put(d, space == SPACE_DELETE ? strip(text) : text, space, err));
    if (mark && !has_mark) RT_TRY(draft_literal(d, "?", err));
    if (space == SPACE_SQUEEZE) {
        while (d->input.n > 0 && d->input.v[d->input.n - 1] == ' ') d->input.v[--d->input.n] = '\0';
    }
    return RT_OK;
}

rt_status draft_put_choices(draft *d, const char *separator, char first, rt_error *err) {
    if (d->choices.n > 26) return rt_fail(err, RT_ERR_MALFORMED, "too many choices (%zu, at most 26)", d->choices.n);
    RT_TRY(draft_literal(d, separator, err));
    for (size_t i = 0; i < d->choices.n; i++) {
        const char label[] = {' ', '(', (char)(first + (int)i), ')', ' ', '\0'};
        const draft_span span = d->choices.spans[i];
        RT_TRY(draft_literal(d, label, err));
        if (span.n > 0) RT_TRY(rt_text_append(&d->input, d->text.v + span.at, span.n, err));
    }
    return RT_OK;
}

rt_status draft_put_passage(draft *d, slice title, slice passage, draft_space space, rt_error *err) {
    const slice text = space == SPACE_DELETE ? strip(passage) : passage;
    RT_TRY(draft_literal(d, " \\n ", err));
    if (title.n == 0) return draft_put(d, text, space, err);
    RT_TRY(draft_literal(d, "(", err));
    RT_TRY(draft_put(d, title, space, err));
    RT_TRY(draft_literal(d, ")", err));
    return put_text(&d->input, 1, passage, space, err);
}

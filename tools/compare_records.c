/* Records for a report; see compare_records.h. Texts are kept by their offsets, since their buffer moves while it grows. */
#include "tools/compare_records.h"

#include <stdlib.h>

#include "runtime/checked.h"

void compare_records_free(compare_records *records) {
    free(records->v);
    free(records->answers);
    rt_text_free(&records->text);
    *records = (compare_records){0};
}

static rt_status grow(compare_records *r, rt_error *err) {
    if (r->n < r->capacity) return RT_OK;
    const size_t capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
    size_t bytes;
    if (!rt_mul_size(capacity, r->n_settings * sizeof *r->answers, &bytes)) return rt_fail_memory(err, capacity, "a report");
    compare_record *v = realloc(r->v, capacity * sizeof *v);
    if (v != NULL) r->v = v;
    compare_answer *answers = realloc(r->answers, bytes);
    if (answers != NULL) r->answers = answers;
    if (v == NULL || answers == NULL) return rt_fail_memory(err, bytes, "a report");
    r->capacity = capacity;
    return RT_OK;
}

/* Texts end at their first NUL, as a page shows them. */
static rt_status keep(compare_records *r, slice text, size_t *at, rt_error *err) {
    *at = r->text.n;
    RT_TRY(rt_text_append(&r->text, text.n > 0 ? text.v : "", strnlen(text.n > 0 ? text.v : "", text.n), err));
    return rt_text_append(&r->text, "", 1, err);
}

static rt_status keep_answers(compare_records *r, const compare_record *record, const compare_asked *asked, rt_error *err) {
    for (size_t s = 0; s < r->n_settings; s++) {
        compare_answer *a = &r->answers[record->answers + s];
        const compare_measured *m = asked->measured[s];
        *a = (compare_answer){.same = asked->same[s],
                              .exact_match = asked->scores[s].exact_match,
                              .f1 = asked->scores[s].f1,
                              .max_abs = m->max_abs,
                              .kl = m->kl};
        if (s > 0 && a->same) a->text = r->answers[record->answers].text;
        else RT_TRY(keep(r, asked->texts[s], &a->text, err));
    }
    return RT_OK;
}

rt_status compare_records_add(compare_records *r, const compare_asked *asked, rt_error *err) {
    const data_question *q = asked->question;
    compare_record record = {.set = asked->set, .number = asked->number, .n_references = q->n_references, .answers = r->n * r->n_settings};
    for (size_t s = 1; s < r->n_settings; s++) record.n_differing += !asked->same[s];
    const bool differs = record.n_differing > 0;
    size_t *n = differs ? &r->n_differing : &r->n_same, unused;
    if (*n == (differs ? COMPARE_MAX_DIFFERING : COMPARE_MAX_SAME)) {
        r->n_left_out++;
        return RT_OK;
    }
    RT_TRY(grow(r, err));
    RT_TRY(keep(r, q->id, &record.id, err));
    RT_TRY(keep(r, q->task, &record.task, err));
    RT_TRY(keep(r, asked->input, &record.input, err));
    record.references = r->text.n;
    for (size_t i = 0; i < q->n_references; i++) RT_TRY(keep(r, q->references[i], &unused, err));
    RT_TRY(keep_answers(r, &record, asked, err));
    r->v[r->n++] = record;
    ++*n;
    return RT_OK;
}

void compare_records_forget(compare_records *r, const compare_records *before) {
    r->n = before->n;
    r->n_same = before->n_same;
    r->n_differing = before->n_differing;
    r->n_left_out = before->n_left_out;
    r->text.n = before->text.n;
}

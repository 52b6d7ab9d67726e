/* Data sets read whole; see question_list.h. */
#include "tests/support/question_list.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/expect.h"
#include "tests/support/text.h"

static char *joined(const slice *texts, size_t n) {
    rt_text out = {0};
    text_append_bytes(&out, "", 0);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) text_append(&out, " | ");
        text_append_bytes(&out, texts[i].v, texts[i].n);
    }
    return out.v;
}

static void add_question(question_list *list, const data_question *q) {
    if (list->n == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        list->v = realloc(list->v, list->capacity * sizeof *list->v);
        ck_assert_ptr_nonnull(list->v);
    }
    list->v[list->n++] = (listed_question){
        .id = joined(&q->id, 1),
        .input = joined(&q->input, 1),
        .references = joined(q->references, q->n_references),
        .choices = joined(q->choices, q->n_choices),
        .gold = q->gold,
        .line = q->line,
        .n_references = q->n_references,
        .metric = q->metric,
        .answerable = q->answerable,
    };
}

static void add_defect(question_list *list, const rt_error *defect) {
    expect_failure("defect", defect->status, defect, RT_ERR_MALFORMED, "line ");
    list->defects = realloc(list->defects, (list->n_defects + 1) * sizeof *list->defects);
    ck_assert_ptr_nonnull(list->defects);
    snprintf(list->defects[list->n_defects++], RT_ERROR_SIZE, "%s", defect->message);
}

void question_list_read(const char *path, question_list *list) {
    data_set *set;
    data_item item;
    *list = (question_list){0};
    expect_ok(path, data_open(path, &set, &list->err), &list->err);
    while ((list->status = data_next(set, &item, &list->err)) == RT_OK && item.kind != DATA_END) {
        if (item.kind == DATA_DEFECT) add_defect(list, &item.defect);
        else add_question(list, &item.question);
    }
    snprintf(list->form, sizeof list->form, "%s", data_form(set));
    snprintf(list->note, sizeof list->note, "%s", data_note(set) != NULL ? data_note(set) : "");
    ck_assert_uint_eq(data_n_questions(set), list->n);
    ck_assert_uint_eq(data_n_defects(set), list->n_defects);
    data_close(set);
}

void question_list_free(question_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        free(list->v[i].id);
        free(list->v[i].input);
        free(list->v[i].references);
        free(list->v[i].choices);
    }
    free(list->v);
    free(list->defects);
    *list = (question_list){0};
}

void refuse_data_set(const char *path, rt_status expected, const char *message) {
    data_set *set = NULL;
    rt_error err;
    expect_failure(path, data_open(path, &set, &err), &err, expected, message);
    ck_assert_ptr_null(set);
    ck_assert_int_eq(data_open(path, &set, NULL), expected);
}

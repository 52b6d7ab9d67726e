/* Questions without a passage of their own kind: NQ-open, TriviaQA's small form, and t5k's own JSON lines.
 *
 *     NQ-open   {"question", "answer": [TEXT, …]} a line
 *     TriviaQA  {"context": "Question: …\nAnswer:", "answer", "aliases": [TEXT, …]} a line
 *     t5k       {"id"?, "task"?, "input" | ("question", "choices"?: [TEXT, …], "context"?), "answers": [TEXT, …] | "answer": TEXT}
 *               a line; no answers at all: an unlabelled question. "input" is taken as it is; with "choices" the answer is one of them. */
#include "tools/data/formats.h"

static rt_status add_texts(const cJSON *object, const char *key, draft *d, rt_error *err) {
    const cJSON *array, *element;
    slice text;
    RT_TRY(record_array(object, key, &array, err));
    if (cJSON_GetArraySize(array) == 0) return rt_fail(err, RT_ERR_MALFORMED, "'%s' is empty", key);
    cJSON_ArrayForEach(element, array) {
        RT_TRY(record_element(element, key, &text, err));
        RT_TRY(draft_reference(d, text, SPACE_KEEP, err));
    }
    return RT_OK;
}

rt_status read_nq_open(const record *r, draft *d, rt_error *err) {
    slice question, id;
    RT_TRY(record_optional_text(r->nodes[0], "id", &id, err));
    RT_TRY(record_text(r->nodes[0], "question", &question, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, question, SPACE_KEEP, true, err));
    return add_texts(r->nodes[0], "answer", d, err);
}

rt_status read_triviaqa(const record *r, draft *d, rt_error *err) {
    static const char before[] = "Question: ", after[] = "\nAnswer:";
    slice context, answer;
    RT_TRY(record_text(r->nodes[0], "context", &context, err));
    RT_TRY(record_text(r->nodes[0], "answer", &answer, err));
    const size_t n_before = sizeof before - 1, n_after = sizeof after - 1;
    if (context.n < n_before + n_after || !record_starts_with(context, before) ||
        memcmp(context.v + context.n - n_after, after, n_after) != 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "'context' is not \"Question: ...\\nAnswer:\"");
    }
    const slice question = {context.v + n_before, context.n - n_before - n_after};
    RT_TRY(draft_ask(d, question, SPACE_KEEP, true, err));
    RT_TRY(draft_reference(d, answer, SPACE_KEEP, err));
    return add_texts(r->nodes[0], "aliases", d, err);
}

/* The choice that is the answer's very text. */
static rt_status find_gold(draft *d, rt_error *err) {
    const slice answer = draft_text(d, d->references.spans[0]);
    for (size_t i = 0; i < d->choices.n; i++) {
        const slice choice = draft_text(d, d->choices.spans[i]);
        if (choice.n != answer.n || memcmp(choice.v, answer.v, answer.n) != 0) continue;
        d->gold = i;
        return RT_OK;
    }
    return rt_fail(err, RT_ERR_MALFORMED, "the answer is none of the choices");
}

static rt_status put_own_parts(const cJSON *line, draft *d, rt_error *err) {
    slice question, context, text;
    const cJSON *choices, *choice;
    RT_TRY(record_text(line, "question", &question, err));
    RT_TRY(record_optional_text(line, "context", &context, err));
    RT_TRY(draft_ask(d, question, SPACE_KEEP, false, err));
    if (record_find(line, "choices") != NULL) {
        RT_TRY(record_array(line, "choices", &choices, err));
        if (cJSON_GetArraySize(choices) == 0) return rt_fail(err, RT_ERR_MALFORMED, "'choices' is empty");
        cJSON_ArrayForEach(choice, choices) {
            RT_TRY(record_element(choice, "choices", &text, err));
            RT_TRY(draft_choice(d, text, SPACE_KEEP, err));
        }
        d->metric = DATA_CHOICE;
        RT_TRY(draft_put_choices(d, " \\n", 'A', err));
    }
    return context.n > 0 ? draft_put_passage(d, slice_of(""), context, SPACE_KEEP, err) : RT_OK;
}

rt_status read_own(const record *r, draft *d, rt_error *err) {
    const cJSON *line = r->nodes[0];
    char digits[32];
    slice id, task, text;
    RT_TRY(record_id(line, "id", digits, &id, err));
    RT_TRY(record_optional_text(line, "task", &task, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_task(d, task, err));
    if (record_find(line, "input") != NULL) {
        RT_TRY(record_text(line, "input", &text, err));
        RT_TRY(draft_put(d, text, SPACE_KEEP, err));
    } else {
        RT_TRY(put_own_parts(line, d, err));
    }
    if (record_find(line, "answers") != NULL) {
        RT_TRY(add_texts(line, "answers", d, err));
    } else if (record_find(line, "answer") != NULL) {
        RT_TRY(record_text(line, "answer", &text, err));
        RT_TRY(draft_reference(d, text, SPACE_KEEP, err));
    }
    if (d->references.n == 0) return RT_OK;
    d->answerable = !draft_says_no_answer(d);
    return d->choices.n > 0 && d->answerable ? find_gold(d, err) : RT_OK;
}

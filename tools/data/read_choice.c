/* Multiple choice in JSON.
 *
 *     ARC           {"id", "question": {"stem", "choices": [{"label", "text"}]}, "answerKey"?} a line; so have it AI2 Science, OpenBookQA,
 *                   CommonsenseQA and QASC too, and some mirrors
 *     query form    {"query", "choices": [TEXT, …], "gold": index from 0} a line
 *     instruction   [{"instruction": "… question: Q\n\nAnswer1: x Answer2: y …\n\nAnswer format: …", "answer": "answer1"}], and the
 *                   same with Option1, sentence and option1 for WinoGrande
 *     PIQA          {"id"?, "goal", "sol1", "sol2"} a line; NAME-labels.lst: 0 or 1 a line
 *     Social IQa    {"context", "question", "answerA", "answerB", "answerC"} a line; NAME-labels.lst: 1 to 3 a line
 *     WinoGrande    {"qID", "sentence", "option1", "option2", "answer"?: "1"|"2"} a line
 *     RACE          {"id", "article", "questions": [TEXT], "options": [[TEXT]], "answers": ["A"]} a file or a line */
#include "tools/data/formats.h"

static const char separator[] = " \\n";

/* Letters are given anew from A on, whatever the labels: where they are letters in order, as everywhere but in parts of ARC, these are the
 * labels. */
rt_status read_arc(const record *r, draft *d, rt_error *err) {
    const cJSON *line = r->nodes[0], *choices, *choice;
    slice id, stem, text, label, key;
    size_t gold = DATA_NO_GOLD;
    RT_TRY(record_optional_text(line, "id", &id, err));
    RT_TRY(record_text(line, "question.stem", &stem, err));
    RT_TRY(record_array(line, "question.choices", &choices, err));
    RT_TRY(record_optional_text(line, "answerKey", &key, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, stem, SPACE_KEEP, false, err));
    cJSON_ArrayForEach(choice, choices) {
        RT_TRY(record_text(choice, "text", &text, err));
        RT_TRY(record_text(choice, "label", &label, err));
        if (label.n == key.n && memcmp(label.v, key.v, key.n) == 0 && gold == DATA_NO_GOLD) gold = d->choices.n;
        RT_TRY(draft_choice(d, text, SPACE_KEEP, err));
    }
    RT_TRY(draft_put_choices(d, separator, 'A', err));
    if (key.n == 0) return RT_OK;
    if (gold != DATA_NO_GOLD) return draft_gold(d, gold, err);
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "'answerKey' is '%s', the label of no choice", rt_quote(shown, key.v, key.n));
}

rt_status read_query_choices(const record *r, draft *d, rt_error *err) {
    const cJSON *line = r->nodes[0], *choices, *choice;
    slice query, text;
    size_t gold;
    RT_TRY(record_text(line, "query", &query, err));
    RT_TRY(record_array(line, "choices", &choices, err));
    RT_TRY(draft_ask(d, query, SPACE_KEEP, false, err));
    cJSON_ArrayForEach(choice, choices) {
        RT_TRY(record_element(choice, "choices", &text, err));
        RT_TRY(draft_choice(d, text, SPACE_KEEP, err));
    }
    RT_TRY(draft_put_choices(d, separator, 'A', err));
    RT_TRY(record_number(line, "gold", 0, d->choices.n, &gold, err));
    return draft_gold(d, gold, err);
}

/* What stands in *rest between `before` and `after`, without spaces at its end; *rest begins with `after` then. */
static rt_status cut(slice *rest, const char *before, const char *after, slice *part, rt_error *err) {
    const char *from = memmem(rest->v, rest->n, before, strlen(before));
    const size_t n_left = from == NULL ? 0 : rest->n - (size_t)(from - rest->v) - strlen(before);
    if (from != NULL) from += strlen(before);
    const char *to = from == NULL ? NULL : memmem(from, n_left, after, strlen(after));
    if (to == NULL) {
        const char *missing = from == NULL ? before : after;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "no '%s' in 'instruction'", rt_quote(shown, missing, strlen(missing)));
    }
    *part = (slice){from, (size_t)(to - from)};
    *rest = (slice){to, n_left - part->n};
    while (part->n > 0 && part->v[part->n - 1] == ' ') part->n--;
    return RT_OK;
}

typedef struct instruction_form {
    const char *question, *choice, *answer; /* what stands before the question, before a choice's number, and before the right one's */
} instruction_form;

static const instruction_form winogrande_form = {"given sentence: ", "Option", "option"};
static const instruction_form question_form = {"the question: ", "Answer", "answer"};

rt_status read_instruction(const record *r, draft *d, rt_error *err) {
    slice rest, part, answer;
    size_t gold;
    RT_TRY(record_text(r->nodes[0], "instruction", &rest, err));
    RT_TRY(record_text(r->nodes[0], "answer", &answer, err));
    const instruction_form *form = strstr(rest.v, "Option1: ") != NULL ? &winogrande_form : &question_form;
    RT_TRY(cut(&rest, form->question, "\n\n", &part, err));
    RT_TRY(draft_ask(d, part, SPACE_KEEP, false, err));
    for (char number = '1'; number <= '9'; number++) {
        const char before[] = {form->choice[0], form->choice[1], form->choice[2], form->choice[3], form->choice[4], form->choice[5],
                               number, ':', ' ', '\0'};
        char after[sizeof before];
        memcpy(after, before, sizeof before);
        after[6]++;
        const bool last = strstr(rest.v, after) == NULL;
        RT_TRY(cut(&rest, before, last ? "Answer format:" : after, &part, err));
        RT_TRY(draft_choice(d, part, SPACE_KEEP, err));
        if (last) break;
    }
    RT_TRY(draft_put_choices(d, separator, 'A', err));
    const size_t n_before = strlen(form->answer);
    if (answer.n != n_before + 1 || memcmp(answer.v, form->answer, n_before) != 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "'answer' is not '%sN'", form->answer);
    }
    RT_TRY(record_label((slice){answer.v + n_before, 1}, "'answer'", '1', d->choices.n, &gold, err));
    return draft_gold(d, gold, err);
}

/* The choices under these keys. */
static rt_status add_choices(const cJSON *line, const char *const *keys, size_t n, draft *d, rt_error *err) {
    for (size_t i = 0; i < n; i++) {
        slice text;
        RT_TRY(record_text(line, keys[i], &text, err));
        RT_TRY(draft_choice(d, text, SPACE_KEEP, err));
    }
    return draft_put_choices(d, separator, 'A', err);
}

/* The right choice by the line of the file of labels, if there is one. */
static rt_status gold_by_label(const record *r, char first, draft *d, rt_error *err) {
    size_t gold;
    if (r->answers.v == NULL) return RT_OK;
    RT_TRY(record_label(r->answers, "the label", first, d->choices.n, &gold, err));
    return draft_gold(d, gold, err);
}

rt_status read_piqa(const record *r, draft *d, rt_error *err) {
    static const char *const keys[] = {"sol1", "sol2"};
    slice id, goal;
    RT_TRY(record_optional_text(r->nodes[0], "id", &id, err));
    RT_TRY(record_text(r->nodes[0], "goal", &goal, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, goal, SPACE_KEEP, false, err));
    RT_TRY(add_choices(r->nodes[0], keys, 2, d, err));
    return gold_by_label(r, '0', d, err);
}

rt_status read_socialiqa(const record *r, draft *d, rt_error *err) {
    static const char *const keys[] = {"answerA", "answerB", "answerC"};
    slice context, question;
    RT_TRY(record_text(r->nodes[0], "context", &context, err));
    RT_TRY(record_text(r->nodes[0], "question", &question, err));
    RT_TRY(draft_ask(d, question, SPACE_KEEP, false, err));
    RT_TRY(add_choices(r->nodes[0], keys, 3, d, err));
    RT_TRY(draft_put_passage(d, slice_of(""), context, SPACE_KEEP, err));
    return gold_by_label(r, '1', d, err);
}

rt_status read_winogrande(const record *r, draft *d, rt_error *err) {
    static const char *const keys[] = {"option1", "option2"};
    slice id, sentence, answer;
    size_t gold;
    RT_TRY(record_optional_text(r->nodes[0], "qID", &id, err));
    RT_TRY(record_text(r->nodes[0], "sentence", &sentence, err));
    RT_TRY(record_optional_text(r->nodes[0], "answer", &answer, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, sentence, SPACE_KEEP, false, err));
    RT_TRY(add_choices(r->nodes[0], keys, 2, d, err));
    if (answer.n == 0) return RT_OK;
    RT_TRY(record_label(answer, "'answer'", '1', 2, &gold, err));
    return draft_gold(d, gold, err);
}

rt_status read_race(const record *r, draft *d, rt_error *err) {
    const cJSON *text = r->nodes[0], *options, *option, *answers;
    slice id, article, question, part;
    size_t gold;
    RT_TRY(record_optional_text(text, "id", &id, err));
    RT_TRY(record_text(text, "article", &article, err));
    RT_TRY(record_array(text, "options", &options, err));
    RT_TRY(record_array(text, "answers", &answers, err));
    RT_TRY(record_element(r->nodes[1], "questions", &question, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, question, SPACE_KEEP, false, err));
    const cJSON *own = cJSON_GetArrayItem(options, (int)r->index), *answer = cJSON_GetArrayItem(answers, (int)r->index);
    if (!cJSON_IsArray(own) || !cJSON_IsString(answer)) return rt_fail(err, RT_ERR_MALFORMED, "a question without 'options' and 'answers'");
    cJSON_ArrayForEach(option, own) {
        RT_TRY(record_element(option, "options", &part, err));
        RT_TRY(draft_choice(d, part, SPACE_KEEP, err));
    }
    RT_TRY(draft_put_choices(d, " \\n ", 'A', err)); /* two spaces, as in UnifiedQA's files */
    RT_TRY(draft_put_passage(d, slice_of(""), article, SPACE_KEEP, err));
    RT_TRY(record_label(slice_of(answer->valuestring), "the answer", 'A', d->choices.n, &gold, err));
    return draft_gold(d, gold, err);
}

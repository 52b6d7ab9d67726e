/* Questions in lines of fields.
 *
 *     UnifiedQA    input, tab, target; NAME_ans.jsonl: all references of a line as a JSON list; NAME_meta.tsv or .txt: id, tab, letter.
 *                  Quotes are plain text. Lines that ask the same (NarrativeQA, ROPES) stay questions of their own
 *     MCTest       id, properties, story, then four times question and four options, between tabs; NAME.ans: four letters a line
 *     CODAH        category, prompt, four endings, index of the right one from 0, between tabs
 *     ListOps      digit, tab, expression
 *     Cosmos QA    CSV id,context,question,answer0,answer1,answer2,answer3,label
 *     NarrativeQA  qaps.csv document_id,set,question,answer1,answer2,…; the summary out of summaries.csv
 *     bAbI         numbered lines: a sentence of the story, or question, tab, answer, tab, numbers of facts */
#include "model/json_cursor.h"
#include "tools/data/formats.h"

static const char separator[] = " \\n";

/* Steps over the JSON list of texts that a line of NAME_ans.jsonl is. */
static rt_status add_listed(slice line, draft *d, rt_error *err) {
    t5_json_cursor cursor = {.file = "the references", .data = (const uint8_t *)line.v, .size = line.n};
    rt_text buffer = {0};
    rt_status status = t5_json_take(&cursor, '[', err);
    if (status == RT_OK) status = rt_text_append(&buffer, line.v, line.n, err); /* no text is longer than its escaped form */
    for (size_t n = 0; status == RT_OK; n++) {
        bool more = false;
        t5_json_text text = {.v = buffer.v, .capacity = line.n};
        status = t5_json_more(&cursor, ']', n, &more, err);
        if (status != RT_OK || !more) break;
        status = t5_json_string(&cursor, &text, err);
        if (status == RT_OK) status = draft_reference(d, (slice){text.v, text.n}, SPACE_KEEP, err);
    }
    if (status == RT_OK) status = t5_json_end(&cursor, err);
    rt_text_free(&buffer);
    if (status == RT_OK && d->references.n == 0) return rt_fail(err, RT_ERR_MALFORMED, "the list of references is empty");
    return status;
}

/* The next "(A)", whatever its case, or NULL. */
static const char *find_letter(slice s, char letter) {
    for (size_t i = 0; i + 2 < s.n; i++) {
        if (s.v[i] == '(' && s.v[i + 2] == ')' && (s.v[i + 1] | 0x20) == letter) return s.v + i;
    }
    return NULL;
}

/* The choices in an encoded input: what follows (A), (B), … up to the next separator. */
static rt_status find_choices(slice input, draft *d, rt_error *err) {
    const char *from = memmem(input.v, input.n, "\\n", 2);
    if (from == NULL) return RT_OK;
    slice rest = {from + 2, input.n - (size_t)(from + 2 - input.v)};
    const char *end = memmem(rest.v, rest.n, "\\n", 2);
    if (end != NULL) rest.n = (size_t)(end - rest.v);
    const char *at = find_letter(rest, 'a');
    for (const char *c = rest.v; at != NULL && c < at; c++) {
        if (*c != ' ') return RT_OK;
    }
    for (char letter = 'b'; at != NULL; letter++) {
        rest = (slice){at + 3, rest.n - (size_t)(at + 3 - rest.v)};
        at = letter <= 'z' ? find_letter(rest, letter) : NULL;
        const size_t n = at != NULL ? (size_t)(at - rest.v) : rest.n;
        RT_TRY(draft_choice(d, (slice){rest.v, n}, SPACE_KEEP, err));
    }
    return RT_OK;
}

/* The id and, where the input has choices, the letter of the right one. */
static rt_status read_meta(slice line, draft *d, rt_error *err) {
    const char *tab = memchr(line.v, '\t', line.n);
    const slice id = {line.v, tab != NULL ? (size_t)(tab - line.v) : line.n};
    RT_TRY(draft_id(d, id, err));
    if (tab == NULL || d->choices.n < 2) return RT_OK;
    slice letter = {tab + 1, line.n - id.n - 1};
    tab = memchr(letter.v, '\t', letter.n);
    if (tab != NULL) letter.n = (size_t)(tab - letter.v);
    if (letter.n == 1 && letter.v[0] == '-') return RT_OK;
    d->metric = DATA_CHOICE;
    return record_label(letter, "the letter of the right choice", 'A', d->choices.n, &d->gold, err);
}

rt_status read_unifiedqa(const record *r, draft *d, rt_error *err) {
    RT_TRY(draft_put(d, r->fields[0], SPACE_KEEP, err));
    RT_TRY(find_choices(r->fields[0], d, err));
    if (r->meta.v != NULL) RT_TRY(read_meta(r->meta, d, err));
    if (r->answers.v != NULL) {
        RT_TRY(add_listed(r->answers, d, err));
    } else {
        RT_TRY(draft_reference(d, r->fields[1], SPACE_KEEP, err));
    }
    d->answerable = !draft_says_no_answer(d);
    if (!d->answerable) d->metric = DATA_SQUAD2;
    return RT_OK;
}

/* The story with each "\newline" a space. */
static rt_status put_story(slice story, draft *d, rt_error *err) {
    static const char mark[] = "\\newline";
    rt_text text = {0};
    rt_status status = RT_OK;
    while (status == RT_OK && story.n > 0) {
        const char *at = memmem(story.v, story.n, mark, sizeof mark - 1);
        const size_t n = at != NULL ? (size_t)(at - story.v) : story.n;
        status = rt_text_append(&text, story.v, n, err);
        if (status == RT_OK && at != NULL) status = rt_text_append(&text, " ", 1, err);
        const size_t taken = at != NULL ? n + sizeof mark - 1 : n;
        story = (slice){story.v + taken, story.n - taken};
    }
    if (status == RT_OK) status = draft_put_passage(d, slice_of(""), (slice){text.v, text.n}, SPACE_KEEP, err);
    rt_text_free(&text);
    return status;
}

static slice without_prefix(slice s, const char *prefix) {
    const size_t n = strlen(prefix);
    return record_starts_with(s, prefix) ? (slice){s.v + n, s.n - n} : s;
}

rt_status read_mctest(const record *r, draft *d, rt_error *err) {
    const slice *question = r->fields + 3 + 5 * r->index;
    RT_TRY(draft_id(d, r->fields[0], err));
    RT_TRY(draft_ask(d, without_prefix(without_prefix(*question, "one: "), "multiple: "), SPACE_KEEP, false, err));
    for (size_t i = 1; i <= 4; i++) RT_TRY(draft_choice(d, question[i], SPACE_KEEP, err));
    RT_TRY(draft_put_choices(d, separator, 'A', err));
    RT_TRY(put_story(r->fields[2], d, err));
    if (r->answers.v == NULL) return RT_OK;
    if (r->answers.n < 7) return rt_fail(err, RT_ERR_MALFORMED, "the line of answers has not four letters");
    size_t gold;
    RT_TRY(record_label((slice){r->answers.v + 2 * r->index, 1}, "the answer", 'A', 4, &gold, err));
    return draft_gold(d, gold, err);
}

rt_status read_codah(const record *r, draft *d, rt_error *err) {
    size_t gold;
    RT_TRY(draft_ask(d, r->fields[1], SPACE_KEEP, false, err));
    for (size_t i = 2; i < 6; i++) RT_TRY(draft_choice(d, r->fields[i], SPACE_KEEP, err));
    RT_TRY(draft_put_choices(d, separator, 'a', err)); /* lower case, as in UnifiedQA's file */
    RT_TRY(record_label(r->fields[6], "the last column", '0', 4, &gold, err));
    return draft_gold(d, gold, err);
}

rt_status read_listops(const record *r, draft *d, rt_error *err) {
    size_t digit;
    RT_TRY(record_label(r->fields[0], "the first column", '0', 10, &digit, err));
    RT_TRY(draft_put(d, r->fields[1], SPACE_KEEP, err));
    return draft_reference(d, r->fields[0], SPACE_KEEP, err);
}

rt_status read_cosmosqa(const record *r, draft *d, rt_error *err) {
    size_t gold;
    RT_TRY(draft_id(d, r->fields[0], err));
    RT_TRY(draft_ask(d, r->fields[2], SPACE_DELETE, true, err));
    for (size_t i = 3; i < 7; i++) RT_TRY(draft_choice(d, r->fields[i], SPACE_DELETE, err));
    RT_TRY(draft_put_choices(d, separator, 'A', err));
    RT_TRY(draft_put_passage(d, slice_of(""), r->fields[1], SPACE_DELETE, err));
    RT_TRY(record_label(r->fields[7], "the column 'label'", '0', 4, &gold, err));
    return draft_gold(d, gold, err);
}

rt_status read_narrativeqa(const record *r, draft *d, rt_error *err) {
    if (r->n_fields < 5) return rt_fail(err, RT_ERR_MALFORMED, "the number of columns is %zu, not 5 or more", r->n_fields);
    if (r->context.v == NULL) {
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "no summary of the document '%s'", rt_quote(shown, r->fields[0].v, r->fields[0].n));
    }
    RT_TRY(draft_id(d, r->fields[0], err));
    RT_TRY(draft_task(d, r->fields[1], err)); /* the split */
    RT_TRY(draft_ask(d, r->fields[2], SPACE_KEEP, false, err));
    RT_TRY(draft_put_passage(d, slice_of(""), r->context, SPACE_NO_BREAKS, err));
    RT_TRY(draft_reference(d, r->fields[3], SPACE_KEEP, err));
    return draft_reference(d, r->fields[4], SPACE_KEEP, err);
}

/* Answers of several words, "football,apple", get a space after each comma, as the text of the embedded model's training has it. */
rt_status read_babi(const record *r, draft *d, rt_error *err) {
    if (r->n_fields < 2) return rt_fail(err, RT_ERR_MALFORMED, "a question without an answer");
    rt_text answer = {0};
    slice question = r->fields[0];
    while (question.n > 0 && question.v[question.n - 1] == ' ') question.n--;
    rt_status status = draft_ask(d, question, SPACE_KEEP, false, err);
    if (status == RT_OK) status = draft_put_passage(d, slice_of(""), r->context, SPACE_KEEP, err);
    for (size_t i = 0; status == RT_OK && i < r->fields[1].n; i++) {
        status = rt_text_append(&answer, r->fields[1].v + i, 1, err);
        if (status == RT_OK && r->fields[1].v[i] == ',') status = rt_text_append(&answer, " ", 1, err);
    }
    if (status == RT_OK) status = draft_reference(d, (slice){answer.v, answer.n}, SPACE_KEEP, err);
    rt_text_free(&answer);
    return status;
}

/* Questions about a passage: SQuAD 1.1 and 2.0 and what has their shape, Quoref, ROPES, DROP, BoolQ, MultiRC, TweetQA.
 *
 *     SQuAD    {"data": [{"title"?, "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text"}], "is_impossible"?}]}]}]}
 *     Quoref   the same with "context_id" in each paragraph; in its contrast set "original_id" in each of qas
 *     ROPES    {"data": [{"paragraphs": [{"background", "situation", "qas": …}]}]}
 *     DROP     {ID: {"passage", "qa_pairs": [{"query_id", "question", "answer": {"number", "spans", "date": {"day", "month", "year"}}}]}}
 *     BoolQ    {"question", "title"?, "passage", "answer"|"label"?: true|false} a line; contrast set {"data": [{"title", "paragraph",
 *              "perturbed_questions": [{"perturbed_q", "answer": "TRUE"|"FALSE"}]}]}
 *     MultiRC  {"passage": {"text", "questions": [{"idx", "question", "answers": [{"text", "label"?: 0|1}]}]}} a line
 *     TweetQA  [{"qid", "Question", "Tweet", "Answer"?: [TEXT]}] */
#include "tools/data/formats.h"

/* The texts of qas[].answers. A question without that member is unlabelled. */
static rt_status add_answers(const cJSON *qa, draft *d, draft_space space, rt_error *err) {
    const cJSON *answers, *answer;
    if (record_find(qa, "answers") == NULL) return RT_OK;
    RT_TRY(record_array(qa, "answers", &answers, err));
    if (cJSON_GetArraySize(answers) == 0) return rt_fail(err, RT_ERR_MALFORMED, "'answers' is empty");
    cJSON_ArrayForEach(answer, answers) {
        slice text;
        RT_TRY(record_text(answer, "text", &text, err));
        RT_TRY(draft_reference(d, text, space, err));
    }
    return RT_OK;
}

/* A question with an id. */
static rt_status ask(const cJSON *qa, const char *id_key, draft *d, draft_space space, bool mark, rt_error *err) {
    slice id, question;
    char digits[32];
    RT_TRY(record_id(qa, id_key, digits, &id, err));
    RT_TRY(record_text(qa, "question", &question, err));
    RT_TRY(draft_id(d, id, err));
    return draft_ask(d, question, space, mark, err);
}

/* UnifiedQA reads SQuAD through MultiQA's form, where a question is answered or not, whatever the version. */
rt_status read_squad(const record *r, draft *d, rt_error *err) {
    const cJSON *article = r->nodes[0], *paragraph = r->nodes[1], *qa = r->nodes[2];
    slice title, context;
    RT_TRY(record_optional_text(article, "title", &title, err));
    RT_TRY(record_text(paragraph, "context", &context, err));
    RT_TRY(ask(qa, "id", d, SPACE_SQUEEZE, true, err));
    RT_TRY(draft_put_passage(d, title, context, SPACE_DELETE, err));
    const cJSON *impossible = record_find(qa, "is_impossible");
    if (impossible != NULL) d->metric = DATA_SQUAD2;
    if (cJSON_IsTrue(impossible)) return draft_no_answer(d, err);
    return add_answers(qa, d, SPACE_SQUEEZE, err);
}

rt_status read_quoref(const record *r, draft *d, rt_error *err) {
    const cJSON *article = r->nodes[0], *paragraph = r->nodes[1], *qa = r->nodes[2];
    slice title, context;
    RT_TRY(record_text(article, "title", &title, err));
    RT_TRY(record_text(paragraph, "context", &context, err));
    RT_TRY(ask(qa, "id", d, SPACE_KEEP, false, err));
    if (record_find(qa, "original_id") != NULL) {
        RT_TRY(draft_literal(d, "\\n(", err)); /* the contrast set's encoder glues the separator */
        RT_TRY(draft_put(d, title, SPACE_KEEP, err));
        RT_TRY(draft_literal(d, ") ", err));
        RT_TRY(draft_put(d, context, SPACE_KEEP, err));
    } else {
        RT_TRY(draft_put_passage(d, title, context, SPACE_KEEP, err));
    }
    return add_answers(qa, d, SPACE_KEEP, err);
}

rt_status read_ropes(const record *r, draft *d, rt_error *err) {
    const cJSON *paragraph = r->nodes[1], *qa = r->nodes[2];
    slice background, situation;
    RT_TRY(record_text(paragraph, "background", &background, err));
    RT_TRY(record_text(paragraph, "situation", &situation, err));
    RT_TRY(ask(qa, "id", d, SPACE_KEEP, false, err));
    RT_TRY(draft_put_passage(d, slice_of(""), background, SPACE_KEEP, err));
    RT_TRY(draft_literal(d, " ", err));
    RT_TRY(draft_put(d, situation, SPACE_KEEP, err));
    return add_answers(qa, d, SPACE_KEEP, err);
}

/* Appends a part of an answer of DROP behind a separator. */
static rt_status join(rt_text *answer, const char *separator, slice part, rt_error *err) {
    if (answer->n > 0) RT_TRY(rt_text_append(answer, separator, strlen(separator), err));
    return rt_text_append(answer, part.v, part.n, err);
}

static rt_status join_drop_answer(const cJSON *answer, rt_text *out, rt_error *err) {
    static const char *const date[] = {"date.month", "date.day", "date.year"};
    const cJSON *spans, *span;
    slice part;
    RT_TRY(record_array(answer, "spans", &spans, err));
    cJSON_ArrayForEach(span, spans) {
        RT_TRY(record_element(span, "spans", &part, err));
        RT_TRY(join(out, ", ", part, err));
    }
    if (cJSON_GetArraySize(spans) > 0) return RT_OK;
    RT_TRY(record_text(answer, "number", &part, err));
    if (part.n > 0) return join(out, "", part, err);
    for (size_t i = 0; i < 3; i++) {
        RT_TRY(record_optional_text(answer, date[i], &part, err));
        if (part.n > 0) RT_TRY(join(out, " ", part, err));
    }
    return out->n > 0 ? RT_OK : rt_fail(err, RT_ERR_MALFORMED, "an answer without spans, number or date");
}

/* The answer is one text: the spans joined by ", ", or the number, or "month day year". */
rt_status read_drop(const record *r, draft *d, rt_error *err) {
    const cJSON *pair = r->nodes[1], *answer = record_find(pair, "answer");
    slice passage;
    rt_text joined = {0};
    RT_TRY(record_text(r->nodes[0], "passage", &passage, err));
    RT_TRY(ask(pair, "query_id", d, SPACE_KEEP, false, err));
    RT_TRY(draft_put_passage(d, slice_of(""), passage, SPACE_KEEP, err));
    if (answer == NULL) return RT_OK;
    rt_status status = join_drop_answer(answer, &joined, err);
    if (status == RT_OK) status = draft_reference(d, (slice){joined.v, joined.n}, SPACE_KEEP, err);
    rt_text_free(&joined);
    return status;
}

/* SuperGLUE's passages are "Title -- text": split, they give the same input as the original form. */
static slice split_title(slice *passage) {
    const char *dashes = memmem(passage->v, passage->n, " -- ", 4);
    if (dashes == NULL) return slice_of("");
    const slice title = {passage->v, (size_t)(dashes - passage->v)};
    *passage = (slice){dashes + 4, passage->n - title.n - 4};
    return title;
}

rt_status read_boolq(const record *r, draft *d, rt_error *err) {
    const cJSON *line = r->nodes[0], *label = record_find(line, "answer");
    slice title, passage;
    RT_TRY(record_optional_text(line, "title", &title, err));
    RT_TRY(record_text(line, "passage", &passage, err));
    if (record_find(line, "title") == NULL) title = split_title(&passage);
    RT_TRY(ask(line, "idx", d, SPACE_SQUEEZE, true, err));
    RT_TRY(draft_put_passage(d, title, passage, SPACE_DELETE, err));
    if (label == NULL) label = record_find(line, "label");
    if (label == NULL) return RT_OK;
    if (!cJSON_IsBool(label)) return rt_fail(err, RT_ERR_MALFORMED, "the answer is neither true nor false");
    return draft_reference(d, slice_of(cJSON_IsTrue(label) ? "yes" : "no"), SPACE_KEEP, err);
}

/* Anything but TRUE is a no, as UnifiedQA has it: the set's first entry, a row of headings, is one of its questions. */
rt_status read_boolq_contrast(const record *r, draft *d, rt_error *err) {
    slice title, paragraph, question, answer;
    RT_TRY(record_text(r->nodes[0], "title", &title, err));
    RT_TRY(record_text(r->nodes[0], "paragraph", &paragraph, err));
    RT_TRY(record_text(r->nodes[1], "perturbed_q", &question, err));
    RT_TRY(record_text(r->nodes[1], "answer", &answer, err));
    RT_TRY(draft_ask(d, question, SPACE_KEEP, true, err));
    RT_TRY(draft_put_passage(d, title, paragraph, SPACE_KEEP, err));
    const bool yes = answer.n == 4 && memcmp(answer.v, "TRUE", 4) == 0;
    return draft_reference(d, slice_of(yes ? "yes" : "no"), SPACE_KEEP, err);
}

/* Every right option is a reference. A question of which no option is right has none, and cannot be scored. */
rt_status read_multirc(const record *r, draft *d, rt_error *err) {
    const cJSON *question = r->nodes[1], *answers, *answer;
    slice text;
    RT_TRY(record_text(r->nodes[0], "passage.text", &text, err));
    RT_TRY(ask(question, "idx", d, SPACE_KEEP, false, err));
    RT_TRY(draft_put_passage(d, slice_of(""), text, SPACE_KEEP, err));
    RT_TRY(record_array(question, "answers", &answers, err));
    cJSON_ArrayForEach(answer, answers) {
        size_t right = 0;
        RT_TRY(record_text(answer, "text", &text, err));
        if (record_find(answer, "label") != NULL) RT_TRY(record_number(answer, "label", 0, 2, &right, err));
        if (right == 1) RT_TRY(draft_reference(d, text, SPACE_KEEP, err));
    }
    return RT_OK;
}

/* Whether the last reference is there before. */
static bool repeats(const draft *d) {
    const slice last = draft_text(d, d->references.spans[d->references.n - 1]);
    for (size_t i = 0; i + 1 < d->references.n; i++) {
        const slice other = draft_text(d, d->references.spans[i]);
        if (other.n == last.n && memcmp(other.v, last.v, last.n) == 0) return true;
    }
    return false;
}

/* References that say the same are one. */
rt_status read_tweetqa(const record *r, draft *d, rt_error *err) {
    const cJSON *tweet = r->nodes[0], *answers, *answer;
    slice id, question, text;
    RT_TRY(record_optional_text(tweet, "qid", &id, err));
    RT_TRY(record_text(tweet, "Question", &question, err));
    RT_TRY(record_text(tweet, "Tweet", &text, err));
    RT_TRY(draft_id(d, id, err));
    RT_TRY(draft_ask(d, question, SPACE_DELETE, true, err));
    RT_TRY(draft_put_passage(d, slice_of(""), text, SPACE_DELETE, err));
    if (record_find(tweet, "Answer") == NULL) return RT_OK;
    RT_TRY(record_array(tweet, "Answer", &answers, err));
    cJSON_ArrayForEach(answer, answers) {
        RT_TRY(record_element(answer, "Answer", &text, err));
        RT_TRY(draft_reference(d, text, SPACE_DELETE, err));
        if (repeats(d)) d->references.n--;
    }
    return d->references.n > 0 ? RT_OK : rt_fail(err, RT_ERR_MALFORMED, "'Answer' is empty");
}

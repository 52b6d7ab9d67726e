/* Questions kept for a report; see eval_records.h. */
#include "tools/eval_records.h"

#include <stdlib.h>

void eval_records_free(eval_records *records) {
    for (size_t i = 0; i < records->n; i++) free((void *)records->v[i].id); /* the block's front */
    free(records->v);
    *records = (eval_records){0};
}

static rt_status grow(eval_records *records, rt_error *err) {
    if (records->n < records->capacity) return RT_OK;
    const size_t capacity = records->capacity > 0 ? 2 * records->capacity : 256;
    eval_record *v = realloc(records->v, capacity * sizeof *v);
    if (v == NULL) return rt_fail_memory(err, capacity * sizeof *v, "a report");
    records->v = v;
    records->capacity = capacity;
    return RT_OK;
}

static const char *put(char **at, slice text) {
    char *copy = *at;
    if (text.n > 0) memcpy(copy, text.v, text.n);
    copy[text.n] = '\0';
    *at += text.n + 1;
    return copy;
}

rt_status eval_records_add(eval_records *records, size_t set, const eval_line *line, slice reference, rt_error *err) {
    if (records->n == EVAL_MAX_RECORDS) {
        records->n_left_out++;
        return RT_OK;
    }
    RT_TRY(grow(records, err));
    const size_t n = line->id.n + line->task.n + line->input.n + line->answer.text.n + reference.n + 5;
    char *at = malloc(n);
    if (at == NULL) return rt_fail_memory(err, n, "a report");
    eval_record *r = &records->v[records->n++];
    *r = (eval_record){.set = set, .number = line->number, .exact_match = line->score.exact_match, .f1 = line->score.f1};
    r->own = line->score.own;
    r->id = put(&at, line->id);
    r->task = put(&at, line->task);
    r->input = put(&at, line->input);
    r->answer = put(&at, line->answer.text);
    r->reference = put(&at, reference);
    return RT_OK;
}

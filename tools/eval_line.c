/* Lines of the predictions file; see eval_line.h. */
#include "tools/eval_line.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "tools/json_out.h"
#include "tools/output.h"

static rt_status put_text(rt_text *out, const char *name, slice text, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"%s\":", name));
    return json_string(out, text, err);
}

static rt_status put_scores(const eval_line *line, rt_text *out, rt_error *err) {
    const eval_score *s = &line->score;
    if (!s->scored) return RT_OK;
    RT_TRY(out_print(out, err, ",\"exact_match\":%.9g,\"f1\":%.9g", s->exact_match, s->f1));
    return s->has_own ? out_print(out, err, ",\"%s\":%.9g", eval_own_key(line->metric), s->own) : RT_OK;
}

rt_status eval_line_write(const eval_line *line, rt_text *out, rt_error *err) {
    const eval_answer *a = &line->answer;
    RT_TRY(out_print(out, err, "{\"set\":"));
    RT_TRY(json_string(out, slice_of(line->set), err));
    RT_TRY(out_print(out, err, ",\"question\":%zu", line->number));
    if (line->id.n > 0) RT_TRY(put_text(out, "id", line->id, err));
    if (line->task.n > 0) RT_TRY(put_text(out, "task", line->task, err));
    RT_TRY(put_text(out, "input", line->input, err));
    RT_TRY(put_text(out, "answer", a->text, err));
    RT_TRY(out_print(out, err, ",\"score\":"));
    RT_TRY(json_float(out, a->score, err));
    RT_TRY(out_print(out, err, ",\"input_tokens\":%zu,\"output_tokens\":%zu", a->input_tokens, a->output_tokens));
    if (a->cut) RT_TRY(out_print(out, err, ",\"cut\":true"));
    if (a->choice != DATA_NO_GOLD) RT_TRY(out_print(out, err, ",\"choice\":%zu", a->choice));
    RT_TRY(put_scores(line, out, err));
    return out_print(out, err, "}\n");
}

/* A whole number 0 .. 2^53; false for anything else. */
static bool read_count(const cJSON *object, const char *name, size_t *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53)) return false;
    *value = (size_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static bool read_answer(const cJSON *object, rt_text *text, eval_answer *answer, rt_error *err, rt_status *status) {
    const cJSON *answer_text = cJSON_GetObjectItemCaseSensitive(object, "answer");
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(object, "score");
    *answer = (eval_answer){.choice = DATA_NO_GOLD, .cut = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "cut"))};
    if (!cJSON_IsString(answer_text) || !cJSON_IsNumber(score)) return false;
    if (!read_count(object, "input_tokens", &answer->input_tokens)) return false;
    if (!read_count(object, "output_tokens", &answer->output_tokens)) return false;
    if (cJSON_GetObjectItemCaseSensitive(object, "choice") != NULL && !read_count(object, "choice", &answer->choice)) return false;
    answer->score = (float)score->valuedouble;
    text->n = 0;
    *status = rt_text_append(text, answer_text->valuestring, strlen(answer_text->valuestring), err);
    answer->text = (slice){text->v, text->n};
    return true;
}

rt_status eval_line_read(slice line, const char *where, rt_text *text, eval_answer *answer, rt_error *err) {
    rt_status status = RT_OK;
    cJSON *object = cJSON_ParseWithLength(line.v, line.n);
    const bool sound = read_answer(object, text, answer, err, &status);
    cJSON_Delete(object);
    if (sound) return status;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: no line of a predictions file (answer, score, input_tokens, output_tokens)", where);
}

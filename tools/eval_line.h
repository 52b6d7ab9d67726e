/* A line of the predictions file: one question and what became of it, as a JSON object.
 *
 *     {"set":"squad/dev.json","question":1,"id":"56be","task":"t","input":"…","answer":"…","score":-0.5,"input_tokens":210,
 *      "output_tokens":3,"cut":true,"choice":2,"exact_match":1,"f1":1,"accuracy":1}
 *
 * id, task, cut (true) and choice (from 0, with --by likelihood) are left out where there is nothing to say, the scores where the question
 * has no reference. score is the sum of the log-probabilities of the answer's tokens, as ask and score print it. */
#ifndef TOOLS_EVAL_LINE_H
#define TOOLS_EVAL_LINE_H

#include "runtime/buffer.h"
#include "tools/eval_score.h"

/* What the model made of a question. */
typedef struct eval_answer {
    slice text;
    float score;
    size_t input_tokens, output_tokens;
    size_t choice; /* DATA_NO_GOLD where it was not asked to choose */
    bool cut;
} eval_answer;

typedef struct eval_line {
    const char *set;
    size_t number; /* of the question in its set, from 1 */
    slice id, task, input;
    eval_answer answer;
    data_metric metric;
    eval_score score;
} eval_line;

/* Appends the line with its end. */
rt_status eval_line_write(const eval_line *line, rt_text *out, rt_error *err);

/* Takes the answer out of a line; `text` holds its text. `where` begins the message of RT_ERR_MALFORMED. */
rt_status eval_line_read(slice line, const char *where, rt_text *text, eval_answer *answer, rt_error *err);

#endif

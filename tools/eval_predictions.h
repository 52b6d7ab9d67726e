/* The predictions file: first a line with the settings of the run, then a line a question (eval_line.h), in the order of the data.
 *
 *     {"t5k_predictions":{"version":"0.1.0","ff-topk":"all",…,"model":"5b21…","data":"a.jsonl,b.jsonl"}}
 *
 * A run that is resumed reads its questions anew and takes the answers from the lines that are there, each of which must be just what it
 * would write for that question; behind the last whole line it goes on writing. So the file becomes what an unbroken run writes. */
#ifndef TOOLS_EVAL_PREDICTIONS_H
#define TOOLS_EVAL_PREDICTIONS_H

#include "tools/data/source.h"
#include "tools/eval_line.h"
#include "tools/eval_settings.h"

typedef struct eval_predictions {
    const char *path;
    int fd;         /* -1: not asked for */
    bool replaying; /* lines of an earlier run may be left */
    source earlier;
    rt_text line, answer;
    rt_text out; /* not yet written */
} eval_predictions;

/* Without resume the file must not be there, or be empty, or not be a regular one. With it, a last line that is torn is cut off.
 * RT_ERR_READ, RT_ERR_WRITE; RT_ERR_MALFORMED if the file is none of ours; RT_ERR_DISAGREE, naming what differs, if its run had other
 * settings, or if another run is writing it. */
rt_status eval_predictions_open(const char *path, bool resume, const eval_settings *settings, eval_predictions *p, rt_error *err);
void eval_predictions_close(eval_predictions *p);

/* The next answer of the earlier run, borrowed until the next call; *have is false behind the last one. */
rt_status eval_predictions_next(eval_predictions *p, eval_answer *answer, bool *have, rt_error *err);

/* RT_ERR_DISAGREE unless the line of that answer was just this. */
rt_status eval_predictions_check(eval_predictions *p, const eval_line *line, rt_error *err);

/* RT_ERR_DISAGREE if the earlier run has answers that were not asked for. */
rt_status eval_predictions_end(eval_predictions *p, rt_error *err);

/* Takes a new line; written by eval_predictions_flush. */
rt_status eval_predictions_add(eval_predictions *p, const eval_line *line, rt_error *err);

/* Writes whole lines, or takes back what it wrote of them. RT_ERR_WRITE. */
rt_status eval_predictions_flush(eval_predictions *p, rt_error *err);

#endif

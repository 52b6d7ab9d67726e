/* The questions that a report shows, with every setting's answer. */
#ifndef TOOLS_COMPARE_RECORDS_H
#define TOOLS_COMPARE_RECORDS_H

#include "runtime/buffer.h"
#include "tools/compare_measure.h"
#include "tools/eval_window.h"

typedef struct compare_records {
    size_t n_settings;
    compare_record *v;      /* [n] */
    compare_answer *answers; /* [n, n_settings] */
    rt_text text;
    size_t n, capacity, n_same, n_differing, n_left_out;
} compare_records;

void compare_records_free(compare_records *records);

/* A question and what became of it under each setting, [n_settings]. */
typedef struct compare_asked {
    size_t set, number;
    const data_question *question;
    slice input; /* as the model saw it */
    const slice *texts;
    const bool *same; /* as dense's text */
    const eval_score *scores;
    const compare_measured *const *measured;
} compare_asked;

/* Keeps it unless there are enough of its kind. */
rt_status compare_records_add(compare_records *records, const compare_asked *asked, rt_error *err);

/* Forgets what has been added since the records were as `before`, a copy of their struct, says. */
void compare_records_forget(compare_records *records, const compare_records *before);

#endif

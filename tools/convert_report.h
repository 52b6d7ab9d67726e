/* What t5k convert tells: a progress bar while it works, then what the new types have lost. */
#ifndef TOOLS_CONVERT_REPORT_H
#define TOOLS_CONVERT_REPORT_H

#include "model/convert.h"
#include "runtime/buffer.h"

typedef struct convert_progress {
    bool shown, drawn;
    size_t total, done; /* bytes */
    double last;        /* when it was drawn */
} convert_progress;

/* On standard error, where that is a terminal and is_quiet does not forbid it. */
convert_progress convert_progress_start(size_t total, bool is_quiet);
void convert_progress_step(convert_progress *progress, size_t n_bytes);

/* Takes the bar away. */
void convert_progress_end(convert_progress *progress);

/* Appends a table of the kinds of tensors, their types before and after, and the largest and the mean relative error of their numbers.
 * losses [t5_conversion_count]. */
rt_status convert_report(const t5_conversion *conversion, const t5_loss *losses, rt_text *out, rt_error *err);

#endif

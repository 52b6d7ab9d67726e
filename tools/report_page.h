/* What the reports of eval and compare share: one HTML page that needs nothing but itself, readable on a phone, on paper, in light and
 * dark, with or without scripts. Every text that is not ours goes through markup_text. */
#ifndef TOOLS_REPORT_PAGE_H
#define TOOLS_REPORT_PAGE_H

#include "runtime/buffer.h"
#include "tools/eval_result.h"

/* Head and heading. title and about are plain text. */
rt_status report_begin(rt_text *out, const char *title, const char *about, rt_error *err);
rt_status report_end(rt_text *out, rt_error *err);

/* A heading of a section. */
rt_status report_heading(rt_text *out, const char *heading, rt_error *err);

/* A table that scrolls sideways where it is too wide; heads [n_heads], the first two left-aligned if `text_columns` is 2, and so on. */
rt_status report_table_begin(rt_text *out, const char *caption, const char *const *heads, size_t n_heads, size_t text_columns,
                             rt_error *err);
rt_status report_table_end(rt_text *out, rt_error *err);

/* Cells: a row's name, a number printf-fashion, a text. */
rt_status report_name(rt_text *out, const char *name, rt_error *err);
rt_status report_number(rt_text *out, rt_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
rt_status report_text(rt_text *out, const char *text, rt_error *err);

/* "97.3 (95.1–99.0)", in per cent; "–" where there is none. */
rt_status report_mean(rt_text *out, const eval_mean *mean, rt_error *err);

/* The options that the results depend on. */
rt_status report_settings(rt_text *out, const eval_setting *settings, size_t n, rt_error *err);

/* A choice of the filter: <option value="0">text</option>. */
rt_status report_option(rt_text *out, size_t value, const char *text, rt_error *err);

/* The cell of a question: UnifiedQA's form taken apart at its first separator; the rest and the references open on demand.
 * references [n] follow one another, each NUL-terminated. */
rt_status report_question(rt_text *out, const char *id, const char *task, const char *input, const char *references, size_t n,
                          rt_error *err);

/* An answer marked as right or wrong, or as neither where there is nothing to compare with. */
rt_status report_answer(rt_text *out, const char *answer, bool has_references, bool is_right, rt_error *err);

#endif

/* Reports: what eval and compare found, as one HTML page for people. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include "runtime/buffer.h"
#include "tools/compare_result.h"

/* Appends the page. */
rt_status report_compare(const compare_result *result, rt_text *out, rt_error *err);
rt_status report_eval(const eval_result *result, rt_text *out, rt_error *err);

/* RT_ERR_WRITE before the work is done if the file cannot be written afterwards: no such folder, no permission, not a regular file. */
rt_status report_file_check(const char *path, rt_error *err);

/* Writes the file, in full or not at all. */
rt_status report_file_write(const char *path, const rt_text *text, rt_error *err);

#endif

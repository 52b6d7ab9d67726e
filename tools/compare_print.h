/* A comparison on standard output. */
#ifndef TOOLS_COMPARE_PRINT_H
#define TOOLS_COMPARE_PRINT_H

#include "runtime/buffer.h"
#include "tools/compare_result.h"

/* A table for each set, aligned for a terminal; with the published row beside it where there is one. */
rt_status compare_print_table(const compare_result *result, rt_text *out, rt_error *err);

/* One JSON object a line for each set and setting. */
rt_status compare_print_json(const compare_result *result, rt_text *out, rt_error *err);

#endif

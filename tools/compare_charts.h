/* The charts of a comparison. */
#ifndef TOOLS_COMPARE_CHARTS_H
#define TOOLS_COMPARE_CHARTS_H

#include "runtime/buffer.h"
#include "tools/compare_result.h"

/* Appends each chart that there is something to draw for, as a <figure>, in groups with a heading. */
rt_status compare_charts_draw(const compare_result *result, rt_text *out, rt_error *err);

/* Appends an SVG file: exact match against the k of feed-forward or, where none is listed, of attention. RT_ERR_USAGE if none is either. */
rt_status compare_charts_file(const compare_result *result, rt_text *out, rt_error *err);

#endif

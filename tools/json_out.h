/* JSON values (RFC 8259) appended to a text. The result is always well-formed UTF-8 on one line. */
#ifndef TOOLS_JSON_OUT_H
#define TOOLS_JSON_OUT_H

#include "runtime/buffer.h"
#include "tools/slice.h"

/* A string: quotes, backslashes and control characters escaped, bytes that are not UTF-8 replaced by U+FFFD. */
rt_status json_string(rt_text *out, slice text, rt_error *err);

/* A number that reads back as the same float; null for NaN and infinity, which JSON does not have. */
rt_status json_float(rt_text *out, float value, rt_error *err);

/* Arrays. */
rt_status json_ids(rt_text *out, const int32_t *ids, size_t n, rt_error *err);
rt_status json_floats(rt_text *out, const float *values, size_t n, rt_error *err);

#endif

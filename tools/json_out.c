/* JSON written straight into a text. Not by cJSON, whose strings end at the first NUL and whose numbers are doubles in their shortest
 * form: a line of input may hold a NUL, and a float is printed with the nine digits that make it read back the same. */
#include "tools/json_out.h"

#include <math.h>

#include "tools/output.h"
#include "tools/qa_text.h"

static rt_status append_escaped(rt_text *out, unsigned char c, rt_error *err) {
    switch (c) {
    case '"': return rt_text_append(out, "\\\"", 2, err);
    case '\\': return rt_text_append(out, "\\\\", 2, err);
    case '\n': return rt_text_append(out, "\\n", 2, err);
    case '\r': return rt_text_append(out, "\\r", 2, err);
    case '\t': return rt_text_append(out, "\\t", 2, err);
    default: return out_print(out, err, "\\u%04x", c);
    }
}

static rt_status append_string(rt_text *out, slice text, rt_error *err) {
    RT_TRY(rt_text_append(out, "\"", 1, err));
    size_t start = 0;
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.v[i];
        if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\') continue;
        RT_TRY(rt_text_append(out, text.v + start, i - start, err));
        RT_TRY(append_escaped(out, c, err));
        start = i + 1;
    }
    RT_TRY(rt_text_append(out, text.v + start, text.n - start, err));
    return rt_text_append(out, "\"", 1, err);
}

rt_status json_string(rt_text *out, slice text, rt_error *err) {
    rt_text sound = {0};
    rt_status status = qa_repair_utf8(text, &sound, err);
    if (status == RT_OK) status = append_string(out, (slice){sound.v, sound.n}, err);
    rt_text_free(&sound);
    return status;
}

rt_status json_float(rt_text *out, float value, rt_error *err) {
    if (!isfinite(value)) return rt_text_append(out, "null", 4, err);
    return out_print(out, err, "%.9g", (double)value);
}

rt_status json_ids(rt_text *out, const int32_t *ids, size_t n, rt_error *err) {
    RT_TRY(rt_text_append(out, "[", 1, err));
    for (size_t i = 0; i < n; i++) RT_TRY(out_print(out, err, i == 0 ? "%d" : ",%d", ids[i]));
    return rt_text_append(out, "]", 1, err);
}

rt_status json_floats(rt_text *out, const float *values, size_t n, rt_error *err) {
    RT_TRY(rt_text_append(out, "[", 1, err));
    for (size_t i = 0; i < n; i++) {
        if (i > 0) RT_TRY(rt_text_append(out, ",", 1, err));
        RT_TRY(json_float(out, values[i], err));
    }
    return rt_text_append(out, "]", 1, err);
}

/* UnifiedQA's input form, after allenai/unifiedqa's encoding of its data sets:
 *
 *     question \n (a) first choice (b) second choice \n context
 *
 * The separator is four characters: space, backslash, n, space. A real line break would reach the model as a plain space. */
#include "tools/qa_text.h"

#include "runtime/utf8.h"

static const char separator[] = " \\n ";

static rt_status append_string(rt_text *out, const char *text, rt_error *err) { return rt_text_append(out, text, strlen(text), err); }

static bool is_break(char c) { return c == '\n' || c == '\r' || c == '\t'; }

static slice strip(slice s) {
    while (s.n > 0 && (is_break(s.v[0]) || s.v[0] == ' ')) s.v++, s.n--;
    while (s.n > 0 && (is_break(s.v[s.n - 1]) || s.v[s.n - 1] == ' ')) s.n--;
    return s;
}

/* One part of the form: stripped, every run of line breaks and tabs one space. */
static rt_status append_part(rt_text *out, slice part, rt_error *err) {
    const slice s = strip(part);
    for (size_t i = 0; i < s.n;) {
        size_t end = i;
        while (end < s.n && !is_break(s.v[end])) end++;
        RT_TRY(rt_text_append(out, s.v + i, end - i, err));
        if (end < s.n) RT_TRY(rt_text_append(out, " ", 1, err));
        while (end < s.n && is_break(s.v[end])) end++;
        i = end;
    }
    return RT_OK;
}

rt_status qa_form(const qa_parts *parts, rt_text *out, rt_error *err) {
    RT_TRY(append_part(out, parts->question, err));
    if (parts->n_choices > 0) RT_TRY(append_string(out, separator, err));
    for (size_t i = 0; i < parts->n_choices; i++) {
        const char label[] = {'(', (char)('a' + i), ')', ' '};
        if (i > 0) RT_TRY(rt_text_append(out, " ", 1, err));
        RT_TRY(rt_text_append(out, label, sizeof label, err));
        RT_TRY(append_part(out, slice_of(parts->choices[i]), err));
    }
    if (strip(parts->context).n == 0) return RT_OK;
    RT_TRY(append_string(out, separator, err));
    return append_part(out, parts->context, err);
}

rt_status qa_separate_lines(slice text, rt_text *out, rt_error *err) {
    size_t start = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.v[i] != '\n') continue;
        const size_t end = i > start && text.v[i - 1] == '\r' ? i - 1 : i;
        RT_TRY(rt_text_append(out, text.v + start, end - start, err));
        RT_TRY(append_string(out, separator, err));
        start = i + 1;
    }
    return rt_text_append(out, text.v + start, text.n - start, err);
}

void qa_lower_case(char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') text[i] = (char)(text[i] + ('a' - 'A'));
    }
}

rt_status qa_repair_utf8(slice text, rt_text *out, rt_error *err) {
    const unsigned char *bytes = (const unsigned char *)text.v;
    size_t start = 0, i = 0; /* bytes before start are written, start .. i are sound */
    while (i < text.n) {
        const size_t length = rt_utf8_length(bytes + i, text.n - i);
        if (length > 0) {
            i += length;
            continue;
        }
        RT_TRY(rt_text_append(out, text.v + start, i - start, err));
        RT_TRY(append_string(out, "\xef\xbf\xbd", err));
        start = ++i;
    }
    return rt_text_append(out, text.v + start, text.n - start, err);
}

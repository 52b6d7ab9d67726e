/* The page; see report_page.h. The style sheet and the script are tools/report/page.css and page.js, turned into string literals by the
 * Makefile. */
#include "tools/report_page.h"

#include <stdarg.h>
#include <stdio.h>

#include "tools/chart.h"
#include "tools/markup.h"
#include "tools/output.h"

static const char page_style[] =
#include "tools/report/page.css.inc"
    ;

static const char page_script[] =
#include "tools/report/page.js.inc"
    ;

/* The policy forbids the page to load anything, whatever a question's text might make of it. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
    "content=\"width=device-width,initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"generator\" content=\"t5k " T5K_VERSION "\">\n<title>";

static rt_status element(rt_text *out, const char *before, const char *text, const char *after, rt_error *err) {
    RT_TRY(markup_raw(out, before, err));
    RT_TRY(markup_text(out, slice_of(text), err));
    return markup_raw(out, after, err);
}

rt_status report_begin(rt_text *out, const char *title, const char *about, rt_error *err) {
    RT_TRY(element(out, head, title, "</title>\n<style>\n", err));
    RT_TRY(markup_raw(out, page_style, err));
    RT_TRY(markup_raw(out, chart_style(), err));
    RT_TRY(element(out, "</style>\n</head>\n<body>\n<main>\n<h1>", title, "</h1>\n", err));
    return element(out, "<p class=\"text\">", about, "</p>\n", err);
}

rt_status report_end(rt_text *out, rt_error *err) {
    RT_TRY(markup_raw(out, "</main>\n<script>\n", err));
    RT_TRY(markup_raw(out, page_script, err));
    return markup_raw(out, "</script>\n</body>\n</html>\n", err);
}

rt_status report_heading(rt_text *out, const char *heading, rt_error *err) { return element(out, "<h2>", heading, "</h2>\n", err); }

rt_status report_table_begin(rt_text *out, const char *caption, const char *const *heads, size_t n_heads, size_t text_columns,
                             rt_error *err) {
    RT_TRY(element(out, "<p class=\"note\">", caption, "</p>\n", err));
    RT_TRY(element(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", caption, "\">", err));
    RT_TRY(markup_raw(out, "<table><thead><tr>", err));
    for (size_t i = 0; i < n_heads; i++) {
        RT_TRY(element(out, i < text_columns ? "<th scope=\"col\">" : "<th scope=\"col\" class=\"number\">", heads[i], "</th>", err));
    }
    return markup_raw(out, "</tr></thead><tbody>\n", err);
}

rt_status report_table_end(rt_text *out, rt_error *err) { return markup_raw(out, "</tbody></table></div>\n", err); }

rt_status report_name(rt_text *out, const char *name, rt_error *err) { return element(out, "<tr><th scope=\"row\">", name, "</th>", err); }

rt_status report_number(rt_text *out, rt_error *err, const char *format, ...) {
    char number[128];
    va_list args;
    va_start(args, format);
    vsnprintf(number, sizeof number, format, args);
    va_end(args);
    return element(out, "<td class=\"number\">", number, "</td>", err);
}

rt_status report_text(rt_text *out, const char *text, rt_error *err) { return element(out, "<td class=\"text\">", text, "</td>", err); }

rt_status report_mean(rt_text *out, const eval_mean *mean, rt_error *err) {
    if (mean->n == 0) return report_number(out, err, "–");
    return report_number(out, err, "%.2f (%.1f–%.1f)", 100 * mean->mean, 100 * mean->low, 100 * mean->high);
}

rt_status report_settings(rt_text *out, const eval_setting *settings, size_t n, rt_error *err) {
    static const char *const heads[] = {"option", "value"};
    RT_TRY(report_heading(out, "Options", err));
    RT_TRY(report_table_begin(out, "What answers and scores depend on", heads, 2, 2, err));
    for (size_t i = 0; i < n; i++) {
        RT_TRY(report_name(out, settings[i].name, err));
        RT_TRY(report_text(out, settings[i].value, err));
        RT_TRY(markup_raw(out, "</tr>\n", err));
    }
    return report_table_end(out, err);
}

rt_status report_option(rt_text *out, size_t value, const char *text, rt_error *err) {
    RT_TRY(out_print(out, err, "<option value=\"%zu\">", value));
    return element(out, "", text, "</option>", err);
}

/* The parts behind the question, one below the other. */
static rt_status put_parts(rt_text *out, const char *parts, rt_error *err) {
    static const char separator[] = " \\n ";
    for (const char *end; *parts != '\0'; parts = end + strlen(separator)) {
        end = strstr(parts, separator);
        RT_TRY(markup_raw(out, "<div class=\"text\">", err));
        RT_TRY(markup_text(out, (slice){parts, end != NULL ? (size_t)(end - parts) : strlen(parts)}, err));
        RT_TRY(markup_raw(out, "</div>", err));
        if (end == NULL) break;
    }
    return RT_OK;
}

rt_status report_question(rt_text *out, const char *id, const char *task, const char *input, const char *references, size_t n,
                          rt_error *err) {
    const char *rest = strstr(input, " \\n ");
    RT_TRY(markup_raw(out, "<td data-name=\"question\"><details><summary>", err));
    if (task[0] != '\0') RT_TRY(element(out, "<span class=\"tag\">", task, "</span>", err));
    RT_TRY(markup_raw(out, "<span class=\"text\">", err));
    RT_TRY(markup_text(out, (slice){input, rest != NULL ? (size_t)(rest - input) : strlen(input)}, err));
    RT_TRY(markup_raw(out, "</span></summary>", err));
    if (rest != NULL) RT_TRY(put_parts(out, rest + 4, err));
    for (size_t i = 0; i < n; i++, references += strlen(references) + 1) {
        RT_TRY(element(out, "<div class=\"text\"><span class=\"tag\">reference</span>", references, "</div>", err));
    }
    if (id[0] != '\0') RT_TRY(element(out, "<div class=\"text\"><span class=\"tag\">id</span>", id, "</div>", err));
    return markup_raw(out, "</details></td>", err);
}

rt_status report_answer(rt_text *out, const char *answer, bool has_references, bool is_right, rt_error *err) {
    RT_TRY(markup_raw(out, !has_references ? "<span>" : is_right ? "<span class=\"right\">" : "<span class=\"wrong\">", err));
    if (has_references) {
        RT_TRY(markup_raw(out, is_right ? "<span class=\"hidden\">right: </span>" : "<span class=\"hidden\">wrong: </span>", err));
    }
    return element(out, "<span class=\"text\">", answer[0] != '\0' ? answer : "(empty)", "</span></span>", err);
}

/* Reports: whatever the questions hold, the page is sound, stands alone and says what was found; charts are well-formed XML. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model.h"
#include "tools/chart.h"
#include "tools/compare_charts.h"
#include "tools/markup.h"
#include "tools/report.h"

#define HOSTILE "</script><img src=x onerror='alert(1)'>\"&\x01\x7f\xff\xc2\x85\xef\xbf\xbe\xe2\x80\xae" "a"
#define HARMLESS                                                                                                                           \
    "&lt;/script&gt;&lt;img src=x "                                                                                                        \
    "onerror=&#39;alert(1)&#39;&gt;&quot;&amp;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xe2\x80\xae"                    \
    "a"

START_TEST(escaping) {
    rt_error err;
    rt_text out = {0};
    must(markup_text(&out, slice_of(HOSTILE), &err), &err);
    ck_assert_str_eq(out.v, HARMLESS);
    out.n = 0;
    must(markup_text(&out, (slice){"a\0b\tc\nd", 7}, &err), &err);
    ck_assert_str_eq(out.v, "a\xef\xbf\xbd" "b\tc\nd");
    out.n = 0;
    must(markup_text(&out, (slice){NULL, 0}, &err), &err);
    ck_assert_uint_eq(out.n, 0);
    rt_text_free(&out);
}
END_TEST

/* Every tag that opens is closed by the next that closes; ends the test if not. Void elements are not counted. */
static void must_nest(const char *markup) {
    static const char *const voids[] = {"meta", "input", "!doctype"};
    char open[64][16];
    size_t depth = 0;
    for (const char *at = markup; (at = strchr(at, '<')) != NULL;) {
        const bool closes = at[1] == '/';
        const char *name = at + 1 + closes, *end = strchr(at, '>');
        const int n = (int)strcspn(name, " >/");
        bool is_void = end[-1] == '/';
        for (size_t i = 0; i < 3; i++) is_void |= strncmp(name, voids[i], strlen(voids[i])) == 0;
        if (closes) {
            ck_assert_msg(depth > 0 && strlen(open[depth - 1]) == (size_t)n && strncmp(open[depth - 1], name, (size_t)n) == 0,
                          "</%.*s> closes <%s>", n, name, depth > 0 ? open[depth - 1] : "");
            depth--;
        } else if (!is_void) {
            ck_assert_uint_lt(depth, 64);
            snprintf(open[depth++], sizeof open[0], "%.*s", n, name);
        }
        at = end;
        if (!closes && strncmp(name, "script", 6) == 0) at = strstr(end, "</script>"); /* code has signs of its own */
    }
    ck_assert_uint_eq(depth, 0);
}

static size_t count_of(const char *text, const char *part) {
    size_t n = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) n++;
    return n;
}

/* ---- charts ---- */

START_TEST(chart_of_lines) {
    rt_error err;
    rt_text out = {0};
    const char *places[] = {"16", "64", "all"};
    const double y[] = {70, NAN, 90}, low[] = {65, NAN, 88}, high[] = {75, NAN, 92};
    const chart_series series[] = {{.name = HOSTILE, .y = y, .low = low, .high = high}, {.name = "b", .y = high}};
    const chart c = {.kind = CHART_LINES,
                     .id = "c",
                     .title = HOSTILE,
                     .x_name = "k",
                     .y_name = "per cent",
                     .unit = " %",
                     .places = places,
                     .n_places = 3,
                     .series = series,
                     .n_series = 2,
                     .y_limit = 100};
    must(chart_draw(&c, true, &out, &err), &err);
    must_nest(out.v);
    ck_assert_uint_eq(count_of(out.v, "alert(1)"), count_of(out.v, "onerror=&#39;alert(1)&#39;"));
    ck_assert_uint_eq(count_of(out.v, "class=\"mark\""), 2 + 2 + 2); /* values, and the legend */
    ck_assert_ptr_nonnull(strstr(out.v, "all: 90 % (88 to 92)"));
    ck_assert_ptr_nonnull(strstr(out.v, "role=\"img\" aria-labelledby=\"c-title c-desc\""));
    ck_assert_ptr_null(strstr(out.v, "nan"));
    rt_text_free(&out);
}
END_TEST

/* Axes for awkward ranges: flat, at the limit, empty, tiny, below zero. */
START_TEST(chart_axes) {
    static const double ranges[][2] = {{100, 100}, {0, 0}, {NAN, NAN}, {1e-12, 2e-12}, {-5, 3}, {99.99, 100}, {1e9, 3e9}};
    const char *places[] = {"a", "b"};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (size_t kind = 0; kind < 2; kind++) {
            rt_error err;
            rt_text out = {0};
            const chart_series series[] = {{.name = "s", .y = ranges[i]}};
            const chart c = {.kind = (chart_kind)kind,
                             .id = "c",
                             .title = "t",
                             .x_name = "x",
                             .y_name = "y",
                             .unit = "",
                             .places = places,
                             .n_places = 2,
                             .series = series,
                             .n_series = 1,
                             .y_limit = i == 0 || i == 5 ? 100 : 0};
            must(chart_draw(&c, false, &out, &err), &err);
            must_nest(out.v);
            const size_t n_lines = count_of(out.v, "class=\"grid\"");
            ck_assert_msg(n_lines >= 2 && n_lines <= 8, "range %zu: %zu lines", i, n_lines);
            ck_assert_ptr_null(strstr(out.v, "nan"));
            ck_assert_ptr_null(strstr(out.v, "inf"));
            if (i == 0) ck_assert_ptr_null(strstr(out.v, ">120<"));
            rt_text_free(&out);
        }
    }
}
END_TEST

/* ---- pages ---- */

enum { N_SETTINGS = 3, N_RECORDS = 3 };

typedef struct made_up {
    compare_result result;
    compare_set set;
    compare_outcome outcomes[N_SETTINGS];
    compare_layer layers[N_SETTINGS][2];
    compare_record records[N_RECORDS];
    compare_answer answers[N_RECORDS * N_SETTINGS];
    eval_setting option;
} made_up;

/* Two top-k settings; question 1 is hostile, 2 the same under all, 3 without a reference. */
static void make_result(made_up *m) {
    static const char text[] = HOSTILE " \\n (a) " HOSTILE " \\n " HOSTILE "\0right\0wrong\0";
    const size_t right = sizeof HOSTILE " \\n (a) " HOSTILE " \\n " HOSTILE, wrong = right + 6, empty = wrong + 6;
    rt_error err;
    *m = (made_up){.option = {HOSTILE, HOSTILE}};
    must(compare_settings_list("16,32", NULL, 64, &m->result.settings, &err), &err);
    for (size_t s = 0; s < N_SETTINGS; s++) {
        m->layers[s][0] = m->layers[s][1] =
            (compare_layer){.positive_mean = 10, .positive_p99 = 20, .positive_max = 30, .self_mass = 1, .cross_mass = 1};
        m->outcomes[s] = (compare_outcome){.exact_match = {2, 0.5, 0.25, 0.75},
                                           .f1 = {2, 0.5, 0.25, 0.75},
                                           .n_same_answer = s == 0 ? 3 : 2,
                                           .n_same_first = 3,
                                           .exact_match_change = {.mean = {2, -0.5, -1, 0}, .n_worse = 1, .p = 1},
                                           .encoder = &m->layers[s][0],
                                           .decoder = &m->layers[s][1],
                                           .peak_bytes = 1 << 20};
    }
    m->set = (compare_set){.path = HOSTILE, .dataset = HOSTILE, .split = "dev", .form = "t5k", .n_questions = 3, .complete = true,
                           .outcomes = m->outcomes};
    for (size_t r = 0; r < N_RECORDS; r++) {
        m->records[r] = (compare_record){.number = r + 1,
                                         .id = 0,
                                         .task = 0,
                                         .input = 0,
                                         .references = right,
                                         .n_references = r < 2,
                                         .answers = r * N_SETTINGS,
                                         .n_differing = r == 0};
        for (size_t s = 0; s < N_SETTINGS; s++) {
            m->answers[r * N_SETTINGS + s] = (compare_answer){.text = right, .same = true, .exact_match = r < 2, .f1 = r < 2};
        }
    }
    m->answers[1] = (compare_answer){.text = wrong, .max_abs = 3.5};
    m->answers[2 * N_SETTINGS].text = empty;
    m->result.options = &m->option;
    m->result.n_options = 1;
    m->result.d_ff = 64;
    m->result.n_encoder = m->result.n_decoder = 1;
    m->result.threads = 1;
    m->result.isa = "ref";
    m->result.sets = &m->set;
    m->result.n_sets = 1;
    m->result.records = m->records;
    m->result.answers = m->answers;
    m->result.text = text;
    m->result.n_records = N_RECORDS;
}

static void must_stand_alone(const char *page) {
    static const char *const outside[] = {"http:", "https:", "src=\"", "href=", "url(", "@import", "<link"};
    must_nest(page);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        ck_assert_msg(strstr(page, outside[i]) == NULL, "the page has %s", outside[i]);
    }
    ck_assert_uint_eq(count_of(page, "<script"), 1);
    ck_assert_uint_eq(count_of(page, "<img"), 0);
    ck_assert_uint_eq(count_of(page, "\x01") + count_of(page, "\xff"), 0);
    ck_assert_ptr_nonnull(strstr(page, "default-src 'none'"));
}

START_TEST(page_of_comparison) {
    rt_error err;
    rt_text out = {0};
    made_up m;
    make_result(&m);
    must(report_compare(&m.result, &out, &err), &err);
    must_stand_alone(out.v);
    ck_assert_ptr_nonnull(strstr(out.v, HARMLESS));
    ck_assert_ptr_nonnull(
        strstr(out.v, "<tr data-place=\"0\" data-set=\"0\" data-differing=\"1\" data-logit=\"3.5\" data-f1=\"1\" data-right=\"1\" "
                      "data-differ=\"1\" data-better=\"\" data-worse=\"1\">"));
    ck_assert_ptr_nonnull(strstr(out.v, "<li data-setting=\"1\"><span class=\"tag\">ff 16</span><span class=\"wrong\">"));
    ck_assert_ptr_nonnull(strstr(out.v, "(empty)"));
    ck_assert_uint_eq(count_of(out.v, "all as dense"), 2);
    ck_assert_uint_eq(count_of(out.v, "<svg"), 6);
    rt_text_free(&out);
}
END_TEST

START_TEST(file_of_chart) {
    rt_error err;
    rt_text out = {0};
    made_up m;
    make_result(&m);
    must(compare_charts_file(&m.result, &out, &err), &err);
    must_nest(out.v);
    ck_assert_ptr_eq(strstr(out.v, "<svg xmlns=\"http://www.w3.org/2000/svg\""), out.v);
    must(compare_settings_list("64+enc=3", NULL, 64, &m.result.settings, &err), &err);
    ck_assert_int_eq(compare_charts_file(&m.result, &out, &err), RT_ERR_USAGE);
    rt_text_free(&out);
}
END_TEST

START_TEST(page_of_evaluation) {
    rt_error err;
    rt_text out = {0};
    const eval_setting option = {HOSTILE, HOSTILE};
    const eval_group task = {.name = HOSTILE, .n_questions = 1, .exact_match = {1, 1, 1, 1}};
    const eval_set set = {.path = HOSTILE, .dataset = HOSTILE, .form = "t5k", .all = task, .tasks = &task, .n_tasks = 1, .complete = true};
    const eval_record records[] = {{0, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, 1, 0},
                                   {0, 2, "", "", "a \\n b", "c", "", 0, 0, 0}};
    const eval_result result = {
        .settings = &option, .n_settings = 1, .sets = &set, .n_sets = 1, .records = records, .n_records = 2, .n_records_left_out = 5};
    must(report_eval(&result, &out, &err), &err);
    must_stand_alone(out.v);
    ck_assert_ptr_nonnull(strstr(out.v, HARMLESS));
    ck_assert_ptr_nonnull(strstr(out.v, "5 are left out"));
    ck_assert_uint_eq(count_of(out.v, "data-right=\"1\""), 1);
    ck_assert_uint_eq(count_of(out.v, "data-right=\"0\""), 0);
    rt_text_free(&out);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("report");
    tcase_add_test(tests, escaping);
    tcase_add_test(tests, chart_of_lines);
    tcase_add_test(tests, chart_axes);
    tcase_add_test(tests, page_of_comparison);
    tcase_add_test(tests, file_of_chart);
    tcase_add_test(tests, page_of_evaluation);
    return run_tests("report", tests, 60);
}

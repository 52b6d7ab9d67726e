/* UnifiedQA's input form, lower case and UTF-8 repair (tools/qa_text.c). */
#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"
#include "tools/qa_text.h"

static void expect(const rt_text *out, const char *want, size_t n) {
    ck_assert_uint_eq(out->n, n);
    ck_assert_mem_eq(out->v, want, n);
}

static void expect_form(const char *question, const char *const *choices, size_t n_choices, const char *context, const char *want) {
    rt_text out = {0};
    const qa_parts parts = {slice_of(question), choices, n_choices, slice_of(context)};
    ck_assert_int_eq(qa_form(&parts, &out, NULL), RT_OK);
    expect(&out, want, strlen(want));
    rt_text_free(&out);
}

START_TEST(form_has_question_choices_context) {
    static const char *const choices[] = {"Paris", "Rome"};
    expect_form("Where?", NULL, 0, "In Rome.", "Where? \\n In Rome.");
    expect_form("Where?", choices, 2, "", "Where? \\n (a) Paris (b) Rome");
    expect_form("Where?", choices, 2, "In Rome.", "Where? \\n (a) Paris (b) Rome \\n In Rome.");
    expect_form("Where?", NULL, 0, "", "Where?");
}
END_TEST

START_TEST(form_makes_one_space_of_line_breaks_and_tabs) {
    static const char *const choices[] = {" a\tb\n", "\n"};
    expect_form(" Who\nis? ", choices, 2, "\tone\r\n\r\ntwo\t\tthree  four\n", "Who is? \\n (a) a b (b)  \\n one two three  four");
    expect_form("Who?", NULL, 0, " \n\t ", "Who?");
}
END_TEST

START_TEST(form_letters_run_from_a_to_z) {
    const char *choices[QA_MAX_CHOICES];
    char want[QA_MAX_CHOICES * 6 + 16] = "q \\n";
    for (size_t i = 0; i < QA_MAX_CHOICES; i++) {
        char part[] = " (a) x";
        part[2] = (char)('a' + i);
        strcat(want, part);
        choices[i] = "x";
    }
    expect_form("q", choices, QA_MAX_CHOICES, "", want);
}
END_TEST

START_TEST(line_breaks_become_separators) {
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"who? (a) x", "who? (a) x"},
        {"who?\n(a) x\r\nthe text", "who? \\n (a) x \\n the text"},
        {"\n", " \\n "},
        {"a\rb", "a\rb"},
        {"a \\n b", "a \\n b"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rt_text out = {0};
        ck_assert_int_eq(qa_separate_lines(slice_of(cases[i].text), &out, NULL), RT_OK);
        expect(&out, cases[i].want, strlen(cases[i].want));
        rt_text_free(&out);
    }
}
END_TEST

START_TEST(lower_case_is_ascii_only) {
    char text[] = "@AZ[`az{ \xc3\x89T\xc3\x89 \xc4\xb0 \xff";
    qa_lower_case(text, strlen(text));
    ck_assert_str_eq(text, "@az[`az{ \xc3\x89t\xc3\x89 \xc4\xb0 \xff");
}
END_TEST

#define BAD "\xef\xbf\xbd"

START_TEST(repair_replaces_each_invalid_byte) {
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x80", BAD},
        {"a\xff" "b", "a" BAD "b"},
        {"\xc3", BAD},
        {"\xe2\x82", BAD BAD},
        {"\xe2\x82" "x", BAD BAD "x"},
        {"\xc3\xc3\xa9", BAD "\xc3\xa9"},
        {"\xc0\xaf", BAD BAD},
        {"\xc1\xbf", BAD BAD},
        {"\xe0\x80\xaf", BAD BAD BAD},
        {"\xe0\x9f\xbf", BAD BAD BAD},
        {"\xe0\xa0\x80", "\xe0\xa0\x80"},
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xed\xa0\x80", BAD BAD BAD},
        {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD},
        {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD},
        {"\xf5\x80\x80\x80", BAD BAD BAD BAD},
        {"\xef\xbf\xbd", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rt_text out = {0};
        ck_assert_int_eq(qa_repair_utf8(slice_of(cases[i].text), &out, NULL), RT_OK);
        expect(&out, cases[i].want, strlen(cases[i].want));
        rt_text_free(&out);
    }
}
END_TEST

START_TEST(repair_keeps_nul) {
    rt_text out = {0};
    ck_assert_int_eq(qa_repair_utf8((slice){"a\0\xff\0b", 5}, &out, NULL), RT_OK);
    expect(&out, "a\0" BAD "\0b", 7);
    rt_text_free(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qa_text");
    TCase *tc = tcase_create("qa_text");
    tcase_add_test(tc, form_has_question_choices_context);
    tcase_add_test(tc, form_makes_one_space_of_line_breaks_and_tabs);
    tcase_add_test(tc, form_letters_run_from_a_to_z);
    tcase_add_test(tc, line_breaks_become_separators);
    tcase_add_test(tc, lower_case_is_ascii_only);
    tcase_add_test(tc, repair_replaces_each_invalid_byte);
    tcase_add_test(tc, repair_keeps_nul);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

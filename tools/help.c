/* Help: synopsis, paragraphs and options wrapped to the width of a terminal; see help.h. */
#include "tools/help.h"

#include <stdio.h>

#include "tools/output.h"

enum { WIDTH = 79, OPTION_COLUMN = 28, COMMAND_COLUMN = 14 };

static const char exit_statuses[] =
    "Exit status:\n"
    "  0 done, 2 wrong usage, 3 cannot read, 4 malformed, 5 not supported, 6 over a limit,\n"
    "  7 cannot write, 8 files contradict each other, 9 not a number where one must be.\n"
    "  A failure is told in one line on standard error.\n";

static rt_status append(rt_text *out, const char *text, rt_error *err) { return rt_text_append(out, text, strlen(text), err); }

static rt_status append_spaces(rt_text *out, size_t n, rt_error *err) {
    for (size_t i = 0; i < n; i++) RT_TRY(append(out, " ", err));
    return RT_OK;
}

/* Appends text word by word, new lines indented to `indent`; the first line already has `column` characters. A newline in text stays. */
static rt_status append_wrapped(rt_text *out, const char *text, size_t column, size_t indent, rt_error *err) {
    bool line_is_new = true;
    while (*text != '\0') {
        const size_t n = strcspn(text, " \n");
        if (!line_is_new && column + 1 + n > WIDTH) {
            RT_TRY(append(out, "\n", err));
            RT_TRY(append_spaces(out, indent, err));
            column = indent;
        } else if (!line_is_new) {
            RT_TRY(append(out, " ", err));
            column++;
        }
        RT_TRY(rt_text_append(out, text, n, err));
        column += n;
        line_is_new = false;
        text += n;
        if (*text == '\n') {
            RT_TRY(append(out, "\n", err));
            column = 0;
            line_is_new = true;
        }
        if (*text != '\0') text++;
    }
    return append(out, "\n", err);
}

/* The default as help shows it, "" if there is none to tell. */
static const char *preset_of(const opt_row *row, const opt_values *defaults, char out[32]) {
    if (row->preset != NULL) return row->preset;
    if (row->kind != OPT_KIND_COUNT && row->kind != OPT_KIND_COUNT_OR_ALL) return "";
    const size_t value = *(const size_t *)((const char *)defaults + row->field);
    if (row->kind == OPT_KIND_COUNT_OR_ALL && value == T5_ALL) return "all";
    snprintf(out, 32, "%zu", value);
    return out;
}

/* The sentence, and before its stop what the table and the defaults say about the value: " (1 to 1024; default 1)". */
static rt_status describe(const opt_row *row, const opt_values *defaults, rt_text *out, rt_error *err) {
    char number[32];
    const char *preset = preset_of(row, defaults, number);
    const bool has_range = row->kind == OPT_KIND_COUNT || row->kind == OPT_KIND_DECIMAL;
    RT_TRY(rt_text_append(out, row->help, strlen(row->help) - 1, err));
    if (has_range || preset[0] != '\0') RT_TRY(append(out, " (", err));
    if (row->kind == OPT_KIND_COUNT) RT_TRY(out_print(out, err, "%zu to %zu", row->min, row->max));
    if (row->kind == OPT_KIND_DECIMAL) RT_TRY(out_print(out, err, "-%zu to %zu", row->max, row->max));
    if (preset[0] != '\0') RT_TRY(out_print(out, err, "%sdefault %s", has_range ? "; " : "", preset));
    return append(out, has_range || preset[0] != '\0' ? ")." : ".", err);
}

static rt_status append_option(const opt_row *row, const opt_values *defaults, rt_text *out, rt_error *err) {
    const size_t start = out->n;
    RT_TRY(row->letter != '\0' ? out_print(out, err, "  -%c, --%s", row->letter, row->name) : out_print(out, err, "      --%s", row->name));
    if (row->argument != NULL) RT_TRY(out_print(out, err, " %s", row->argument));
    size_t column = out->n - start;
    if (column + 2 > OPTION_COLUMN) {
        RT_TRY(append(out, "\n", err));
        column = 0;
    }
    RT_TRY(append_spaces(out, OPTION_COLUMN - column, err));
    rt_text text = {0};
    rt_status status = describe(row, defaults, &text, err);
    if (status == RT_OK) status = append_wrapped(out, text.v, OPTION_COLUMN, OPTION_COLUMN, err);
    rt_text_free(&text);
    return status;
}

rt_status help_command(const command *c, rt_text *out, rt_error *err) {
    const opt_values defaults = opt_defaults();
    const char *argument = c->argument != NULL ? c->argument : "< LINES";
    RT_TRY(out_print(out, err, "usage: t5k %s [OPTION]... %s\n\n", c->name, argument));
    RT_TRY(append_wrapped(out, c->help, 0, 0, err));
    RT_TRY(append(out, "\nOptions (--name VALUE or --name=VALUE):\n", err));
    for (size_t i = 0; i < OPT_N; i++) {
        if ((opt_table[i].commands & c->id) != 0) RT_TRY(append_option(&opt_table[i], &defaults, out, err));
    }
    RT_TRY(append(out, "\nExamples:\n", err));
    RT_TRY(append(out, c->examples, err));
    RT_TRY(append(out, "\n", err));
    return append(out, exit_statuses, err);
}

rt_status help_program(rt_text *out, rt_error *err) {
    RT_TRY(append(out,
                  "t5k answers questions with T5-family models (T5, T5 v1.1, Flan-T5, UnifiedQA) on a CPU,\n"
                  "with top-k attention in the attention and feed-forward layers.\n\nCommands:\n",
                  err));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const command *c = &command_table[i];
        RT_TRY(out_print(out, err, "  %s", c->name));
        RT_TRY(append_spaces(out, COMMAND_COLUMN - 2 - strlen(c->name), err));
        RT_TRY(out_print(out, err, "%s\n", c->summary));
    }
    return append(out,
                  "\nExample:\n  t5k ask \"who wrote the book?\" --context \"Maria wrote the book. Peter sold it.\"\n\n"
                  "t5k help COMMAND tells more about a command, t5k --version which version this is.\n",
                  err);
}

rt_status help_run(const opt_values *options, rt_error *err) {
    rt_text out = {0};
    const command *c = NULL;
    rt_status status = options->argument != NULL ? command_find(options->argument, &c, err) : RT_OK;
    if (status == RT_OK) status = c != NULL ? help_command(c, &out, err) : help_program(&out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    return status;
}

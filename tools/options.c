/* The command line's grammar: --name VALUE, --name=VALUE, -m VALUE, -mVALUE, flags, one argument, and "--" before an argument that begins
 * with a dash. Each option at most once, but for --choice. */
#include "tools/options.h"

#include <stdint.h>

#include "tools/command.h"

enum { MAX_NAME = 64 };

opt_values opt_defaults(void) {
    return (opt_values){.input_tokens = 512, .batch = 1, .generate = t5_generate_defaults(), .session = t5_session_defaults(),
                        .bench = {.runs = 5, .density = 0.05f}};
}

size_t opt_edit_distance(const char *a, const char *b) {
    const size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > MAX_NAME || n_b > MAX_NAME) return SIZE_MAX;
    size_t row[MAX_NAME + 1]; /* distances from the first i of a to each prefix of b */
    for (size_t j = 0; j <= n_b; j++) row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n_b];
}

/* The message about an option that there is not: where another command takes it, the nearest name, or where to look. */
static rt_status unknown_option(const command *c, const char *name, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const char *shown = rt_quote(quoted, name, strlen(name));
    const char *nearest = NULL;
    size_t distance = 4;
    for (size_t i = 0; i < OPT_N; i++) {
        if ((opt_table[i].commands & c->id) == 0) {
            if (strcmp(name, opt_table[i].name) != 0) continue;
            return rt_fail(err, RT_ERR_USAGE, "%s takes no option --%s (t5k help %s lists its options)", c->name, shown, c->name);
        }
        const size_t d = opt_edit_distance(name, opt_table[i].name);
        if (d < distance && d < strlen(name)) distance = d, nearest = opt_table[i].name;
    }
    if (nearest != NULL) return rt_fail(err, RT_ERR_USAGE, "unknown option --%s (did you mean --%s?)", shown, nearest);
    return rt_fail(err, RT_ERR_USAGE, "unknown option --%s (t5k help %s lists the options)", shown, c->name);
}

static rt_status unknown_letter(const command *c, const char *argument, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_USAGE,
                   "unknown option %s (t5k help %s lists the options; write -- before an argument that begins with a dash)",
                   rt_quote(quoted, argument, strlen(argument)), c->name);
}

/* The message about argument, which is no option of c. */
static rt_status unknown(const command *c, const char *argument, rt_error *err) {
    char name[MAX_NAME + 1];
    const size_t n = strcspn(argument, "=") - 2;
    if (argument[1] != '-' || n > MAX_NAME) return unknown_letter(c, argument, err);
    memcpy(name, argument + 2, n);
    name[n] = '\0';
    return unknown_option(c, name, err);
}

/* The option of c that argument names, or NULL; *value is what is glued to it ("--name=VALUE", "-mVALUE"), or NULL. */
static const opt_row *find_option(const command *c, const char *argument, const char **value) {
    const bool is_long = argument[1] == '-';
    const char *name = argument + (is_long ? 2 : 1);
    const size_t n = is_long ? strcspn(name, "=") : 1;
    for (size_t i = 0; i < OPT_N; i++) {
        const opt_row *row = &opt_table[i];
        if ((row->commands & c->id) == 0) continue;
        if (is_long ? strlen(row->name) != n || memcmp(name, row->name, n) != 0 : row->letter != name[0]) continue;
        if (!is_long && row->kind == OPT_KIND_FLAG && name[1] != '\0') return NULL;
        *value = name[n] == '\0' ? NULL : name + n + (is_long ? 1 : 0);
        return row;
    }
    return NULL;
}

static rt_status take_argument(const command *c, const char *argument, opt_values *values, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const char *shown = rt_quote(quoted, argument, strlen(argument));
    if (c->id == OPT_EVAL || c->id == OPT_COMPARE) {
        return rt_fail(err, RT_ERR_USAGE, "%s takes no argument (got \"%s\"; data sets go after --data)", c->name, shown);
    }
    if (c->argument == NULL) {
        return rt_fail(err, RT_ERR_USAGE, "%s reads lines from standard input and takes no argument (got \"%s\")", c->name, shown);
    }
    if (c->id == OPT_CONVERT && values->argument != NULL) {
        if (values->output != NULL) return rt_fail(err, RT_ERR_USAGE, "convert takes two arguments (got a third one: \"%s\")", shown);
        values->output = argument;
        return RT_OK;
    }
    if (values->argument != NULL) {
        return rt_fail(err, RT_ERR_USAGE, "%s takes one argument, in quotes if it has spaces (got a second one: \"%s\")", c->name,
                       shown);
    }
    values->argument = argument;
    return RT_OK;
}

/* Pairs that contradict each other. */
static rt_status check_pairs(const command *c, const opt_values *values, rt_error *err) {
    static const struct {
        opt_id a, b;
        unsigned commands;
        const char *why;
    } pairs[] = {
        {OPT_CONTEXT, OPT_CONTEXT_FILE, OPT_ASK, "each gives the context"},
        {OPT_QUIET, OPT_VERBOSE, OPT_ASK | OPT_SCORE | OPT_TOKENIZE | OPT_DETOKENIZE | OPT_EVAL | OPT_COMPARE,
         "one asks for less, the other for more"},
        {OPT_IDS, OPT_CONTEXT, OPT_ASK, "ids are taken as they are, a context is text"},
        {OPT_IDS, OPT_CONTEXT_FILE, OPT_ASK, "ids are taken as they are, a context is text"},
        {OPT_IDS, OPT_CHOICE, OPT_ASK, "ids are taken as they are, a choice is text"},
        {OPT_IDS, OPT_KEEP_CASE, OPT_ASK | OPT_SCORE, "ids have no case"},
        {OPT_ANSWERS, OPT_MODEL, OPT_EVAL, "answers that are there need no model"},
        {OPT_ANSWERS, OPT_BY, OPT_EVAL, "answers that are there need no model"},
        {OPT_ANSWERS, OPT_PREDICTIONS, OPT_EVAL, "answers that are there need not be written"},
        {OPT_JSON, OPT_TSV, OPT_EVAL, "each is a form of the table"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if ((pairs[i].commands & c->id) == 0 || !values->given[pairs[i].a] || !values->given[pairs[i].b]) continue;
        return rt_fail(err, RT_ERR_USAGE, "--%s and --%s exclude each other (%s)", opt_table[pairs[i].a].name, opt_table[pairs[i].b].name,
                       pairs[i].why);
    }
    return RT_OK;
}

static rt_status check_numbers(const opt_values *values, rt_error *err) {
    const t5_generate_params *g = &values->generate;
    if (g->num_return_sequences > g->num_beams) {
        return rt_fail(err, RT_ERR_USAGE, "--num-answers %zu needs as many beams (--beams is %zu)", g->num_return_sequences, g->num_beams);
    }
    if (g->min_new_tokens > g->max_new_tokens) {
        return rt_fail(err, RT_ERR_USAGE, "--min-new-tokens %zu is above --max-new-tokens %zu", g->min_new_tokens, g->max_new_tokens);
    }
    if (values->context_file != NULL && strcmp(values->context_file, "-") == 0 && values->argument == NULL) {
        return rt_fail(err, RT_ERR_USAGE, "--context-file - reads standard input, so the QUESTION must be an argument");
    }
    return RT_OK;
}

/* Takes the option at argv[*i], and with it argv[*i + 1] if that is its value. */
static rt_status take_option(const command *c, int argc, char *const *argv, int *i, opt_values *values, rt_error *err) {
    const char *value = NULL;
    const opt_row *row = find_option(c, argv[*i], &value);
    if (row == NULL) return unknown(c, argv[*i], err);
    if (row->kind == OPT_KIND_FLAG && value != NULL) return rt_fail(err, RT_ERR_USAGE, "--%s takes no value", row->name);
    if (row->kind != OPT_KIND_FLAG && value == NULL) {
        if (*i + 1 == argc) return rt_fail(err, RT_ERR_USAGE, "--%s needs a value (--%s %s)", row->name, row->name, row->argument);
        value = argv[++*i];
    }
    bool *given = &values->given[row - opt_table];
    if (*given && row->kind != OPT_KIND_CHOICE) return rt_fail(err, RT_ERR_USAGE, "--%s is given twice", row->name);
    *given = true;
    return opt_read_value(row, value, values, err);
}

rt_status opt_parse(const command *c, int argc, char *const *argv, opt_values *values, rt_error *err) {
    bool only_arguments = false;
    *values = opt_defaults();
    for (int i = 0; i < argc; i++) {
        const char *argument = argv[i];
        if (!only_arguments && strcmp(argument, "--") == 0) {
            only_arguments = true;
        } else if (only_arguments || argument[0] != '-' || argument[1] == '\0') {
            RT_TRY(take_argument(c, argument, values, err));
        } else {
            RT_TRY(take_option(c, argc, argv, &i, values, err));
            if (values->help) return RT_OK;
        }
    }
    RT_TRY(check_pairs(c, values, err));
    if ((c->id == OPT_EVAL || c->id == OPT_COMPARE) && values->eval.data == NULL) {
        return rt_fail(err, RT_ERR_USAGE, "%s needs data sets (--data PATH[,PATH]...)", c->name);
    }
    if (values->eval.resume && values->eval.predictions == NULL) {
        return rt_fail(err, RT_ERR_USAGE, "--resume needs the file to go on with (--predictions FILE)");
    }
    return check_numbers(values, err);
}

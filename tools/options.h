/* The command line: one table of options, from which the parser, its messages and the help text are made. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>

#include "model/t5.h"
#include "tools/qa_text.h"

/* Commands as bits, for the option table. */
typedef enum opt_command {
    OPT_ASK = 1,
    OPT_SCORE = 2,
    OPT_TOKENIZE = 4,
    OPT_DETOKENIZE = 8,
    OPT_HELP_COMMAND = 16,
    OPT_EVAL = 32,
    OPT_COMPARE = 64,
    OPT_INSPECT = 128,
    OPT_CONVERT = 256,
    OPT_BENCH = 512
} opt_command;

/* Rows of the option table, in the order in which help lists them. */
typedef enum opt_id {
    OPT_MODEL,
    OPT_DATA,
    OPT_ANSWERS,
    OPT_LIMIT,
    OPT_CONTEXT,
    OPT_CONTEXT_FILE,
    OPT_CHOICE,
    OPT_KEEP_CASE,
    OPT_PROTOCOL,
    OPT_CASE,
    OPT_APOSTROPHES,
    OPT_MAX_INPUT_TOKENS,
    OPT_INPUT_TOKENS,
    OPT_BATCH,
    OPT_BEAMS,
    OPT_NUM_ANSWERS,
    OPT_MAX_NEW_TOKENS,
    OPT_MIN_NEW_TOKENS,
    OPT_LENGTH_PENALTY,
    OPT_EARLY_STOPPING,
    OPT_NO_REPEAT_NGRAM,
    OPT_FF_TOPK,
    OPT_ATTN_TOPK,
    OPT_FF_LIST,
    OPT_ATTN_LIST,
    OPT_CHUNK,
    OPT_BATCH_TOKENS,
    OPT_THREADS,
    OPT_COMPUTE,
    OPT_IDS,
    OPT_BY,
    OPT_UNKNOWN,
    OPT_CLEAN_UP,
    OPT_METRIC,
    OPT_ANSWER_CASE,
    OPT_CHOICE_LETTERS,
    OPT_NQ_REFERENCES,
    OPT_LOST_RECORDS,
    OPT_BY_TASK,
    OPT_PREDICTIONS,
    OPT_RESUME,
    OPT_TSV,
    OPT_REPORT,
    OPT_CHART,
    OPT_TYPE,
    OPT_LAYOUT,
    OPT_SHAPE,
    OPT_DENSITY,
    OPT_WEIGHT_TYPE,
    OPT_RUNS,
    OPT_JSON,
    OPT_DUMP,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_HELP,
    OPT_N
} opt_id;

/* Of eval and compare. A convention is the number of its word in the option table. */
typedef struct opt_eval {
    const char *data, *answers, *predictions, *report;
    size_t limit; /* of questions of each set; 0: all */
    size_t protocol, by;
    size_t letter_case, apostrophes, unknown, clean_up, metric, answer_case, choice_letters, nq_references, lost_records;
    bool resume, by_task, tsv;
} opt_eval;

/* Of compare, which shares the options of eval. */
typedef struct opt_compare {
    const char *ff_list, *attn_list, *chart;
} opt_compare;

/* Of bench; shape and type are numbers of words in the option table. */
typedef struct opt_bench {
    size_t shape, type, runs;
    float density;
} opt_bench;

/* What the user asked for. Strings are borrowed from argv. */
typedef struct opt_values {
    bool given[OPT_N];
    const char *argument; /* the one positional argument; NULL: none */
    const char *output;   /* the second one, of convert */
    const char *model, *context, *context_file, *dump;
    const char *choices[QA_MAX_CHOICES];
    size_t n_choices;
    size_t max_input_tokens; /* 0: no cut */
    size_t input_tokens, batch; /* of inspect's plan */
    size_t type, layout;        /* of convert; numbers of words in the option table */
    size_t compute;             /* a t5_compute */
    bool keep_case, ids, json, quiet, verbose, help;
    t5_generate_params generate;
    t5_session_params session;
    opt_eval eval;
    opt_compare compare;
    opt_bench bench;
} opt_values;

typedef enum opt_kind {
    OPT_KIND_FLAG,            /* bool */
    OPT_KIND_TEXT,            /* const char * */
    OPT_KIND_CHOICE,          /* appended to choices */
    OPT_KIND_COUNT,           /* size_t, min .. max */
    OPT_KIND_COUNT_OR_ALL,    /* size_t, min .. max or T5_ALL */
    OPT_KIND_ATTENTION,       /* the three attention top-k of session */
    OPT_KIND_DECIMAL,         /* float, -max .. max */
    OPT_KIND_SHARE,           /* float, above 0 and below 1 */
    OPT_KIND_EARLY_STOPPING,  /* t5_early_stopping */
    OPT_KIND_WORD             /* size_t: which of the words that `argument` has, with '|' between them */
} opt_kind;

typedef struct opt_row {
    const char *name; /* without the dashes */
    char letter;      /* of the short form; 0: none */
    opt_kind kind;
    unsigned commands;    /* of opt_command */
    size_t min, max;      /* of a number */
    size_t field;         /* offset in opt_values */
    const char *argument; /* as help shows it */
    const char *preset;   /* the default as help shows it; NULL: the value itself, if it is a number */
    const char *help;     /* one sentence */
} opt_row;

extern const opt_row opt_table[OPT_N];

struct command;

/* Parses what follows the name of the command. On RT_OK with values->help set, nothing after --help was looked at. RT_ERR_USAGE. */
rt_status opt_parse(const struct command *c, int argc, char *const *argv, opt_values *values, rt_error *err);

/* The values before any option is seen. */
opt_values opt_defaults(void);

/* Reads the value of one option into *values. RT_ERR_USAGE, naming the option, the value and what is allowed. */
rt_status opt_read_value(const opt_row *row, const char *text, opt_values *values, rt_error *err);

/* Word i of an option of OPT_KIND_WORD, not NUL-terminated, and its length; NULL if there are fewer. */
const char *opt_word(const opt_row *row, size_t i, size_t *n);

/* Decimal digits alone, without sign or leading zero, min .. max; false for anything else. */
bool opt_parse_count(const char *text, size_t n, size_t min, size_t max, size_t *value);

/* Number of single-character edits (insert, delete, replace) from a to b, for suggestions; names above 64 bytes are infinitely far. */
size_t opt_edit_distance(const char *a, const char *b);

#endif

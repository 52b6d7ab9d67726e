/* A command of the program: one row of one table, from which dispatch, help and the messages about commands are made. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "tools/options.h"

typedef struct command {
    const char *name;
    opt_command id;       /* what the option table calls it */
    const char *argument; /* as the synopsis shows it, e.g. "[QUESTION]"; NULL: takes none */
    const char *summary;
    rt_status (*run)(const opt_values *options, rt_error *err);
    const char *help; /* paragraphs that follow the synopsis */
    const char *examples;
} command;

enum { COMMAND_COUNT = 10 };
extern const command command_table[COMMAND_COUNT];

/* RT_ERR_USAGE, with the nearest name or the list of all, if there is none of that name. */
rt_status command_find(const char *name, const command **found, rt_error *err);

rt_status ask_run(const opt_values *options, rt_error *err);
rt_status score_run(const opt_values *options, rt_error *err);
rt_status eval_run_command(const opt_values *options, rt_error *err);
rt_status compare_run(const opt_values *options, rt_error *err);
rt_status tokenize_run(const opt_values *options, rt_error *err);
rt_status detokenize_run(const opt_values *options, rt_error *err);
rt_status inspect_run(const opt_values *options, rt_error *err);
rt_status convert_run(const opt_values *options, rt_error *err);
rt_status bench_run(const opt_values *options, rt_error *err);
rt_status help_run(const opt_values *options, rt_error *err);

#endif

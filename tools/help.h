/* The help texts, made from the tables of commands and options. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include "tools/command.h"

/* Appends what the program is, its commands, and one example. */
rt_status help_program(rt_text *out, rt_error *err);

/* Appends what one command does, its options, examples and the exit statuses. */
rt_status help_command(const command *c, rt_text *out, rt_error *err);

#endif

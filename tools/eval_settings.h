/* The options that answers and scores depend on, as texts: for a report, and to tell whether two runs belong together. */
#ifndef TOOLS_EVAL_SETTINGS_H
#define TOOLS_EVAL_SETTINGS_H

#include "runtime/buffer.h"
#include "tools/eval_result.h"
#include "tools/options.h"

enum { EVAL_MAX_SETTINGS = 32 };

typedef struct eval_settings {
    eval_setting v[EVAL_MAX_SETTINGS]; /* [n]; into text */
    size_t n;
    rt_text text;
} eval_settings;

/* The program's version, `model` (NULL: answers made elsewhere), then the options by their names. */
rt_status eval_settings_list(const opt_values *options, const char *model, eval_settings *settings, rt_error *err);
void eval_settings_free(eval_settings *settings);

/* The value of that name, or NULL. */
const char *eval_settings_find(const eval_settings *settings, const char *name);

/* Appends them as a JSON object of texts. */
rt_status eval_settings_json(const eval_settings *settings, rt_text *out, rt_error *err);

#endif

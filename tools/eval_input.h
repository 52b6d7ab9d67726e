/* From a data set's text to what the model is fed, and from its ids to the text of an answer, by the conventions in the options. */
#ifndef TOOLS_EVAL_INPUT_H
#define TOOLS_EVAL_INPUT_H

#include "tokenizer/tokenizer.h"
#include "tools/options.h"
#include "tools/slice.h"

/* Appends the text that the model is fed: sound UTF-8, --case, --apostrophes. */
rt_status eval_input_text(const opt_values *options, slice text, rt_text *out, rt_error *err);

/* Appends the ids of such a text, cut to --max-input-tokens with </s> in the last place; *cut tells whether it was. */
rt_status eval_input_ids(const opt_values *options, const tok_tokenizer *tokenizer, slice text, rt_ids *ids, bool *cut, rt_error *err);

/* Appends the text of an answer, always one line of sound UTF-8 without NUL: --unknown, --clean-up. */
rt_status eval_answer_text(const opt_values *options, const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, rt_text *out,
                           rt_error *err);

#endif

/* Models converted in tests: the file in memory, or in a scratch folder. What fails here ends the test. */
#ifndef TESTS_SUPPORT_CONVERTED_H
#define TESTS_SUPPORT_CONVERTED_H

#include "model/convert.h"
#include "tests/support/scratch.h"

/* Every tensor keeps its type. */
t5_conversion_params keep_types(t5_layout layout);
t5_conversion_params as_type(t5_layout layout, rt_dtype type);

/* Converts the model at path and appends the file to *out, with the tokenizer if with_tokenizer. */
rt_status convert_model(const char *path, const t5_conversion_params *params, bool with_tokenizer, rt_text *out, rt_error *err);

/* The same to a file of that name in the folder; returns its path. */
const char *convert_to(scratch *files, const char *name, const char *path, const t5_conversion_params *params, bool with_tokenizer);

/* A hash of encoder and decoder states and of logits, of some fixed ids. */
uint64_t hash_of_model(const char *path);

#endif

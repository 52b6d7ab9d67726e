/* Whether two models are the same for our purposes: whatever they are stored in and wherever, they give the same answers. */
#ifndef TOOLS_EVAL_IDENTITY_H
#define TOOLS_EVAL_IDENTITY_H

#include "tools/text2text.h"

enum { EVAL_IDENTITY_SIZE = 17 };

/* Sixteen hexadecimal digits: a hash of the model's shape, of the names of its tokenizer's ids, and of the log-probabilities of a fixed
 * target after a fixed input without top-k, which all weights but the embeddings of other ids take full part in. Equal for files of other
 * forms that hold the same numbers, and on every machine. */
rt_status eval_identity(const text2text *model, char identity[EVAL_IDENTITY_SIZE], rt_error *err);

#endif

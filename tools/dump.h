/* --dump: what the model computed for one input and one output, as a safetensors file. */
#ifndef TOOLS_DUMP_H
#define TOOLS_DUMP_H

#include "tools/text2text.h"

/* Refuses a FILE that is not meant to be overwritten: anything but a regular file (RT_ERR_WRITE), or a file of the model or the context
 * itself (RT_ERR_USAGE). Called before the work, so that it is not done in vain. */
rt_status dump_check(const opt_values *options, const char *model_folder, rt_error *err);

/* Encodes input and writes encoder_hidden alone; FILE as below. */
rt_status dump_encoded(const text2text *t, t5_ids input, rt_error *err);

/* Encodes input, feeds the start token and target [n >= 1] without its last id, and writes the tensors, F32:
 *     encoder_hidden [S, d_model], decoder_hidden [T, d_model] (after the final norm, before the output scale), logits [T, vocab_size]
 * FILE is there in full or not at all: RT_ERR_WRITE leaves what was there before. */
rt_status dump_run(const text2text *t, t5_ids input, t5_ids target, rt_error *err);

#endif

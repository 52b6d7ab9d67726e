/* What -v tells on standard error, one fact a line. */
#ifndef TOOLS_VERBOSE_H
#define TOOLS_VERBOSE_H

#include "model/t5.h"
#include "tools/slice.h"

double verbose_clock(void); /* seconds of a clock that never jumps */

void verbose_opened(const char *what, double since);
void verbose_model(const char *path, const t5_model *model, const t5_session *session);

/* The text (as a JSON string, so that every byte can be seen) and the ids of one input; `name` is e.g. "line 3 input". A NULL text is left
 * out. */
rt_status verbose_input(const char *name, const slice *text, const int32_t *ids, size_t n, rt_error *err);

/* What 8-bit copies have saved so far. */
void verbose_screening(const t5_session *session);

/* n_steps: of the decoder. */
void verbose_speed(size_t n_inputs, size_t n_input_tokens, size_t n_output_tokens, size_t n_steps, double seconds);

#endif

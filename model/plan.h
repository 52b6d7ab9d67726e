/* The memory that a request will take, from a checkpoint's headers.
 *
 * Nothing here knows how large anything is: every part is laid out by the function that lays it out when the request runs, on an arena
 * that only counts (runtime/arena.h). */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/checkpoint/checkpoint.h"
#include "model/session.h"

/* t5_memory_plan of an open checkpoint. */
rt_status t5_plan_checkpoint(ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, const t5_session_params *session,
                             const t5_generate_params *params, size_t n_inputs, size_t input_tokens, t5_memory *plan, rt_error *err);

/* ---- the parts; each is beside the code that places it, and leaves the session fit for nothing but the next of them ---- */

/* Encoding n_inputs inputs of `length` ids, n_at_once in a pass. */
void t5_measure_encoder(t5_session *session, size_t n_inputs, size_t n_at_once, size_t length, rt_arena *arena);

/* t5_decode of one id in each of n_rows rows, which then have `length` ids and read sources of n_keys. */
void t5_measure_step(t5_session *session, size_t n_rows, size_t length, size_t n_keys, rt_arena *arena);

/* t5_generate's own memory for so many questions side by side. RT_ERR_USAGE where it refuses the parameters. */
rt_status t5_measure_search(t5_session *session, const t5_generate_params *params, size_t n_questions, rt_arena *arena, rt_error *err);

#endif

/* Inputs that join those whose rows are running: what makes batching continuous.
 *
 * A step reads all the decoder's weights however few rows there are, so rows that finish are to be replaced. The inputs that the session
 * holds have at most batch_tokens ids in all (one longer input goes alone), and waiting ones are let in, in their order, when those that
 * rows still read have come down to three quarters of that. So memory is that of one batch of batch_tokens: what is still read moves to the front
 * of its block, and the new is put behind it. And the encoder's passes stay long: at a quarter of 4,096 tokens they cost what they cost
 * at 4,096. Answers of 1 to 64 tokens to 300 inputs of 5 to 40, T5-small's shape, batch_tokens 512: 768 steps batch by batch, 247 when letting
 * in at a half, 214 at three quarters, 201 at nine tenths; 8.7 s, 6.5 s, 6.4 s, 6.1 s of one core. */
#ifndef MODEL_ADMIT_H
#define MODEL_ADMIT_H

#include "model/session.h"

/* Encodes as many of the waiting inputs (n_waiting >= 1) as may enter now, n_admitted of them, which may be none as long as rows run; each gets
 * one empty row, behind the rows there are. Inputs that no row reads leave the session. On failure nothing is encoded. */
rt_status t5_admit(t5_session *session, const t5_ids *waiting, size_t n_waiting, size_t *n_admitted, rt_error *err);

/* The most inputs that t5_admit can have at once. */
size_t t5_admit_max(const t5_session *session, const t5_ids *inputs, size_t n_inputs);

/* ---- its parts, each beside the code that it shares ---- */

/* t5_encode behind the inputs that are encoded. Room is made for so many ids of inputs in all if none is; else there must be enough. */
rt_status t5_encode_more(t5_session *session, const t5_ids *inputs, size_t n_inputs, size_t room, rt_error *err);

/* One empty row for each input from number `first` on, behind the rows there are; room as above, for inputs that are projected. */
rt_status t5_decode_join(t5_session *session, size_t first, size_t room, rt_error *err);

#endif

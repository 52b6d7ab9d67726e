/* Inputs that join those whose rows are running: what makes batching continuous.
 *
 * A step reads all the decoder's weights however few rows there are, so many rows are to run together, and those that finish are to be replaced.
 *
 * Room. An input that is absorbed (cross_attention.h) holds the encoder's output, a row for each id; one that is projected holds keys and values
 * in every block of the decoder instead. So rows read up to ADMIT_BATCHES * batch_tokens ids of inputs, of which those of one that is projected
 * count ADMIT_BATCHES times. When no more than three quarters are taken, waiting inputs are let in, in their order, until the next finds no room;
 * they go through the encoder by passes of batch_tokens / ADMIT_PASSES ids, or one longer input. What is still read moves to the front of its
 * block, and the new is put behind it. An input larger than the room runs alone.
 *
 * Why four batches: 64 SQuAD questions at T5-base's shape (tests/bench, eval) then run side by side, in 0.94 of the time of batch by batch. Why
 * passes of a quarter: they take the time of longer ones (4,096 ids against 1,024) and 47 MiB less, which is what the encoder's output of four
 * batches takes. Why three quarters: so that passes are not shorter still. Answers of 1 to 64 tokens to 300 inputs of 5 to 40, T5-small's shape,
 * batch_tokens 512: 768 steps batch by batch, 247 when letting in at a half, 214 at three quarters, 201 at nine tenths; 8.7 s, 6.5 s, 6.4 s, 6.1
 * s of one core. */
#ifndef MODEL_ADMIT_H
#define MODEL_ADMIT_H

#include "model/session.h"

enum {
    ADMIT_BATCHES = 4, /* read at once, of inputs that are absorbed */
    ADMIT_PASSES = 4   /* of the encoder to a batch */
};

/* Encodes as many of the waiting inputs (n_waiting >= 1) as may enter now, n_admitted of them, which may be none as long as rows run; each gets
 * one empty row, behind the rows there are. Inputs that no row reads leave the session. On failure nothing is encoded. */
rt_status t5_admit(t5_session *session, const t5_ids *waiting, size_t n_waiting, size_t *n_admitted, rt_error *err);

/* How many ids go through the encoder together. */
size_t t5_admit_pass(const t5_session *session);

/* The most inputs that t5_admit can have at once. */
size_t t5_admit_max(const t5_session *session, const t5_ids *inputs, size_t n_inputs);

/* ---- its parts, each beside the code that it shares ---- */

/* t5_encode behind the inputs that are encoded. Room is made for so many ids of inputs in all if none is; else there must be enough. */
rt_status t5_encode_more(t5_session *session, const t5_ids *inputs, size_t n_inputs, size_t room, rt_error *err);

/* One empty row for each input from number `first` on, behind the rows there are; room as above, for inputs that are projected. */
rt_status t5_decode_join(t5_session *session, size_t first, size_t room, rt_error *err);

#endif

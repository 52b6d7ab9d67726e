/* The head where only the best id of each row is asked for: the ids of t5_logits and argmax, without all logits (runtime/screen_argmax.h). */
#ifndef MODEL_BEST_H
#define MODEL_BEST_H

#include "model/session.h"
#include "runtime/screen_argmax.h"

/* Whether the kernels and the weights allow it at all, and whether it has paid so far. */
bool t5_best_is_possible(const t5_session *session);
bool t5_best_pays(const t5_session *session, size_t n);

/* The best ids of states first .. first + n - 1 of the last step that are not forbidden in room; RT_NO_BEST where a logit is not a number. */
void t5_best_ids(t5_session *session, size_t first, size_t n, const rt_argmax_room *room, float *uppers, int32_t *best);

#endif

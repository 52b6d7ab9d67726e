/* The best ids; see best.h. */
#include "model/best.h"

/* A score computed by itself costs two to three times one among all (layers.c), and the 8-bit product up to a quarter: beyond this share
 * screening may lose, and is given up. */
enum { SAMPLE = 1 << 18, PERCENT_MAX = 15 };

static rt_screen_tally *tally_of(const t5_session *s) {
    return s->tally + s->model->config.num_layers + s->model->config.num_decoder_layers;
}

bool t5_best_is_possible(const t5_session *session) {
    return session->model->compute == T5_F32 && session->model->weights.lm_head_screen.n > 0;
}

bool t5_best_pays(const t5_session *session, size_t n) {
    if (!rt_bytes_pay(session->compute.kernels, n)) return false;
    const size_t scores = atomic_load(&tally_of(session)->scores), computed = atomic_load(&tally_of(session)->computed);
    return scores < SAMPLE || computed < scores / 100 * PERCENT_MAX;
}

void t5_best_ids(t5_session *session, size_t first, size_t n, const rt_argmax_room *room, float *uppers, int32_t *best) {
    const t5_weights *w = &session->model->weights;
    rt_screen_argmax(&session->compute, &w->lm_head_screen, &w->lm_head, n, t5_head_states(session, first, n), room, uppers, tally_of(session), best);
}

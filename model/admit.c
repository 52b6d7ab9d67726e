/* Inputs that join; see admit.h. */
#include "model/admit.h"

#include <string.h>

#include "model/batches.h"
#include "model/cross_attention.h"

/* Inputs that no row reads leave; the others keep their order. The rows of one input are neighbours, in the order of the inputs. */
static void keep_what_is_read(t5_session *s) {
    const size_t d_model = s->model->config.d_model;
    size_t n = 0, last = 0, n_hidden = 0, n_projected = 0;
    for (size_t r = 0; r < s->n_rows; r++) {
        const size_t source = s->row[r].source;
        if (r == 0 || source != last) {
            t5_input *to = &s->input[n++];
            *to = s->input[source];
            if (t5_cross_is_absorbed(s, to->n_keys)) {
                memmove(s->encoder_hidden + n_hidden * d_model, s->encoder_hidden + to->key * d_model, to->n_keys * d_model * sizeof(float));
                to->key = n_hidden;
                n_hidden += to->n_keys;
            } else {
                t5_cross_move(s, to, n_projected);
                n_projected += to->n_keys;
            }
        }
        last = source;
        s->row[r].source = n - 1;
    }
    s->n_inputs = n;
    s->n_input_tokens = n_hidden;
    s->n_cross_tokens = n_projected;
}

static size_t n_running_tokens(const t5_session *s) {
    size_t n = 0;
    for (size_t r = 0; r < s->n_rows; r++) n += r == 0 || s->row[r].source != s->row[r - 1].source ? s->input[s->row[r].source].n_keys : 0;
    return n;
}

static size_t n_entering(const t5_session *s, const t5_ids *waiting, size_t n_waiting) {
    const size_t max = s->params.batch_tokens, running = n_running_tokens(s);
    if (s->n_rows == 0) return t5_batch_length(waiting, n_waiting, max);
    return running > max - max / 4 || waiting[0].n > max - running ? 0 : t5_batch_length(waiting, n_waiting, max - running);
}

/* What rows may read at once of the inputs that wait, in ids: of all, and of those whose keys and values are projected. */
static void room_for(const t5_session *s, const t5_ids *waiting, size_t n_waiting, size_t *room, size_t *projected) {
    *room = *projected = 0;
    for (size_t i = 0; i < n_waiting; i++) {
        *room += waiting[i].n;
        *projected += t5_cross_is_absorbed(s, waiting[i].n) ? 0 : waiting[i].n;
    }
    if (*room > s->params.batch_tokens) *room = s->params.batch_tokens;
    if (*projected > s->params.batch_tokens) *projected = s->params.batch_tokens;
}

rt_status t5_admit(t5_session *s, const t5_ids *waiting, size_t n_waiting, size_t *n_admitted, rt_error *err) {
    const size_t n = *n_admitted = n_entering(s, waiting, n_waiting);
    if (n == 0) return RT_OK;
    keep_what_is_read(s);
    const size_t first = s->n_inputs;
    size_t room, projected;
    room_for(s, waiting, n_waiting, &room, &projected);
    rt_status status = t5_encode_more(s, waiting, n, room, err);
    if (status == RT_OK) status = t5_decode_join(s, first, projected, err);
    if (status != RT_OK) t5_session_clear(s);
    return status;
}

size_t t5_admit_max(const t5_session *s, const t5_ids *inputs, size_t n_inputs) {
    size_t shortest = s->params.batch_tokens;
    for (size_t i = 0; i < n_inputs; i++) shortest = inputs[i].n < shortest ? inputs[i].n : shortest;
    return s->params.batch_tokens / shortest < n_inputs ? s->params.batch_tokens / shortest : n_inputs;
}

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

size_t t5_admit_pass(const t5_session *s) { return (s->params.batch_tokens + ADMIT_PASSES - 1) / ADMIT_PASSES; }

/* What an input takes of the room. */
static size_t load_of(const t5_session *s, size_t n_keys) { return t5_cross_is_absorbed(s, n_keys) ? n_keys : ADMIT_BATCHES * n_keys; }

static size_t running_load(const t5_session *s) {
    size_t load = 0;
    for (size_t r = 0; r < s->n_rows; r++) {
        load += r == 0 || s->row[r].source != s->row[r - 1].source ? load_of(s, s->input[s->row[r].source].n_keys) : 0;
    }
    return load;
}

/* How many of those that would go through the encoder together find room. */
static size_t n_entering(const t5_session *s, const t5_ids *waiting, size_t n_waiting) {
    const size_t n = t5_batch_length(waiting, n_waiting, t5_admit_pass(s)), max = ADMIT_BATCHES * s->params.batch_tokens;
    if (s->n_rows == 0) return n;
    const bool just_let_in = s->row[s->n_rows - 1].length == 0;
    size_t load = running_load(s), entering = 0;
    if (load > (just_let_in ? max : max - max / 4)) return 0;
    while (entering < n && load_of(s, waiting[entering].n) <= max - load) load += load_of(s, waiting[entering++].n);
    return entering;
}

/* What rows may read at once of the inputs that wait, in ids: of all, and of those whose keys and values are projected. */
static void room_for(const t5_session *s, const t5_ids *waiting, size_t n_waiting, size_t *room, size_t *projected) {
    *room = *projected = 0;
    for (size_t i = 0; i < n_waiting; i++) {
        *room += waiting[i].n;
        *projected += t5_cross_is_absorbed(s, waiting[i].n) ? 0 : waiting[i].n;
    }
    if (*room > ADMIT_BATCHES * s->params.batch_tokens) *room = ADMIT_BATCHES * s->params.batch_tokens;
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
    const size_t max = ADMIT_BATCHES * s->params.batch_tokens;
    size_t least = max;
    for (size_t i = 0; i < n_inputs; i++) least = load_of(s, inputs[i].n) < least ? load_of(s, inputs[i].n) : least;
    return max / least < n_inputs ? max / least : n_inputs;
}

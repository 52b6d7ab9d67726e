/* A session from inside: what is happening now. Four lifetimes of memory: that of the inputs that are encoded (as long as rows may read them),
 * an encoder pass's, the caches' (as long as there are rows) and a step's (one t5_decode). */
#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include "model/cache.h"
#include "model/laps.h"
#include "model/layers.h"
#include "model/model.h"
#include "model/statistics.h"

/* One encoded input: where the decoder's rows read it. */
typedef struct t5_input {
    size_t key, n_keys; /* its rows of encoder_hidden */
    size_t projected;   /* if its keys and values are projected: the first of its rows of a layer's cross_k and cross_v */
} t5_input;

/* One decoder row. */
typedef struct t5_row {
    size_t source; /* the input it reads */
    size_t slot;   /* its place in the caches */
    size_t length; /* tokens fed so far */
} t5_row;

struct t5_session {
    const t5_model *model;
    t5_session_params params;
    rt_compute compute;
    rt_arena scratch_memory;
    rt_screen_tally *tally; /* [num_layers + num_decoder_layers + 1]: of each feed-forward, and of lm_head */
    t5_statistics *statistics; /* where to count; NULL: nobody asks */
    t5_laps *laps;             /* where to add times; NULL: nobody asks */
    size_t peak_bytes;         /* t5_session_peak_bytes */

    /* inputs */
    size_t n_inputs, n_input_tokens;
    t5_input *input; /* [input_capacity] */
    size_t input_capacity;
    rt_arena hidden_memory;
    float *encoder_hidden; /* [n_input_tokens, d_model] */

    /* an encoder pass */
    rt_arena encoder_memory;
    t5_activations encoder_rows;

    /* decoder */
    size_t n_rows;
    t5_row *row; /* [row_capacity] */
    size_t row_capacity;
    t5_cache cache;
    rt_arena cross_memory;
    size_t n_cross_tokens, cross_capacity; /* of the inputs whose keys and values are projected */
    float *cross_k, *cross_v;              /* [num_decoder_layers, cross_capacity, inner] */

    /* step */
    rt_arena step_memory;
    size_t n_steps; /* so far */
    size_t n_states;
    float *decoder_hidden; /* [n_states, d_model] */
    float *decoder_scaled; /* [n_states, d_model]: room for the states as the head takes them */
    rt_byte_rows decoder_bytes; /* [n_states]: the same as bytes, with T5_Q8 */
};

/* Scratch for every computation on blocks of up to m rows with up to max_keys attention keys: its layout, and its memory. */
void t5_session_place_scratch(t5_session *session, rt_arena *arena, size_t m, size_t max_keys);
rt_status t5_session_provide_scratch(t5_session *session, size_t m, size_t max_keys, rt_error *err);

/* States first .. of the last step, [*, d_model], as the head takes them: scaled where the config says so. n > 0 of them. */
const float *t5_head_states(t5_session *session, size_t first, size_t n);

/* Nothing is encoded and no row runs. */
void t5_session_clear(t5_session *session);

/* To be called when an encoding or a step is done. */
void t5_session_note_peak(t5_session *session);

/* Queries of a head at a time: their scores stay in the second-level cache (64 of 512 keys are 128 KiB). */
enum { T5_ATTENTION_CHUNK_MAX = 64 };

/* params.chunk, but no more than the rows there are, for they size scratch. The feed-forward reads all of wi and wo for every chunk, and gains
 * by long ones: 256 queries in place of 64 took 3 to 4 % off encode and 2 % off eval at T5-base's shape (tests/bench/requests, Zen 4). */
static inline size_t t5_ff_chunk(const t5_session *session, size_t m) { return session->params.chunk < m ? session->params.chunk : m; }

static inline size_t t5_attention_chunk(const t5_session *session, size_t m) {
    const size_t chunk = t5_ff_chunk(session, m);
    return chunk < T5_ATTENTION_CHUNK_MAX ? chunk : T5_ATTENTION_CHUNK_MAX;
}

#endif

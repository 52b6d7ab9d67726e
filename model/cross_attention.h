/* Cross-attention, in the two forms that give the same numbers (not the same bits):
 *
 *     projected  K = hidden W_k^T and V = hidden W_v^T once for every decoder layer, then attention on those:
 *                2 inner d_model multiply-adds a source token and layer, and 2 inner floats of memory; then 2 inner a token fed.
 *     absorbed   q_h . (W_k,h x) = (W_k,h^T q_h) . x and sum p W_v,h x = W_v,h (sum p x): the heads' queries are carried to the encoder's own
 *                output, and the mixtures carried back. Nothing is prepared or kept; 2 num_heads d_model multiply-adds a token fed.
 *
 * Absorbed needs fewer multiply-adds while fewer than inner / num_heads = d_kv tokens are fed for one source. But it reads W_k and W_v again in
 * every step, which for a short source costs more than projecting it. So a source is absorbed if its own length and tokens_per_input
 * say so; what else is in the batch does not matter. */
#ifndef MODEL_CROSS_ATTENTION_H
#define MODEL_CROSS_ATTENTION_H

#include "model/session.h"

/* A step's part of it, placed on the step's arena. States that read absorbed sources are numbered by themselves. */
typedef struct t5_cross_step {
    rt_span *projected, *absorbed; /* rows of one source together */
    size_t n_projected, n_absorbed;
    size_t n_states;        /* that read absorbed sources */
    size_t *state;          /* [n_states]: their numbers among all states of the step */
    float *q, *context;     /* [n_states, inner]: theirs of the step's activations */
    float *query, *mixture; /* [n_states, num_heads, d_model] */
} t5_cross_step;

/* Whether a source of so many tokens is absorbed. */
bool t5_cross_is_absorbed(const t5_session *session, size_t n_keys);

/* Lays out keys and values of projected inputs, n_tokens in all. */
void t5_cross_place_projected(t5_session *session, rt_arena *arena, size_t n_tokens);

/* Prepares keys and values of the encoded inputs from number `first` on, where they are projected, behind those there are. Room is made for so
 * many tokens in all if there are none; else there must be enough. */
rt_status t5_cross_start(t5_session *session, size_t first, size_t room, rt_error *err);

/* Moves a projected input's keys and values to the front: to rows `to` and on. */
void t5_cross_move(t5_session *session, t5_input *input, size_t to);

/* How many states of a step read absorbed sources; tokens as in t5_decode. */
size_t t5_cross_count(const t5_session *session, const t5_ids *tokens);

/* Lays out what a step needs that has so many of them, and says how the source of each row is read. */
void t5_cross_place(const t5_session *session, rt_arena *arena, size_t n_states, t5_cross_step *step);
void t5_cross_plan(const t5_session *session, const t5_ids *tokens, t5_cross_step *step);

/* The most queries that one block of cross-attention can have in a step of so many states. */
size_t t5_cross_max_queries(const t5_session *session, size_t n_states);

/* The whole sub-layer of one block, its norm included. */
rt_status t5_cross_attend(t5_session *session, size_t block, t5_cross_step *step, t5_activations *rows, rt_error *err);

#endif

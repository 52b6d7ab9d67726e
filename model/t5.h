/* t5k's library: T5-family encoder-decoder models (T5, T5 v1.1, Flan-T5, UnifiedQA, mT5, ByT5, UMT5, MADLAD-400) and their encoders alone
 * on a CPU, with top-k attention in attention and feed-forward (Gupta, Dar, Goodman, Ciprut, Berant 2021). The library speaks token ids;
 * tokenizer/tokenizer.h turns text into ids.
 *
 *     t5_model *model;  t5_session *session;  t5_generation *answers;  rt_error err;
 *     t5_model_open("path/to/folder", T5_F32, &model, &err);
 *     t5_session_params sp = t5_session_defaults();
 *     t5_session_open(model, &sp, &session, &err);
 *     t5_generate_params gp = t5_generate_defaults();
 *     t5_generate(session, inputs, n_inputs, &gp, &answers, &err);
 *     ... t5_generation_answers(answers, i, &n)[0].ids ...
 *     t5_generation_free(answers);  t5_session_close(session);  t5_model_close(model);
 *
 * Errors: every fallible call returns RT_OK or the cause, and fills *err (which may be NULL) with one sentence.
 * Threads: a model is immutable and may be shared by any number of sessions; a session belongs to one thread at a time and runs its
 * work on `threads` cores itself.
 * Binaries: start t5_session_params and t5_generate_params from their _defaults(); no struct here changes under one soname.
 * Numbers: f32 arithmetic, whatever type the weights are stored in, unless the model is opened with T5_Q8. All results are the same bits for
 * every batch, chunk size and number of threads, and for every instruction set. */
#ifndef MODEL_T5_H
#define MODEL_T5_H

#include <stdbool.h>
#include <stdint.h>

#include "../runtime/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the model: what it is, what it has learned ---- */

typedef enum t5_activation { T5_RELU, T5_GELU_TANH, T5_GELU_ERF, T5_SILU } t5_activation;

/* Fields spelt as in config.json. */
typedef struct t5_config {
    size_t vocab_size, d_model, d_kv, d_ff, num_heads, num_layers;
    size_t num_decoder_layers; /* 0: an encoder alone, which has no decoder to generate with */
    size_t relative_attention_num_buckets, relative_attention_max_distance;
    float layer_norm_epsilon;
    t5_activation activation; /* of feed_forward_proj or dense_act_fn */
    bool is_gated_act;
    bool has_bias_per_layer;    /* UMT5: the self-attention of every layer has a relative bias of its own; else all have the first's */
    bool scale_decoder_outputs; /* multiply the last decoder state by d_model^-0.5 before the head */
    int32_t decoder_start_token_id, eos_token_id, pad_token_id;
} t5_config;

typedef struct t5_model t5_model;

/* In what arithmetic linear layers are computed. */
typedef enum t5_compute {
    T5_F32, /* in f32, whatever type the weights are stored in */
    T5_Q8   /* projections, pre-activations of the feed-forward and logits by products of 8-bit numbers: weights rounded to 8 bits with one scale a
               row, as are the rows that they are multiplied by. The feed-forward's down-projection has weights of 8 bits, a scale a unit, but adds
               them up in f32; attention and norms are f32 */
} t5_compute;

/* Opens a checkpoint folder, config.json with model.safetensors (or its shards) in F32, F16 or BF16; or a GGUF file, alone or in a folder,
 * in these types or Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Weights are mapped, not copied, but for the transposed down-projections of the
 * feed-forward layers; with T5_Q8 the 8-bit copies take the place of what they are made from.
 * RT_ERR_READ, _MALFORMED, _UNSUPPORTED, _LIMIT; _DISAGREE where config and weights contradict each other; _NUMERIC where the scale of
 * a quantised block is not finite. */
rt_status t5_model_open(const char *path, t5_compute compute, t5_model **model, rt_error *err);
void t5_model_close(t5_model *model); /* NULL does nothing; sessions of this model must be closed before */

const t5_config *t5_model_config(const t5_model *model);
t5_compute t5_model_compute(const t5_model *model);

/* RT_ERR_UNSUPPORTED where the model is an encoder alone. So fail t5_decode_start, t5_generate and t5_score of such a model. */
rt_status t5_model_can_generate(const t5_model *model, rt_error *err);

size_t t5_model_bytes(const t5_model *model); /* of all weights, as stored */

/* ---- a session: the memory and the settings of requests that run one after another ---- */

enum { T5_ALL = 0 }; /* as a top-k: keep all, the dense layer */

typedef struct t5_session_params {
    size_t threads;      /* 0: as many as there are cores */
    size_t chunk;        /* at most so many queries (in attention: 64) share one block of scores; memory, not results, depends on it */
    size_t batch_tokens; /* how many ids of inputs go side by side: t5_generate encodes up to a quarter of that at a time, lets rows read up to four
                            times as many (as many where keys and values are projected), and where answers are done lets the next inputs
                            in; t5_score encodes and feeds up to so many, the targets' ids counted too */
    size_t tokens_per_input; /* tokens that the decoder will be fed for one input, over all its rows (num_beams * max_new_tokens): up to d_kv
                                cross-attention works on the encoder's output as it is, beyond that on keys and values projected once.
                                Speed, memory and the last bits of results depend on it */
    size_t ff_topk; /* T5_ALL or 1 .. d_ff */
    size_t encoder_topk, decoder_topk, cross_topk; /* self-attention of either stack, and cross-attention: T5_ALL or k >= 1 */
} t5_session_params;

t5_session_params t5_session_defaults(void);

typedef struct t5_session t5_session;

rt_status t5_session_open(const t5_model *model, const t5_session_params *params, t5_session **session, rt_error *err);
void t5_session_close(t5_session *session); /* NULL does nothing */

/* How many threads work, the caller's among them. */
size_t t5_session_threads(const t5_session *session);

/* The instruction set in use: "ref", "avx2", "avx512" or "neon". The environment variable T5K_ISA forces one at t5_session_open. */
const char *t5_session_isa(const t5_session *session);

/* ---- one sequence of ids, borrowed ---- */

typedef struct t5_ids {
    const int32_t *ids; /* [n], each in 0 .. vocab_size - 1 */
    size_t n;
} t5_ids;

/* ---- the two stacks ---- */

/* Encodes n_inputs sequences (each of at least one id) side by side, without padding. Replaces what the session held. */
rt_status t5_encode(t5_session *session, const t5_ids *inputs, size_t n_inputs, rt_error *err);

/* [inputs[i].n, d_model]: the states of input i after the final norm. Borrowed until the next t5_encode or t5_session_close. */
const float *t5_encoder_hidden(const t5_session *session, size_t input);

/* Starts n_rows empty decoder rows; row r reads the encoded input source[r]. source must not decrease. */
rt_status t5_decode_start(t5_session *session, const size_t *source, size_t n_rows, rt_error *err);

/* Feeds tokens[r] (any number of ids >= 0, the start token first of all) to each row. Feeding a row token by token or all at once gives
 * the same bits. */
rt_status t5_decode(t5_session *session, const t5_ids *tokens, rt_error *err);

/* [sum of tokens[r].n, d_model]: the decoder states of the last t5_decode after the final norm and before the output scale, rows one after
 * another. Borrowed until the next t5_decode, t5_encode or t5_session_close. */
const float *t5_decoder_hidden(const t5_session *session);

/* Logits of states first .. first + n - 1 of t5_decoder_hidden into logits [n, vocab_size]. */
rt_status t5_logits(t5_session *session, size_t first, size_t n, float *logits, rt_error *err);

/* Rows are dealt anew: new row r goes on from old row parent[r], which may occur any number of times or not at all. The new rows'
 * sources must not decrease. */
rt_status t5_decode_reorder(t5_session *session, const size_t *parent, size_t n_rows, rt_error *err);

/* ---- generation: greedy and beam search, as transformers' generate() does it ---- */

typedef enum t5_early_stopping { T5_EARLY_FALSE, T5_EARLY_TRUE, T5_EARLY_NEVER } t5_early_stopping;

typedef struct t5_generate_params {
    size_t max_new_tokens;       /* >= 1 */
    size_t min_new_tokens;       /* </s> is forbidden before; <= max_new_tokens */
    size_t num_beams;            /* 1: greedy */
    size_t num_return_sequences; /* 1 .. num_beams */
    float length_penalty;        /* beams: score = sum / n^length_penalty */
    t5_early_stopping early_stopping;
    size_t no_repeat_ngram_size; /* 0: off */
    bool skip_logprobs;          /* greedy: nobody asks how likely an answer is. The same ids, sooner: only the words of the vocabulary that an
                                    8-bit copy of lm_head does not rule out are computed. Beams need log-probabilities and ignore it */
} t5_generate_params;

t5_generate_params t5_generate_defaults(void); /* greedy, 32 new tokens, penalty 1 */

typedef struct t5_answer {
    const int32_t *ids;    /* [n]: without the start token, </s> included when it was generated */
    const float *logprobs; /* [n]: log-softmax of the raw logits at each id; NaN where greedy search had skip_logprobs */
    size_t n;
    float score; /* sum of log-probabilities; with beams divided by n^length_penalty; NaN where these are */
    bool ended;  /* by </s>, not by max_new_tokens */
} t5_answer;

typedef struct t5_generation t5_generation;

/* Answers every input. On failure nothing is returned, whatever inputs were done. Afterwards nothing is encoded. */
rt_status t5_generate(t5_session *session, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params,
                      t5_generation **generation, rt_error *err);
void t5_generation_free(t5_generation *generation); /* NULL does nothing */

/* The answers of input i, best first; *n is num_return_sequences, or less where a tiny vocabulary offers fewer sequences. Borrowed until
 * t5_generation_free. */
const t5_answer *t5_generation_answers(const t5_generation *generation, size_t input, size_t *n);

/* ---- scoring: log-probabilities of given targets ---- */

/* Feeds the start token and each target without its last id; logprobs [sum of targets[i].n] receives the log-probability of every target
 * id, targets one after another. Every target has at least one id. Neighbours with the same input share its encoding. */
rt_status t5_score(t5_session *session, const t5_ids *inputs, const t5_ids *targets, size_t n, float *logprobs, rt_error *err);

/* ---- one top-k against another, on the same inputs ---- */

/* From now on the four top-k of params hold; nothing else of params is looked at. What is encoded stays as it is. RT_ERR_USAGE. */
rt_status t5_session_set_topk(t5_session *session, const t5_session_params *params, rt_error *err);

/* t5_generate for the inputs that t5_encode encoded last, which stay encoded. */
rt_status t5_generate_encoded(t5_session *session, const t5_generate_params *params, t5_generation **generation, rt_error *err);

/* How often t5_decode has run since t5_session_open, by whichever function here: each time reads all the decoder's weights once, however many
 * rows there are. */
size_t t5_session_steps(const t5_session *session);

/* What 8-bit copies were asked since t5_session_open: how many scores there were, and how many of them were not ruled out and had to be computed.
 * No scores: nothing was screened, for a layer is too small, or not ReLU, or the model was opened with T5_Q8. A layer of which more than 20 % are
 * computed (up to 8 rows: 35 %, lm_head: 15 %) is no longer screened. No bit of a result depends on it. */
typedef enum t5_screened { T5_SCREENED_ENCODER_FF, T5_SCREENED_DECODER_FF, T5_SCREENED_LM_HEAD } t5_screened;

typedef struct t5_screening {
    uint64_t scores, computed;
} t5_screening;

t5_screening t5_session_screening(const t5_session *session, t5_screened what);

/* The most bytes that encoding and decoding have taken at once since t5_session_set_topk, or t5_session_open. */
size_t t5_session_peak_bytes(const t5_session *session);

/* How far the logits b of one decoder state are from a, over the whole vocabulary. */
typedef struct t5_logit_difference {
    double max_abs, mean_abs;
    double kl; /* of softmax(b) from softmax(a), in nats */
    bool same_argmax;
} t5_logit_difference;

/* Row by row; a, b [n, vocab_size], difference [n]. RT_ERR_NUMERIC where a logit is not finite. */
rt_status t5_logits_compare(const t5_session *session, size_t n, const float *a, const float *b, t5_logit_difference *difference,
                            rt_error *err);

/* Counts of what goes on in the layers: how many units are positive, how much of attention's weight lies on the keys that are kept. Exact
 * whole numbers of the rows (one for each token, in attention for each token and head) that have gone through. */
typedef struct t5_statistics t5_statistics;

typedef enum t5_sublayer { T5_ENCODER_SELF, T5_ENCODER_FF, T5_DECODER_SELF, T5_DECODER_CROSS, T5_DECODER_FF } t5_sublayer;

rt_status t5_statistics_open(const t5_model *model, t5_statistics **statistics, rt_error *err);
void t5_statistics_close(t5_statistics *statistics); /* NULL does nothing */

/* From now on the session adds to *statistics, which stays the caller's; NULL: to none. Results do not change. */
void t5_session_collect(t5_session *session, t5_statistics *statistics);

/* Of a sub-layer of a block: the rows counted so far. */
uint64_t t5_statistics_rows(const t5_statistics *statistics, t5_sublayer sublayer, size_t block);

/* Of attention: the share that the kept keys have in the softmax weights of all visible keys, in the mean over the rows; 1 where nothing
 * is dropped, and where no row has been counted. */
double t5_statistics_kept_mass(const t5_statistics *statistics, t5_sublayer sublayer, size_t block);

/* Of feed-forward: counts[n] receives how many rows had n positive pre-activations (gated: of the gate) before any was dropped; counts
 * [d_ff + 1]. */
void t5_statistics_positive(const t5_statistics *statistics, t5_sublayer sublayer, size_t block, uint64_t *counts);

/* ---- what a request will take ---- */

/* Bytes of memory, all at once. Small things are not counted: the list of tensors, answers, the tokenizer, the program itself. */
typedef struct t5_memory {
    /* weights */
    size_t mapped;    /* tensors read where they lie in the file, whatever their type: matrix products widen F16, BF16 and quantised rows
                         to f32 a few at a time, in scratch. The system may take their pages back */
    size_t read_once; /* tensors of which only derived forms are read after t5_model_open; not in the total */
    size_t panels;    /* at open: wo of every feed-forward layer transposed; F32, F16 and BF16 as they are, quantised types as F32 */
    size_t screens;   /* at open: 8-bit copies of wi, for ReLU layers of 2^20 weights or more, and of lm_head, if it has 2^23 or more; with T5_Q8 of
                         all linear layers; but for copies that the file holds */
    size_t widened;   /* at open: norms and bias tables as F32 */
    size_t aligned;   /* at open: copies of tensors that lie misaligned in the file */
    size_t tables;    /* at open: of the blocks */
    /* a session */
    size_t encoder; /* activations, and the output that the decoder reads */
    size_t cross;   /* keys and values of cross-attention, unless is_absorbed */
    size_t cache;   /* self-attention's keys and values, in powers of two of positions */
    size_t step;    /* activations of a decoder step */
    size_t search;  /* logits or their bounds, hypotheses, and each thread's room to search */
    size_t scratch; /* of all threads: scores, top-k, widened rows */
    size_t total;
    /* what it was planned for */
    bool is_absorbed; /* cross-attention works on the encoder's output as it is */
    size_t threads;
    const char *isa;
} t5_memory;

/* Plans t5_generate of n_inputs inputs of input_tokens ids each that go side by side, whatever batch_tokens says, with answers of
 * max_new_tokens; batch_tokens says by how many they are encoded. Of an encoder alone: t5_encode, all at once. Reads the headers of the
 * checkpoint, no weights (but for PyTorch files whose tensors are deflated or not in one piece, which have to be unpacked). Errors as of
 * t5_model_open and t5_session_open; RT_ERR_LIMIT for what cannot be counted. */
rt_status t5_memory_plan(const char *path, t5_compute compute, const t5_session_params *session, const t5_generate_params *params,
                         size_t n_inputs, size_t input_tokens, t5_memory *plan, rt_error *err);

#ifdef __cplusplus
}
#endif
#endif

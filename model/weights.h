/* The weights of a model, by the names that checkpoints give them. */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "model/checkpoint/checkpoint.h"
#include "model/t5.h"
#include "runtime/arena.h"
#include "runtime/topk_attention.h"

/* inner = num_heads * d_kv */
typedef struct t5_attention_weights {
    rt_matrix q, k, v;       /* [inner, d_model] */
    rt_matrix o;             /* [d_model, inner] */
    const float *layer_norm; /* [d_model] */
    struct {
        rt_screen q, k, v, o;
    } bytes; /* with T5_Q8, the 8-bit copies of q, k, v, o, which then have no data (but for k and v of cross-attention); else their q is NULL */
} t5_attention_weights;

typedef struct t5_feed_forward_weights {
    rt_matrix wi;            /* [d_ff, d_model]: wi, or wi_0 (the gate's pre-activation) of a gated layer */
    rt_matrix wi_1;          /* [d_ff, d_model]: gated layers only */
    rt_screen screen;        /* the 8-bit copy of wi, with T5_Q8 or where screening may pay; else its q is NULL */
    rt_screen wi_1_bytes;    /* with T5_Q8 and gated layers, that of wi_1; wi and wi_1 then have no data */
    rt_values wo;            /* wo^T: [d_ff, d_model] by panels, in the stored type */
    const float *layer_norm; /* [d_model] */
} t5_feed_forward_weights;

typedef struct t5_block_weights {
    t5_attention_weights self, cross; /* cross: decoder only */
    t5_feed_forward_weights ff;
    const float *relative_attention_bias; /* [buckets, heads]: the first block's, or its own where the config says so */
} t5_block_weights;

typedef struct t5_stack_weights {
    t5_block_weights *block;       /* [n_blocks] */
    const float *final_layer_norm; /* [d_model] */
} t5_stack_weights;

/* Bytes that are made when a model is opened, by what they hold. */
typedef struct t5_derived_bytes {
    size_t panels;  /* wo, transposed */
    size_t screens; /* the 8-bit copies, and the scratch that they are made with */
    size_t widened; /* norms and bias tables, in f32 */
    size_t aligned; /* copies of tensors that lie misaligned in the file */
    size_t tables;  /* of the blocks */
} t5_derived_bytes;

typedef struct t5_weights {
    rt_matrix shared;  /* [vocab_size, d_model] */
    rt_matrix lm_head; /* [vocab_size, d_model]: the file's own, else shared */
    rt_screen lm_head_screen; /* its 8-bit copy, for T5_Q8 or greedy search; n is 0 where there is none */
    t5_stack_weights encoder, decoder; /* no decoder where the model is an encoder alone */
    size_t stored_bytes; /* of the tensors in use, as stored */
    size_t mapped_bytes; /* of those among them that are read where they lie */
    t5_derived_bytes derived;
    rt_screen screen_shape; /* what all 8-bit copies of wi have the size of; n is 0 where there are none */
    rt_arena arena;      /* what is not mapped: block tables, norms, bias tables, transposed wo, misaligned tensors */
} t5_weights;

/* Finds every tensor that the config asks for, proves its shape, and lays out what is derived. Mapped tensors stay borrowed from the
 * checkpoint. RT_ERR_DISAGREE names the config and the tensors that are missing, misshapen or too many. */
rt_status t5_weights_load(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, t5_weights *weights, rt_error *err);

/* The first half of it, from headers alone: all that is counted or has a shape is there, but nothing to compute with. Nothing to free. */
rt_status t5_weights_measure(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, t5_weights *weights, rt_error *err);

/* The same proof, and a call for every tensor in use, but for the 8-bit copies of a converted file. What visit fails with. */
typedef rt_status (*t5_tensor_visit)(void *context, const ckpt_tensor *tensor, rt_error *err);
rt_status t5_weights_each(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_tensor_visit visit, void *context, rt_error *err);

void t5_weights_free(t5_weights *weights);

/* Whether 8-bit copies of wi may pay in such a model, where the kernels can use them. */
bool t5_has_screens(const t5_config *config);

/* The same for the copy of lm_head. */
bool t5_has_head_screen(const t5_config *config);

/* The name of the tensor that is lm_head, among those of the checkpoint: shared.weight, or another name of the same, where it is tied. */
const char *t5_head_name(const ckpt_checkpoint *checkpoint);

#endif

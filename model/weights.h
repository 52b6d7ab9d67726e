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
} t5_attention_weights;

typedef struct t5_feed_forward_weights {
    rt_matrix wi;            /* [d_ff, d_model]: wi, or wi_0 (the gate's pre-activation) of a gated layer */
    rt_matrix wi_1;          /* [d_ff, d_model]: gated layers only */
    rt_screen screen;        /* the 8-bit copy of wi where screening may pay; else its q is NULL */
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

typedef struct t5_weights {
    rt_matrix shared;  /* [vocab_size, d_model] */
    rt_matrix lm_head; /* [vocab_size, d_model]: the file's own, else shared */
    t5_stack_weights encoder, decoder; /* no decoder where the model is an encoder alone */
    size_t stored_bytes; /* of the tensors in use, as stored */
    rt_arena arena;      /* what is not mapped: block tables, norms, bias tables, transposed wo, misaligned tensors */
} t5_weights;

/* Finds every tensor that the config asks for, proves its shape, and lays out what is derived. Mapped tensors stay borrowed from the
 * checkpoint. RT_ERR_DISAGREE names the config and the tensors that are missing, misshapen or too many. */
rt_status t5_weights_load(const ckpt_checkpoint *checkpoint, const t5_config *config, t5_weights *weights, rt_error *err);
void t5_weights_free(t5_weights *weights);

#endif

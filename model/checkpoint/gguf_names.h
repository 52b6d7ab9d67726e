/* llama.cpp's names of T5's tensors, as GGUF files have them, turned into the names of Hugging Face's checkpoints:
 *
 *     token_embd                 shared                  enc.output_norm    encoder.final_layer_norm
 *     output                     lm_head                 dec.output_norm    decoder.final_layer_norm
 *     enc.blk.B.TENSOR           encoder.block.B....     dec.blk.B.TENSOR   decoder.block.B....
 *
 * with ".weight" behind them all. Files that t5k has converted also hold what its kernels read of ffn_gate, ffn_up and ffn_down, under the
 * same names, but with another ending:
 *
 *     .panels    ffn_down turned, by panels (topk_attention.h): [panels, d_ff, RT_PANEL]; it takes the place of .weight
 *     .screen    the 8-bit copy of wi, wi_0 or lm_head (screen.h): I8 [panels, k_padded / 4, RT_SCREEN_PANEL, 4]
 *     .bounds    its scale, alpha and beta, one after another: F32 [3, n rounded up to whole panels] */
#ifndef MODEL_CHECKPOINT_GGUF_NAMES_H
#define MODEL_CHECKPOINT_GGUF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { CKPT_GGUF_NAME_SIZE = 128 };

/* is_gated: the file's feed-forward layers have a gate, so that their ffn_up is wi_1, not wi. False where name is none of llama.cpp's for
 * T5. */
bool ckpt_gguf_name(const char *name, size_t n_bytes, bool is_gated, char out[CKPT_GGUF_NAME_SIZE]);

/* The way back; a gate needs no telling here. False where name is none of Hugging Face's that llama.cpp has a name for. */
bool ckpt_gguf_name_of(const char *name, char out[CKPT_GGUF_NAME_SIZE]);

/* The name ends so. */
bool ckpt_name_ends(const char *name, const char *ending);

#endif

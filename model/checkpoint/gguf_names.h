/* llama.cpp's names of T5's tensors, as GGUF files have them, turned into the names of Hugging Face's checkpoints:
 *
 *     token_embd                 shared                  enc.output_norm    encoder.final_layer_norm
 *     output                     lm_head                 dec.output_norm    decoder.final_layer_norm
 *     enc.blk.B.TENSOR           encoder.block.B....     dec.blk.B.TENSOR   decoder.block.B....
 *
 * with ".weight" behind them all. */
#ifndef MODEL_CHECKPOINT_GGUF_NAMES_H
#define MODEL_CHECKPOINT_GGUF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { CKPT_GGUF_NAME_SIZE = 128 };

/* is_gated: the file's feed-forward layers have a gate, so that their ffn_up is wi_1, not wi. False where name is none of llama.cpp's for
 * T5. */
bool ckpt_gguf_name(const char *name, size_t n_bytes, bool is_gated, char out[CKPT_GGUF_NAME_SIZE]);

#endif

/* t5_config to the keys of a GGUF file, the way back from config_gguf.c, where the keys are told; see config.h. */
#include <stdio.h>
#include <string.h>

#include "model/config.h"

enum { KEY_SIZE = 64 };

static rt_status put_number(rt_gguf_writer *writer, const char *prefix, const char *key, size_t value, rt_error *err) {
    char name[KEY_SIZE];
    snprintf(name, sizeof name, "%s%s", prefix, key);
    return rt_gguf_put_u32(writer, name, (uint32_t)value, err); /* every size and id has been proved to be below 2^31 */
}

/* In the order in which llama.cpp's converter writes them. */
static rt_status put_llama_cpp(const t5_config *c, const char *prefix, size_t context_length, rt_gguf_writer *writer, rt_error *err) {
    char key[KEY_SIZE];
    RT_TRY(put_number(writer, prefix, "context_length", context_length, err));
    RT_TRY(put_number(writer, prefix, "embedding_length", c->d_model, err));
    RT_TRY(put_number(writer, prefix, "feed_forward_length", c->d_ff, err));
    RT_TRY(put_number(writer, prefix, "block_count", c->num_layers, err));
    if (c->num_decoder_layers > 0) RT_TRY(put_number(writer, prefix, "decoder_block_count", c->num_decoder_layers, err));
    RT_TRY(put_number(writer, prefix, "attention.head_count", c->num_heads, err));
    RT_TRY(put_number(writer, prefix, "attention.key_length", c->d_kv, err));
    RT_TRY(put_number(writer, prefix, "attention.value_length", c->d_kv, err));
    snprintf(key, sizeof key, "%sattention.layer_norm_epsilon", prefix);
    RT_TRY(rt_gguf_put_f32(writer, key, c->layer_norm_epsilon, err));
    RT_TRY(put_number(writer, prefix, "attention.relative_buckets_count", c->relative_attention_num_buckets, err));
    snprintf(key, sizeof key, "%sattention.layer_norm_rms_epsilon", prefix);
    RT_TRY(rt_gguf_put_f32(writer, key, c->layer_norm_epsilon, err));
    if (c->num_decoder_layers == 0) return RT_OK;
    return put_number(writer, prefix, "decoder_start_token_id", (size_t)c->decoder_start_token_id, err);
}

rt_status t5_config_put_gguf(const t5_config *c, bool is_packed, bool has_head, size_t context_length, rt_gguf_writer *writer,
                             rt_error *err) {
    const char *activation = t5_activation_names[c->activation];
    RT_TRY(put_llama_cpp(c, c->num_decoder_layers > 0 ? "t5." : "t5encoder.", context_length, writer, err));
    if (is_packed) {
        RT_TRY(put_number(writer, "t5k.", "relative_attention_max_distance", c->relative_attention_max_distance, err));
        RT_TRY(rt_gguf_put_string(writer, "t5k.activation", activation, strlen(activation), err));
    }
    if (is_packed || (c->num_decoder_layers > 0 && c->scale_decoder_outputs == has_head)) {
        RT_TRY(rt_gguf_put_bool(writer, "t5k.scale_decoder_outputs", c->scale_decoder_outputs, err));
    }
    if (is_packed || c->has_bias_per_layer) RT_TRY(rt_gguf_put_bool(writer, "t5k.has_bias_per_layer", c->has_bias_per_layer, err));
    if (is_packed || c->pad_token_id != T5_PAD_DEFAULT) RT_TRY(put_number(writer, "t5k.", "pad_token_id", (size_t)c->pad_token_id, err));
    if (!is_packed && c->eos_token_id == T5_EOS_DEFAULT) return RT_OK;
    return put_number(writer, "t5k.", "eos_token_id", (size_t)c->eos_token_id, err);
}

rt_status t5_config_check_llama_cpp(const char *file, const t5_config *c, rt_error *err) {
    const t5_activation activation = c->is_gated_act ? T5_GELU_TANH : T5_RELU;
    if (c->activation != activation) {
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: llama.cpp's layout cannot hold the model: there, %s feed-forward means another activation (%s, allowed %s)",
                       file, c->is_gated_act ? "a gated" : "a plain", t5_activation_names[c->activation], t5_activation_names[activation]);
    }
    if (c->relative_attention_max_distance != T5_MAX_DISTANCE_DEFAULT) {
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: llama.cpp's layout cannot hold the model (relative_attention_max_distance, %zu, allowed %d)", file,
                       c->relative_attention_max_distance, T5_MAX_DISTANCE_DEFAULT);
    }
    return RT_OK;
}

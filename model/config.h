/* What a T5 model is, from config.json or from the keys of a GGUF file. Internal; the public type is t5_config in t5.h. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "model/t5.h"
#include "runtime/gguf_write.h"

/* A size of the model: its key in config.json and in GGUF files (behind "t5."), and its range. */
typedef struct t5_size_key {
    const char *json, *gguf; /* gguf is NULL where such files do not hold it under a key */
    size_t offset;           /* of the field in t5_config */
    size_t min, max;
    size_t fallback; /* where config.json has no such key; 0: it must have it */
} t5_size_key;

enum { T5_VOCAB_SIZE_KEY, T5_N_SIZE_KEYS = 8 };
extern const t5_size_key t5_size_keys[T5_N_SIZE_KEYS]; /* the vocabulary's first, the others in any order */
extern const t5_size_key t5_decoder_layers_key; /* where it is missing, as many as num_layers */

extern const char *const t5_activation_names[T5_SILU + 1]; /* as config.json spells them in dense_act_fn */

enum { T5_PAD_DEFAULT = 0, T5_EOS_DEFAULT = 1, T5_MAX_DISTANCE_DEFAULT = 128 };

/* path: a folder, of which config.json (old and new forms) and, where it exists, generation_config.json's start, end and pad ids are read,
 * missing keys taking transformers' defaults; or a GGUF file; or a folder with one GGUF file and no config.json. Every number is checked
 * against its range. */
rt_status t5_config_load(const char *path, t5_config *config, rt_error *err);

/* The two sources by themselves; a GGUF file without keys of its own is described by the config.json beside it. */
rt_status t5_config_load_folder(const char *folder, t5_config *config, rt_error *err);
rt_status t5_config_load_gguf(const char *path, t5_config *config, rt_error *err);

/* The keys that t5_config_load_gguf reads, but for general.architecture and the tokenizer's. With is_packed all of t5k's own; without, as
 * llama.cpp's converter writes them, t5k's where without them the file would be read as another model. has_head: it will have a tensor
 * output.weight. context_length is only told. */
rt_status t5_config_put_gguf(const t5_config *config, bool is_packed, bool has_head, size_t context_length, rt_gguf_writer *writer, rt_error *err);

/* RT_ERR_UNSUPPORTED where llama.cpp, which is told of neither, takes another activation or largest distance to be the model's. */
rt_status t5_config_check_llama_cpp(const char *file, const t5_config *config, rt_error *err);

/* What both have to check, for messages with the file and the name of the value: that number is in the range of its key; that id is one of
 * the vocabulary; that the buckets reach no further than the largest distance. */
rt_status t5_config_check_size(const char *file, const char *name, const t5_size_key *key, int64_t number, rt_error *err);
rt_status t5_config_check_id(const char *file, const char *name, size_t vocab_size, int64_t number, rt_error *err);
rt_status t5_config_check_buckets(const char *file, const t5_config *config, rt_error *err);

#endif

/* The pickles inside PyTorch checkpoints, recognised and not run.
 *
 * A state dict is a dict, or collections.OrderedDict, of name to tensor; a tensor is
 *
 *     torch._utils._rebuild_tensor_v2(STORAGE, offset, size, stride, requires_grad, hooks)
 *     torch._utils._rebuild_parameter(TENSOR, requires_grad, hooks)
 *
 * and STORAGE a persistent id ('storage', torch.FloatStorage or the like, key, location, number of elements). Only the opcodes of protocol
 * 2 that this takes are known, only these names, and only this meaning of them; whatever else a pickle asks for is refused by name and
 * byte offset. All functions are pure: of bytes, and of limits that are constants (pickle_reader.h). Sizes, offsets and strides stay what
 * the pickle claims; pytorch.c proves them. */
#ifndef MODEL_CHECKPOINT_PICKLE_H
#define MODEL_CHECKPOINT_PICKLE_H

#include "model/checkpoint/safetensors_header.h"

typedef struct ckpt_pickle_storage {
    const char *key; /* [n_key], in the pickle's bytes, without NUL at the end */
    size_t n_key;
    const ckpt_element *element;
    size_t count; /* of elements */
    size_t at;    /* byte offset in the pickle, as for all `at` here */
} ckpt_pickle_storage;

typedef struct ckpt_pickle_tensor {
    size_t storage, offset; /* storages[storage], element `offset` of it */
    unsigned rank;
    size_t shape[CKPT_MAX_RANK], stride[CKPT_MAX_RANK]; /* in elements */
    size_t at;
} ckpt_pickle_tensor;

typedef struct ckpt_pickle_name {
    const char *name; /* NUL-terminated, 1 .. CKPT_MAX_NAME bytes of UTF-8 without control bytes */
    size_t tensor;    /* tensors[tensor]; several names may share one */
    size_t at;
} ckpt_pickle_name;

/* Zeroed at first. */
typedef struct ckpt_state_dict {
    ckpt_pickle_storage *storages; /* [n_storages], sorted by key, none twice */
    ckpt_pickle_tensor *tensors;   /* [n_tensors] */
    ckpt_pickle_name *names;       /* [n_names], sorted by name, none twice */
    size_t n_storages, n_tensors, n_names;
    rt_text text; /* the names' text, one after another */
} ckpt_state_dict;

/* A pickle in memory: bytes [size], of which the first lies `base` bytes into the file; `file` is the name for messages. */
typedef struct ckpt_pickle {
    const char *file;
    const uint8_t *bytes;
    size_t size, base;
} ckpt_pickle;

/* Reads a state dict; *n_read is how many bytes it took. RT_ERR_MALFORMED, RT_ERR_UNSUPPORTED, RT_ERR_LIMIT. On failure there is nothing
 * to free. */
rt_status ckpt_pickle_state_dict(const ckpt_pickle *pickle, ckpt_state_dict *dict, size_t *n_read, rt_error *err);
void ckpt_state_dict_free(ckpt_state_dict *dict);

/* Index of the storage of that key, or n_storages. */
size_t ckpt_state_dict_storage(const ckpt_state_dict *dict, const char *key, size_t n_key);

/* Reads a dict and the truth value that it has under `key`. */
rt_status ckpt_pickle_flag(const ckpt_pickle *pickle, const char *key, bool *flag, size_t *n_read, rt_error *err);

/* One text of a list. */
typedef struct ckpt_pickle_key {
    const char *text; /* [n], in the pickle's bytes */
    size_t n;
} ckpt_pickle_key;

/* Reads a list of texts; the caller frees *keys [*n_keys]. */
rt_status ckpt_pickle_keys(const ckpt_pickle *pickle, ckpt_pickle_key **keys, size_t *n_keys, size_t *n_read, rt_error *err);

#endif

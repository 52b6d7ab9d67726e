/* What the two forms of PyTorch's files have in common: a state dict, and where the bytes of its storages are. */
#ifndef MODEL_CHECKPOINT_PYTORCH_SOURCE_H
#define MODEL_CHECKPOINT_PYTORCH_SOURCE_H

#include "model/checkpoint/pickle.h"
#include "model/checkpoint/pytorch.h"
#include "model/checkpoint/zip.h"

/* The bytes of one storage, as many as its type and count say. */
typedef struct ckpt_place {
    const uint8_t *data;             /* in the file, or in memory once they are inflated; NULL before */
    const ckpt_zip_member *deflated; /* NULL if they are not */
} ckpt_place;

/* Zeroed but for the first three. */
typedef struct ckpt_source {
    const char *file; /* for messages */
    const uint8_t *bytes;
    size_t size;
    ckpt_zip zip;    /* of the zip form */
    uint8_t *pickle; /* data.pkl where it had to be inflated */
    ckpt_state_dict dict;
    ckpt_place *places; /* [dict.n_storages] */
} ckpt_source;

/* On failure, too, the source has to be freed. */
rt_status ckpt_source_read_zip(ckpt_source *source, rt_error *err);
rt_status ckpt_source_read_legacy(ckpt_source *source, rt_error *err);
void ckpt_source_free(ckpt_source *source);

bool ckpt_is_legacy(const uint8_t *bytes, size_t size);

/* Room for the places of the storages. */
rt_status ckpt_source_make_places(ckpt_source *source, rt_error *err);

/* Bytes of a storage. RT_ERR_MALFORMED if they are more than can be counted. */
rt_status ckpt_source_storage_bytes(const ckpt_source *source, size_t storage, size_t *n_bytes, rt_error *err);

#endif

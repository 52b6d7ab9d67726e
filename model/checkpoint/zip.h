/* A zip archive in memory: its members by name, as the central directory lists them (APPNOTE 6.3, sections 4.3 and 4.5.3).
 *
 *     local header, name, extra fields, the member's bytes, [data descriptor]    once a member
 *     central record, name, extra fields, comment                                once a member
 *     [zip64 end record, zip64 locator], end record, comment
 *
 * The central directory rules. A local header must give the same name and method, and the same sizes and checksum or, where a data
 * descriptor follows, none. Members begin with the file, lie before the directory and share no byte; no name occurs twice, and none leads
 * out of a folder. Stored and deflated members are read. Nothing is ever extracted: names are keys. */
#ifndef MODEL_CHECKPOINT_ZIP_H
#define MODEL_CHECKPOINT_ZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/status.h"

enum {
    CKPT_ZIP_MAX_MEMBERS = 1 << 17, /* twice the tensors a checkpoint may have */
    CKPT_ZIP_MAX_NAME = 512,
    CKPT_ZIP_MAX_EXPANSION = 1032 /* deflate gives at most so many bytes for one */
};

typedef struct ckpt_zip_member {
    const char *name; /* [n_name], in the archive's bytes, without NUL at the end; no '\\', no NUL, no ".." */
    size_t n_name;
    size_t record_at; /* byte offset of its central record */
    size_t local_at;  /* of its local header */
    size_t data_at;   /* of its bytes */
    size_t end_at;    /* of what follows its data descriptor, or its bytes where it has none */
    size_t n_stored;  /* bytes in the archive */
    size_t n_bytes;   /* bytes of the member itself; n_stored unless deflated, at most n_stored * CKPT_ZIP_MAX_EXPANSION */
    bool deflated;
    uint32_t crc; /* CRC-32 of the member; 0: the writer gave none */
} ckpt_zip_member;

/* Zeroed at first; sorted by name. */
typedef struct ckpt_zip {
    ckpt_zip_member *members; /* [n] */
    size_t n;
} ckpt_zip;

/* Proves the archive bytes [size] sound and lists it; `file` is the name for messages. RT_ERR_MALFORMED; RT_ERR_UNSUPPORTED for other
 * methods, encryption and archives in parts; RT_ERR_LIMIT. On failure there is nothing to free. */
rt_status ckpt_zip_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_zip *zip, rt_error *err);
void ckpt_zip_free(ckpt_zip *zip);

/* The member of that name, or NULL. */
const ckpt_zip_member *ckpt_zip_find(const ckpt_zip *zip, const char *name, size_t n_name);

/* Compares the checksum of data [member->n_bytes], the member's own bytes. */
rt_status ckpt_zip_check_crc(const char *file, const ckpt_zip_member *member, const uint8_t *data, rt_error *err);

/* Inflates a deflated member into out [member->n_bytes] and compares its checksum. */
rt_status ckpt_zip_inflate(const char *file, const uint8_t *bytes, const ckpt_zip_member *member, uint8_t *out, rt_error *err);

#endif

/* Small safetensors files in memory, sound but for one part that a test replaces: the same call without the replacement makes the twin that
 * must load.
 *
 * The file has metadata and three tensors: "a" F32 [2, 3], "b" F16 [4] and "c" BF16 [1, 2]; byte i of the data is i. */
#ifndef TESTS_SUPPORT_SAFETENSORS_WRITER_H
#define TESTS_SUPPORT_SAFETENSORS_WRITER_H

#include "model/checkpoint/safetensors.h"
#include "runtime/buffer.h"

typedef enum st_part {
    ST_NOTHING,
    ST_NAME,     /* of tensor "b", as JSON, from here to ST_ENTRY */
    ST_DTYPE,    /* its value */
    ST_SHAPE,    /* its value */
    ST_OFFSETS,  /* its value */
    ST_EXTRA,    /* what follows its last member; nothing in a sound file */
    ST_ENTRY,    /* the whole value of its name */
    ST_METADATA, /* the whole value of __metadata__ */
    ST_BEFORE,   /* between the length and the '{'; nothing in a sound file */
    ST_AFTER,    /* between the '}' and the data; nothing in a sound file */
    ST_HEADER,   /* the whole header */
    ST_LENGTH,   /* the header's length, in decimal; the file stays as it is */
    ST_TAIL      /* after the data; nothing in a sound file */
} st_part;

/* Appends the file to *out. Ends the test if memory runs out. */
void st_write(st_part replaced, const char *by, rt_text *out);

/* Appends a file of this header, and n_data bytes of data. */
void st_write_header(const char *header, size_t n_header, size_t n_data, rt_text *out);

/* ckpt_safetensors_parse of the bytes, from a block of exactly their size: the address sanitizer sees any read past the end. */
rt_status st_parse(const rt_text *bytes, ckpt_header *header, size_t *data_at, rt_error *err);

/* Parses what st_write makes, and frees what comes of it. */
rt_status st_parse_part(st_part replaced, const char *by, rt_error *err);

#endif

/* GGUF files in memory, sound but for what a test changes: the same call without the change makes the twin that must load.
 *
 * The sample is small and belongs to no model. Its pairs: "text" string "hello", "number" u32 7, "list" array of i32 {1, -2, 3}, "words"
 * array of strings {"a", "", "bc"}, "general.alignment" u32 64. Its tensors: "first" F32 [2, 3], "second" Q8_0 [2, 32], "third" F16 [5];
 * byte i of each one's data is i & 127. The file ends with the last byte of "third". */
#ifndef TESTS_SUPPORT_GGUF_WRITER_H
#define TESTS_SUPPORT_GGUF_WRITER_H

#include "model/checkpoint/checkpoint.h"
#include "runtime/buffer.h"
#include "runtime/gguf.h"

/* Numbers of the sample that a test may replace. */
typedef enum gguf_part {
    GGUF_NOTHING,
    GGUF_MAGIC, /* the first four bytes */
    GGUF_VERSION,
    GGUF_N_TENSORS,
    GGUF_N_PAIRS,
    GGUF_KEY_LENGTH, /* of "number" */
    GGUF_KEY_BYTE,   /* the first of "number" */
    GGUF_VALUE_TYPE, /* of "number" */
    GGUF_STRING_LENGTH, /* of "hello" */
    GGUF_LIST_TYPE,
    GGUF_LIST_LENGTH,
    GGUF_WORDS_LENGTH,
    GGUF_WORD_LENGTH, /* of "bc" */
    GGUF_ALIGNMENT_TYPE,
    GGUF_ALIGNMENT,
    GGUF_NAME_LENGTH, /* of "second", from here to GGUF_OFFSET */
    GGUF_NAME_BYTE,   /* its first */
    GGUF_RANK,
    GGUF_ROW,  /* the fastest-varying dimension */
    GGUF_ROWS, /* the other one */
    GGUF_TYPE,
    GGUF_OFFSET,
    GGUF_LAST_OFFSET /* of "third" */
} gguf_part;

/* Appends the sample to *out. Ends the test if memory runs out. */
void gguf_write(gguf_part replaced, uint64_t by, rt_text *out);

/* A file of n pairs "p0", "p1", ... u8 and a file of n tensors "t0", "t1", ... F32 [1]; the last is called like the first if is_twice. */
void gguf_write_pairs(size_t n, bool is_twice, rt_text *out);
void gguf_write_tensors(size_t n, bool is_twice, rt_text *out);

/* A file without pairs, with the tensors of the checkpoint under the names they have there: candle's dialect. */
void gguf_write_checkpoint(const ckpt_checkpoint *checkpoint, rt_text *out);

/* A change of a pair or a tensor of a file. */
typedef enum gguf_change {
    GGUF_END,     /* of a list of edits */
    GGUF_DROP,    /* the pair or the tensor of that name */
    GGUF_NUMBER,  /* the key gets this type and number; it is added if it is not there */
    GGUF_TEXT,    /* the key gets this text; likewise */
    GGUF_ELEMENT, /* the array says that its elements, of which each has a fixed size, are of this type, and there are `number` of them */
    GGUF_TOKEN,   /* element `number` of the array of strings becomes this text */
    GGUF_VALUE,   /* element `type` of the array of four-byte elements becomes the bits `number` */
    GGUF_RENAME,  /* the tensor gets this text as its name */
    GGUF_SCALE    /* the first 16 bits of the tensor's data become `number` */
} gguf_change;

typedef struct gguf_edit {
    gguf_change change;
    const char *name;
    uint64_t type, number;
    const char *text;
} gguf_edit;

/* Appends the GGUF file at path to *out with the edits done. Every edit but the two that add must find what it changes. */
void gguf_rewrite(const char *path, const gguf_edit *edits, rt_text *out);

/* rt_gguf_parse of the bytes, from a block of exactly their size, which the caller frees: the address sanitizer sees any read past the
 * end. */
rt_status gguf_parse(const rt_text *bytes, uint8_t **exact, rt_gguf *gguf, rt_error *err);

#endif

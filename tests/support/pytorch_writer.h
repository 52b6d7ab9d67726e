/* Small PyTorch files in memory, sound but for one part that a test replaces: the same call without the replacement makes the twin that
 * must load.
 *
 * The state dict is that of safetensors_writer.h: "a" F32 [2, 3], "b" F16 [4] and "c" BF16 [1, 2], each with a storage of its own under the
 * keys 0, 1 and 2; byte i of the storages, one after another, is i. */
#ifndef TESTS_SUPPORT_PYTORCH_WRITER_H
#define TESTS_SUPPORT_PYTORCH_WRITER_H

#include "model/checkpoint/pickle.h"
#include "tests/support/scratch.h"
#include "tests/support/zip_writer.h"

typedef enum pt_part {
    PT_NOTHING,
    PT_PROTO,   /* the first opcode */
    PT_DICT,    /* what makes the outermost dict */
    PT_NAME,    /* of tensor "b", from here to PT_HOOKS */
    PT_VALUE,   /* all of it */
    PT_ID,      /* the tuple that names its storage */
    PT_CLASS,   /* of the storage */
    PT_KEY,     /* of the storage */
    PT_COUNT,   /* of the storage */
    PT_OFFSET,
    PT_SHAPE,
    PT_STRIDE,
    PT_HOOKS,   /* the last of its parts */
    PT_BEFORE_STOP, /* nothing in a sound pickle */
    PT_STOP
} pt_part;

/* Opcodes in place of a part. */
typedef struct pt_change {
    pt_part part;
    const void *by;
    size_t n;
} pt_change;

#define PT_CHANGE(part, text) ((pt_change){part, text, sizeof(text) - 1})

/* Appends the state dict's pickle; legacy: with the sixth part of a storage's id. */
void pt_write_pickle(pt_change change, bool legacy, rt_text *out);

typedef struct pt_style {
    bool legacy;
    zip_style zip;
    const char *top;        /* folder of the archive with its slash; NULL: "x/" */
    const char *byte_order; /* NULL: no such member; in the legacy form, any text: little_endian is False */
    const char *more;       /* path of a further member with the text "1"; in the legacy form, what follows the end; NULL: none */
    size_t n_storage;       /* bytes of storage 1, at most 12; 0: the 8 it needs */
    const char *storage;    /* name of the member of storage 1; in the legacy form, opcodes of its key in the list; NULL: "data/1", "1" */
    const char *pickle;     /* name of data.pkl; NULL: "data.pkl" */
} pt_style;

/* Appends a whole file. */
void pt_write(pt_change change, const pt_style *style, zip_layout *layout, rt_text *out);

/* The styles that every test goes through: as torch writes, under another folder, deflated, without checksums; and legacy. */
enum { PT_DEFLATED = 2, PT_LEGACY = 4, PT_N_STYLES };
const pt_style *pt_style_of(size_t i);

/* Writes the file into the folder and returns its path. */
const char *pt_write_file(scratch *files, const char *name, pt_change change, const pt_style *style);

/* ckpt_pickle_state_dict of the bytes, from a block of exactly their size: the address sanitizer sees any read past the end. What comes of
 * it is freed. */
rt_status pt_parse_pickle(const rt_text *bytes, rt_error *err);

/* The same for a whole file, of which every byte of every tensor is read. */
rt_status pt_parse(const rt_text *bytes, rt_error *err);

#endif

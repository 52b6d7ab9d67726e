/* Protocol Buffers' wire format, read field by field.
 *
 * A message is a row of fields. Field = tag, payload; tag = varint(number << 3 | wire type); payload by wire type: 0 a varint (7 bits a
 * byte, low ones first, at most 10 bytes), 1 eight bytes, 2 varint(length) and so many bytes, 5 four bytes. A sub-message is a payload
 * of type 2 and is read by a cursor of its own. Types 3 and 4 (groups) are older than every file of interest and are refused. */
#ifndef TOKENIZER_PROTOBUF_H
#define TOKENIZER_PROTOBUF_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/status.h"

typedef enum tok_pb_wire { TOK_PB_VARINT = 0, TOK_PB_FIXED64 = 1, TOK_PB_BYTES = 2, TOK_PB_FIXED32 = 5 } tok_pb_wire;

typedef struct tok_pb_cursor {
    const char *file;    /* its name as messages show it */
    const uint8_t *base; /* its first byte: offsets in messages count from here */
    const uint8_t *at, *end;
} tok_pb_cursor;

typedef struct tok_pb_field {
    uint32_t number; /* 1 .. 2^29 - 1 */
    tok_pb_wire wire;
    uint64_t value;       /* bits of the number; for TOK_PB_BYTES the length */
    const uint8_t *bytes; /* [value], for TOK_PB_BYTES only */
    size_t offset;        /* of the tag in the file */
} tok_pb_field;

/* Reads the next field; *more is false at the end of the message. RT_ERR_MALFORMED where the bytes are no field or do not fit. */
rt_status tok_pb_next(tok_pb_cursor *cursor, tok_pb_field *field, bool *more, rt_error *err);

/* A cursor over the sub-message that field, just read through cursor, holds. */
tok_pb_cursor tok_pb_enter(const tok_pb_cursor *cursor, const tok_pb_field *field);

/* RT_ERR_MALFORMED unless field has that wire type; name is the field's in the schema. */
rt_status tok_pb_expect(const tok_pb_cursor *cursor, const tok_pb_field *field, tok_pb_wire wire, const char *name, rt_error *err);

#endif

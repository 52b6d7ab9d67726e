/* Protocol Buffers' wire format; see protobuf.h. */
#include "tokenizer/protobuf.h"

enum { MAX_VARINT_BYTES = 10, MAX_FIELD_NUMBER = (1 << 29) - 1 };

static size_t offset_of(const tok_pb_cursor *c) { return (size_t)(c->at - c->base); }

static size_t remaining(const tok_pb_cursor *c) { return (size_t)(c->end - c->at); }

static rt_status read_varint(tok_pb_cursor *c, uint64_t *value, rt_error *err) {
    const size_t offset = offset_of(c);
    uint64_t v = 0;
    for (unsigned i = 0; i < MAX_VARINT_BYTES; i++) {
        if (c->at == c->end) return rt_fail(err, RT_ERR_MALFORMED, "%s: a number is cut short (offset %zu)", c->file, offset);
        const uint8_t byte = *c->at++;
        if (i == MAX_VARINT_BYTES - 1 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value = v;
            return RT_OK;
        }
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: a number has more than 64 bits (offset %zu)", c->file, offset);
}

static rt_status read_fixed(tok_pb_cursor *c, size_t n_bytes, uint64_t *value, rt_error *err) {
    if (remaining(c) < n_bytes) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a number is cut short (offset %zu, needs %zu bytes, %zu left)", c->file, offset_of(c),
                       n_bytes, remaining(c));
    }
    *value = 0;
    for (size_t i = 0; i < n_bytes; i++) *value |= (uint64_t)c->at[i] << (8 * i);
    c->at += n_bytes;
    return RT_OK;
}

static rt_status read_bytes(tok_pb_cursor *c, tok_pb_field *field, rt_error *err) {
    const size_t offset = offset_of(c);
    RT_TRY(read_varint(c, &field->value, err));
    if (field->value > remaining(c)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a length is past the end (field %u, offset %zu, length %llu, %zu bytes left)", c->file,
                       field->number, offset, (unsigned long long)field->value, remaining(c));
    }
    field->bytes = c->at;
    c->at += field->value;
    return RT_OK;
}

rt_status tok_pb_next(tok_pb_cursor *c, tok_pb_field *field, bool *more, rt_error *err) {
    *more = c->at != c->end;
    if (!*more) return RT_OK;
    const size_t offset = offset_of(c);
    uint64_t tag;
    RT_TRY(read_varint(c, &tag, err));
    if (tag >> 3 == 0 || tag >> 3 > MAX_FIELD_NUMBER) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a field number (offset %zu, number %llu, allowed 1 to %d)", c->file, offset,
                       (unsigned long long)(tag >> 3), MAX_FIELD_NUMBER);
    }
    *field = (tok_pb_field){.number = (uint32_t)(tag >> 3), .wire = (tok_pb_wire)(tag & 7), .offset = offset};
    switch (field->wire) {
    case TOK_PB_VARINT: return read_varint(c, &field->value, err);
    case TOK_PB_FIXED64: return read_fixed(c, 8, &field->value, err);
    case TOK_PB_BYTES: return read_bytes(c, field, err);
    case TOK_PB_FIXED32: return read_fixed(c, 4, &field->value, err);
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: not a wire type (field %u, offset %zu, type %llu, allowed 0, 1, 2 and 5)", c->file,
                   field->number, offset, (unsigned long long)(tag & 7));
}

tok_pb_cursor tok_pb_enter(const tok_pb_cursor *c, const tok_pb_field *field) {
    return (tok_pb_cursor){.file = c->file, .base = c->base, .at = field->bytes, .end = field->bytes + field->value};
}

rt_status tok_pb_expect(const tok_pb_cursor *c, const tok_pb_field *field, tok_pb_wire wire, const char *name, rt_error *err) {
    if (field->wire == wire) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: a field has the wrong wire type (%s, offset %zu, type %d, allowed %d)", c->file, name,
                   field->offset, (int)field->wire, (int)wire);
}

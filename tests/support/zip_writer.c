/* Zip archives for tests; see zip_writer.h. */
#include "tests/support/zip_writer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/support/text.h"

enum { LOCAL = 30, ALIGN = 64, EXTRA_HEADER = 4 };

static void put(rt_text *out, size_t width, uint64_t value) {
    for (; width-- > 0; value >>= 8) text_append_bytes(out, &(uint8_t){(uint8_t)value}, 1);
}

void zip_patch(rt_text *archive, size_t at, size_t width, uint64_t value) {
    ck_assert_uint_le(at + width, archive->n);
    for (; width-- > 0; value >>= 8) archive->v[at++] = (char)(value & 255);
}

/* What the records of one member say. */
typedef struct record {
    const zip_member *member;
    size_t n_stored;
    uint32_t crc;
    uint8_t *stored; /* [n_stored] */
} record;

static record make_record(const zip_member *member, const zip_style *style) {
    record r = {.member = member, .n_stored = member->n, .crc = style->no_crc ? 0 : (uint32_t)crc32(0, member->bytes, (uInt)member->n)};
    const size_t room = compressBound((uLong)member->n) + 16;
    r.stored = malloc(room);
    if (r.stored == NULL) ck_abort_msg("out of memory");
    if (!style->deflate) {
        if (member->n > 0) memcpy(r.stored, member->bytes, member->n);
        return r;
    }
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)member->bytes, .avail_in = (uInt)member->n, .next_out = r.stored,
                  .avail_out = (uInt)room};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    r.n_stored = z.total_out;
    deflateEnd(&z);
    return r;
}

static void put_common(rt_text *out, const record *r, const zip_style *style, bool sizes, size_t n_extra) {
    put(out, 2, style->descriptors ? 8 : 0);
    put(out, 2, style->deflate ? 8 : 0);
    put(out, 4, 0);
    put(out, 4, sizes ? r->crc : 0);
    put(out, 4, !sizes ? 0 : style->wide ? 0xffffffff : r->n_stored);
    put(out, 4, !sizes ? 0 : style->wide ? 0xffffffff : r->member->n);
    put(out, 2, strlen(r->member->name));
    put(out, 2, n_extra);
}

static void put_local(rt_text *out, const record *r, const zip_style *style, zip_layout *layout, size_t i) {
    const bool sizes = !style->descriptors;
    const size_t n_name = strlen(r->member->name), n_wide = style->wide && sizes ? EXTRA_HEADER + 16 : 0;
    const size_t unpadded = out->n + LOCAL + n_name + n_wide + EXTRA_HEADER,
        n_padding = style->align ? (ALIGN - unpadded % ALIGN) % ALIGN : 0;
    layout->local[i] = out->n;
    put(out, 4, 0x04034b50);
    put(out, 2, 20);
    put_common(out, r, style, sizes, n_wide + (style->align ? EXTRA_HEADER + n_padding : 0));
    text_append_bytes(out, r->member->name, n_name);
    if (n_wide > 0) put(out, 2, 1), put(out, 2, 16), put(out, 8, r->member->n), put(out, 8, r->n_stored);
    if (style->align) {
        put(out, 2, 'F' | 'B' << 8), put(out, 2, n_padding);
        for (size_t j = 0; j < n_padding; j++) put(out, 1, 'Z');
    }
    layout->data[i] = out->n;
    text_append_bytes(out, r->stored, r->n_stored);
    layout->descriptor[i] = out->n;
    if (!style->descriptors) return;
    put(out, 4, 0x08074b50), put(out, 4, r->crc);
    put(out, style->wide ? 8 : 4, r->n_stored), put(out, style->wide ? 8 : 4, r->member->n);
}

static void put_central(rt_text *out, const record *r, const zip_style *style, zip_layout *layout, size_t i) {
    layout->central[i] = out->n;
    put(out, 4, 0x02014b50);
    put(out, 4, 20 | 20 << 16);
    put_common(out, r, style, true, style->wide ? EXTRA_HEADER + 24 : 0);
    put(out, 2 + 2 + 2 + 4, 0);
    put(out, 4, style->wide ? 0xffffffff : layout->local[i]);
    text_append_bytes(out, r->member->name, strlen(r->member->name));
    if (style->wide) put(out, 2, 1), put(out, 2, 24), put(out, 8, r->member->n), put(out, 8, r->n_stored), put(out, 8, layout->local[i]);
}

static void put_end(rt_text *out, size_t n, const zip_style *style, zip_layout *layout) {
    const size_t n_directory = out->n - layout->directory;
    layout->end64 = out->n;
    if (style->end64) {
        put(out, 4, 0x06064b50), put(out, 8, 44), put(out, 4, 45 | 45 << 16), put(out, 8, 0);
        put(out, 8, n), put(out, 8, n), put(out, 8, n_directory), put(out, 8, layout->directory);
        layout->locator = out->n;
        put(out, 4, 0x07064b50), put(out, 4, 0), put(out, 8, layout->end64), put(out, 4, 1);
    }
    layout->end = out->n;
    put(out, 4, 0x06054b50), put(out, 4, 0);
    put(out, 2, style->end64 && style->wide ? 0xffff : n), put(out, 2, style->end64 && style->wide ? 0xffff : n);
    put(out, 4, style->end64 && style->wide ? 0xffffffff : n_directory);
    put(out, 4, style->end64 && style->wide ? 0xffffffff : layout->directory);
    put(out, 2, 0);
}

void zip_write(const zip_member *members, size_t n, const zip_style *style, zip_layout *layout, rt_text *out) {
    record records[ZIP_MAX_MEMBERS];
    ck_assert_uint_le(n, ZIP_MAX_MEMBERS);
    for (size_t i = 0; i < n; i++) {
        records[i] = make_record(&members[i], style);
        put_local(out, &records[i], style, layout, i);
    }
    layout->directory = out->n;
    for (size_t i = 0; i < n; i++) put_central(out, &records[i], style, layout, i);
    put_end(out, n, style, layout);
    for (size_t i = 0; i < n; i++) free(records[i].stored);
}

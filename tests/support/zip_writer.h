/* Zip archives written byte by byte, and where their parts are, so that a test can change one. */
#ifndef TESTS_SUPPORT_ZIP_WRITER_H
#define TESTS_SUPPORT_ZIP_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/buffer.h"

enum { ZIP_MAX_MEMBERS = 16 };

typedef struct zip_member {
    const char *name;
    const void *bytes;
    size_t n;
} zip_member;

/* All false: stored, sizes in the local headers, a plain end record. */
typedef struct zip_style {
    bool deflate;
    bool descriptors; /* as PyTorch writes: sizes and checksum behind the bytes, none before */
    bool wide;        /* sizes and places in zip64 extra fields */
    bool end64;       /* a zip64 end record */
    bool align;       /* an extra field pads each member's bytes to 64, as PyTorch's does */
    bool no_crc;      /* checksums of 0 */
} zip_style;

/* Byte offsets. */
typedef struct zip_layout {
    size_t local[ZIP_MAX_MEMBERS], data[ZIP_MAX_MEMBERS], central[ZIP_MAX_MEMBERS], descriptor[ZIP_MAX_MEMBERS];
    size_t directory, end64, locator, end;
} zip_layout;

/* Appends the archive. Ends the test if memory runs out. */
void zip_write(const zip_member *members, size_t n, const zip_style *style, zip_layout *layout, rt_text *out);

/* Writes `value` over `width` bytes from `at`, low byte first. */
void zip_patch(rt_text *archive, size_t at, size_t width, uint64_t value);

#endif

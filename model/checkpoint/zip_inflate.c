/* The contents of a zip member: checksum and inflating (raw deflate, RFC 1951, by zlib); see zip.h. */
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "model/checkpoint/zip.h"

static rt_status fail_member(const char *file, const ckpt_zip_member *member, rt_error *err, const char *defect) {
    char name[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: member '%s': %s (data at byte offset %zu)", file,
                   rt_quote(name, member->name, member->n_name), defect, member->data_at);
}

/* zlib counts in unsigned int. */
static uInt part_of(size_t n) { return n < UINT_MAX ? (uInt)n : UINT_MAX; }

rt_status ckpt_zip_check_crc(const char *file, const ckpt_zip_member *member, const uint8_t *data, rt_error *err) {
    if (member->crc == 0) return RT_OK;
    uLong crc = crc32(0, NULL, 0);
    for (size_t done = 0; done < member->n_bytes;) {
        const uInt n = part_of(member->n_bytes - done);
        crc = crc32(crc, data + done, n);
        done += n;
    }
    return crc == member->crc ? RT_OK : fail_member(file, member, err, "its checksum is wrong");
}

/* Runs the stream to its end: all input taken, all of out filled, not a byte more of either. */
static rt_status run(const char *file, const ckpt_zip_member *member, const uint8_t *in, uint8_t *out, z_stream *z, rt_error *err) {
    size_t in_done = 0, out_done = 0;
    uint8_t beyond; /* a place for one byte too many, so that a stream that has one is told from a stream that ends */
    for (;;) {
        const bool full = out_done == member->n_bytes;
        const uInt n_in = part_of(member->n_stored - in_done), n_out = full ? 1 : part_of(member->n_bytes - out_done);
        z->next_in = (z_const Bytef *)(uintptr_t)(in + in_done), z->avail_in = n_in;
        z->next_out = full ? &beyond : out + out_done, z->avail_out = n_out;
        const int status = inflate(z, Z_NO_FLUSH);
        const size_t taken = n_in - z->avail_in, given = n_out - z->avail_out;
        if (full && given > 0) return fail_member(file, member, err, "it inflates to more bytes than its size says");
        in_done += taken, out_done += given;
        if (status == Z_STREAM_END) break;
        if (status == Z_MEM_ERROR) return rt_fail_memory(err, sizeof *z, "inflating");
        if (status != Z_OK && status != Z_BUF_ERROR) return fail_member(file, member, err, "its deflated bytes are damaged");
        if (taken == 0 && given == 0) return fail_member(file, member, err, "its deflated bytes end too early");
    }
    if (out_done != member->n_bytes) return fail_member(file, member, err, "it inflates to fewer bytes than its size says");
    if (in_done != member->n_stored) return fail_member(file, member, err, "bytes follow the end of its deflated bytes");
    return RT_OK;
}

rt_status ckpt_zip_inflate(const char *file, const uint8_t *bytes, const ckpt_zip_member *member, uint8_t *out, rt_error *err) {
    z_stream z = {0};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return rt_fail_memory(err, sizeof z, "inflating");
    const rt_status status = run(file, member, bytes + member->data_at, out, &z, err);
    inflateEnd(&z);
    return status == RT_OK ? ckpt_zip_check_crc(file, member, out, err) : status;
}

/* The central directory of a zip archive; see zip.h. */
#include "model/checkpoint/zip.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/checked.h"

/* Sizes of the fixed parts of the records. */
enum { LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR = 20, MAX_COMMENT = 65535 };

enum { ENCRYPTED = 1 << 0, DESCRIPTOR = 1 << 3, STRONGLY_ENCRYPTED = 1 << 6, MASKED = 1 << 13 }; /* general flags */

enum { STORED = 0, DEFLATED = 8, EXTRA_ZIP64 = 1, MAX16 = 0xffff };

static const uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                      end64_signature = 0x06064b50, locator_signature = 0x07064b50, descriptor_signature = 0x08074b50, max32 = 0xffffffff;

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a size in a file must fit a size in memory");

/* The archive, as every function here is handed it. */
typedef struct archive {
    const char *file; /* for messages */
    const uint8_t *bytes;
    size_t size;
} archive;

typedef struct directory {
    size_t n, at, size; /* members, byte offset and bytes of the central directory */
} directory;

static size_t le(const uint8_t *p, size_t n_bytes) {
    size_t v = 0;
    while (n_bytes-- > 0) v = v << 8 | p[n_bytes];
    return v;
}

static size_t u16(const archive *a, size_t at) { return le(a->bytes + at, 2); }
static size_t u32(const archive *a, size_t at) { return le(a->bytes + at, 4); }
static size_t u64(const archive *a, size_t at) { return le(a->bytes + at, 8); }

static rt_status fail(const archive *a, rt_error *err, const char *defect, size_t at) {
    return rt_fail(err, RT_ERR_MALFORMED, "%s: zip archive: %s (byte offset %zu)", a->file, defect, at);
}

static rt_status fail_member(const archive *a, const ckpt_zip_member *m, rt_status status, rt_error *err, const char *defect) {
    char name[RT_QUOTE_SIZE];
    return rt_fail(err, status, "%s: zip archive: member '%s' %s (central record at byte offset %zu)", a->file,
                   rt_quote(name, m->name, m->n_name), defect, m->record_at);
}

/* ---- the end of the archive ---- */

/* The end record is told by its signature and by a comment that ends with the file. Two such places are two archives in one file. */
static rt_status find_end(const archive *a, size_t *end_at, rt_error *err) {
    size_t n_found = 0;
    if (a->size < END) return fail(a, err, "too short to have an end record", 0);
    for (size_t n_comment = 0; n_comment <= MAX_COMMENT && n_comment <= a->size - END; n_comment++) {
        const size_t at = a->size - END - n_comment;
        if (u32(a, at) != end_signature || u16(a, at + 20) != n_comment) continue;
        if (n_found++ > 0) return fail(a, err, "two end records", at);
        *end_at = at;
    }
    return n_found == 1 ? RT_OK : fail(a, err, "no end record, so the file is cut or has bytes after its end", a->size);
}

/* A field of the end record gives its own value, or the largest one where zip64 gives it. */
static bool agrees(size_t narrow, size_t wide, size_t largest) { return narrow == largest || narrow == wide; }

static rt_status read_end64(const archive *a, size_t end_at, directory *d, size_t *d_end, rt_error *err) {
    const size_t locator_at = end_at - LOCATOR, at = u64(a, locator_at + 8);
    if (at > locator_at || locator_at - at < END64 || u32(a, at) != end64_signature) {
        return fail(a, err, "the zip64 locator leads to no zip64 end record", locator_at);
    }
    if (u64(a, at + 4) != locator_at - at - 12) return fail(a, err, "the size of the zip64 end record is wrong", at + 4);
    if (u32(a, locator_at + 4) != 0 || u32(a, locator_at + 16) > 1 || u32(a, at + 16) != 0 || u32(a, at + 20) != 0 ||
        u64(a, at + 24) != u64(a, at + 32)) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: zip archive: it is one part of several (byte offset %zu)", a->file, at);
    }
    *d = (directory){.n = u64(a, at + 32), .size = u64(a, at + 40), .at = u64(a, at + 48)};
    if (!agrees(u16(a, end_at + 10), d->n, MAX16) || !agrees(u32(a, end_at + 12), d->size, max32) ||
        !agrees(u32(a, end_at + 16), d->at, max32)) {
        return fail(a, err, "the two end records disagree", end_at);
    }
    *d_end = at;
    return RT_OK;
}

static rt_status read_end(const archive *a, directory *d, rt_error *err) {
    size_t end_at = 0, d_end;
    RT_TRY(find_end(a, &end_at, err));
    d_end = end_at;
    if (u16(a, end_at + 4) != 0 || u16(a, end_at + 6) != 0 || u16(a, end_at + 8) != u16(a, end_at + 10)) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: zip archive: it is one part of several (byte offset %zu)", a->file, end_at);
    }
    if (end_at >= LOCATOR && u32(a, end_at - LOCATOR) == locator_signature) {
        RT_TRY(read_end64(a, end_at, d, &d_end, err));
    } else {
        *d = (directory){.n = u16(a, end_at + 10), .size = u32(a, end_at + 12), .at = u32(a, end_at + 16)};
        if (d->n == MAX16 || d->size == max32 || d->at == max32) return fail(a, err, "no zip64 end record where one is needed", end_at);
    }
    if (d->at > d_end || d->size != d_end - d->at) return fail(a, err, "the central directory does not end at the end record", end_at);
    if (d->n > d->size / CENTRAL) return fail(a, err, "more members than its central directory has room for", end_at);
    if (d->n <= CKPT_ZIP_MAX_MEMBERS) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "%s: zip archive: too many members (%zu, at most %d)", a->file, d->n, CKPT_ZIP_MAX_MEMBERS);
}

/* ---- one member ---- */

/* Sizes and place of a member. A field that has its largest value stands in the zip64 extra field, in this order. */
typedef struct extents {
    size_t n_bytes, n_stored, local_at;
} extents;

/* Replaces the fields that have their largest value. A local header has no local_at: it is 0 there, and so never replaced. */
static rt_status read_extra(const archive *a, size_t at, size_t n, extents *e, rt_error *err) {
    size_t *const wide[] = {&e->n_bytes, &e->n_stored, &e->local_at};
    const size_t end = at + n;
    bool needed = false;
    for (size_t i = 0; i < 3; i++) needed = needed || *wide[i] == max32;
    while (at < end) {
        if (end - at < 4 || u16(a, at + 2) > end - at - 4) return fail(a, err, "an extra field reaches past its header", at);
        const size_t id = u16(a, at), field_end = at + 4 + u16(a, at + 2);
        at += 4;
        for (size_t i = 0; needed && id == EXTRA_ZIP64 && i < 3; i++) {
            if (*wide[i] != max32) continue;
            if (field_end - at < 8) return fail(a, err, "a zip64 extra field is too short", at);
            *wide[i] = u64(a, at);
            at += 8;
        }
        needed = needed && id != EXTRA_ZIP64;
        at = field_end;
    }
    return needed ? fail(a, err, "a size of 2^32 - 1 without a zip64 extra field", at) : RT_OK;
}

/* A name that leads nowhere but below the archive's own root. */
static bool is_safe_name(const char *name, size_t n) {
    if (n == 0 || n > CKPT_ZIP_MAX_NAME || *name == '/') return false;
    for (size_t i = 0, begin = 0; i <= n; i++) {
        if (i < n && (name[i] == '\0' || name[i] == '\\')) return false;
        if (i < n && name[i] != '/') continue;
        const size_t n_part = i - begin;
        if ((n_part == 1 && name[begin] == '.') || (n_part == 2 && memcmp(name + begin, "..", 2) == 0)) return false;
        begin = i + 1;
    }
    return true;
}

static rt_status check_kind(const archive *a, const ckpt_zip_member *m, size_t flags, size_t method, rt_error *err) {
    if (!is_safe_name(m->name, m->n_name)) return fail_member(a, m, RT_ERR_MALFORMED, err, "has a name that is not a plain relative path");
    if (flags & (ENCRYPTED | STRONGLY_ENCRYPTED | MASKED)) return fail_member(a, m, RT_ERR_UNSUPPORTED, err, "is encrypted");
    if (method != STORED && method != DEFLATED) {
        char name[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: zip archive: member '%s' is packed in a way that is not read (method, central record at byte offset %zu, %zu, "
                       "allowed 0, 8)",
                       a->file, rt_quote(name, m->name, m->n_name), m->record_at, method);
    }
    if (!m->deflated && m->n_stored != m->n_bytes) return fail_member(a, m, RT_ERR_MALFORMED, err, "is stored but has two sizes");
    size_t largest;
    if (!rt_mul_size(m->n_stored, CKPT_ZIP_MAX_EXPANSION, &largest) || m->n_bytes > largest) {
        return fail_member(a, m, RT_ERR_MALFORMED, err, "claims more bytes than its deflated bytes can give");
    }
    return RT_OK;
}

/* Finds the data descriptor behind the bytes: with or without a signature, sizes of 4 or 8 bytes; writers differ, so its values tell. */
static bool find_descriptor(const archive *a, size_t limit, ckpt_zip_member *m) {
    for (size_t n_signature = 0; n_signature <= 4; n_signature += 4) {
        for (size_t width = 4; width <= 8; width += 4) {
            const size_t at = m->end_at, n = n_signature + 4 + 2 * width;
            if (limit - at < n || (n_signature > 0 && u32(a, at) != descriptor_signature)) continue;
            const uint8_t *p = a->bytes + at + n_signature;
            if (le(p, 4) != m->crc || le(p + 4, width) != m->n_stored || le(p + 4 + width, width) != m->n_bytes) continue;
            m->end_at = at + n;
            return true;
        }
    }
    return false;
}

/* limit: where the central directory begins. */
static rt_status read_local(const archive *a, size_t limit, size_t flags, size_t method, ckpt_zip_member *m, rt_error *err) {
    const size_t at = m->local_at;
    if (at > limit || limit - at < LOCAL || u32(a, at) != local_signature) {
        return fail_member(a, m, RT_ERR_MALFORMED, err, "has no local header where its central record says");
    }
    const size_t n_name = u16(a, at + 26), n_extra = u16(a, at + 28);
    const bool deferred = (flags & DESCRIPTOR) != 0;
    if (limit - at - LOCAL < n_name + n_extra) {
        return fail_member(a, m, RT_ERR_MALFORMED, err, "has a local header that reaches past its end");
    }
    if (n_name != m->n_name || memcmp(a->bytes + at + LOCAL, m->name, n_name) != 0) {
        return fail_member(a, m, RT_ERR_MALFORMED, err, "has another name in its local header");
    }
    extents e = {.n_bytes = u32(a, at + 22), .n_stored = u32(a, at + 18)};
    RT_TRY(read_extra(a, at + LOCAL + n_name, n_extra, &e, err));
    const size_t crc = u32(a, at + 14);
    const bool same_sizes = (e.n_bytes == m->n_bytes && e.n_stored == m->n_stored) || (deferred && e.n_bytes == 0 && e.n_stored == 0);
    const bool same_crc = crc == m->crc || (deferred && crc == 0);
    const bool same_kind = u16(a, at + 8) == method && ((u16(a, at + 6) ^ flags) & (ENCRYPTED | DESCRIPTOR)) == 0;
    if (!same_sizes || !same_crc || !same_kind) {
        return fail_member(a, m, RT_ERR_MALFORMED, err, "has other sizes, flags or checksum in its local header");
    }
    m->data_at = at + LOCAL + n_name + n_extra;
    if (m->n_stored > limit - m->data_at) return fail_member(a, m, RT_ERR_MALFORMED, err, "reaches into the central directory");
    m->end_at = m->data_at + m->n_stored;
    if (!deferred || find_descriptor(a, limit, m)) return RT_OK;
    return fail_member(a, m, RT_ERR_MALFORMED, err, "has no data descriptor that agrees with its central record");
}

/* Reads the central record at *at, which lies before `end`, and steps over it. */
static rt_status read_record(const archive *a, const directory *d, size_t *at, size_t end, ckpt_zip_member *m, rt_error *err) {
    const size_t r = *at;
    if (end - r < CENTRAL || u32(a, r) != central_signature) return fail(a, err, "no central record where one must be", r);
    const size_t flags = u16(a, r + 8), method = u16(a, r + 10);
    const size_t n_name = u16(a, r + 28), n_extra = u16(a, r + 30), n_comment = u16(a, r + 32);
    if (end - r - CENTRAL < n_name + n_extra + n_comment) return fail(a, err, "a central record reaches past the directory", r);
    extents e = {.n_bytes = u32(a, r + 24), .n_stored = u32(a, r + 20), .local_at = u32(a, r + 42)};
    RT_TRY(read_extra(a, r + CENTRAL + n_name, n_extra, &e, err));
    *m = (ckpt_zip_member){.name = (const char *)a->bytes + r + CENTRAL, .n_name = n_name, .record_at = r, .local_at = e.local_at,
                           .n_stored = e.n_stored, .n_bytes = e.n_bytes, .deflated = method == DEFLATED, .crc = (uint32_t)u32(a, r + 16)};
    RT_TRY(check_kind(a, m, flags, method, err));
    if (u16(a, r + 34) != 0) return fail_member(a, m, RT_ERR_UNSUPPORTED, err, "lies in another part of an archive in parts");
    *at = r + CENTRAL + n_name + n_extra + n_comment;
    return read_local(a, d->at, flags, method, m, err);
}

/* ---- all members ---- */

static int by_place(const void *a, const void *b) {
    const ckpt_zip_member *x = a, *y = b;
    return (x->local_at > y->local_at) - (x->local_at < y->local_at);
}

static int compare_names(const char *a, size_t n_a, const char *b, size_t n_b) {
    const int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

static int by_name(const void *a, const void *b) {
    const ckpt_zip_member *x = a, *y = b;
    return compare_names(x->name, x->n_name, y->name, y->n_name);
}

static rt_status check_members(const archive *a, ckpt_zip_member *members, size_t n, rt_error *err) {
    size_t end = 0;
    qsort(members, n, sizeof *members, by_place);
    if (members[0].local_at != 0) return fail(a, err, "bytes before its first member", 0);
    for (size_t i = 0; i < n; i++) {
        if (members[i].local_at < end) return fail_member(a, &members[i], RT_ERR_MALFORMED, err, "lies over another member");
        end = members[i].end_at;
    }
    qsort(members, n, sizeof *members, by_name);
    for (size_t i = 1; i < n; i++) {
        if (by_name(&members[i - 1], &members[i]) == 0) return fail_member(a, &members[i], RT_ERR_MALFORMED, err, "is there twice");
    }
    return RT_OK;
}

static rt_status read_members(const archive *a, const directory *d, ckpt_zip_member *members, rt_error *err) {
    size_t at = d->at;
    const size_t end = d->at + d->size;
    for (size_t i = 0; i < d->n; i++) RT_TRY(read_record(a, d, &at, end, &members[i], err));
    if (at != end) return fail(a, err, "bytes after the last central record", at);
    return check_members(a, members, d->n, err);
}

rt_status ckpt_zip_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_zip *zip, rt_error *err) {
    const archive a = {.file = file, .bytes = bytes, .size = size};
    directory d = {0};
    RT_TRY(read_end(&a, &d, err));
    if (d.n == 0) return fail(&a, err, "no members", d.at);
    ckpt_zip_member *members = malloc(d.n * sizeof *members);
    if (members == NULL) return rt_fail_memory(err, d.n * sizeof *members, "the members of a zip archive");
    const rt_status status = read_members(&a, &d, members, err);
    if (status != RT_OK) {
        free(members);
        return status;
    }
    *zip = (ckpt_zip){.members = members, .n = d.n};
    return RT_OK;
}

void ckpt_zip_free(ckpt_zip *zip) {
    free(zip->members);
    *zip = (ckpt_zip){0};
}

const ckpt_zip_member *ckpt_zip_find(const ckpt_zip *zip, const char *name, size_t n_name) {
    if (zip->n == 0) return NULL;
    const ckpt_zip_member wanted = {.name = name, .n_name = n_name};
    return bsearch(&wanted, zip->members, zip->n, sizeof *zip->members, by_name);
}

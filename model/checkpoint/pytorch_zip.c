/* PyTorch's file since 1.6: a zip archive with everything under one folder (pytorch_source.h).
 *
 *     TOP/data.pkl    the state dict      TOP/data/KEY   the bytes of a storage
 *     TOP/byteorder   "little" or "big"   TOP/version, TOP/.data/..., TOP/.format_version, ...   not needed
 *
 * TorchScript archives have the same shape with constants.pkl and code/ in it; they hold a program. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pytorch_source.h"

static const char pickle_name[] = "data.pkl";

enum { MAX_KEY_NAME = CKPT_ZIP_MAX_NAME + CKPT_MAX_NAME + 8, MAX_SMALL = 64 };

/* The member TOP/NAME, or NULL. top [n_top] ends with '/'. */
static const ckpt_zip_member *find(const ckpt_source *s, const char *top, size_t n_top, const char *name, size_t n_name) {
    char path[MAX_KEY_NAME];
    memcpy(path, top, n_top);
    memcpy(path + n_top, name, n_name);
    return ckpt_zip_find(&s->zip, path, n_top + n_name);
}

/* The one folder that every member lies in. */
static rt_status find_top(const ckpt_source *s, const char **top, size_t *n_top, rt_error *err) {
    const ckpt_zip_member *first = &s->zip.members[0];
    const char *slash = memchr(first->name, '/', first->n_name);
    const size_t n = slash == NULL ? 0 : (size_t)(slash - first->name) + 1;
    for (size_t i = 0; i < s->zip.n; i++) {
        const ckpt_zip_member *m = &s->zip.members[i];
        if (n > 0 && m->n_name >= n && memcmp(m->name, first->name, n) == 0) continue;
        char name[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a PyTorch archive: its members do not lie in one folder ('%s', byte offset %zu)",
                       s->file,
                       rt_quote(name, m->name, m->n_name), m->record_at);
    }
    *top = first->name;
    *n_top = n;
    return RT_OK;
}

static rt_status refuse_torchscript(const ckpt_source *s, const char *top, size_t n_top, rt_error *err) {
    static const char constants[] = "constants.pkl", code[] = "code/";
    bool found = find(s, top, n_top, constants, sizeof constants - 1) != NULL;
    for (size_t i = 0; i < s->zip.n && !found; i++) {
        const ckpt_zip_member *m = &s->zip.members[i];
        found = m->n_name >= n_top + sizeof code - 1 && memcmp(m->name + n_top, code, sizeof code - 1) == 0;
    }
    return found ? rt_fail(err, RT_ERR_UNSUPPORTED, "%s: a TorchScript archive, which holds a program: only a state dict is read",
                           s->file) : RT_OK;
}

static rt_status check_byte_order(const ckpt_source *s, const char *top, size_t n_top, rt_error *err) {
    static const char name[] = "byteorder";
    const ckpt_zip_member *m = find(s, top, n_top, name, sizeof name - 1);
    if (m == NULL) return RT_OK; /* before torch 2.1 it was not written, and always little */
    uint8_t inflated[MAX_SMALL];
    const uint8_t *text = s->bytes + m->data_at;
    if (m->deflated && m->n_bytes <= sizeof inflated) {
        RT_TRY(ckpt_zip_inflate(s->file, s->bytes, m, inflated, err));
        text = inflated;
    }
    if (m->n_bytes == 6 && memcmp(text, "little", 6) == 0) return RT_OK;
    if (m->n_bytes == 3 && memcmp(text, "big", 3) == 0) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: numbers with the high byte first are not read (byteorder, byte offset %zu, 'big')",
                       s->file,
                       m->data_at);
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: byteorder says neither little nor big (byte offset %zu)", s->file, m->data_at);
}

/* data.pkl, inflated if need be, its checksum compared. It may not grow beyond what a whole file may. */
static rt_status open_pickle(ckpt_source *s, const ckpt_zip_member *m, ckpt_pickle *pickle, rt_error *err) {
    pickle->size = m->n_bytes;
    if (!m->deflated) {
        pickle->bytes = s->bytes + m->data_at;
        return ckpt_zip_check_crc(s->file, m, pickle->bytes, err);
    }
    if (m->n_bytes / CKPT_MAX_GROWTH > s->size) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: data.pkl inflates to too much (%zu bytes, at most %d times the file's)", s->file, m->n_bytes,
                       CKPT_MAX_GROWTH);
    }
    s->pickle = malloc(m->n_bytes > 0 ? m->n_bytes : 1);
    if (s->pickle == NULL) return rt_fail_memory(err, m->n_bytes, "data.pkl");
    pickle->bytes = s->pickle;
    return ckpt_zip_inflate(s->file, s->bytes, m, s->pickle, err);
}

static rt_status read_pickle(ckpt_source *s, const char *top, size_t n_top, rt_error *err) {
    const ckpt_zip_member *m = find(s, top, n_top, pickle_name, sizeof pickle_name - 1);
    if (m == NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: not a PyTorch archive: no data.pkl in its folder", s->file);
    char file[RT_QUOTE_SIZE + 16];
    size_t n_read = 0;
    strcpy(stpcpy(file, s->file), ": data.pkl");
    ckpt_pickle pickle = {.file = file};
    RT_TRY(open_pickle(s, m, &pickle, err));
    RT_TRY(ckpt_pickle_state_dict(&pickle, &s->dict, &n_read, err));
    if (n_read == pickle.size) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: bytes after its STOP (byte offset %zu)", file, n_read);
}

static rt_status find_storage(ckpt_source *s, const char *top, size_t n_top, size_t i, rt_error *err) {
    const ckpt_pickle_storage *storage = &s->dict.storages[i];
    char name[5 + CKPT_MAX_NAME] = "data/", shown[RT_QUOTE_SIZE];
    size_t n_bytes = 0;
    RT_TRY(ckpt_source_storage_bytes(s, i, &n_bytes, err));
    memcpy(name + 5, storage->key, storage->n_key);
    const ckpt_zip_member *m = find(s, top, n_top, name, 5 + storage->n_key);
    if (m == NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: no member for storage '%s' (data.pkl, byte offset %zu)", s->file,
                       rt_quote(shown, storage->key, storage->n_key), storage->at);
    }
    if (m->n_bytes != n_bytes) {
        return rt_fail(err, RT_ERR_MALFORMED,
                       "%s: storage '%s' has another size in its member (data at byte offset %zu, %zu bytes, needs %zu)",
                       s->file, rt_quote(shown, storage->key, storage->n_key), m->data_at, m->n_bytes, n_bytes);
    }
    if (m->deflated) s->places[i].deflated = m;
    else s->places[i].data = s->bytes + m->data_at;
    return RT_OK;
}

rt_status ckpt_source_read_zip(ckpt_source *s, rt_error *err) {
    const char *top = NULL;
    size_t n_top = 0;
    RT_TRY(ckpt_zip_parse(s->file, s->bytes, s->size, &s->zip, err));
    RT_TRY(find_top(s, &top, &n_top, err));
    RT_TRY(refuse_torchscript(s, top, n_top, err));
    RT_TRY(check_byte_order(s, top, n_top, err));
    RT_TRY(read_pickle(s, top, n_top, err));
    RT_TRY(ckpt_source_make_places(s, err));
    for (size_t i = 0; i < s->dict.n_storages; i++) RT_TRY(find_storage(s, top, n_top, i, err));
    return RT_OK;
}

/* PyTorch's file before 1.6 (pytorch_source.h): five pickles one after another, then the storages.
 *
 *     magic number   protocol 1001   {little_endian, ...}   state dict   [key, ...]
 *     u64 count of elements, the elements      once a key, in the order of the list
 *
 * Numbers are little-endian. The file ends with the last element. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pytorch_source.h"

/* The first two pickles: PROTO 2, LONG1 0x1950a86a20f9469cfc6c, STOP; PROTO 2, BININT2 1001, STOP. */
static const uint8_t magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
static const uint8_t protocol[] = {0x80, 2, 'M', 0xe9, 3, '.'};

enum { COUNT_BYTES = 8 };

bool ckpt_is_legacy(const uint8_t *bytes, size_t size) { return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0; }

static ckpt_pickle rest_of(const ckpt_source *s, size_t at) {
    return (ckpt_pickle){.file = s->file, .bytes = s->bytes + at, .size = s->size - at, .base = at};
}

static rt_status read_system(const ckpt_source *s, size_t *at, rt_error *err) {
    const ckpt_pickle pickle = rest_of(s, *at);
    size_t n_read = 0;
    bool little_endian = false;
    RT_TRY(ckpt_pickle_flag(&pickle, "little_endian", &little_endian, &n_read, err));
    if (!little_endian) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: numbers with the high byte first are not read (little_endian, byte offset %zu, False)",
                       s->file, *at);
    }
    *at += n_read;
    return RT_OK;
}

/* The storage of one key, at *at; steps over it. */
static rt_status read_storage(ckpt_source *s, const ckpt_pickle_key *key, size_t *at, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    const size_t i = ckpt_state_dict_storage(&s->dict, key->text, key->n);
    size_t n_bytes = 0;
    rt_quote(shown, key->text, key->n);
    if (i == s->dict.n_storages) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' belongs to no tensor (byte offset %zu)", s->file, shown, *at);
    }
    if (s->places[i].data != NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' is there twice (byte offset %zu)", s->file, shown, *at);
    }
    RT_TRY(ckpt_source_storage_bytes(s, i, &n_bytes, err));
    if (s->size - *at < COUNT_BYTES || s->size - *at - COUNT_BYTES < n_bytes) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' reaches past the end of the file (byte offset %zu, %zu bytes)", s->file,
                       shown,
                       *at, n_bytes);
    }
    uint64_t count = 0;
    for (size_t j = COUNT_BYTES; j-- > 0;) count = count << 8 | s->bytes[*at + j];
    if (count != s->dict.storages[i].count) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' has two sizes (byte offset %zu, %llu elements, needs %zu)", s->file, shown,
                       *at,
                       (unsigned long long)count, s->dict.storages[i].count);
    }
    s->places[i].data = s->bytes + *at + COUNT_BYTES;
    *at += COUNT_BYTES + n_bytes;
    return RT_OK;
}

static rt_status read_storages(ckpt_source *s, const ckpt_pickle_key *keys, size_t n_keys, size_t at, rt_error *err) {
    RT_TRY(ckpt_source_make_places(s, err));
    for (size_t i = 0; i < n_keys; i++) RT_TRY(read_storage(s, &keys[i], &at, err));
    for (size_t i = 0; i < s->dict.n_storages; i++) {
        if (s->places[i].data != NULL) continue;
        char key[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' is not in the list of keys (byte offset %zu)", s->file,
                       rt_quote(key, s->dict.storages[i].key, s->dict.storages[i].n_key), at);
    }
    if (at == s->size) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: bytes after the last storage (byte offset %zu)", s->file, at);
}

rt_status ckpt_source_read_legacy(ckpt_source *s, rt_error *err) {
    size_t at = sizeof magic, n_read = 0, n_keys = 0;
    if (s->size - at < sizeof protocol || memcmp(s->bytes + at, protocol, sizeof protocol) != 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not protocol 1001 of PyTorch's form before 1.6 (byte offset %zu)", s->file, at);
    }
    at += sizeof protocol;
    RT_TRY(read_system(s, &at, err));
    const ckpt_pickle object = rest_of(s, at);
    RT_TRY(ckpt_pickle_state_dict(&object, &s->dict, &n_read, err));
    at += n_read;
    const ckpt_pickle list = rest_of(s, at);
    ckpt_pickle_key *keys = NULL;
    RT_TRY(ckpt_pickle_keys(&list, &keys, &n_keys, &n_read, err));
    const rt_status status = read_storages(s, keys, n_keys, at + n_read, err);
    free(keys);
    return status;
}

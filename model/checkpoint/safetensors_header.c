/* The header's grammar; see safetensors_header.h. Its depth is fixed, so nothing here nests as the file pleases. */
#include "model/checkpoint/safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "model/json_cursor.h"
#include "runtime/checked.h"

static const ckpt_element elements[] = {
    {"F32", 32, true, RT_F32},        {"F16", 16, true, RT_F16},        {"BF16", 16, true, RT_BF16},      {"BOOL", 8, false, 0},
    {"U8", 8, false, 0},              {"I8", 8, false, 0},              {"U16", 16, false, 0},            {"I16", 16, false, 0},
    {"U32", 32, false, 0},            {"I32", 32, false, 0},            {"U64", 64, false, 0},            {"I64", 64, false, 0},
    {"F64", 64, false, 0},            {"C64", 64, false, 0},            {"F8_E5M2", 8, false, 0},         {"F8_E4M3", 8, false, 0},
    {"F8_E8M0", 8, false, 0},         {"F8_E4M3FNUZ", 8, false, 0},     {"F8_E5M2FNUZ", 8, false, 0},     {"F6_E2M3", 6, false, 0},
    {"F6_E3M2", 6, false, 0},         {"F4", 4, false, 0},
};

enum { N_ELEMENTS = sizeof elements / sizeof *elements, LONGEST_WORD = 16 };

/* The keys of an entry, each needed once. */
static const char *const entry_keys[] = {"dtype", "shape", "data_offsets"};
enum { N_ENTRY_KEYS = sizeof entry_keys / sizeof *entry_keys };

/* A word of the format: NUL-terminated, cut if it is longer than any that the format has. word_at: its offset in the file. */
static rt_status read_word(t5_json_cursor *cursor, char word[LONGEST_WORD + 2], size_t *word_at, rt_error *err) {
    t5_json_text text = {.v = word, .capacity = LONGEST_WORD + 1};
    *word_at = t5_json_offset(cursor);
    RT_TRY(t5_json_string(cursor, &text, err));
    word[text.n < text.capacity ? text.n : text.capacity] = '\0';
    return RT_OK;
}

/* Keeps the name of a new entry behind those before it. */
static rt_status add_entry(ckpt_header *header, const char *name, size_t n, const ckpt_entry *entry, rt_error *err) {
    if (header->n == header->capacity) {
        const size_t grown = header->capacity == 0 ? 64 : 2 * header->capacity;
        ckpt_entry *entries = realloc(header->entries, grown * sizeof *entries);
        if (entries == NULL) return rt_fail_memory(err, grown * sizeof *entries, "the tensors of a header");
        header->entries = entries;
        header->capacity = grown;
    }
    RT_TRY(rt_text_append(&header->names, name, n + 1, err));
    header->entries[header->n++] = *entry;
    return RT_OK;
}

static int by_name(const void *a, const void *b) {
    const ckpt_entry *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->name_at > y->name_at) - (x->name_at < y->name_at);
}

/* Gives the entries their names, sorts by them and refuses equal ones. */
static rt_status index_names(const char *file, ckpt_header *header, rt_error *err) {
    const char *name = header->names.v;
    for (size_t i = 0; i < header->n; i++) {
        header->entries[i].name = name;
        name += strlen(name) + 1;
    }
    if (header->n > 1) qsort(header->entries, header->n, sizeof *header->entries, by_name);
    for (size_t i = 1; i < header->n; i++) {
        const ckpt_entry *a = &header->entries[i - 1], *b = &header->entries[i];
        if (strcmp(a->name, b->name) == 0) {
            char shown[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_MALFORMED, "%s: the key '%s' is there twice (byte offsets %zu and %zu)", file,
                           rt_quote(shown, a->name, strlen(a->name)), a->name_at, b->name_at);
        }
    }
    return RT_OK;
}

/* A key that is data, not part of the format; what: "tensor name" or "metadata key". */
static rt_status read_name(t5_json_cursor *cursor, const char *what, char name[CKPT_MAX_NAME + 1], size_t *n, rt_error *err) {
    t5_json_text text = {.v = name, .capacity = CKPT_MAX_NAME};
    const size_t at = t5_json_offset(cursor);
    RT_TRY(t5_json_string(cursor, &text, err));
    if (text.n == 0 || text.n > CKPT_MAX_NAME) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a %s of %zu bytes (byte offset %zu, allowed 1 to %d)", cursor->file, what, text.n, at,
                       CKPT_MAX_NAME);
    }
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
            char shown[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_MALFORMED, "%s: a %s with a control byte ('%s', byte offset %zu)", cursor->file, what,
                           rt_quote(shown, name, text.n), at);
        }
    }
    name[text.n] = '\0';
    *n = text.n;
    return RT_OK;
}

static rt_status check_count(const t5_json_cursor *cursor, size_t n_done, const char *what, rt_error *err) {
    if (n_done < CKPT_MAX_TENSORS) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "%s: too many %s (byte offset %zu, at most %d)", cursor->file, what, cursor->base + cursor->at,
                   CKPT_MAX_TENSORS);
}

/* The metadata's members, of which `keys` collects the names alone: they mean nothing to us, but must be sound. */
static rt_status read_metadata_members(t5_json_cursor *cursor, ckpt_header *keys, rt_error *err) {
    RT_TRY(t5_json_take(cursor, '{', err));
    for (;;) {
        bool more;
        RT_TRY(t5_json_more(cursor, '}', keys->n, &more, err));
        if (!more) return index_names(cursor->file, keys, err);
        RT_TRY(check_count(cursor, keys->n, "metadata keys", err));
        char key[CKPT_MAX_NAME + 1];
        size_t n;
        const ckpt_entry entry = {.name_at = t5_json_offset(cursor)};
        RT_TRY(read_name(cursor, "metadata key", key, &n, err));
        RT_TRY(t5_json_take(cursor, ':', err));
        RT_TRY(t5_json_string(cursor, &(t5_json_text){0}, err));
        RT_TRY(add_entry(keys, key, n, &entry, err));
    }
}

static rt_status read_metadata(t5_json_cursor *cursor, rt_error *err) {
    ckpt_header keys = {0};
    const rt_status status = read_metadata_members(cursor, &keys, err);
    ckpt_header_free(&keys);
    return status;
}

static rt_status fail_entry(const t5_json_cursor *cursor, const char *name, const char *defect, size_t at, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': %s (byte offset %zu)", cursor->file, rt_quote(shown, name, strlen(name)),
                   defect, at);
}

static rt_status read_dtype(t5_json_cursor *cursor, const char *name, ckpt_entry *entry, rt_error *err) {
    char word[LONGEST_WORD + 2];
    size_t at;
    RT_TRY(read_word(cursor, word, &at, err));
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        if (strcmp(word, elements[i].name) == 0) {
            entry->element = &elements[i];
            return RT_OK;
        }
    }
    char shown[RT_QUOTE_SIZE], type[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': not a type of the format (dtype, byte offset %zu, '%s')", cursor->file,
                   rt_quote(shown, name, strlen(name)), at, rt_quote(type, word, strlen(word)));
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a size in a file must fit a size in memory");

static rt_status read_size(t5_json_cursor *cursor, size_t *size, rt_error *err) {
    uint64_t value;
    RT_TRY(t5_json_natural(cursor, &value, err));
    *size = (size_t)value;
    return RT_OK;
}

static rt_status read_shape(t5_json_cursor *cursor, const char *name, ckpt_entry *entry, rt_error *err) {
    RT_TRY(t5_json_take(cursor, '[', err));
    for (;;) {
        bool more;
        RT_TRY(t5_json_more(cursor, ']', entry->rank, &more, err));
        if (!more) return RT_OK;
        if (entry->rank == CKPT_MAX_RANK) {
            char shown[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_LIMIT, "%s: tensor '%s': too many dimensions (shape, byte offset %zu, at most %d)", cursor->file,
                           rt_quote(shown, name, strlen(name)), t5_json_offset(cursor), CKPT_MAX_RANK);
        }
        RT_TRY(read_size(cursor, &entry->shape[entry->rank], err));
        entry->rank++;
    }
}

static rt_status read_offsets(t5_json_cursor *cursor, ckpt_entry *entry, rt_error *err) {
    RT_TRY(t5_json_take(cursor, '[', err));
    RT_TRY(read_size(cursor, &entry->begin, err));
    RT_TRY(t5_json_take(cursor, ',', err));
    RT_TRY(read_size(cursor, &entry->end, err));
    return t5_json_take(cursor, ']', err);
}

/* One member of an entry; seen_at: where each key stands, 0 where it has not come yet. */
static rt_status read_entry_member(t5_json_cursor *cursor, const char *name, ckpt_entry *entry, size_t seen_at[N_ENTRY_KEYS],
                                   rt_error *err) {
    char word[LONGEST_WORD + 2], shown[RT_QUOTE_SIZE];
    size_t at, key = 0;
    RT_TRY(read_word(cursor, word, &at, err));
    while (key < N_ENTRY_KEYS && strcmp(word, entry_keys[key]) != 0) key++;
    if (key == N_ENTRY_KEYS) return fail_entry(cursor, name, "a key other than dtype, shape and data_offsets", at, err);
    if (seen_at[key] != 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': the key %s is there twice (byte offsets %zu and %zu)", cursor->file,
                       rt_quote(shown, name, strlen(name)), entry_keys[key], seen_at[key], at);
    }
    seen_at[key] = at;
    RT_TRY(t5_json_take(cursor, ':', err));
    if (key == 0) return read_dtype(cursor, name, entry, err);
    return key == 1 ? read_shape(cursor, name, entry, err) : read_offsets(cursor, entry, err);
}

static rt_status read_entry(t5_json_cursor *cursor, const char *name, ckpt_entry *entry, rt_error *err) {
    size_t seen_at[N_ENTRY_KEYS] = {0};
    const size_t at = t5_json_offset(cursor);
    RT_TRY(t5_json_take(cursor, '{', err));
    for (size_t n = 0;; n++) {
        bool more;
        RT_TRY(t5_json_more(cursor, '}', n, &more, err));
        if (!more) break;
        RT_TRY(read_entry_member(cursor, name, entry, seen_at, err));
    }
    for (size_t i = 0; i < N_ENTRY_KEYS; i++) {
        if (seen_at[i] != 0) continue;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': no %s (byte offset %zu)", cursor->file, rt_quote(shown, name, strlen(name)),
                       entry_keys[i], at);
    }
    return RT_OK;
}

/* One member of the header; metadata_at: where the metadata stands, 0 before it has come. */
static rt_status read_member(t5_json_cursor *cursor, ckpt_header *header, size_t *metadata_at, rt_error *err) {
    char name[CKPT_MAX_NAME + 1];
    size_t n;
    ckpt_entry entry = {.name_at = t5_json_offset(cursor)};
    RT_TRY(read_name(cursor, "tensor name", name, &n, err));
    RT_TRY(t5_json_take(cursor, ':', err));
    if (strcmp(name, "__metadata__") == 0) {
        if (*metadata_at != 0) {
            return rt_fail(err, RT_ERR_MALFORMED, "%s: the key '__metadata__' is there twice (byte offsets %zu and %zu)", cursor->file,
                           *metadata_at, entry.name_at);
        }
        *metadata_at = entry.name_at;
        return read_metadata(cursor, err);
    }
    RT_TRY(check_count(cursor, header->n, "tensors", err));
    RT_TRY(read_entry(cursor, name, &entry, err));
    return add_entry(header, name, n, &entry, err);
}

rt_status ckpt_header_parse(const char *file, const uint8_t *data, size_t size, size_t base, ckpt_header *header, rt_error *err) {
    t5_json_cursor cursor = {.file = file, .data = data, .size = size, .base = base};
    size_t metadata_at = 0;
    RT_TRY(t5_json_take(&cursor, '{', err));
    for (size_t n = 0;; n++) {
        bool more;
        RT_TRY(t5_json_more(&cursor, '}', n, &more, err));
        if (!more) break;
        RT_TRY(read_member(&cursor, header, &metadata_at, err));
    }
    RT_TRY(t5_json_end(&cursor, err));
    return index_names(file, header, err);
}

void ckpt_header_free(ckpt_header *header) {
    free(header->entries);
    rt_text_free(&header->names);
    *header = (ckpt_header){0};
}

/* The container proved sound; see gguf.h. One cursor is the only way to the bytes, and every count is compared with the bytes that remain
 * before anything is allocated for it. */
#include "runtime/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/checked.h"

enum {
    ALIGNMENT_MIN = 8,
    ALIGNMENT_MAX = 4096,
    MAGIC_BYTES = 4,
    SMALLEST_PAIR = 8 + 1 + 4 + 1, /* key of one byte, type, value of one byte */
    SMALLEST_INFO = 8 + 1 + 4 + 8 + 4 + 8,
    SMALLEST_STRING = 8
};

/* ggml.h numbers them; the numbers that are missing were withdrawn. */
static const rt_gguf_element elements[] = {
    {0, "F32", 1, 4, true, RT_F32},       {1, "F16", 1, 2, true, RT_F16},       {2, "Q4_0", 32, 18, true, RT_Q4_0},
    {3, "Q4_1", 32, 20, true, RT_Q4_1},   {6, "Q5_0", 32, 22, true, RT_Q5_0},   {7, "Q5_1", 32, 24, true, RT_Q5_1},
    {8, "Q8_0", 32, 34, true, RT_Q8_0},   {9, "Q8_1", 32, 36, false, 0},        {10, "Q2_K", 256, 84, false, 0},
    {11, "Q3_K", 256, 110, false, 0},     {12, "Q4_K", 256, 144, false, 0},     {13, "Q5_K", 256, 176, false, 0},
    {14, "Q6_K", 256, 210, false, 0},     {15, "Q8_K", 256, 292, false, 0},     {16, "IQ2_XXS", 256, 66, false, 0},
    {17, "IQ2_XS", 256, 74, false, 0},    {18, "IQ3_XXS", 256, 98, false, 0},   {19, "IQ1_S", 256, 50, false, 0},
    {20, "IQ4_NL", 32, 18, false, 0},     {21, "IQ3_S", 256, 110, false, 0},    {22, "IQ2_S", 256, 82, false, 0},
    {23, "IQ4_XS", 256, 136, false, 0},   {24, "I8", 1, 1, true, RT_I8},        {25, "I16", 1, 2, false, 0},
    {26, "I32", 1, 4, false, 0},          {27, "I64", 1, 8, false, 0},          {28, "F64", 1, 8, false, 0},
    {29, "IQ1_M", 256, 56, false, 0},     {30, "BF16", 1, 2, true, RT_BF16},    {34, "TQ1_0", 256, 54, false, 0},
    {35, "TQ2_0", 256, 66, false, 0},     {39, "MXFP4", 32, 17, false, 0},
};
enum { N_ELEMENTS = sizeof elements / sizeof *elements };

/* Bytes of a value, by type; 0 where it varies. */
static const uint8_t value_bytes[RT_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

size_t rt_gguf_type_bytes(rt_gguf_type type) { return value_bytes[type]; }

const rt_gguf_element *rt_gguf_element_of(rt_dtype dtype) {
    size_t i = 0;
    while (!elements[i].is_readable || elements[i].dtype != dtype) i++;
    return &elements[i];
}

/* ---- the cursor ---- */

typedef struct cursor {
    const char *file;
    const uint8_t *bytes; /* [size] */
    size_t at, size;
} cursor;

static size_t remaining(const cursor *c) { return c->size - c->at; }

static rt_status take(cursor *c, size_t n, const char *field, const uint8_t **bytes, rt_error *err) {
    if (n > remaining(c)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the file ends too early (%s, byte offset %zu, needs %zu bytes, %zu left)", c->file,
                       field, c->at, n, remaining(c));
    }
    *bytes = c->bytes + c->at;
    c->at += n;
    return RT_OK;
}

static rt_status take_u32(cursor *c, const char *field, uint32_t *value, rt_error *err) {
    const uint8_t *p = NULL;
    RT_TRY(take(c, 4, field, &p, err));
    *value = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return RT_OK;
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a size in a file must fit a size in memory");

static rt_status take_size(cursor *c, const char *field, size_t *value, rt_error *err) {
    const uint8_t *p = NULL;
    RT_TRY(take(c, 8, field, &p, err));
    *value = 0;
    for (size_t i = 8; i-- > 0;) *value = *value << 8 | p[i];
    return RT_OK;
}

static rt_status take_text(cursor *c, const char *field, rt_gguf_text *text, rt_error *err) {
    const uint8_t *p = NULL;
    RT_TRY(take_size(c, field, &text->n, err));
    RT_TRY(take(c, text->n, field, &p, err));
    text->v = (const char *)p;
    return RT_OK;
}

/* A key or the name of a tensor. */
static rt_status take_name(cursor *c, const char *field, size_t max, rt_gguf_text *name, rt_error *err) {
    const size_t at = c->at;
    RT_TRY(take_text(c, field, name, err));
    if (name->n == 0 || name->n > max) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a %s of %zu bytes (byte offset %zu, allowed 1 to %zu)", c->file, field, name->n, at,
                       max);
    }
    for (size_t i = 0; i < name->n; i++) {
        if (name->v[i] >= 0x20 && name->v[i] < 0x7f) continue;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a %s with a byte that is not printable ASCII ('%s', byte offset %zu)", c->file, field,
                       rt_quote(shown, name->v, name->n), at);
    }
    return RT_OK;
}

/* A number of records, of which each needs at least `smallest` bytes of what remains. */
static rt_status check_count(const cursor *c, const char *field, size_t n, size_t smallest, rt_error *err) {
    if (n <= remaining(c) / smallest) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: more than the file has room for (%s, byte offset %zu, %zu, allowed up to %zu)", c->file,
                   field, c->at - 8, n, remaining(c) / smallest);
}

/* ---- pairs ---- */

static rt_status fail_pair(const cursor *c, const rt_gguf_pair *pair, const char *defect, uint32_t value, const char *allowed,
                           rt_error *err) {
    char key[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: key '%s': %s (byte offset %zu, %u, allowed %s)", c->file,
                   rt_quote(key, pair->key.v, pair->key.n), defect, pair->at, value, allowed);
}

static rt_status take_array(cursor *c, rt_gguf_pair *pair, rt_error *err) {
    uint32_t type;
    RT_TRY(take_u32(c, "array", &type, err));
    if (type >= RT_GGUF_N_TYPES || type == RT_GGUF_ARRAY) {
        return fail_pair(c, pair, "not a type of elements", type, "0 to 8, 10 to 12", err);
    }
    pair->element = (rt_gguf_type)type;
    RT_TRY(take_size(c, "array", &pair->n, err));
    const size_t smallest = type == RT_GGUF_STRING ? SMALLEST_STRING : value_bytes[type];
    RT_TRY(check_count(c, "array", pair->n, smallest, err));
    pair->value = c->bytes + c->at;
    if (type != RT_GGUF_STRING) return take(c, pair->n * smallest, "array", &pair->value, err);
    for (size_t i = 0; i < pair->n; i++) {
        rt_gguf_text text;
        RT_TRY(take_text(c, "array", &text, err));
    }
    return RT_OK;
}

static rt_status take_pair(cursor *c, rt_gguf_pair *pair, rt_error *err) {
    uint32_t type;
    *pair = (rt_gguf_pair){.at = c->at};
    RT_TRY(take_name(c, "key", RT_GGUF_MAX_KEY, &pair->key, err));
    RT_TRY(take_u32(c, "type of a value", &type, err));
    if (type >= RT_GGUF_N_TYPES) return fail_pair(c, pair, "not a type of values", type, "0 to 12", err);
    pair->type = (rt_gguf_type)type;
    if (type == RT_GGUF_ARRAY) return take_array(c, pair, err);
    if (type != RT_GGUF_STRING) return take(c, value_bytes[type], "value", &pair->value, err);
    rt_gguf_text text;
    RT_TRY(take_text(c, "value", &text, err));
    pair->value = (const uint8_t *)text.v;
    pair->n = text.n;
    return RT_OK;
}

static int compare_texts(rt_gguf_text a, rt_gguf_text b) {
    const int order = memcmp(a.v, b.v, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_places(size_t a, size_t b) { return (a > b) - (a < b); }

static int by_key(const void *a, const void *b) {
    const rt_gguf_pair *x = a, *y = b;
    const int order = compare_texts(x->key, y->key);
    return order != 0 ? order : compare_places(x->at, y->at);
}

static rt_status fail_twice(const char *file, const char *what, rt_gguf_text text, size_t first, size_t second, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: the %s '%s' is there twice (byte offsets %zu and %zu)", file, what,
                   rt_quote(shown, text.v, text.n), first, second);
}

static rt_status take_pairs(cursor *c, size_t n, rt_gguf *gguf, rt_error *err) {
    if (n == 0) return RT_OK;
    gguf->pairs = malloc(n * sizeof *gguf->pairs);
    if (gguf->pairs == NULL) return rt_fail_memory(err, n * sizeof *gguf->pairs, "the keys of a GGUF file");
    for (size_t i = 0; i < n; i++) RT_TRY(take_pair(c, &gguf->pairs[i], err));
    gguf->n_pairs = n;
    qsort(gguf->pairs, n, sizeof *gguf->pairs, by_key);
    for (size_t i = 1; i < n; i++) {
        const rt_gguf_pair *a = &gguf->pairs[i - 1], *b = &gguf->pairs[i];
        if (compare_texts(a->key, b->key) == 0) return fail_twice(c->file, "key", a->key, a->at, b->at, err);
    }
    return RT_OK;
}

static rt_status read_alignment(const cursor *c, rt_gguf *gguf, rt_error *err) {
    const rt_gguf_pair *pair = rt_gguf_find(gguf, "general.alignment");
    gguf->alignment = RT_GGUF_ALIGNMENT;
    if (pair == NULL) return RT_OK;
    if (pair->type != RT_GGUF_U32) return fail_pair(c, pair, "not of the right type", pair->type, "4: u32", err);
    uint64_t alignment;
    RT_TRY(rt_gguf_count(gguf, pair, &alignment, err));
    if (alignment < ALIGNMENT_MIN || alignment > ALIGNMENT_MAX || (alignment & (alignment - 1)) != 0) {
        return fail_pair(c, pair, "not an alignment", (uint32_t)alignment, "a power of two from 8 to 4096", err);
    }
    gguf->alignment = (size_t)alignment;
    return RT_OK;
}

/* ---- tensors ---- */

static rt_status fail_tensor(const cursor *c, const rt_gguf_tensor *t, const char *defect, size_t value, const char *allowed,
                             rt_error *err) {
    char name[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': %s (info at byte offset %zu, %zu, allowed %s)", c->file,
                   rt_quote(name, t->name.v, t->name.n), defect, t->at, value, allowed);
}

static rt_status find_element(const cursor *c, rt_gguf_tensor *t, uint32_t id, rt_error *err) {
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        if (elements[i].id != id) continue;
        t->element = &elements[i];
        return RT_OK;
    }
    char name[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: tensor '%s': an element type that is not known (info at byte offset %zu, type %u)",
                   c->file, rt_quote(name, t->name.v, t->name.n), t->at, id);
}

static rt_status take_shape(cursor *c, rt_gguf_tensor *t, rt_error *err) {
    RT_TRY(take_u32(c, "rank of a tensor", &t->rank, err));
    if (t->rank == 0 || t->rank > RT_GGUF_MAX_RANK) return fail_tensor(c, t, "not a number of dimensions", t->rank, "1 to 4", err);
    for (unsigned d = t->rank; d-- > 0;) {
        RT_TRY(take_size(c, "dimension of a tensor", &t->shape[d], err));
        if (t->shape[d] == 0) return fail_tensor(c, t, "an empty dimension", 0, "1 and more", err);
    }
    return RT_OK;
}

static rt_status take_info(cursor *c, rt_gguf_tensor *t, rt_error *err) {
    uint32_t id;
    *t = (rt_gguf_tensor){.at = c->at};
    RT_TRY(take_name(c, "name of a tensor", RT_GGUF_MAX_NAME, &t->name, err));
    RT_TRY(take_shape(c, t, err));
    RT_TRY(take_u32(c, "element type of a tensor", &id, err));
    RT_TRY(find_element(c, t, id, err));
    RT_TRY(take_size(c, "offset of a tensor", &t->offset, err));

    const size_t row = t->shape[t->rank - 1];
    if (row % t->element->block != 0) {
        const char *allowed = t->element->block == 32 ? "multiples of 32" : "multiples of 256";
        return fail_tensor(c, t, "its rows do not fill whole blocks", row, allowed, err);
    }
    size_t n_bytes = 0;
    bool fits = rt_mul_size(row / t->element->block, t->element->block_bytes, &n_bytes);
    for (unsigned d = 0; d + 1 < t->rank && fits; d++) fits = rt_mul_size(n_bytes, t->shape[d], &n_bytes);
    if (!fits || n_bytes > c->size) return fail_tensor(c, t, "larger than the file", row, "rows that lie in it", err);
    t->n_bytes = n_bytes;
    return RT_OK;
}

/* The end of a span, filled up to a multiple of the alignment. */
static bool align_up(size_t n, size_t alignment, size_t *aligned) {
    if (!rt_add_size(n, alignment - 1, aligned)) return false;
    *aligned -= *aligned % alignment;
    return true;
}

/* Each tensor begins where the one before it ends, filled up, and ends before the file does. */
static rt_status place_tensors(const cursor *c, rt_gguf *gguf, rt_error *err) {
    size_t data_at = 0, next = 0, end;
    if (gguf->n_tensors == 0) return RT_OK;
    if (!align_up(c->at, gguf->alignment, &data_at) || data_at > c->size) {
        return fail_tensor(c, &gguf->tensors[0], "the file ends before the tensors", c->size, "data behind the infos", err);
    }
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        rt_gguf_tensor *t = &gguf->tensors[i];
        if (t->offset != next) {
            char allowed[32];
            snprintf(allowed, sizeof allowed, "%zu", next);
            return fail_tensor(c, t, "its offset is not where the tensor before it ends", t->offset, allowed, err);
        }
        if (!rt_add_size(t->offset, t->n_bytes, &end) || end > c->size - data_at) {
            return fail_tensor(c, t, "reaches past the end of the file", t->offset, "an end inside it", err);
        }
        t->data = c->bytes + data_at + t->offset;
        if (!align_up(end, gguf->alignment, &next)) return fail_tensor(c, t, "larger than can be counted", t->n_bytes, "less", err);
    }
    return RT_OK;
}

static int by_name(const void *a, const void *b) {
    const rt_gguf_tensor *x = a, *y = b;
    const int order = compare_texts(x->name, y->name);
    return order != 0 ? order : compare_places(x->at, y->at);
}

static rt_status take_tensors(cursor *c, size_t n, rt_gguf *gguf, rt_error *err) {
    if (n == 0) return RT_OK;
    RT_TRY(check_count(c, "n_tensors", n, SMALLEST_INFO, err));
    gguf->tensors = malloc(n * sizeof *gguf->tensors);
    if (gguf->tensors == NULL) return rt_fail_memory(err, n * sizeof *gguf->tensors, "the tensors of a GGUF file");
    for (size_t i = 0; i < n; i++) RT_TRY(take_info(c, &gguf->tensors[i], err));
    gguf->n_tensors = n;
    RT_TRY(place_tensors(c, gguf, err));
    qsort(gguf->tensors, n, sizeof *gguf->tensors, by_name);
    for (size_t i = 1; i < n; i++) {
        const rt_gguf_tensor *a = &gguf->tensors[i - 1], *b = &gguf->tensors[i];
        if (compare_texts(a->name, b->name) == 0) return fail_twice(c->file, "tensor", a->name, a->at, b->at, err);
    }
    return RT_OK;
}

/* ---- the whole ---- */

static rt_status check_version(const cursor *c, uint32_t version, rt_error *err) {
    if (version == 2 || version == 3) return RT_OK;
    if (version == 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a version of GGUF (version, byte offset 4, 0, allowed 2 and 3)", c->file);
    }
    if ((version & 0xffff) == 0) {
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: a big-endian file: only little-endian is read (endianness, byte offset 4, version 0x%08x)", c->file, version);
    }
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: a version of GGUF that is not read (version, byte offset 4, %u, allowed 2 and 3)", c->file,
                   version);
}

static rt_status check_limit(const cursor *c, const char *field, size_t n, size_t max, rt_error *err) {
    if (n <= max) return RT_OK;
    return rt_fail(err, RT_ERR_LIMIT, "%s: too many (%s, %zu, at most %zu)", c->file, field, n, max);
}

static rt_status parse(cursor *c, rt_gguf *gguf, rt_error *err) {
    uint32_t version;
    size_t n_tensors, n_pairs;
    RT_TRY(take_u32(c, "version", &version, err));
    RT_TRY(check_version(c, version, err));
    RT_TRY(take_size(c, "n_tensors", &n_tensors, err));
    RT_TRY(check_count(c, "n_tensors", n_tensors, SMALLEST_INFO, err));
    RT_TRY(take_size(c, "n_pairs", &n_pairs, err));
    RT_TRY(check_count(c, "n_pairs", n_pairs, SMALLEST_PAIR, err));
    RT_TRY(check_limit(c, "n_tensors", n_tensors, RT_GGUF_MAX_TENSORS, err));
    RT_TRY(check_limit(c, "n_pairs", n_pairs, RT_GGUF_MAX_PAIRS, err));
    RT_TRY(take_pairs(c, n_pairs, gguf, err));
    RT_TRY(read_alignment(c, gguf, err));
    return take_tensors(c, n_tensors, gguf, err);
}

rt_status rt_gguf_parse(const char *path, const uint8_t *bytes, size_t size, rt_gguf *gguf, rt_error *err) {
    static const char magic[MAGIC_BYTES] = {'G', 'G', 'U', 'F'};
    rt_gguf parsed = {0};
    rt_quote(parsed.file, path, strlen(path));
    if (size < MAGIC_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0) {
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: not a GGUF file (byte offset 0, '%s', 'GGUF' is needed)", parsed.file,
                       rt_quote(shown, (const char *)bytes, size < 16 ? size : 16));
    }
    cursor c = {.file = parsed.file, .bytes = bytes, .at = MAGIC_BYTES, .size = size};
    const rt_status status = parse(&c, &parsed, err);
    if (status != RT_OK) {
        rt_gguf_free(&parsed);
        return status;
    }
    *gguf = parsed;
    return RT_OK;
}

void rt_gguf_free(rt_gguf *gguf) {
    free(gguf->pairs);
    free(gguf->tensors);
    *gguf = (rt_gguf){0};
}

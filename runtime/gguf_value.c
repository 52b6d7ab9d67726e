/* What a parsed GGUF file holds, by key, name and type; see gguf.h. Values have any alignment, so they are put together from bytes. */
#include <stdlib.h>
#include <string.h>

#include "runtime/gguf.h"

static const char *const type_names[RT_GGUF_N_TYPES] = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64",
};

/* ---- search ---- */

static int compare(const char *wanted, rt_gguf_text text) {
    const size_t n = strlen(wanted);
    const int order = memcmp(wanted, text.v, n < text.n ? n : text.n);
    return order != 0 ? order : (n > text.n) - (n < text.n);
}

static int key_of_pair(const void *key, const void *pair) { return compare(key, ((const rt_gguf_pair *)pair)->key); }

const rt_gguf_pair *rt_gguf_find(const rt_gguf *gguf, const char *key) {
    if (gguf->n_pairs == 0) return NULL;
    return bsearch(key, gguf->pairs, gguf->n_pairs, sizeof *gguf->pairs, key_of_pair);
}

static int name_of_tensor(const void *name, const void *tensor) { return compare(name, ((const rt_gguf_tensor *)tensor)->name); }

const rt_gguf_tensor *rt_gguf_find_tensor(const rt_gguf *gguf, const char *name) {
    if (gguf->n_tensors == 0) return NULL;
    return bsearch(name, gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, name_of_tensor);
}

/* ---- typed values ---- */

static rt_status fail_type(const rt_gguf *gguf, const rt_gguf_pair *pair, const char *allowed, rt_error *err) {
    char key[RT_QUOTE_SIZE];
    const bool is_array = pair->type == RT_GGUF_ARRAY;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: key '%s' has another type (byte offset %zu, %s%s, allowed %s)", gguf->file,
                   rt_quote(key, pair->key.v, pair->key.n), pair->at, is_array ? "array of " : "",
                   type_names[is_array ? pair->element : pair->type], allowed);
}

static uint64_t load(const uint8_t *bytes, size_t n) {
    uint64_t value = 0;
    for (size_t i = n; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

rt_status rt_gguf_count(const rt_gguf *gguf, const rt_gguf_pair *pair, uint64_t *count, rt_error *err) {
    size_t n_bytes;
    bool is_signed = false;
    switch (pair->type) {
    case RT_GGUF_I8: is_signed = true; /* fall through */
    case RT_GGUF_U8: n_bytes = 1; break;
    case RT_GGUF_I16: is_signed = true; /* fall through */
    case RT_GGUF_U16: n_bytes = 2; break;
    case RT_GGUF_I32: is_signed = true; /* fall through */
    case RT_GGUF_U32: n_bytes = 4; break;
    case RT_GGUF_I64: is_signed = true; /* fall through */
    case RT_GGUF_U64: n_bytes = 8; break;
    default: return fail_type(gguf, pair, "a whole number", err);
    }
    const uint64_t value = load(pair->value, n_bytes);
    if (is_signed && value >> (8 * n_bytes - 1) != 0) {
        char key[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: key '%s' is below 0 (byte offset %zu, allowed 0 and more)", gguf->file,
                       rt_quote(key, pair->key.v, pair->key.n), pair->at);
    }
    *count = value;
    return RT_OK;
}

static float float_of(uint64_t bits) {
    const uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}

rt_status rt_gguf_float(const rt_gguf *gguf, const rt_gguf_pair *pair, double *number, rt_error *err) {
    if (pair->type == RT_GGUF_F32) {
        *number = (double)float_of(load(pair->value, 4));
        return RT_OK;
    }
    if (pair->type != RT_GGUF_F64) return fail_type(gguf, pair, "f32 or f64", err);
    const uint64_t bits = load(pair->value, 8);
    memcpy(number, &bits, sizeof *number);
    return RT_OK;
}

rt_status rt_gguf_bool(const rt_gguf *gguf, const rt_gguf_pair *pair, bool *flag, rt_error *err) {
    if (pair->type != RT_GGUF_BOOL) return fail_type(gguf, pair, "bool", err);
    if (*pair->value > 1) {
        char key[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: key '%s' is no truth value (byte offset %zu, %u, allowed 0 and 1)", gguf->file,
                       rt_quote(key, pair->key.v, pair->key.n), pair->at, *pair->value);
    }
    *flag = *pair->value == 1;
    return RT_OK;
}

rt_status rt_gguf_string(const rt_gguf *gguf, const rt_gguf_pair *pair, rt_gguf_text *text, rt_error *err) {
    if (pair->type != RT_GGUF_STRING) return fail_type(gguf, pair, "string", err);
    *text = (rt_gguf_text){.v = (const char *)pair->value, .n = pair->n};
    return RT_OK;
}

rt_status rt_gguf_array(const rt_gguf *gguf, const rt_gguf_pair *pair, rt_gguf_type element, rt_error *err) {
    if (pair->type == RT_GGUF_ARRAY && pair->element == element) return RT_OK;
    char allowed[32] = "array of ";
    return fail_type(gguf, pair, strcat(allowed, type_names[element]), err);
}

int32_t rt_gguf_i32_at(const rt_gguf_pair *array, size_t i) { return (int32_t)load(array->value + 4 * i, 4); }

float rt_gguf_f32_at(const rt_gguf_pair *array, size_t i) { return float_of(load(array->value + 4 * i, 4)); }

rt_gguf_text rt_gguf_next_string(const uint8_t **at) {
    const rt_gguf_text text = {.v = (const char *)*at + 8, .n = (size_t)load(*at, 8)};
    *at += 8 + text.n;
    return text;
}

bool rt_gguf_text_is(rt_gguf_text text, const char *that) { return compare(that, text) == 0; }

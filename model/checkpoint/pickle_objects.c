/* What a state dict's global names, calls and persistent ids stand for; see pickle_reader.h. */
#include <string.h>

#include "model/checkpoint/pickle_reader.h"

typedef enum role { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_CLASS } role;

typedef struct known_global {
    const char *module, *name;
    role role;
    ckpt_element element; /* of a STORAGE_CLASS */
} known_global;

#define STORAGE(name, element, bits, readable, dtype) {"torch", name "Storage", STORAGE_CLASS, {element, bits, readable, dtype}}

static const known_global globals[] = {
    {"collections", "OrderedDict", ORDERED_DICT, {0}},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, {0}},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, {0}},
    STORAGE("Float", "F32", 32, true, RT_F32),
    STORAGE("Half", "F16", 16, true, RT_F16),
    STORAGE("BFloat16", "BF16", 16, true, RT_BF16),
    STORAGE("Double", "F64", 64, false, 0),
    STORAGE("Long", "I64", 64, false, 0),
    STORAGE("Int", "I32", 32, false, 0),
    STORAGE("Short", "I16", 16, false, 0),
    STORAGE("Char", "I8", 8, false, 0),
    STORAGE("Byte", "U8", 8, false, 0),
    STORAGE("Bool", "BOOL", 8, false, 0),
    STORAGE("ComplexFloat", "C64", 64, false, 0),
    STORAGE("ComplexDouble", "C128", 128, false, 0),
};
enum { N_GLOBALS = sizeof globals / sizeof *globals };

/* ---- names ---- */

static bool is_name(const char *bytes, size_t n, const char *name) { return n == strlen(name) && memcmp(bytes, name, n) == 0; }

static bool begins_with(const char *bytes, size_t n, const char *prefix) {
    return n >= strlen(prefix) && memcmp(bytes, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *bytes, size_t n, const char *suffix) {
    return n >= strlen(suffix) && memcmp(bytes + n - strlen(suffix), suffix, strlen(suffix)) == 0;
}

/* Steps over an opcode that keeps the value in hand in the memo. */
static size_t skip_put(const ckpt_pickle_reader *r, size_t at) {
    const size_t n = at < r->size && r->bytes[at] == 'q' ? 2 : at < r->size && r->bytes[at] == 'r' ? 5 : 0;
    return at + n;
}

/* The class just named is about to be instantiated, by EMPTY_TUPLE and NEWOBJ, or is a module of torch's old persistent ids. */
static bool begins_object(const ckpt_pickle_reader *r) {
    size_t at = skip_put(r, r->at);
    if (r->stack.n > 0 && ckpt_pickle_is_text(r, ((const ckpt_value *)r->stack.v)[r->stack.n - 1], "module")) return true;
    if (at >= r->size || r->bytes[at] != ')') return false;
    at = skip_put(r, at + 1);
    return at < r->size && r->bytes[at] == 0x81;
}

/* Known things that are not read are unsupported; a name out of nowhere has no place in a state dict at all. */
static rt_status refuse_global(const ckpt_pickle_reader *r, const char *module, size_t n_module, const char *name, size_t n_name,
                               rt_error *err) {
    char shown_module[RT_QUOTE_SIZE], shown_name[RT_QUOTE_SIZE];
    rt_quote(shown_module, module, n_module);
    rt_quote(shown_name, name, n_name);
    const size_t at = r->base + r->opcode_at;
    if (is_name(module, n_module, "torch._utils") && begins_with(name, n_name, "_rebuild_")) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: a kind of tensor that is not read (GLOBAL, byte offset %zu, '%s.%s')", r->file, at,
                       shown_module, shown_name);
    }
    if (is_name(module, n_module, "torch") && begins_with(name, n_name, "Q") && ends_with(name, n_name, "Storage")) {
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: quantised tensors are not read (GLOBAL, byte offset %zu, '%s.%s')", r->file, at,
                       shown_module, shown_name);
    }
    if (begins_object(r)) {
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: a whole model, or another object of a program: only its state dict is read (GLOBAL, byte offset %zu, '%s.%s')",
                       r->file, at, shown_module, shown_name);
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: it asks for '%s.%s', which no state dict needs (GLOBAL, byte offset %zu)", r->file,
                   shown_module, shown_name, at);
}

rt_status ckpt_pickle_global(ckpt_pickle_reader *r, const char *module, size_t n_module, const char *name, size_t n_name, ckpt_value *value,
                             rt_error *err) {
    for (size_t i = 0; i < N_GLOBALS; i++) {
        if (!is_name(module, n_module, globals[i].module) || !is_name(name, n_name, globals[i].name)) continue;
        *value = (ckpt_value){.kind = CKPT_GLOBAL, .index = i};
        return RT_OK;
    }
    return refuse_global(r, module, n_module, name, n_name, err);
}

/* ---- calls ---- */

/* A whole number >= 0. */
static rt_status read_size(const ckpt_pickle_reader *r, ckpt_value value, const char *defect, size_t *size, rt_error *err) {
    if (value.kind != CKPT_INT || value.number < 0) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, defect);
    *size = (size_t)value.number;
    return RT_OK;
}

static rt_status read_sizes(const ckpt_pickle_reader *r, ckpt_value tuple, const char *defect, size_t sizes[CKPT_MAX_RANK], rt_error *err) {
    for (size_t i = 0; i < tuple.n; i++) RT_TRY(read_size(r, ckpt_pickle_item(r, tuple, i), defect, &sizes[i], err));
    return RT_OK;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]). */
static rt_status rebuild_tensor(ckpt_pickle_reader *r, ckpt_value arguments, ckpt_value *value, rt_error *err) {
    if (arguments.n != 6 && arguments.n != 7) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a tensor that is not of 6 or 7 parts");
    const ckpt_value storage = ckpt_pickle_item(r, arguments, 0), shape = ckpt_pickle_item(r, arguments, 2),
                     stride = ckpt_pickle_item(r, arguments, 3);
    if (storage.kind != CKPT_STORAGE) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a tensor without a storage");
    if (shape.kind != CKPT_TUPLE || stride.kind != CKPT_TUPLE || shape.n != stride.n) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a tensor whose shape and strides are not two tuples of one length");
    }
    if (shape.n > CKPT_MAX_RANK) return ckpt_pickle_fail(r, RT_ERR_LIMIT, err, "a tensor of more than 4 dimensions");
    ckpt_pickle_tensor tensor = {.storage = storage.index, .rank = shape.n, .at = r->opcode_at};
    RT_TRY(read_size(r, ckpt_pickle_item(r, arguments, 1), "a tensor whose offset is not a whole number", &tensor.offset, err));
    RT_TRY(read_sizes(r, shape, "a tensor whose shape is not of whole numbers", tensor.shape, err));
    RT_TRY(read_sizes(r, stride, "a tensor whose strides are not whole numbers", tensor.stride, err));
    *value = (ckpt_value){.kind = CKPT_TENSOR, .index = r->tensors.n};
    return ckpt_pickle_add(r, &r->tensors, &tensor, sizeof tensor, CKPT_MAX_TENSORS, "tensors", err);
}

/* _rebuild_parameter(tensor, requires_grad, hooks): the tensor. */
static rt_status rebuild_parameter(const ckpt_pickle_reader *r, ckpt_value arguments, ckpt_value *value, rt_error *err) {
    if (arguments.n != 3 || ckpt_pickle_item(r, arguments, 0).kind != CKPT_TENSOR) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a parameter without a tensor");
    }
    *value = ckpt_pickle_item(r, arguments, 0);
    return RT_OK;
}

rt_status ckpt_pickle_call(ckpt_pickle_reader *r, ckpt_value function, ckpt_value arguments, ckpt_value *value, rt_error *err) {
    switch (globals[function.index].role) {
    case REBUILD_TENSOR: return rebuild_tensor(r, arguments, value, err);
    case REBUILD_PARAMETER: return rebuild_parameter(r, arguments, value, err);
    case ORDERED_DICT:
        if (arguments.n > 0) return ckpt_pickle_fail(r, RT_ERR_UNSUPPORTED, err, "an OrderedDict that is not filled entry by entry");
        *value = (ckpt_value){.kind = CKPT_DICT, .index = r->n_containers++};
        return RT_OK;
    case STORAGE_CLASS: break;
    }
    return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a call of a class of storage");
}

/* ---- persistent ids ---- */

/* A key becomes part of the name of a zip member. */
static bool is_safe_key(const char *key, size_t n) { return n > 0 && n <= CKPT_MAX_NAME && memchr(key, '/', n) == NULL; }

/* ('storage', class, key, location, count), to which the form before 1.6 adds None, or what a view of another storage is. */
rt_status ckpt_pickle_persistent(ckpt_pickle_reader *r, ckpt_value id, ckpt_value *value, rt_error *err) {
    if (id.kind != CKPT_TUPLE || (id.n != 5 && id.n != 6)) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a persistent id that is not a tuple of 5 or 6");
    }
    const ckpt_value class = ckpt_pickle_item(r, id, 1), key = ckpt_pickle_item(r, id, 2);
    if (!ckpt_pickle_is_text(r, ckpt_pickle_item(r, id, 0), "storage")) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a persistent id that is not of a storage");
    }
    if (class.kind != CKPT_GLOBAL || globals[class.index].role != STORAGE_CLASS) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a storage of no class");
    }
    if (key.kind != CKPT_TEXT || !is_safe_key(ckpt_pickle_text(r, key), key.n)) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a storage whose key is not a plain name");
    }
    if (ckpt_pickle_item(r, id, 3).kind != CKPT_TEXT) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a storage without a location");
    if (id.n == 6 && ckpt_pickle_item(r, id, 5).kind != CKPT_NONE) {
        return ckpt_pickle_fail(r, RT_ERR_UNSUPPORTED, err, "a storage that is a view of another");
    }
    ckpt_pickle_storage storage = {.key = ckpt_pickle_text(r, key), .n_key = key.n, .element = &globals[class.index].element,
                                   .at = r->opcode_at};
    RT_TRY(read_size(r, ckpt_pickle_item(r, id, 4), "a storage whose size is not a whole number", &storage.count, err));
    *value = (ckpt_value){.kind = CKPT_STORAGE, .index = r->storages.n};
    return ckpt_pickle_add(r, &r->storages, &storage, sizeof storage, CKPT_MAX_TENSORS, "storages", err);
}

/* A state dict, and the small pickles of the form before 1.6, out of what a pickle holds; see pickle.h. */
#include "model/checkpoint/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pickle_reader.h"

static ckpt_pickle_reader reader_of(const ckpt_pickle *pickle) {
    return (ckpt_pickle_reader){.file = pickle->file, .bytes = pickle->bytes, .size = pickle->size, .base = pickle->base};
}

static rt_status run_for(ckpt_pickle_reader *r, ckpt_kind kind, const char *defect, ckpt_value *result, rt_error *err) {
    RT_TRY(ckpt_pickle_run(r, result, err));
    return result->kind == kind ? RT_OK : ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, defect);
}

/* ---- storages: each key once ---- */

static int compare_keys(const char *a, size_t n_a, const char *b, size_t n_b) {
    const int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

static int by_key(const void *a, const void *b) {
    const ckpt_pickle_storage *x = a, *y = b;
    const int order = compare_keys(x->key, x->n_key, y->key, y->n_key);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Sorts the storages and keeps one of each key. */
static rt_status merge_storages(const ckpt_pickle_reader *r, ckpt_state_dict *dict, rt_error *err) {
    ckpt_pickle_storage *const s = dict->storages;
    size_t n = 0;
    if (dict->n_storages > 1) qsort(s, dict->n_storages, sizeof *s, by_key);
    for (size_t i = 0; i < dict->n_storages; i++) {
        if (n == 0 || compare_keys(s[n - 1].key, s[n - 1].n_key, s[i].key, s[i].n_key) != 0) {
            s[n++] = s[i];
        } else if (s[n - 1].element != s[i].element || s[n - 1].count != s[i].count) {
            char key[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' has two types or sizes (byte offsets %zu and %zu)", r->file,
                           rt_quote(key, s[i].key, s[i].n_key), r->base + s[n - 1].at, r->base + s[i].at);
        }
    }
    dict->n_storages = n;
    return RT_OK;
}

/* named [*]: the storages as the tensors number them. */
static void renumber_storages(const ckpt_pickle_storage *named, ckpt_state_dict *dict) {
    for (size_t i = 0; i < dict->n_tensors; i++) {
        const ckpt_pickle_storage *storage = &named[dict->tensors[i].storage];
        dict->tensors[i].storage = ckpt_state_dict_storage(dict, storage->key, storage->n_key);
    }
}

static rt_status take_tensors(ckpt_pickle_reader *r, ckpt_state_dict *dict, rt_error *err) {
    const size_t n = r->storages.n, bytes = n * sizeof *dict->storages;
    if (n == 0) return RT_OK; /* and so no tensor */
    dict->storages = malloc(bytes);
    if (dict->storages == NULL) return rt_fail_memory(err, bytes, "the storages of a checkpoint");
    memcpy(dict->storages, r->storages.v, bytes);
    dict->n_storages = n;
    RT_TRY(merge_storages(r, dict, err));
    dict->tensors = r->tensors.v;
    dict->n_tensors = r->tensors.n;
    r->tensors = (ckpt_array){0};
    renumber_storages(r->storages.v, dict);
    return RT_OK;
}

/* ---- names: each tensor of the outermost dict ---- */

static rt_status fail_entry(const ckpt_pickle_reader *r, const ckpt_pickle_entry *entry, rt_error *err, const char *defect) {
    char name[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: '%s': %s (byte offset %zu)", r->file,
                   rt_quote(name, ckpt_pickle_text(r, entry->key), entry->key.n), defect, r->base + entry->key.index);
}

static rt_status add_name(const ckpt_pickle_reader *r, const ckpt_pickle_entry *entry, ckpt_state_dict *dict, rt_error *err) {
    const char *name = ckpt_pickle_text(r, entry->key);
    const size_t n = entry->key.n;
    if (n == 0 || n > CKPT_MAX_NAME) return fail_entry(r, entry, err, "a tensor name that is empty or of more than 256 bytes");
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return fail_entry(r, entry, err, "a tensor name with a control byte");
    }
    if (entry->value.kind == CKPT_DICT) {
        return fail_entry(r, entry, err, "a dict where a tensor must be: not a state dict but something round it");
    }
    if (entry->value.kind != CKPT_TENSOR) return fail_entry(r, entry, err, "not a tensor, as every value of a state dict must be");
    dict->names[dict->n_names++] = (ckpt_pickle_name){.tensor = entry->value.index, .at = entry->key.index};
    RT_TRY(rt_text_append(&dict->text, name, n, err));
    return rt_text_append(&dict->text, "", 1, err);
}

static int by_name(const void *a, const void *b) {
    const ckpt_pickle_name *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static rt_status sort_names(const ckpt_pickle_reader *r, ckpt_state_dict *dict, rt_error *err) {
    const char *name = dict->text.v;
    for (size_t i = 0; i < dict->n_names; i++) {
        dict->names[i].name = name;
        name += strlen(name) + 1;
    }
    if (dict->n_names > 1) qsort(dict->names, dict->n_names, sizeof *dict->names, by_name);
    for (size_t i = 1; i < dict->n_names; i++) {
        const ckpt_pickle_name *a = &dict->names[i - 1], *b = &dict->names[i];
        if (strcmp(a->name, b->name) != 0) continue;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the key '%s' is there twice (byte offsets %zu and %zu)", r->file,
                       rt_quote(shown, a->name, strlen(a->name)), r->base + a->at, r->base + b->at);
    }
    return RT_OK;
}

static rt_status take_names(const ckpt_pickle_reader *r, size_t root, ckpt_state_dict *dict, rt_error *err) {
    const ckpt_pickle_entry *entries = r->entries.v;
    size_t n = 0;
    for (size_t i = 0; i < r->entries.n; i++) n += entries[i].container == root;
    if (n > CKPT_MAX_TENSORS) return rt_fail(err, RT_ERR_LIMIT, "%s: too many tensors (%zu, at most %d)", r->file, n, CKPT_MAX_TENSORS);
    if (n == 0) return RT_OK;
    dict->names = malloc(n * sizeof *dict->names);
    if (dict->names == NULL) return rt_fail_memory(err, n * sizeof *dict->names, "the names of a checkpoint");
    for (size_t i = 0; i < r->entries.n; i++) {
        if (entries[i].container == root) RT_TRY(add_name(r, &entries[i], dict, err));
    }
    return sort_names(r, dict, err);
}

static rt_status read_state_dict(ckpt_pickle_reader *r, ckpt_state_dict *dict, rt_error *err) {
    ckpt_value root;
    RT_TRY(run_for(r, CKPT_DICT, "not a state dict: what is pickled is no dict", &root, err));
    RT_TRY(take_tensors(r, dict, err));
    return take_names(r, root.index, dict, err);
}

rt_status ckpt_pickle_state_dict(const ckpt_pickle *pickle, ckpt_state_dict *dict, size_t *n_read, rt_error *err) {
    ckpt_pickle_reader r = reader_of(pickle);
    ckpt_state_dict read = {0};
    const rt_status status = read_state_dict(&r, &read, err);
    ckpt_pickle_reader_free(&r);
    if (status != RT_OK) {
        ckpt_state_dict_free(&read);
        return status;
    }
    *dict = read;
    *n_read = r.at;
    return RT_OK;
}

void ckpt_state_dict_free(ckpt_state_dict *dict) {
    free(dict->storages);
    free(dict->tensors);
    free(dict->names);
    rt_text_free(&dict->text);
    *dict = (ckpt_state_dict){0};
}

size_t ckpt_state_dict_storage(const ckpt_state_dict *dict, const char *key, size_t n_key) {
    size_t low = 0, high = dict->n_storages;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_keys(dict->storages[middle].key, dict->storages[middle].n_key, key, n_key);
        if (order == 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return dict->n_storages;
}

/* ---- the small pickles ---- */

static rt_status read_flag(ckpt_pickle_reader *r, const char *key, bool *flag, rt_error *err) {
    ckpt_value root;
    RT_TRY(run_for(r, CKPT_DICT, "what is pickled is no dict", &root, err));
    const ckpt_pickle_entry *entries = r->entries.v;
    for (size_t i = 0; i < r->entries.n; i++) {
        if (entries[i].container != root.index || !ckpt_pickle_is_text(r, entries[i].key, key)) continue;
        if (entries[i].value.kind != CKPT_BOOL) break;
        *flag = entries[i].value.number != 0;
        return RT_OK;
    }
    return rt_fail(err, RT_ERR_MALFORMED, "%s: no truth value '%s' (byte offset %zu)", r->file, key, r->base);
}

rt_status ckpt_pickle_flag(const ckpt_pickle *pickle, const char *key, bool *flag, size_t *n_read, rt_error *err) {
    ckpt_pickle_reader r = reader_of(pickle);
    const rt_status status = read_flag(&r, key, flag, err);
    ckpt_pickle_reader_free(&r);
    if (status == RT_OK) *n_read = r.at;
    return status;
}

static rt_status add_key(const ckpt_pickle_reader *r, ckpt_value value, ckpt_array *list, rt_error *err) {
    if (value.kind != CKPT_TEXT) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a key that is not a text");
    const ckpt_pickle_key key = {.text = ckpt_pickle_text(r, value), .n = value.n};
    return ckpt_pickle_add(r, list, &key, sizeof key, CKPT_MAX_TENSORS, "keys", err);
}

static rt_status read_keys(ckpt_pickle_reader *r, ckpt_pickle_key **keys, size_t *n_keys, rt_error *err) {
    ckpt_value root;
    RT_TRY(run_for(r, CKPT_LIST, "what is pickled is no list", &root, err));
    const ckpt_pickle_entry *entries = r->entries.v;
    ckpt_array list = {0};
    for (size_t i = 0; i < r->entries.n; i++) {
        if (entries[i].container != root.index) continue;
        const rt_status status = add_key(r, entries[i].value, &list, err);
        if (status != RT_OK) {
            free(list.v);
            return status;
        }
    }
    *keys = list.v;
    *n_keys = list.n;
    return RT_OK;
}

rt_status ckpt_pickle_keys(const ckpt_pickle *pickle, ckpt_pickle_key **keys, size_t *n_keys, size_t *n_read, rt_error *err) {
    ckpt_pickle_reader r = reader_of(pickle);
    const rt_status status = read_keys(&r, keys, n_keys, err);
    ckpt_pickle_reader_free(&r);
    if (status == RT_OK) *n_read = r.at;
    return status;
}

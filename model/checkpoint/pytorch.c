/* Tensors out of storages; see pytorch.h. */
#include "model/checkpoint/pytorch.h"

#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pytorch_source.h"
#include "model/checkpoint/strided.h"
#include "model/file_guess.h"
#include "runtime/checked.h"

/* ---- what both forms share ---- */

rt_status ckpt_source_make_places(ckpt_source *source, rt_error *err) {
    const size_t n = source->dict.n_storages;
    if (n == 0) return RT_OK;
    source->places = calloc(n, sizeof *source->places);
    return source->places != NULL ? RT_OK : rt_fail_memory(err, n * sizeof *source->places, "the storages of a checkpoint");
}

rt_status ckpt_source_storage_bytes(const ckpt_source *source, size_t storage, size_t *n_bytes, rt_error *err) {
    const ckpt_pickle_storage *s = &source->dict.storages[storage];
    if (rt_mul_size(s->count, s->element->bits / 8, n_bytes)) return RT_OK;
    char key[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: storage '%s' is larger than can be counted (byte offset %zu of its pickle, %zu elements)",
                   source->file, rt_quote(key, s->key, s->n_key), s->at, s->count);
}

void ckpt_source_free(ckpt_source *source) {
    ckpt_zip_free(&source->zip);
    ckpt_state_dict_free(&source->dict);
    free(source->pickle);
    free(source->places);
}

/* ---- tensors ---- */

static rt_status fail_tensor(const ckpt_source *s, const ckpt_pickle_name *name, rt_error *err, rt_status status, const char *defect) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, status, "%s: tensor '%s': %s (byte offset %zu of its pickle)", s->file,
                   rt_quote(shown, name->name, strlen(name->name)), defect, s->dict.tensors[name->tensor].at);
}

static ckpt_strided view_of(const ckpt_pickle_tensor *t) {
    return (ckpt_strided){.rank = t->rank, .shape = t->shape, .stride = t->stride, .offset = t->offset};
}

/* The type is one that we read, and the view lies in its storage. *out lacks only the data. */
static rt_status describe(const ckpt_source *s, const ckpt_pickle_name *name, ckpt_tensor *out, rt_error *err) {
    const ckpt_pickle_tensor *t = &s->dict.tensors[name->tensor];
    const ckpt_pickle_storage *storage = &s->dict.storages[t->storage];
    const ckpt_strided view = view_of(t);
    size_t count, n_bytes;
    if (!storage->element->readable) {
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: tensor '%s' has an element type that is not read (dtype, byte offset %zu of its pickle, %s, allowed F32, "
                       "F16, BF16)",
                       s->file, rt_quote(shown, name->name, strlen(name->name)), t->at, storage->element->name);
    }
    if (!ckpt_strided_fits(&view, storage->count)) {
        return fail_tensor(s, name, err, RT_ERR_MALFORMED, "reaches past the end of its storage");
    }
    if (!ckpt_strided_count(&view, &count) || !rt_mul_size(count, storage->element->bits / 8, &n_bytes)) {
        return fail_tensor(s, name, err, RT_ERR_LIMIT, "its shape is larger than can be counted");
    }
    *out = (ckpt_tensor){.name = name->name, .dtype = storage->element->dtype, .rank = t->rank, .n_bytes = n_bytes};
    memcpy(out->shape, t->shape, sizeof out->shape);
    return RT_OK;
}

/* The copy of a tensor that does not lie in one piece. */
typedef struct copy {
    bool made;
    const uint8_t *data;
} copy;

/* Gives every tensor its data: of its storage, or of a copy that is dealt out by `arena`. While that measures, nothing is inflated or
 * copied, and what is not in the file stays NULL. copies [dict.n_tensors], zeroed: one tensor of two names is copied once. */
static rt_status fill(ckpt_source *s, ckpt_pytorch *pt, copy *copies, rt_arena *arena, rt_error *err) {
    for (size_t i = 0; i < s->dict.n_storages; i++) {
        const ckpt_zip_member *m = s->places[i].deflated;
        if (m == NULL) continue;
        uint8_t *out = rt_arena_alloc(arena, m->n_bytes, 1);
        if (out != NULL) RT_TRY(ckpt_zip_inflate(s->file, s->bytes, m, out, err));
        s->places[i].data = out;
    }
    for (size_t i = 0; i < pt->n; i++) {
        const size_t number = s->dict.names[i].tensor;
        const ckpt_pickle_tensor *t = &s->dict.tensors[number];
        const ckpt_strided view = view_of(t);
        const uint8_t *storage = s->places[t->storage].data;
        const size_t element = s->dict.storages[t->storage].element->bits / 8;
        if (ckpt_strided_is_contiguous(&view)) {
            pt->tensors[i].data = storage == NULL ? NULL : storage + t->offset * element;
            continue;
        }
        if (!copies[number].made) {
            uint8_t *out = rt_arena_alloc(arena, pt->tensors[i].n_bytes, 1);
            if (out != NULL) ckpt_strided_copy(&view, element, storage, out);
            copies[number] = (copy){.made = true, .data = out};
        }
        pt->tensors[i].data = copies[number].data;
    }
    return RT_OK;
}

/* Measures, then fills. */
static rt_status fill_all(ckpt_source *s, ckpt_pytorch *pt, copy *copies, rt_error *err) {
    rt_arena measured = {0};
    RT_TRY(fill(s, pt, copies, &measured, err));
    if (measured.overflow || measured.used / CKPT_MAX_GROWTH > s->size) {
        return rt_fail(err, RT_ERR_LIMIT,
                       "%s: deflated and strided tensors take too much memory (%zu bytes, at most %d times the file's %zu)",
                       s->file, measured.overflow ? SIZE_MAX : measured.used, CKPT_MAX_GROWTH, s->size);
    }
    if (measured.used == 0) return RT_OK;
    RT_TRY(rt_arena_provide(&pt->copies, &measured, "tensors that are deflated or strided", err));
    memset(copies, 0, s->dict.n_tensors * sizeof *copies);
    return fill(s, pt, copies, &pt->copies, err);
}

static rt_status make_tensors(ckpt_source *s, ckpt_pytorch *pt, rt_error *err) {
    const size_t n = s->dict.n_names;
    if (n == 0) return RT_OK;
    pt->tensors = malloc(n * sizeof *pt->tensors);
    copy *copies = calloc(s->dict.n_tensors, sizeof *copies);
    const bool has_room = pt->tensors != NULL && copies != NULL;
    rt_status status = has_room ? RT_OK : rt_fail_memory(err, n * sizeof *pt->tensors, "the tensors of a checkpoint");
    for (size_t i = 0; i < n && status == RT_OK; i++) {
        status = describe(s, &s->dict.names[i], &pt->tensors[i], err);
        pt->n = i + 1;
    }
    if (status == RT_OK) status = fill_all(s, pt, copies, err);
    free(copies);
    pt->names = s->dict.text;
    s->dict.text = (rt_text){0};
    return status;
}

/* ---- files ---- */

static rt_status read_source(ckpt_source *s, rt_error *err) {
    if (ckpt_is_legacy(s->bytes, s->size)) return ckpt_source_read_legacy(s, err);
    if (s->size >= 4 && memcmp(s->bytes, "PK\3\4", 4) == 0) return ckpt_source_read_zip(s, err);
    const char *guess = t5_file_guess(s->bytes, s->size);
    if (guess != NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: not a PyTorch file: it looks like %s", s->file, guess);
    return rt_fail(err, RT_ERR_MALFORMED,
                   "%s: not a PyTorch file: it begins neither as a zip archive nor as the form before 1.6 (byte offset 0)",
                   s->file);
}

static void free_tensors(ckpt_pytorch *pt) {
    free(pt->tensors);
    rt_text_free(&pt->names);
    rt_arena_free(&pt->copies);
    pt->tensors = NULL;
    pt->n = 0;
}

rt_status ckpt_pytorch_parse(const char *file, const uint8_t *bytes, size_t size, ckpt_pytorch *pt, rt_error *err) {
    ckpt_source source = {.file = file, .bytes = bytes, .size = size};
    rt_status status = read_source(&source, err);
    if (status == RT_OK) status = make_tensors(&source, pt, err);
    if (status != RT_OK) free_tensors(pt);
    ckpt_source_free(&source);
    return status;
}

static rt_status open_file(const char *path, ckpt_pytorch *pt, rt_error *err) {
    pt->path = strdup(path);
    if (pt->path == NULL) return rt_fail_memory(err, strlen(path) + 1, "a path");
    RT_TRY(rt_file_map_open(path, &pt->map, err));
    char file[RT_QUOTE_SIZE];
    RT_TRY(ckpt_pytorch_parse(rt_quote_path(file, path), pt->map.data, pt->map.size, pt, err));
    for (size_t i = 0; i < pt->n; i++) pt->tensors[i].file = pt->path;
    return RT_OK;
}

rt_status ckpt_pytorch_open(const char *path, ckpt_pytorch *pt, rt_error *err) {
    ckpt_pytorch opened = {0};
    const rt_status status = open_file(path, &opened, err);
    if (status != RT_OK) {
        ckpt_pytorch_close(&opened);
        return status;
    }
    *pt = opened;
    return RT_OK;
}

void ckpt_pytorch_close(ckpt_pytorch *pt) {
    free_tensors(pt);
    rt_file_map_close(&pt->map);
    free(pt->path);
    *pt = (ckpt_pytorch){0};
}

/* From the tensors of a GGUF file to those of a checkpoint; see gguf.h. */
#include "model/checkpoint/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/gguf_names.h"
#include "model/file_guess.h"

enum { LLAMA_CPP_MAX_NAME = 63, QUANTIZATION_VERSION = 2 };

static const char layout_key[] = "t5k.layout";

/* ---- the file as a whole ---- */

/* The key, where it is there at all, has that value. */
static rt_status check_key(const rt_gguf *gguf, const char *key, uint64_t wanted, const char *defect, rt_error *err) {
    const rt_gguf_pair *pair = rt_gguf_find(gguf, key);
    uint64_t value;
    if (pair == NULL) return RT_OK;
    RT_TRY(rt_gguf_count(gguf, pair, &value, err));
    if (value == wanted) return RT_OK;
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: %s (%s, byte offset %zu, %llu, allowed %llu)", gguf->file, defect, key, pair->at,
                   (unsigned long long)value, (unsigned long long)wanted);
}

static rt_status check_keys(const rt_gguf *gguf, rt_error *err) {
    RT_TRY(check_key(gguf, "split.count", 1, "one part of a model in several files: join them first", err));
    RT_TRY(check_key(gguf, layout_key, CKPT_GGUF_LAYOUT, "converted by another version of t5k: convert the model again", err));
    return check_key(gguf, "general.quantization_version", QUANTIZATION_VERSION, "quantised blocks of another layout", err);
}

/* The parser can only say that a file is not GGUF; here what it looks like is said instead. */
static rt_status name_other_kind(const char *path, rt_status failure, rt_error *err) {
    rt_file_map map;
    RT_TRY(rt_file_map_open(path, &map, err));
    const bool is_gguf = map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0;
    const char *guess = is_gguf ? NULL : t5_file_guess(map.data, map.size);
    rt_file_map_close(&map);
    if (guess == NULL) return failure;
    char file[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s: not GGUF: it looks like %s", rt_quote_path(file, path), guess);
}

rt_status ckpt_gguf_read(const char *path, rt_gguf_file *file, rt_error *err) {
    rt_gguf_file opened = {0};
    rt_status status = rt_gguf_open(path, &opened, err);
    if (status == RT_ERR_MALFORMED) status = name_other_kind(path, status, err);
    if (status == RT_OK) status = check_keys(&opened.gguf, err);
    if (status != RT_OK) {
        rt_gguf_close(&opened);
        return status;
    }
    *file = opened;
    return RT_OK;
}

bool ckpt_gguf_has_config(const rt_gguf *gguf) { return rt_gguf_find(gguf, "general.architecture") != NULL; }

bool ckpt_gguf_is_gated(const rt_gguf *gguf) { return rt_gguf_find_tensor(gguf, "enc.blk.0.ffn_gate.weight") != NULL; }

bool ckpt_gguf_is_packed(const rt_gguf *gguf) { return rt_gguf_find(gguf, layout_key) != NULL; }

/* ---- its tensors ---- */

/* Appends the name under which the tensor comes out. */
static rt_status append_name(ckpt_gguf *g, const rt_gguf_tensor *t, bool is_llama_cpp, bool is_gated, rt_error *err) {
    char hf[CKPT_GGUF_NAME_SIZE], shown[RT_QUOTE_SIZE];
    /* llama.cpp keeps names in 64 bytes; Hugging Face's, in the other dialect, are longer. */
    if (is_llama_cpp && t->name.n > LLAMA_CPP_MAX_NAME) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s': its name is too long (info at byte offset %zu, %zu bytes, allowed 1 to %d)",
                       g->file.gguf.file, rt_quote(shown, t->name.v, t->name.n), t->at, t->name.n, LLAMA_CPP_MAX_NAME);
    }
    if (is_llama_cpp && ckpt_gguf_name(t->name.v, t->name.n, is_gated, hf)) return rt_text_append(&g->names, hf, strlen(hf) + 1, err);
    RT_TRY(rt_text_append(&g->names, t->name.v, t->name.n, err));
    return rt_text_append(&g->names, "", 1, err);
}

/* Whole numbers are no weights; only screens are stored as such. */
static bool is_screen(const rt_gguf_tensor *t) {
    static const char ending[] = ".screen";
    enum { N_ENDING = sizeof ending - 1 };
    return t->name.n > N_ENDING && memcmp(t->name.v + t->name.n - N_ENDING, ending, N_ENDING) == 0;
}

static rt_status convert_tensor(const ckpt_gguf *g, const rt_gguf_tensor *t, ckpt_tensor *tensor, rt_error *err) {
    if (!t->element->is_readable || (t->element->dtype == RT_I8 && !is_screen(t))) {
        char name[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: tensor '%s' has an element type that is not read (info at byte offset %zu, %s, allowed F32, F16, BF16, Q8_0, "
                       "Q4_0, Q4_1, Q5_0, Q5_1)",
                       g->file.gguf.file, rt_quote(name, t->name.v, t->name.n), t->at, t->element->name);
    }
    *tensor = (ckpt_tensor){.dtype = t->element->dtype, .rank = t->rank, .data = t->data, .n_bytes = t->n_bytes, .file = g->path};
    memcpy(tensor->shape, t->shape, sizeof tensor->shape);
    return RT_OK;
}

_Static_assert((int)RT_GGUF_MAX_RANK == (int)CKPT_MAX_RANK, "the shapes of both have the same room");

static rt_status convert_tensors(ckpt_gguf *g, rt_error *err) {
    const rt_gguf *gguf = &g->file.gguf;
    const bool is_llama_cpp = ckpt_gguf_has_config(gguf), is_gated = ckpt_gguf_is_gated(gguf);
    if (gguf->n_tensors == 0) return RT_OK;
    g->tensors = malloc(gguf->n_tensors * sizeof *g->tensors);
    if (g->tensors == NULL) return rt_fail_memory(err, gguf->n_tensors * sizeof *g->tensors, "the tensors of a GGUF file");
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        RT_TRY(convert_tensor(g, &gguf->tensors[i], &g->tensors[i], err));
        RT_TRY(append_name(g, &gguf->tensors[i], is_llama_cpp, is_gated, err));
    }
    g->n = gguf->n_tensors;
    const char *name = g->names.v;
    for (size_t i = 0; i < g->n; i++) {
        g->tensors[i].name = name;
        name += strlen(name) + 1;
    }
    return RT_OK;
}

static rt_status open_file(const char *path, ckpt_gguf *g, rt_error *err) {
    g->path = strdup(path);
    if (g->path == NULL) return rt_fail_memory(err, strlen(path) + 1, "a path");
    RT_TRY(ckpt_gguf_read(path, &g->file, err));
    return convert_tensors(g, err);
}

rt_status ckpt_gguf_open(const char *path, ckpt_gguf *gguf, rt_error *err) {
    ckpt_gguf opened = {0};
    const rt_status status = open_file(path, &opened, err);
    if (status != RT_OK) {
        ckpt_gguf_close(&opened);
        return status;
    }
    *gguf = opened;
    return RT_OK;
}

void ckpt_gguf_close(ckpt_gguf *gguf) {
    rt_gguf_close(&gguf->file);
    rt_text_free(&gguf->names);
    free(gguf->tensors);
    free(gguf->path);
    *gguf = (ckpt_gguf){0};
}

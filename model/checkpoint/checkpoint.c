/* A checkpoint behind one interface; see checkpoint.h. Here: which files it has, and all their tensors in one sorted list. */
#include "model/checkpoint/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/file.h"
#include "model/checkpoint/gguf.h"
#include "model/checkpoint/shard_index.h"
#include "model/path.h"

static const char index_suffix[] = ".index.json";

/* Forms that are not read: whole names in a folder, and suffixes of files given by themselves. */
static const char *const other_names[] = {"tf_model.h5", "flax_model.msgpack", "rust_model.ot"};
static const char *const other_suffixes[] = {".h5", ".msgpack", ".ot", ".onnx"};
enum { N_OTHER_NAMES = sizeof other_names / sizeof *other_names, N_OTHER_SUFFIXES = sizeof other_suffixes / sizeof *other_suffixes };

struct ckpt_checkpoint {
    char *path;
    ckpt_file *files; /* [n_files] */
    size_t n_files;
    ckpt_gguf gguf;
    rt_file_map memory; /* of ckpt_of_memory */
    ckpt_tensor *tensors; /* [n_tensors], sorted by name */
    size_t n_tensors;
};

static bool ends_with(const char *text, const char *suffix) {
    const size_t n = strlen(text), n_suffix = strlen(suffix);
    return n >= n_suffix && strcmp(text + n - n_suffix, suffix) == 0;
}

/* ---- the tensors of all files ---- */

static int by_name(const void *a, const void *b) {
    const ckpt_tensor *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->file, y->file);
}

static rt_status sort_tensors(ckpt_checkpoint *checkpoint, rt_error *err) {
    qsort(checkpoint->tensors, checkpoint->n_tensors, sizeof *checkpoint->tensors, by_name);
    for (size_t i = 1; i < checkpoint->n_tensors; i++) {
        const ckpt_tensor *a = &checkpoint->tensors[i - 1], *b = &checkpoint->tensors[i];
        if (strcmp(a->name, b->name) != 0) continue;
        char name[RT_QUOTE_SIZE], first[RT_QUOTE_SIZE], second[RT_QUOTE_SIZE];
        if (a->file == b->file) {
            return rt_fail(err, RT_ERR_MALFORMED, "%s: tensor '%s' is there under two names", rt_quote_path(first, a->file),
                           rt_quote(name, a->name, strlen(a->name)));
        }
        return rt_fail(err, RT_ERR_DISAGREE, "%s: tensor '%s' is in another shard too (%s)", rt_quote_path(first, a->file),
                       rt_quote(name, a->name, strlen(a->name)), rt_quote_path(second, b->file));
    }
    return RT_OK;
}

/* The tensors of the open files, sorted, none twice. */
static rt_status gather_tensors(ckpt_checkpoint *checkpoint, rt_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < checkpoint->n_files; i++) n += ckpt_file_count(&checkpoint->files[i]);
    if (n > CKPT_MAX_TENSORS) {
        char file[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_LIMIT, "%s: too many tensors (%zu in all shards, at most %d)",
                       rt_quote_path(file, checkpoint->path), n, CKPT_MAX_TENSORS);
    }
    if (n == 0) return RT_OK;
    checkpoint->tensors = malloc(n * sizeof *checkpoint->tensors);
    if (checkpoint->tensors == NULL) return rt_fail_memory(err, n * sizeof *checkpoint->tensors, "the tensors of a checkpoint");
    for (size_t i = 0; i < checkpoint->n_files; i++) {
        const ckpt_file *file = &checkpoint->files[i];
        RT_TRY(ckpt_file_tensors(file, checkpoint->tensors + checkpoint->n_tensors, err));
        checkpoint->n_tensors += ckpt_file_count(file);
    }
    return sort_tensors(checkpoint, err);
}

/* ---- the files ---- */

static rt_status make_room(ckpt_checkpoint *checkpoint, size_t n_files, rt_error *err) {
    checkpoint->files = calloc(n_files, sizeof *checkpoint->files);
    return checkpoint->files != NULL ? RT_OK : rt_fail_memory(err, n_files * sizeof *checkpoint->files, "the files of a checkpoint");
}

static rt_status open_single(ckpt_checkpoint *checkpoint, const char *path, rt_error *err) {
    RT_TRY(make_room(checkpoint, 1, err));
    RT_TRY(ckpt_file_open(path, &checkpoint->files[0], err));
    checkpoint->n_files = 1;
    return gather_tensors(checkpoint, err);
}

static rt_status open_listed(ckpt_checkpoint *checkpoint, const char *index_path, const ckpt_index *index, rt_error *err) {
    RT_TRY(make_room(checkpoint, index->n_shards, err));
    for (size_t i = 0; i < index->n_shards; i++) {
        char *path;
        RT_TRY(t5_path_beside(index_path, index->shards[i], &path, err));
        const rt_status status = ckpt_file_open(path, &checkpoint->files[i], err);
        free(path);
        if (status != RT_OK) return status;
        checkpoint->n_files++;
    }
    RT_TRY(gather_tensors(checkpoint, err));
    return ckpt_index_compare(index_path, index, checkpoint->tensors, checkpoint->n_tensors, err);
}

static rt_status open_sharded(ckpt_checkpoint *checkpoint, const char *index_path, rt_error *err) {
    ckpt_index index = {0};
    rt_status status = ckpt_index_read(index_path, &index, err);
    if (status == RT_OK) status = open_listed(checkpoint, index_path, &index, err);
    ckpt_index_free(&index);
    return status;
}

static rt_status open_gguf(ckpt_checkpoint *checkpoint, const char *path, rt_error *err) {
    RT_TRY(ckpt_gguf_open(path, &checkpoint->gguf, err));
    checkpoint->tensors = checkpoint->gguf.tensors;
    checkpoint->gguf.tensors = NULL;
    checkpoint->n_tensors = checkpoint->gguf.n;
    if (checkpoint->n_tensors == 0) return RT_OK;
    return sort_tensors(checkpoint, err);
}

/* A form that somebody may take for a model of ours. */
static bool is_other_form(const char *name) {
    for (size_t i = 0; i < N_OTHER_NAMES; i++) {
        if (strcmp(name, other_names[i]) == 0) return true;
    }
    return false;
}

/* None of our files is in the folder: says what is there instead, the first by name so that the message does not vary. */
static rt_status fail_without_model(const char *folder, rt_error *err) {
    char shown[RT_QUOTE_SIZE], found[RT_QUOTE_SIZE];
    rt_quote_path(shown, folder);
    DIR *entries = opendir(folder);
    if (entries == NULL) return rt_fail(err, RT_ERR_READ, "%s: cannot read: %s", shown, strerror(errno));
    char first[NAME_MAX + 1] = "";
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (is_other_form(e->d_name) && (*first == '\0' || strcmp(e->d_name, first) < 0)) strcpy(first, e->d_name);
    }
    closedir(entries);
    if (*first == '\0') {
        return rt_fail(err, RT_ERR_READ, "%s: no model.safetensors or pytorch_model.bin, whole or in shards, or .gguf", shown);
    }
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: only safetensors, PyTorch's .bin and GGUF are read (found %s)", shown,
                   rt_quote(found, first, strlen(first)));
}

typedef rt_status (*open_form)(ckpt_checkpoint *checkpoint, const char *path, rt_error *err);

/* Opens FOLDER/NAME by `form` if there is such a file; *tried says whether. */
static rt_status try_form(ckpt_checkpoint *checkpoint, const char *folder, const char *name, open_form form, bool *tried, rt_error *err) {
    char *path;
    RT_TRY(t5_path_join(folder, name, &path, err));
    *tried = t5_path_exists(path);
    const rt_status status = *tried ? form(checkpoint, path, err) : RT_OK;
    free(path);
    return status;
}

/* In order of preference: a file's name, and how to open it. */
static const struct {
    const char *name;
    open_form open;
} forms[] = {
    {"model.safetensors", open_single},
    {"model.safetensors.index.json", open_sharded},
    {"pytorch_model.bin", open_single},
    {"pytorch_model.bin.index.json", open_sharded},
};

static rt_status open_folder(ckpt_checkpoint *checkpoint, const char *folder, rt_error *err) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        bool tried;
        RT_TRY(try_form(checkpoint, folder, forms[i].name, forms[i].open, &tried, err));
        if (tried) return RT_OK;
    }
    char *gguf;
    RT_TRY(rt_gguf_in_folder(folder, &gguf, err));
    if (gguf == NULL) return fail_without_model(folder, err);
    const rt_status status = open_gguf(checkpoint, gguf, err);
    free(gguf);
    return status;
}

static rt_status open_file(ckpt_checkpoint *checkpoint, const char *path, rt_error *err) {
    for (size_t i = 0; i < N_OTHER_SUFFIXES; i++) {
        if (!ends_with(path, other_suffixes[i])) continue;
        char shown[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: only safetensors, PyTorch's .bin and GGUF are read (a file %s)",
                       rt_quote_path(shown, path), other_suffixes[i]);
    }
    if (rt_gguf_is_name(path)) return open_gguf(checkpoint, path, err);
    return ends_with(path, index_suffix) ? open_sharded(checkpoint, path, err) : open_single(checkpoint, path, err);
}

static rt_status open_path(ckpt_checkpoint *checkpoint, const char *path, rt_error *err) {
    bool is_folder;
    checkpoint->path = strdup(path);
    if (checkpoint->path == NULL) return rt_fail_memory(err, strlen(path) + 1, "a path");
    RT_TRY(t5_path_is_folder(path, &is_folder, err));
    return is_folder ? open_folder(checkpoint, path, err) : open_file(checkpoint, path, err);
}

rt_status ckpt_open(const char *path, ckpt_checkpoint **checkpoint, rt_error *err) {
    ckpt_checkpoint *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return rt_fail_memory(err, sizeof *opened, "a checkpoint");
    const rt_status status = open_path(opened, path, err);
    if (status != RT_OK) {
        ckpt_close(opened);
        return status;
    }
    *checkpoint = opened;
    return RT_OK;
}

rt_status ckpt_of_memory(const char *name, const rt_file_map *memory, ckpt_tensor *tensors, size_t n, ckpt_checkpoint **checkpoint,
                         rt_error *err) {
    ckpt_checkpoint *made = calloc(1, sizeof *made);
    if (made != NULL) made->path = strdup(name);
    if (made == NULL || made->path == NULL) {
        free(made);
        return rt_fail_memory(err, sizeof *made, "a checkpoint");
    }
    made->tensors = tensors;
    made->n_tensors = n;
    const rt_status status = sort_tensors(made, err);
    if (status != RT_OK) {
        made->tensors = NULL;
        ckpt_close(made);
        return status;
    }
    made->memory = *memory;
    *checkpoint = made;
    return RT_OK;
}

void ckpt_close(ckpt_checkpoint *checkpoint) {
    if (checkpoint == NULL) return;
    for (size_t i = 0; i < checkpoint->n_files; i++) ckpt_file_close(&checkpoint->files[i]);
    free(checkpoint->files);
    ckpt_gguf_close(&checkpoint->gguf);
    rt_file_map_close(&checkpoint->memory);
    free(checkpoint->tensors);
    free(checkpoint->path);
    free(checkpoint);
}

/* ---- what is read from an open checkpoint ---- */

size_t ckpt_count(const ckpt_checkpoint *checkpoint) { return checkpoint->n_tensors; }

const ckpt_tensor *ckpt_at(const ckpt_checkpoint *checkpoint, size_t i) { return &checkpoint->tensors[i]; }

static int name_of_tensor(const void *name, const void *tensor) { return strcmp(name, ((const ckpt_tensor *)tensor)->name); }

const ckpt_tensor *ckpt_find(const ckpt_checkpoint *checkpoint, const char *name) {
    if (checkpoint->n_tensors == 0) return NULL;
    return bsearch(name, checkpoint->tensors, checkpoint->n_tensors, sizeof *checkpoint->tensors, name_of_tensor);
}

bool ckpt_is_packed(const ckpt_checkpoint *checkpoint) { return ckpt_gguf_is_packed(&checkpoint->gguf.file.gguf); }

static bool is_mapped(const rt_file_map *map, const ckpt_tensor *tensor) {
    const uintptr_t at = (uintptr_t)tensor->data, first = (uintptr_t)map->data;
    return map->data != NULL && at >= first && at - first < map->size;
}

/* Memory that is neither a file's nor ckpt_of_memory's would be lost by this. */
void ckpt_release(const ckpt_checkpoint *checkpoint, const ckpt_tensor *tensor) {
    bool is_file = is_mapped(&checkpoint->gguf.file.map, tensor) || is_mapped(&checkpoint->memory, tensor);
    for (size_t i = 0; i < checkpoint->n_files && !is_file; i++) {
        is_file = is_mapped(&checkpoint->files[i].safetensors.map, tensor) || is_mapped(&checkpoint->files[i].pytorch.map, tensor);
    }
    if (is_file) rt_file_map_release(tensor->data, tensor->n_bytes);
}

const char *ckpt_path(const ckpt_checkpoint *checkpoint) { return checkpoint->path; }

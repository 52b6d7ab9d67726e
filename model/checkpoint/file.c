/* One file of a checkpoint; see file.h. */
#include "model/checkpoint/file.h"

#include <string.h>

static bool is_pytorch_name(const char *path) {
    static const char *const endings[] = {".bin", ".pt", ".pth", ".ckpt"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(dot, endings[i]) == 0) return true;
    }
    return false;
}

rt_status ckpt_file_open(const char *path, ckpt_file *file, rt_error *err) {
    return is_pytorch_name(path) ? ckpt_pytorch_open(path, &file->pytorch, err) : ckpt_safetensors_open(path, &file->safetensors, err);
}

void ckpt_file_close(ckpt_file *file) {
    ckpt_safetensors_close(&file->safetensors);
    ckpt_pytorch_close(&file->pytorch);
}

size_t ckpt_file_count(const ckpt_file *file) { return file->safetensors.header.n + file->pytorch.n; }

static rt_status convert_entry(const ckpt_safetensors *st, const ckpt_entry *entry, ckpt_tensor *tensor, rt_error *err) {
    if (!entry->element->readable) {
        char file[RT_QUOTE_SIZE], name[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_UNSUPPORTED,
                       "%s: tensor '%s' has an element type that is not read (dtype, entry at byte offset %zu, %s, allowed F32, F16, BF16)",
                       rt_quote_path(file, st->path), rt_quote(name, entry->name, strlen(entry->name)), entry->name_at,
                       entry->element->name);
    }
    *tensor = (ckpt_tensor){.name = entry->name, .dtype = entry->element->dtype, .rank = entry->rank, .data = st->data + entry->begin,
                            .n_bytes = entry->end - entry->begin, .file = st->path};
    memcpy(tensor->shape, entry->shape, sizeof tensor->shape);
    return RT_OK;
}

rt_status ckpt_file_tensors(const ckpt_file *file, ckpt_tensor *tensors, rt_error *err) {
    const ckpt_header *header = &file->safetensors.header;
    for (size_t i = 0; i < header->n; i++) RT_TRY(convert_entry(&file->safetensors, &header->entries[i], &tensors[i], err));
    if (file->pytorch.n > 0) memcpy(tensors + header->n, file->pytorch.tensors, file->pytorch.n * sizeof *tensors);
    return RT_OK;
}

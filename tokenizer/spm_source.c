/* Finding the SentencePiece model; see spm_source.h. */
#include "tokenizer/spm_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tokenizer/tokenizer_gguf.h"

static const char spm_name[] = "spiece.model", config_name[] = "tokenizer_config.json";

static rt_status join_path(rt_text *joined, const char *folder, size_t n_folder, const char *name, rt_error *err) {
    joined->n = 0;
    RT_TRY(rt_text_append(joined, folder, n_folder, err));
    RT_TRY(rt_text_append(joined, "/", 1, err));
    return rt_text_append(joined, name, strlen(name), err);
}

static rt_status fail_read(rt_error *err, const char *path) {
    const int reason = errno;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_READ, "%s: cannot read: %s", rt_quote_path(shown, path), strerror(reason));
}

/* *there: something of that name exists. */
static rt_status exists(const char *path, bool *there, rt_error *err) {
    struct stat st;
    *there = stat(path, &st) == 0;
    return *there || errno == ENOENT ? RT_OK : fail_read(err, path);
}

/* ---- the two kinds of files ---- */

static rt_status open_spm(const char *path, tok_spm_source *source, rt_error *err) {
    RT_TRY(rt_file_map_open(path, &source->map, err));
    rt_quote(source->name, path, strlen(path));
    source->model = source->map.data;
    source->n_bytes = source->map.size;
    source->n_unnamed = SIZE_MAX;
    return RT_OK;
}

static rt_status build_from_gguf(const rt_gguf *gguf, tok_spm_source *source, rt_error *err) {
    RT_TRY(tok_gguf_build(gguf, &source->built, &source->n_unnamed, err));
    snprintf(source->name, sizeof source->name, "%s: its vocabulary", gguf->file);
    source->model = (const uint8_t *)source->built.v;
    source->n_bytes = source->built.n;
    return RT_OK;
}

/* *found is false where the file has no vocabulary and does not say that it needs none. */
static rt_status open_gguf(const char *path, tok_spm_source *source, tok_config *config, bool *found, rt_error *err) {
    rt_gguf_file file;
    RT_TRY(rt_gguf_open(path, &file, err));
    const bool has_vocabulary = tok_gguf_has_vocabulary(&file.gguf);
    rt_status status = tok_gguf_settings(&file.gguf, config, err);
    if (status == RT_OK && has_vocabulary) status = build_from_gguf(&file.gguf, source, err);
    *found = has_vocabulary || config->is_byt5;
    rt_gguf_close(&file);
    return status;
}

/* ---- which of them ---- */

/* Reads the folder's tokenizer_config.json, if there; the folder is the first n_folder bytes. */
static rt_status read_settings(const char *folder, size_t n_folder, tok_config *config, rt_error *err) {
    rt_text path = {0};
    bool there = false;
    rt_status status = join_path(&path, folder, n_folder, config_name, err);
    if (status == RT_OK) status = exists(path.v, &there, err);
    if (status == RT_OK && there) status = tok_config_load(path.v, config, err);
    rt_text_free(&path);
    return status;
}

static rt_status open_folder(const char *folder, tok_spm_source *source, tok_config *config, rt_error *err) {
    rt_text path = {0};
    char *gguf = NULL;
    bool there = false, found = false;
    rt_status status = read_settings(folder, strlen(folder), config, err);
    if (status == RT_OK) status = join_path(&path, folder, strlen(folder), spm_name, err);
    if (status == RT_OK) status = exists(path.v, &there, err);
    if (status == RT_OK && !there) status = rt_gguf_in_folder(folder, &gguf, err);
    if (status == RT_OK && gguf != NULL) status = open_gguf(gguf, source, config, &found, err);
    if (status == RT_OK && !found && (there || !config->is_byt5)) status = open_spm(path.v, source, err);
    rt_text_free(&path);
    free(gguf);
    return status;
}

/* A GGUF file without a vocabulary: the tokenizer is beside it. */
static rt_status open_beside(const char *path, tok_spm_source *source, tok_config *config, rt_error *err) {
    const char *slash = strrchr(path, '/'), *folder = slash == NULL ? "." : path;
    const size_t n_folder = slash == NULL ? 1 : (size_t)(slash - path);
    rt_text spm = {0};
    bool there = false;
    rt_status status = read_settings(folder, n_folder, config, err);
    if (status == RT_OK) status = join_path(&spm, folder, n_folder, spm_name, err);
    if (status == RT_OK) status = exists(spm.v, &there, err);
    if (status == RT_OK && there) status = open_spm(spm.v, source, err);
    rt_text_free(&spm);
    if (status != RT_OK || there || config->is_byt5) return status;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_READ, "%s: no vocabulary (tokenizer.ggml.tokens), and no %s beside the file",
                   rt_quote_path(shown, path), spm_name);
}

static rt_status open_file(const char *path, tok_spm_source *source, tok_config *config, rt_error *err) {
    if (!rt_gguf_is_name(path)) return open_spm(path, source, err);
    bool found;
    RT_TRY(open_gguf(path, source, config, &found, err));
    return found ? RT_OK : open_beside(path, source, config, err);
}

rt_status tok_spm_source_open(const char *path, tok_spm_source *source, tok_config *config, rt_error *err) {
    struct stat st;
    tok_spm_source opened = {0};
    if (stat(path, &st) != 0) return fail_read(err, path);
    const rt_status status = S_ISDIR(st.st_mode) ? open_folder(path, &opened, config, err) : open_file(path, &opened, config, err);
    if (status != RT_OK) {
        tok_spm_source_close(&opened);
        return status;
    }
    *source = opened;
    return RT_OK;
}

void tok_spm_source_close(tok_spm_source *source) {
    rt_file_map_close(&source->map);
    rt_text_free(&source->built);
    *source = (tok_spm_source){0};
}

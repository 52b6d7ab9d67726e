/* t5k convert: a model to one GGUF file. The head is made in memory, then the tensors go through one after another; what is written only
 * takes the place of what was there when all of it is on the disk. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/gguf_write.h"
#include "tokenizer/tokenizer_export.h"
#include "tools/command.h"
#include "tools/convert_report.h"
#include "tools/new_file.h"
#include "tools/output.h"

typedef struct conversion {
    const opt_values *options;
    t5_layout layout;
    t5_conversion *model;
    rt_gguf_writer writer;
    new_file file;
    convert_progress progress;
    t5_loss *losses; /* [t5_conversion_count] */
} conversion;

/* ---- the output is no input ---- */

/* Files of a model beside its tensors. */
static const char *const side_files[] = {"config.json",           "generation_config.json",       "tokenizer_config.json",
                                         "spiece.model",          "model.safetensors.index.json", "pytorch_model.bin.index.json"};

static bool is_same_file(const struct stat *a, const char *path) {
    struct stat b;
    return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* Whether `file` is, under any name, one that the model is read from. */
static bool is_input(const conversion *c, const struct stat *file) {
    const char *model = c->options->argument;
    struct stat st;
    const bool is_folder = stat(model, &st) == 0 && S_ISDIR(st.st_mode);
    const char *slash = strrchr(model, '/');
    const int n_folder = is_folder ? (int)strlen(model) : slash == NULL ? 0 : (int)(slash - model) + 1;
    if (is_same_file(file, model)) return true;
    for (size_t i = 0; i < t5_conversion_count(c->model); i++) {
        if (is_same_file(file, t5_conversion_at(c->model, i).source)) return true;
    }
    for (size_t i = 0; i < sizeof side_files / sizeof *side_files; i++) {
        char path[PATH_MAX];
        const int n = snprintf(path, sizeof path, "%.*s%s%s", n_folder, model, is_folder ? "/" : "", side_files[i]);
        if ((size_t)n < sizeof path && is_same_file(file, path)) return true;
    }
    return false;
}

static rt_status check_output(const conversion *c, rt_error *err) {
    struct stat file;
    char quoted[RT_QUOTE_SIZE];
    const char *path = c->options->output, *shown = rt_quote_path(quoted, path);
    if (stat(path, &file) != 0) {
        if (errno == ENOENT) return RT_OK;
        return rt_fail(err, RT_ERR_WRITE, "%s: cannot write (%s)", shown, strerror(errno));
    }
    if (!S_ISREG(file.st_mode)) return rt_fail(err, RT_ERR_WRITE, "%s: cannot write (it is not a regular file)", shown);
    if (!is_input(c, &file)) return RT_OK;
    return rt_fail(err, RT_ERR_USAGE, "%s: would overwrite a file of the model", shown);
}

static rt_status check_arguments(const opt_values *options, rt_error *err) {
    if (options->output == NULL) return rt_fail(err, RT_ERR_USAGE, "convert takes two arguments: MODEL and OUT.gguf");
    if (rt_gguf_is_name(options->output)) return RT_OK;
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_USAGE, "%s: the name of the new file must end in .gguf", rt_quote_path(quoted, options->output));
}

/* ---- the head ---- */

/* "t5-base" of "models/t5-base/", of "models/t5-base.gguf" and of "." there. */
static void name_model(const char *path, char name[NAME_MAX + 1]) {
    char *whole = realpath(path, NULL);
    const char *slash = whole == NULL ? NULL : strrchr(whole, '/');
    snprintf(name, NAME_MAX + 1, "%s", slash == NULL ? path : slash + 1);
    free(whole);
    char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".gguf") == 0) *dot = '\0';
}

/* A file of t5k's layout may do without a tokenizer: it then takes ids alone. */
static rt_status put_tokenizer(conversion *c, rt_error *err) {
    const bool is_ours = c->layout == T5_LAYOUT_T5K;
    const size_t vocab_size = t5_conversion_config(c->model)->vocab_size;
    rt_error failure;
    const rt_status status = tok_put_gguf(c->options->argument, vocab_size, is_ours, &c->writer, &failure);
    if (status == RT_ERR_READ && is_ours) {
        if (!c->options->quiet) out_message("%s; the new file will have no tokenizer", failure.message);
        return RT_OK;
    }
    return status == RT_OK ? RT_OK : rt_fail(err, status, "%s", failure.message);
}

static rt_status make_head(conversion *c, rt_text *head, rt_error *err) {
    char name[NAME_MAX + 1];
    name_model(c->options->argument, name);
    c->writer.alignment = t5_conversion_alignment(c->model);
    RT_TRY(t5_conversion_put_keys(c->model, name, &c->writer, err));
    RT_TRY(put_tokenizer(c, err));
    RT_TRY(t5_conversion_put_tensors(c->model, &c->writer, err));
    return rt_gguf_head(&c->writer, head, err);
}

/* ---- the data ---- */

static rt_status put(void *context, const void *bytes, size_t n_bytes, rt_error *err) {
    conversion *c = context;
    RT_TRY(new_file_write(&c->file, bytes, n_bytes, err));
    convert_progress_step(&c->progress, n_bytes);
    return RT_OK;
}

static rt_status write_tensors(conversion *c, rt_error *err) {
    static const char zeros[64];
    const t5_sink sink = {.context = c, .put = put};
    for (size_t i = 0; i < t5_conversion_count(c->model); i++) {
        RT_TRY(t5_conversion_write(c->model, i, &sink, &c->losses[i], err));
        RT_TRY(put(c, zeros, rt_gguf_padding(c->writer.alignment, t5_conversion_at(c->model, i).n_bytes), err));
    }
    return RT_OK;
}

static rt_status write_file(conversion *c, const rt_text *head, rt_error *err) {
    rt_status status = new_file_create(&c->file, c->options->output, err);
    if (status == RT_OK) status = new_file_write(&c->file, head->v, head->n, err);
    if (status == RT_OK) status = write_tensors(c, err);
    convert_progress_end(&c->progress);
    if (status == RT_OK) status = new_file_commit(&c->file, err);
    new_file_discard(&c->file);
    return status;
}

static rt_status report(const conversion *c, rt_error *err) {
    rt_text out = {0};
    rt_status status = convert_report(c->model, c->losses, &out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    return status;
}

static rt_status convert(conversion *c, rt_error *err) {
    rt_text head = {0};
    RT_TRY(check_output(c, err));
    const size_t n = t5_conversion_count(c->model);
    c->losses = calloc(n, sizeof *c->losses);
    if (c->losses == NULL) return rt_fail_memory(err, n * sizeof *c->losses, "a table of losses");
    rt_status status = make_head(c, &head, err);
    c->progress = convert_progress_start(c->writer.data_bytes, c->options->quiet);
    if (status == RT_OK) status = write_file(c, &head, err);
    rt_text_free(&head);
    return status == RT_OK && !c->options->quiet ? report(c, err) : status;
}

rt_status convert_run(const opt_values *options, rt_error *err) {
    static const rt_dtype types[] = {RT_F32, RT_F16, RT_BF16, RT_Q8_0};
    conversion c = {.options = options, .layout = options->layout == 0 ? T5_LAYOUT_T5K : T5_LAYOUT_LLAMA_CPP};
    RT_TRY(check_arguments(options, err));
    const t5_conversion_params params = {.layout = c.layout, .has_type = options->given[OPT_TYPE], .type = types[options->type]};
    rt_status status = t5_conversion_open(options->argument, &params, &c.model, err);
    if (status == RT_OK) status = convert(&c, err);
    free(c.losses);
    rt_gguf_writer_free(&c.writer);
    t5_conversion_close(c.model);
    return status;
}

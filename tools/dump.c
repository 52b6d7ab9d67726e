/* --dump: encode, decode with the given target, and the three tensors to a file; see dump.h. */
#include "tools/dump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/checked.h"
#include "tools/safetensors_write.h"

static bool same_file(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

/* Whether `file` is, under any name, one of the files in the folder (or the path itself, if that is a file). */
static bool is_in_folder(const struct stat *file, const char *path) {
    struct stat entry_stat;
    if (stat(path, &entry_stat) == 0 && same_file(file, &entry_stat)) return true;
    DIR *folder = opendir(path);
    if (folder == NULL) return false;
    bool found = false;
    for (const struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        found = fstatat(dirfd(folder), entry->d_name, &entry_stat, 0) == 0 && same_file(file, &entry_stat);
    }
    closedir(folder);
    return found;
}

rt_status dump_check(const opt_values *options, const char *model_folder, rt_error *err) {
    struct stat file, context;
    char quoted[RT_QUOTE_SIZE];
    if (options->dump == NULL) return RT_OK;
    const char *shown = rt_quote(quoted, options->dump, strlen(options->dump));
    if (stat(options->dump, &file) != 0) {
        if (errno == ENOENT && options->dump[0] != '\0') return RT_OK;
        return rt_fail(err, RT_ERR_WRITE, "--dump \"%s\": cannot write (%s)", shown, strerror(errno));
    }
    if (!S_ISREG(file.st_mode)) return rt_fail(err, RT_ERR_WRITE, "--dump \"%s\": cannot write (it is not a regular file)", shown);
    const bool is_context = options->context_file != NULL && stat(options->context_file, &context) == 0 && same_file(&file, &context);
    if (is_context || is_in_folder(&file, model_folder)) {
        return rt_fail(err, RT_ERR_USAGE, "--dump \"%s\" would overwrite a file of the %s", shown, is_context ? "context" : "model");
    }
    return RT_OK;
}

rt_status dump_encoded(const text2text *t, t5_ids input, rt_error *err) {
    RT_TRY(t5_encode(t->session, &input, 1, err));
    const st_tensor tensor = {"encoder_hidden", input.n, t5_model_config(t->model)->d_model, t5_encoder_hidden(t->session, 0)};
    return st_write(t->options->dump, &tensor, 1, err);
}

/* Feeds [start token, target without its last id], T = target.n ids in all. */
static rt_status decode(const text2text *t, t5_ids target, rt_error *err) {
    const size_t source = 0;
    rt_ids fed = {0};
    rt_status status = rt_ids_append(&fed, &t5_model_config(t->model)->decoder_start_token_id, 1, err);
    if (status == RT_OK) status = rt_ids_append(&fed, target.ids, target.n - 1, err);
    if (status == RT_OK) status = t5_decode_start(t->session, &source, 1, err);
    if (status == RT_OK) status = t5_decode(t->session, &(t5_ids){fed.v, fed.n}, err);
    rt_ids_free(&fed);
    return status;
}

rt_status dump_run(const text2text *t, t5_ids input, t5_ids target, rt_error *err) {
    const t5_config *config = t5_model_config(t->model);
    size_t n_logits, n_bytes;
    if (!rt_mul_size(target.n, config->vocab_size, &n_logits) || !rt_mul_size(n_logits, sizeof(float), &n_bytes)) {
        return rt_fail(err, RT_ERR_LIMIT, "--dump: too many logits (%zu rows of %zu)", target.n, config->vocab_size);
    }
    RT_TRY(t5_encode(t->session, &input, 1, err));
    RT_TRY(decode(t, target, err));
    float *logits = malloc(n_bytes);
    if (logits == NULL) return rt_fail_memory(err, n_bytes, "logits");
    rt_status status = t5_logits(t->session, 0, target.n, logits, err);
    if (status == RT_OK) {
        const st_tensor tensors[] = {
            {"encoder_hidden", input.n, config->d_model, t5_encoder_hidden(t->session, 0)},
            {"decoder_hidden", target.n, config->d_model, t5_decoder_hidden(t->session)},
            {"logits", target.n, config->vocab_size, logits},
        };
        status = st_write(t->options->dump, tensors, sizeof tensors / sizeof *tensors, err);
    }
    free(logits);
    return status;
}

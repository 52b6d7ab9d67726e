/* The predictions file; see eval_predictions.h. */
#include "tools/eval_predictions.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/output.h"

static const char head_name[] = "t5k_predictions";

static rt_status failed(const char *path, const char *what, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_WRITE, "%s: cannot %s (%s)", rt_quote_path(quoted, path), what, strerror(errno));
}

static rt_status write_all(const char *path, int fd, const char *bytes, size_t n, rt_error *err) {
    struct stat before;
    const bool regular = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
    while (n > 0) {
        const ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            const rt_status status = failed(path, "write", err);
            /* If this fails too, a torn line stays, which --resume cuts off. */
            if (regular && ftruncate(fd, before.st_size) != 0) return status;
            return status;
        }
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return RT_OK;
}

static rt_status write_head(eval_predictions *p, const eval_settings *settings, rt_error *err) {
    RT_TRY(out_print(&p->out, err, "{\"%s\":", head_name));
    RT_TRY(eval_settings_json(settings, &p->out, err));
    RT_TRY(out_print(&p->out, err, "}\n"));
    return eval_predictions_flush(p, err);
}

/* Opens for writing a file that is not there yet, is empty, or is none to keep (a pipe, a device). */
static rt_status create(eval_predictions *p, rt_error *err) {
    struct stat st;
    p->fd = open(p->path, O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0666);
    if (p->fd >= 0) return RT_OK;
    if (errno != EEXIST) return failed(p->path, "create", err);
    if (stat(p->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        char quoted[RT_QUOTE_SIZE];
        return rt_fail(err, RT_ERR_WRITE, "%s: is there already (--resume goes on with it)", rt_quote_path(quoted, p->path));
    }
    p->fd = open(p->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return p->fd >= 0 ? RT_OK : failed(p->path, "open", err);
}

/* The size of the file up to its last line end. */
static rt_status whole_lines(const eval_predictions *p, off_t size, off_t *whole, rt_error *err) {
    char block[4096];
    for (*whole = size; *whole > 0;) {
        const size_t n = *whole < (off_t)sizeof block ? (size_t)*whole : sizeof block;
        if (pread(p->fd, block, n, *whole - (off_t)n) != (ssize_t)n) {
            char quoted[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_READ, "%s: cannot read (%s)", rt_quote_path(quoted, p->path), strerror(errno));
        }
        const char *end = memrchr(block, '\n', n);
        if (end != NULL) {
            *whole -= (off_t)(n - (size_t)(end + 1 - block));
            return RT_OK;
        }
        *whole -= (off_t)n;
    }
    return RT_OK;
}

/* Opens the file of an earlier run, or a new one where there is none, and cuts off a torn line. */
static rt_status reopen(eval_predictions *p, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const char *shown = rt_quote_path(quoted, p->path);
    struct stat st;
    off_t whole;
    p->fd = open(p->path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0666);
    if (p->fd < 0) return failed(p->path, "open", err);
    if (fstat(p->fd, &st) != 0) return failed(p->path, "open", err);
    if (!S_ISREG(st.st_mode)) return rt_fail(err, RT_ERR_READ, "%s: cannot go on with it (it is not a regular file)", shown);
    RT_TRY(whole_lines(p, st.st_size, &whole, err));
    if (whole < st.st_size && ftruncate(p->fd, whole) != 0) return failed(p->path, "cut a torn line off", err);
    p->replaying = whole > 0;
    return p->replaying ? source_open(p->path, &p->earlier, err) : RT_OK;
}

/* Appends `name ("this" there, "that" now)`. */
static rt_status put_difference(const char *name, const char *there, const char *now, rt_text *out, rt_error *err) {
    char a[RT_QUOTE_SIZE], b[RT_QUOTE_SIZE];
    rt_quote(a, there, strlen(there));
    rt_quote(b, now, strlen(now));
    RT_TRY(out_print(out, err, "%s%s (", out->n > 0 ? ", " : "", name));
    RT_TRY(out_print(out, err, "\"%.100s\" there, ", a));
    return out_print(out, err, "\"%.100s\" now)", b);
}

static rt_status compare_settings(const cJSON *there, const eval_settings *settings, rt_text *differences, rt_error *err) {
    for (size_t i = 0; i < settings->n; i++) {
        const eval_setting *s = &settings->v[i];
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(there, s->name);
        const char *value = cJSON_IsString(item) ? item->valuestring : "";
        if (strcmp(value, s->value) != 0) RT_TRY(put_difference(s->name, value, s->value, differences, err));
    }
    return RT_OK;
}

static rt_status check_head(eval_predictions *p, const eval_settings *settings, rt_error *err) {
    slice line;
    bool have;
    RT_TRY(source_line(&p->earlier, &line, &have, err));
    cJSON *json = have ? cJSON_ParseWithLength(line.v, line.n) : NULL;
    const cJSON *there = cJSON_GetObjectItemCaseSensitive(json, head_name);
    if (!cJSON_IsObject(there)) {
        cJSON_Delete(json);
        return rt_fail(err, RT_ERR_MALFORMED, "%s: no predictions file (its first line is not {\"%s\":{...}})", p->earlier.name, head_name);
    }
    rt_text differences = {0};
    rt_status status = compare_settings(there, settings, &differences, err);
    if (status == RT_OK && differences.n > 0) {
        status = rt_fail(err, RT_ERR_DISAGREE, "%s: made with other settings: %.700s", p->earlier.name, differences.v);
    }
    cJSON_Delete(json);
    rt_text_free(&differences);
    return status;
}

static rt_status start(eval_predictions *p, bool resume, const eval_settings *settings, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    RT_TRY(resume ? reopen(p, err) : create(p, err));
    if (flock(p->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return rt_fail(err, RT_ERR_DISAGREE, "%s: another run is writing it", rt_quote_path(quoted, p->path));
    }
    return p->replaying ? check_head(p, settings, err) : write_head(p, settings, err);
}

rt_status eval_predictions_open(const char *path, bool resume, const eval_settings *settings, eval_predictions *p, rt_error *err) {
    *p = (eval_predictions){.path = path, .fd = -1};
    const rt_status status = start(p, resume, settings, err);
    if (status != RT_OK) eval_predictions_close(p);
    return status;
}

void eval_predictions_close(eval_predictions *p) {
    if (p->fd >= 0) close(p->fd);
    source_close(&p->earlier);
    rt_text_free(&p->line);
    rt_text_free(&p->answer);
    rt_text_free(&p->out);
    *p = (eval_predictions){.fd = -1};
}

rt_status eval_predictions_next(eval_predictions *p, eval_answer *answer, bool *have, rt_error *err) {
    slice line;
    *have = false;
    if (!p->replaying) return RT_OK;
    RT_TRY(source_line(&p->earlier, &line, have, err));
    p->replaying = *have;
    if (!*have) return RT_OK;
    char where[RT_QUOTE_SIZE + 32];
    snprintf(where, sizeof where, "%s, line %zu", p->earlier.name, p->earlier.n_lines);
    p->line.n = 0;
    RT_TRY(rt_text_append(&p->line, line.v, line.n, err));
    RT_TRY(rt_text_append(&p->line, "\n", 1, err));
    return eval_line_read(line, where, &p->answer, answer, err);
}

rt_status eval_predictions_check(eval_predictions *p, const eval_line *line, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    rt_text expected = {0};
    rt_status status = eval_line_write(line, &expected, err);
    const bool same = status == RT_OK && expected.n == p->line.n && memcmp(expected.v, p->line.v, expected.n) == 0;
    rt_text_free(&expected);
    if (status != RT_OK || same) return status;
    return rt_fail(err, RT_ERR_DISAGREE, "%s, line %zu: is not about question %zu of %s as it is now", p->earlier.name, p->earlier.n_lines,
                   line->number, rt_quote_path(quoted, line->set));
}

rt_status eval_predictions_end(eval_predictions *p, rt_error *err) {
    eval_answer answer;
    bool have;
    RT_TRY(eval_predictions_next(p, &answer, &have, err));
    if (!have) return RT_OK;
    return rt_fail(err, RT_ERR_DISAGREE, "%s, line %zu: the data sets have no question for it", p->earlier.name, p->earlier.n_lines);
}

rt_status eval_predictions_add(eval_predictions *p, const eval_line *line, rt_error *err) {
    return p->fd >= 0 ? eval_line_write(line, &p->out, err) : RT_OK;
}

rt_status eval_predictions_flush(eval_predictions *p, rt_error *err) {
    if (p->fd < 0) return RT_OK;
    const rt_status status = write_all(p->path, p->fd, p->out.v, p->out.n, err);
    p->out.n = 0;
    return status;
}

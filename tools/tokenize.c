/* t5k tokenize and t5k detokenize: lines of text to pieces or ids, and lines of ids to text. Only the tokenizer is opened. */
#include <stdint.h>
#include <stdio.h>

#include "tools/command.h"
#include "tools/lines.h"
#include "tools/model_path.h"
#include "tools/output.h"
#include "tools/text2text.h"

enum { OUT_BYTES = 1 << 16 }; /* written at once when lines come faster than they are written */

typedef struct tokenize {
    const opt_values *options;
    tok_tokenizer *tokenizer;
    rt_text text, out;
    rt_ids ids;
} tokenize;

static rt_status end_line(tokenize *t, bool *full, rt_error *err) {
    *full = t->out.n >= OUT_BYTES;
    return rt_text_append(&t->out, "\n", 1, err);
}

static rt_status take_text(void *context, slice line, size_t number, bool *full, rt_error *err) {
    (void)number;
    tokenize *t = context;
    t->text.n = t->ids.n = 0;
    RT_TRY(qa_repair_utf8(line, &t->text, err));
    if (tok_lower_case(t->tokenizer) && !t->options->keep_case) qa_lower_case(t->text.v, t->text.n);
    RT_TRY(tok_encode(t->tokenizer, t->text.v, t->text.n, &t->ids, err));
    if (t->options->ids) {
        RT_TRY(out_ids(&t->out, t->ids.v, t->ids.n, err));
    } else {
        for (size_t i = 0; i < t->ids.n; i++) {
            if (i > 0) RT_TRY(rt_text_append(&t->out, " ", 1, err));
            RT_TRY(tok_piece(t->tokenizer, t->ids.v[i], &t->out, err));
        }
    }
    return end_line(t, full, err);
}

static rt_status take_ids(void *context, slice line, size_t number, bool *full, rt_error *err) {
    tokenize *t = context;
    char where[64];
    snprintf(where, sizeof where, "standard input, line %zu", number);
    t->ids.n = 0;
    RT_TRY(text2text_parse_ids(line, INT32_MAX, where, RT_ERR_MALFORMED, &t->ids, err));
    RT_TRY(text2text_decode(t->tokenizer, t->ids.v, t->ids.n, &t->out, err));
    return end_line(t, full, err);
}

static rt_status write_out(void *context, rt_error *err) {
    tokenize *t = context;
    const rt_status status = out_write(&t->out, err);
    t->out.n = 0;
    return status;
}

static rt_status run(const opt_values *options, lines_handler handler, const char *what_to_type, rt_error *err) {
    tokenize t = {.options = options};
    model_path path;
    RT_TRY(model_path_find(options->model, &path, err));
    RT_TRY(text2text_open_tokenizer(path.v, options->verbose, &t.tokenizer, err));
    lines_reader reader = lines_standard_input(what_to_type, options->quiet);
    handler.context = &t;
    const rt_status status = lines_each(&reader, &handler, err);
    lines_close(&reader);
    rt_text_free(&t.text);
    rt_text_free(&t.out);
    rt_ids_free(&t.ids);
    tok_close(t.tokenizer);
    return status;
}

rt_status tokenize_run(const opt_values *options, rt_error *err) {
    return run(options, (lines_handler){.line = take_text, .work = write_out}, "text, one a line", err);
}

rt_status detokenize_run(const opt_values *options, rt_error *err) {
    return run(options, (lines_handler){.line = take_ids, .work = write_out}, "token ids, separated by spaces, one text a line", err);
}

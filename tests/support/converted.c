/* Converting in tests; see converted.h. */
#include "tests/support/converted.h"

#include <check.h>
#include <stdlib.h>

#include "runtime/gguf_write.h"
#include "tests/support/model.h"
#include "tests/support/text.h"
#include "tokenizer/tokenizer_export.h"

/* Longer than any largest distance of the golden cases; with ids that each of them has. */
enum { N_SOURCE = 160, SMALLEST_VOCABULARY = 128 };

t5_conversion_params keep_types(t5_layout layout) { return (t5_conversion_params){.layout = layout}; }

t5_conversion_params as_type(t5_layout layout, rt_dtype type) {
    return (t5_conversion_params){.layout = layout, .has_type = true, .type = type};
}

static rt_status put(void *context, const void *bytes, size_t n_bytes, rt_error *err) {
    return rt_text_append(context, bytes, n_bytes, err);
}

static rt_status write_all(t5_conversion *c, const char *path, const t5_conversion_params *params, bool with_tokenizer,
                           rt_gguf_writer *writer, rt_text *out, rt_error *err) {
    const t5_sink sink = {.context = out, .put = put};
    t5_loss loss = {0};
    RT_TRY(t5_conversion_put_keys(c, "model", writer, err));
    if (with_tokenizer) {
        RT_TRY(tok_put_gguf(path, t5_conversion_config(c)->vocab_size, params->layout == T5_LAYOUT_T5K, writer, err));
    }
    RT_TRY(t5_conversion_put_tensors(c, writer, err));
    RT_TRY(rt_gguf_head(writer, out, err));
    const size_t head = out->n;
    for (size_t i = 0; i < t5_conversion_count(c); i++) {
        RT_TRY(t5_conversion_write(c, i, &sink, &loss, err));
        while ((out->n - head) % writer->alignment != 0) text_append_bytes(out, "", 1);
    }
    if (out->n - head != writer->data_bytes) ck_abort_msg("%s: %zu bytes of data, not %zu", path, out->n - head, writer->data_bytes);
    return RT_OK;
}

rt_status convert_model(const char *path, const t5_conversion_params *params, bool with_tokenizer, rt_text *out, rt_error *err) {
    t5_conversion *c;
    RT_TRY(t5_conversion_open(path, params, &c, err));
    rt_gguf_writer writer = {.alignment = t5_conversion_alignment(c)};
    const rt_status status = write_all(c, path, params, with_tokenizer, &writer, out, err);
    rt_gguf_writer_free(&writer);
    t5_conversion_close(c);
    return status;
}

const char *convert_to(scratch *files, const char *name, const char *path, const t5_conversion_params *params, bool with_tokenizer) {
    rt_text out = {0};
    rt_error err;
    must(convert_model(path, params, with_tokenizer, &out, &err), &err);
    scratch_write(files, name, out.v, out.n);
    rt_text_free(&out);
    return files->path;
}

uint64_t hash_of_model(const char *path) {
    static const int32_t target[] = {0, 5, 11, 3};
    int32_t source[N_SOURCE];
    for (int32_t i = 0; i < N_SOURCE; i++) source[i] = (37 * i + 3) % SMALLEST_VOCABULARY;
    const t5_ids input = {source, N_SOURCE}, fed = {target, 4};
    const size_t row = 0;
    t5_model *model = must_open(path);
    t5_session *session = must_start_plain(model);
    const size_t d_model = t5_model_config(model)->d_model, n_logits = fed.n * t5_model_config(model)->vocab_size;
    rt_error err;
    must(t5_encode(session, &input, 1, &err), &err);
    uint64_t hash = hash_words(HASH_START, t5_encoder_hidden(session, 0), input.n * d_model);
    if (t5_model_config(model)->num_decoder_layers > 0) {
        float *logits = malloc(n_logits * sizeof *logits);
        if (logits == NULL) ck_abort_msg("out of memory");
        must(t5_decode_start(session, &row, 1, &err), &err);
        must(t5_decode(session, &fed, &err), &err);
        must(t5_logits(session, 0, fed.n, logits, &err), &err);
        hash = hash_words(hash_words(hash, t5_decoder_hidden(session), fed.n * d_model), logits, n_logits);
        free(logits);
    }
    t5_session_close(session);
    t5_model_close(model);
    return hash;
}

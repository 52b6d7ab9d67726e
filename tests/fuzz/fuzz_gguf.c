/* GGUF files as a pure function of the bytes: every value by every way to ask for it, every tensor's name and bytes, and the vocabulary
 * turned into a SentencePiece model and checked. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/gguf_names.h"
#include "runtime/gguf.h"
#include "tests/fuzz/fuzz.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/tokenizer_gguf.h"

static void use_array(const rt_gguf_pair *pair) {
    const uint8_t *at = pair->value;
    for (size_t i = 0; i < pair->n && pair->element == RT_GGUF_STRING; i++) {
        const rt_gguf_text text = rt_gguf_next_string(&at);
        fuzz_read(text.v, text.n);
    }
    for (size_t i = 0; i < pair->n && pair->element == RT_GGUF_I32; i++) rt_gguf_i32_at(pair, i);
    for (size_t i = 0; i < pair->n && pair->element == RT_GGUF_F32; i++) rt_gguf_f32_at(pair, i);
    fuzz_read(pair->value, pair->n * rt_gguf_type_bytes(pair->element));
}

static void use_pair(const rt_gguf *gguf, const rt_gguf_pair *pair) {
    uint64_t count;
    double number;
    bool flag;
    rt_gguf_text text;
    rt_error err;
    fuzz_read(pair->key.v, pair->key.n);
    fuzz_succeeded(rt_gguf_count(gguf, pair, &count, &err), &err);
    fuzz_succeeded(rt_gguf_float(gguf, pair, &number, &err), &err);
    fuzz_succeeded(rt_gguf_bool(gguf, pair, &flag, &err), &err);
    if (fuzz_succeeded(rt_gguf_string(gguf, pair, &text, &err), &err)) fuzz_read(text.v, text.n);
    if (pair->type != RT_GGUF_ARRAY) return;
    FUZZ_REQUIRE(fuzz_succeeded(rt_gguf_array(gguf, pair, pair->element, &err), &err));
    use_array(pair);
}

static void use_tensor(const rt_gguf_tensor *tensor) {
    char hf[CKPT_GGUF_NAME_SIZE], back[CKPT_GGUF_NAME_SIZE];
    fuzz_read(tensor->data, tensor->n_bytes);
    for (int is_gated = 0; is_gated < 2; is_gated++) {
        if (!ckpt_gguf_name(tensor->name.v, tensor->name.n, is_gated != 0, hf)) continue;
        FUZZ_REQUIRE(ckpt_gguf_name_of(hf, back));
        FUZZ_REQUIRE(strlen(back) == tensor->name.n && memcmp(back, tensor->name.v, tensor->name.n) == 0);
    }
}

static void use_vocabulary(const rt_gguf *gguf) {
    rt_text model = {0};
    size_t n_unnamed = 0;
    rt_error err;
    if (tok_gguf_has_vocabulary(gguf) && fuzz_succeeded(tok_gguf_build(gguf, &model, &n_unnamed, &err), &err)) {
        fuzz_succeeded(tok_spm_check("f", (const uint8_t *)model.v, model.n, &err), &err);
    }
    rt_text_free(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rt_gguf gguf = {0};
    rt_error err;
    if (!fuzz_succeeded(rt_gguf_parse("f", data, size, &gguf, &err), &err)) return 0;
    for (size_t i = 0; i < gguf.n_pairs; i++) use_pair(&gguf, &gguf.pairs[i]);
    for (size_t i = 0; i < gguf.n_tensors; i++) use_tensor(&gguf.tensors[i]);
    use_vocabulary(&gguf);
    rt_gguf_free(&gguf);
    return 0;
}

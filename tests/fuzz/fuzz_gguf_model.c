/* GGUF files as a model: its config, its tensors by Hugging Face's names, and its tokenizer, which encodes and decodes a text. */
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/config.h"
#include "tests/fuzz/fuzz.h"
#include "tokenizer/tokenizer.h"

static void use_tensors(const char *path) {
    ckpt_checkpoint *checkpoint;
    rt_error err;
    if (!fuzz_succeeded(ckpt_open(path, &checkpoint, &err), &err)) return;
    for (size_t i = 0; i < ckpt_count(checkpoint); i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        FUZZ_REQUIRE(ckpt_find(checkpoint, t->name) == t);
        fuzz_read(t->data, t->n_bytes);
    }
    ckpt_close(checkpoint);
}

static void use_config(const char *path) {
    t5_config config;
    rt_error err;
    if (!fuzz_succeeded(t5_config_load(path, &config, &err), &err)) return;
    FUZZ_REQUIRE(config.vocab_size > (size_t)config.eos_token_id && config.vocab_size > (size_t)config.pad_token_id);
    FUZZ_REQUIRE(config.d_model > 0 && config.num_heads > 0 && config.num_decoder_layers > 0);
}

static void use_tokenizer(const char *path) {
    static const char input[] = "ab </s> b <extra_id_1>\xff e";
    tok_tokenizer *tokenizer;
    rt_ids ids = {0};
    rt_text text = {0};
    rt_error err;
    if (!fuzz_succeeded(tok_open(path, &tokenizer, &err), &err)) return;
    if (fuzz_succeeded(tok_encode(tokenizer, input, sizeof input - 1, &ids, &err), &err)) {
        for (size_t i = 0; i < ids.n; i++) FUZZ_REQUIRE(ids.v[i] >= 0 && (size_t)ids.v[i] < tok_n_ids(tokenizer));
        FUZZ_REQUIRE(fuzz_succeeded(tok_decode(tokenizer, ids.v, ids.n, &text, &err), &err));
    }
    rt_ids_free(&ids);
    rt_text_free(&text);
    tok_close(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_write("model.gguf", data, size);
    use_tensors(path);
    use_config(path);
    use_tokenizer(path);
    return 0;
}

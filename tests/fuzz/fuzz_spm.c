/* SentencePiece models. What the check passes is opened, by itself and with "legacy" false, and encodes and decodes a text, and then the
 * model's own bytes. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/tokenizer.h"

static void use_text(const tok_tokenizer *tokenizer, const char *input, size_t n) {
    rt_ids ids = {0};
    rt_text text = {0};
    rt_error err;
    if (fuzz_succeeded(tok_encode(tokenizer, input, n, &ids, &err), &err)) {
        for (size_t i = 0; i < ids.n; i++) FUZZ_REQUIRE(ids.v[i] >= 0 && (size_t)ids.v[i] < tok_n_ids(tokenizer));
        FUZZ_REQUIRE(fuzz_succeeded(tok_decode(tokenizer, ids.v, ids.n, &text, &err), &err));
    }
    rt_ids_free(&ids);
    rt_text_free(&text);
}

static void use_pieces(const tok_tokenizer *tokenizer) {
    rt_text text = {0};
    rt_error err;
    for (size_t i = 0; i < tok_n_ids(tokenizer); i++) {
        FUZZ_REQUIRE(fuzz_succeeded(tok_piece(tokenizer, (int32_t)i, &text, &err), &err));
    }
    rt_text_free(&text);
}

static void use_tokenizer(const char *path, const uint8_t *data, size_t size) {
    static const char input[] = "ab <a A AAAAAAAA \xff" "B\xc3\xa9 e\0 b</s> <extra_id_3>a";
    tok_tokenizer *tokenizer;
    rt_error err;
    if (!fuzz_succeeded(tok_open(path, &tokenizer, &err), &err)) return;
    use_pieces(tokenizer);
    use_text(tokenizer, input, sizeof input - 1);
    use_text(tokenizer, (const char *)data, size);
    tok_close(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char settings[] = "{\"legacy\": false}";
    rt_error err;
    if (!fuzz_succeeded(tok_spm_check("f", data, size, &err), &err)) return 0;
    fuzz_write("tokenizer_config.json", settings, sizeof settings - 1);
    use_tokenizer(fuzz_write("spiece.model", data, size), data, size);
    use_tokenizer(fuzz_folder(), data, size);
    return 0;
}

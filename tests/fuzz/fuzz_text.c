/* Texts through three tokenizers: the embedded model's, the same with "legacy" false, and ByT5's. Ids must be in range and end with </s>,
 * and must decode; ByT5 gives every text back that is UTF-8 and has no name of a special token in it. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tokenizer/bytes.h"
#include "tokenizer/tokenizer.h"

static const tok_tokenizer *legacy(void) {
    static tok_tokenizer *tokenizer;
    rt_error err;
    if (tokenizer == NULL) FUZZ_REQUIRE(fuzz_succeeded(tok_open("data/models/qa-mini", &tokenizer, &err), &err));
    return tokenizer;
}

static const tok_tokenizer *not_legacy(void) {
    static const char settings[] = "{\"legacy\": false}";
    static tok_tokenizer *tokenizer;
    char model[PATH_MAX];
    rt_error err;
    if (tokenizer != NULL) return tokenizer;
    FUZZ_REQUIRE(realpath("data/models/qa-mini/spiece.model", model) != NULL);
    fuzz_link("spiece.model", model);
    fuzz_write("tokenizer_config.json", settings, sizeof settings - 1);
    FUZZ_REQUIRE(fuzz_succeeded(tok_open(fuzz_folder(), &tokenizer, &err), &err));
    return tokenizer;
}

static void check_pieces(const tok_tokenizer *tokenizer, const char *input, size_t n) {
    rt_ids ids = {0};
    rt_text text = {0};
    rt_error err;
    if (fuzz_succeeded(tok_encode(tokenizer, input, n, &ids, &err), &err)) {
        for (size_t i = 0; i < ids.n; i++) FUZZ_REQUIRE(ids.v[i] >= 0 && (size_t)ids.v[i] < tok_n_ids(tokenizer));
        FUZZ_REQUIRE(ids.n > 0 && ids.v[ids.n - 1] == TOK_EOS);
        FUZZ_REQUIRE(fuzz_succeeded(tok_decode(tokenizer, ids.v, ids.n, &text, &err), &err));
        FUZZ_REQUIRE(rt_utf8_valid((const uint8_t *)text.v, text.n));
    }
    rt_ids_free(&ids);
    rt_text_free(&text);
}

static void check_bytes(const char *input, size_t n) {
    enum { N_SENTINELS = 125 };
    rt_ids ids = {0};
    rt_text text = {0};
    rt_error err;
    if (fuzz_succeeded(tok_bytes_encode(N_SENTINELS, input, n, &ids, &err), &err)) {
        for (size_t i = 0; i < ids.n; i++) FUZZ_REQUIRE(ids.v[i] >= 0 && (size_t)ids.v[i] < tok_bytes_n_ids(N_SENTINELS));
        FUZZ_REQUIRE(fuzz_succeeded(tok_bytes_decode(ids.v, ids.n, &text, &err), &err));
        if (rt_utf8_valid((const uint8_t *)input, n) && memchr(input, '<', n) == NULL) {
            FUZZ_REQUIRE(text.n == n && (n == 0 || memcmp(text.v, input, n) == 0));
        }
    }
    rt_ids_free(&ids);
    rt_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_pieces(legacy(), (const char *)data, size);
    check_pieces(not_legacy(), (const char *)data, size);
    if (size > 0) check_bytes((const char *)data, size);
    return 0;
}

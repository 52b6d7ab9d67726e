/* A model's precompiled_charsmap. What the check passes goes into a small model, with which the library normalises a text of every byte and
 * then the charsmap's own bytes. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tokenizer/charsmap_check.h"
#include "tokenizer/spm_build.h"
#include "tokenizer/spm_check.h"
#include "tokenizer/spm_shim.h"

enum { TYPE_NORMAL = 1 };

static void build(const uint8_t *charsmap, size_t n, rt_text *model) {
    const tok_build_settings settings = {
        .add_dummy_prefix = true, .remove_extra_spaces = true, .charsmap = charsmap, .n_charsmap = n};
    FUZZ_REQUIRE(tok_build_piece(model, "<unk>", 5, 0, TOK_TYPE_UNKNOWN, NULL) == RT_OK);
    FUZZ_REQUIRE(tok_build_piece(model, "a", 1, -1, TYPE_NORMAL, NULL) == RT_OK);
    FUZZ_REQUIRE(tok_build_settings_of(model, &settings, NULL) == RT_OK);
}

static void encode(const tok_spm *spm, const void *text, size_t n) {
    rt_ids ids = {0};
    rt_error err;
    fuzz_succeeded(tok_spm_encode(spm, text, n, &ids, &err), &err);
    rt_ids_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t every[3 * 256];
    rt_text model = {0};
    tok_spm *spm;
    rt_error err;
    if (!fuzz_succeeded(tok_charsmap_check("f", 0, data, size, &err), &err)) return 0;
    build(data, size, &model);
    FUZZ_REQUIRE(fuzz_succeeded(tok_spm_check("f", (const uint8_t *)model.v, model.n, &err), &err));
    if (fuzz_succeeded(tok_spm_open("f", (const uint8_t *)model.v, model.n, &spm, &err), &err)) {
        for (size_t i = 0; i < sizeof every; i++) every[i] = (uint8_t)(i < 256 ? i : 'A' + i % 3);
        encode(spm, every, sizeof every);
        encode(spm, data, size);
        tok_spm_close(spm);
    }
    rt_text_free(&model);
    return 0;
}

/* tokenizer_config.json. */
#include "tests/fuzz/fuzz.h"
#include "tokenizer/tokenizer_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tok_config config = tok_config_defaults();
    rt_error err;
    fuzz_succeeded(tok_config_parse("f", (const char *)data, size, &config, &err), &err);
    FUZZ_REQUIRE(config.extra_ids <= TOK_MAX_SENTINELS);
    return 0;
}

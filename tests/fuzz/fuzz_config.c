/* config.json and, behind a NUL, generation_config.json, to the model's config, of which every number must be in its range. */
#include <math.h>

#include "model/config.h"
#include "tests/fuzz/fuzz.h"

static void check_size(const t5_config *config, const t5_size_key *key) {
    const size_t value = *(const size_t *)((const char *)config + key->offset);
    FUZZ_REQUIRE(value >= key->min && value <= key->max);
}

static void check_id(const t5_config *config, int32_t id) { FUZZ_REQUIRE(id >= 0 && (size_t)id < config->vocab_size); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_pair pair = fuzz_split(data, size);
    t5_config config;
    rt_error err;
    if (pair.has_second) fuzz_write("generation_config.json", pair.second, pair.n_second);
    else fuzz_remove("generation_config.json");
    fuzz_write("config.json", pair.first, pair.n_first);
    if (!fuzz_succeeded(t5_config_load_folder(fuzz_folder(), &config, &err), &err)) return 0;
    for (size_t i = 0; i < T5_N_SIZE_KEYS; i++) check_size(&config, &t5_size_keys[i]);
    if (config.num_decoder_layers > 0) check_size(&config, &t5_decoder_layers_key);
    check_id(&config, config.pad_token_id);
    check_id(&config, config.eos_token_id);
    check_id(&config, config.decoder_start_token_id);
    FUZZ_REQUIRE(config.layer_norm_epsilon > 0 && isfinite(config.layer_norm_epsilon));
    FUZZ_REQUIRE(fuzz_succeeded(t5_config_check_buckets("f", &config, &err), &err));
    return 0;
}

/* safetensors files, from the first byte to the last; and the bytes as a header alone, so that it need not be guarded by a right length. */
#include <string.h>

#include "model/checkpoint/safetensors.h"
#include "tests/fuzz/fuzz.h"

static void parse_file(const uint8_t *data, size_t size) {
    ckpt_header header = {0};
    size_t data_at = 0;
    rt_error err;
    if (!fuzz_succeeded(ckpt_safetensors_parse("f", data, size, &header, &data_at, &err), &err)) return;
    FUZZ_REQUIRE(data_at >= 8 && data_at <= size);
    size_t covered = 0;
    for (size_t i = 0; i < header.n; i++) {
        const ckpt_entry *e = &header.entries[i];
        FUZZ_REQUIRE(e->begin <= e->end && e->end <= size - data_at);
        FUZZ_REQUIRE(i == 0 || strcmp(header.entries[i - 1].name, e->name) < 0);
        fuzz_read(data + data_at + e->begin, e->end - e->begin);
        covered += e->end - e->begin;
    }
    FUZZ_REQUIRE(covered == size - data_at);
    ckpt_header_free(&header);
}

static void parse_header(const uint8_t *data, size_t size) {
    ckpt_header header = {0};
    rt_error err;
    if (fuzz_succeeded(ckpt_header_parse("f", data, size, 8, &header, &err), &err)) {
        for (size_t i = 0; i < header.n; i++) fuzz_read(header.entries[i].name, strlen(header.entries[i].name));
    }
    ckpt_header_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse_file(data, size);
    parse_header(data, size);
    return 0;
}

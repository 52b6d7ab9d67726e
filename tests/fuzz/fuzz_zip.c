/* Zip archives: the directory, and every member inflated or, where it is stored, compared with its checksum. */
#include <stdlib.h>

#include "model/checkpoint/zip.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_MEMBER = 1 << 16 }; /* inflated here: larger ones only take time */

static void use_member(const uint8_t *data, size_t size, const ckpt_zip_member *member) {
    rt_error err;
    FUZZ_REQUIRE(member->data_at <= size && member->n_stored <= size - member->data_at);
    if (!member->deflated) {
        FUZZ_REQUIRE(member->n_bytes == member->n_stored);
        fuzz_succeeded(ckpt_zip_check_crc("f", member, data + member->data_at, &err), &err);
        return;
    }
    FUZZ_REQUIRE(member->n_bytes <= member->n_stored * CKPT_ZIP_MAX_EXPANSION);
    if (member->n_bytes > MAX_MEMBER) return;
    uint8_t *out = malloc(member->n_bytes > 0 ? member->n_bytes : 1);
    if (out == NULL) return;
    if (fuzz_succeeded(ckpt_zip_inflate("f", data, member, out, &err), &err)) fuzz_read(out, member->n_bytes);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ckpt_zip zip = {0};
    rt_error err;
    if (!fuzz_succeeded(ckpt_zip_parse("f", data, size, &zip, &err), &err)) return 0;
    for (size_t i = 0; i < zip.n; i++) {
        const ckpt_zip_member *member = &zip.members[i];
        FUZZ_REQUIRE(ckpt_zip_find(&zip, member->name, member->n_name) == member);
        use_member(data, size, member);
    }
    ckpt_zip_free(&zip);
    return 0;
}

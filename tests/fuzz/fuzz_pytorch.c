/* Whole PyTorch files, zip and legacy: every byte of every tensor is read. */
#include <string.h>

#include "model/checkpoint/pytorch.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ckpt_pytorch pt = {0};
    rt_error err;
    if (!fuzz_succeeded(ckpt_pytorch_parse("f", data, size, &pt, &err), &err)) return 0;
    for (size_t i = 0; i < pt.n; i++) {
        const ckpt_tensor *t = &pt.tensors[i];
        size_t count = 1;
        for (unsigned d = 0; d < t->rank; d++) count *= t->shape[d];
        FUZZ_REQUIRE(rt_dtype_bytes(t->dtype, count) == t->n_bytes);
        FUZZ_REQUIRE(t->n_bytes <= size * CKPT_MAX_GROWTH);
        FUZZ_REQUIRE(i == 0 || strcmp(t[-1].name, t->name) < 0);
        fuzz_read(t->data, t->n_bytes);
    }
    ckpt_pytorch_close(&pt);
    return 0;
}

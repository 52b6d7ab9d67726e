/* Indexes of sharded checkpoints. What is let through must agree with the tensors that it lists, and with no fewer. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/shard_index.h"
#include "tests/fuzz/fuzz.h"

static void compare(const ckpt_index *index) {
    rt_error err;
    ckpt_tensor *tensors = calloc(index->n_rows, sizeof *tensors);
    if (tensors == NULL) return;
    for (size_t i = 0; i < index->n_rows; i++) {
        tensors[i].name = index->rows[i].tensor;
        tensors[i].file = index->rows[i].shard;
    }
    FUZZ_REQUIRE(fuzz_succeeded(ckpt_index_compare("f", index, tensors, index->n_rows, &err), &err));
    FUZZ_REQUIRE(!fuzz_succeeded(ckpt_index_compare("f", index, tensors, index->n_rows - 1, &err), &err));
    free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ckpt_index index = {0};
    rt_error err;
    if (fuzz_succeeded(ckpt_index_read(fuzz_write("model.safetensors.index.json", data, size), &index, &err), &err)) {
        FUZZ_REQUIRE(index.n_rows > 0 && index.n_shards > 0 && index.n_shards <= CKPT_MAX_SHARDS);
        for (size_t i = 0; i < index.n_shards; i++) FUZZ_REQUIRE(strchr(index.shards[i], '/') == NULL);
        compare(&index);
    }
    ckpt_index_free(&index);
    return 0;
}

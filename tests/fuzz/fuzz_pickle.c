/* The three kinds of pickles in PyTorch's files: a state dict, a dict with a flag, a list of keys. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pickle.h"
#include "tests/fuzz/fuzz.h"

static void read_state_dict(const ckpt_pickle *pickle) {
    ckpt_state_dict dict = {0};
    size_t n_read = 0;
    rt_error err;
    if (!fuzz_succeeded(ckpt_pickle_state_dict(pickle, &dict, &n_read, &err), &err)) return;
    FUZZ_REQUIRE(n_read <= pickle->size);
    for (size_t i = 0; i < dict.n_storages; i++) {
        const ckpt_pickle_storage *s = &dict.storages[i];
        FUZZ_REQUIRE(ckpt_state_dict_storage(&dict, s->key, s->n_key) == i);
        FUZZ_REQUIRE(s->element != NULL && s->at < pickle->size);
    }
    for (size_t i = 0; i < dict.n_tensors; i++) {
        FUZZ_REQUIRE(dict.tensors[i].storage < dict.n_storages && dict.tensors[i].rank <= CKPT_MAX_RANK);
    }
    for (size_t i = 0; i < dict.n_names; i++) {
        const ckpt_pickle_name *name = &dict.names[i];
        FUZZ_REQUIRE(name->tensor < dict.n_tensors && *name->name != '\0' && strlen(name->name) <= CKPT_MAX_NAME);
        FUZZ_REQUIRE(i == 0 || strcmp(name[-1].name, name->name) < 0);
    }
    ckpt_state_dict_free(&dict);
}

static void read_flag(const ckpt_pickle *pickle) {
    bool flag = false;
    size_t n_read = 0;
    rt_error err;
    if (fuzz_succeeded(ckpt_pickle_flag(pickle, "little_endian", &flag, &n_read, &err), &err)) FUZZ_REQUIRE(n_read <= pickle->size);
}

static void read_keys(const ckpt_pickle *pickle) {
    ckpt_pickle_key *keys = NULL;
    size_t n_keys = 0, n_read = 0;
    rt_error err;
    if (!fuzz_succeeded(ckpt_pickle_keys(pickle, &keys, &n_keys, &n_read, &err), &err)) return;
    FUZZ_REQUIRE(n_read <= pickle->size);
    for (size_t i = 0; i < n_keys; i++) fuzz_read(keys[i].text, keys[i].n);
    free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const ckpt_pickle pickle = {.file = "f", .bytes = data, .size = size};
    read_state_dict(&pickle);
    read_flag(&pickle);
    read_keys(&pickle);
    return 0;
}

/* Checkpoints in tests; see checkpoint_use.h. */
#include "tests/support/checkpoint_use.h"

#include <check.h>
#include <string.h>

#include "tests/support/expect.h"

void refuse_checkpoint(const char *row, const char *path, rt_status expected, const char *message) {
    ckpt_checkpoint *checkpoint = NULL;
    rt_error err;
    expect_failure(row, ckpt_open(path, &checkpoint, &err), &err, expected, message);
    ck_assert_ptr_null(checkpoint);
    ck_assert_int_eq(ckpt_open(path, &checkpoint, NULL), expected);
}

ckpt_checkpoint *open_checkpoint(const char *row, const char *path) {
    ckpt_checkpoint *checkpoint = NULL;
    rt_error err;
    expect_ok(row, ckpt_open(path, &checkpoint, &err), &err);
    return checkpoint;
}

size_t use_checkpoint(const ckpt_checkpoint *checkpoint) {
    size_t n_bytes = 0;
    volatile unsigned sum = 0;
    for (size_t i = 0; i < ckpt_count(checkpoint); i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        if (ckpt_find(checkpoint, t->name) != t) ck_abort_msg("%s is not found", t->name);
        size_t n = rt_dtype_bytes(t->dtype, 1);
        for (unsigned d = 0; d < t->rank; d++) n *= t->shape[d];
        if (n != t->n_bytes) ck_abort_msg("%s has %zu bytes", t->name, t->n_bytes);
        for (size_t j = 0; j < t->n_bytes; j++) sum += t->data[j];
        n_bytes += t->n_bytes;
    }
    return n_bytes;
}

void open_and_use(const char *row, const char *path, size_t n_tensors) {
    ckpt_checkpoint *checkpoint = open_checkpoint(row, path);
    ck_assert_uint_eq(ckpt_count(checkpoint), n_tensors);
    use_checkpoint(checkpoint);
    ckpt_close(checkpoint);
}

void expect_contained(const ckpt_checkpoint *part, const ckpt_checkpoint *whole) {
    ck_assert_uint_gt(ckpt_count(part), 0);
    for (size_t i = 0; i < ckpt_count(part); i++) {
        const ckpt_tensor *a = ckpt_at(part, i), *b = ckpt_find(whole, a->name);
        ck_assert_msg(b != NULL, "%s: no %s", ckpt_path(whole), a->name);
        ck_assert_msg(a->dtype == b->dtype && a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0,
                      "%s: another type or shape of %s", ckpt_path(whole), a->name);
        ck_assert_msg(a->n_bytes == b->n_bytes && memcmp(a->data, b->data, a->n_bytes) == 0, "%s: other bytes in %s", ckpt_path(whole),
                      a->name);
    }
}

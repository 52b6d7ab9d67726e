/* Views of storages in PyTorch's files, and every real file of tests/golden against the safetensors form of the same weights. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pytorch.h"
#include "model/checkpoint/strided.h"
#include "tests/support/checkpoint_use.h"
#include "tests/support/expect.h"
#include "tests/support/pytorch_writer.h"
#include "tests/support/suite.h"

static scratch files;

static void set_up(void) { scratch_open(&files); }
static void tear_down(void) { scratch_close(&files); }

#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define ID "(U\7storagectorch\nHalfStorage\nU\0011U\3cpuK\4tQ"
#define ID_LEGACY "(U\7storagectorch\nHalfStorage\nU\0011U\3cpuK\4NtQ"

typedef struct view {
    const char *name;
    pt_change zip, legacy; /* "b" */
    bool in_place;         /* it needs no copy */
    size_t rank, shape[2];
    uint8_t first[4]; /* of its storage's eight bytes, the low byte of each element */
} view;

#define VIEW(name, parts, ...) {name, {PT_VALUE, REBUILD ID parts "\x89}tR", sizeof(REBUILD ID parts "\x89}tR") - 1}, \
                                {PT_VALUE, REBUILD ID_LEGACY parts "\x89}tR", sizeof(REBUILD ID_LEGACY parts "\x89}tR") - 1}, __VA_ARGS__}

static const view views[] = {
    VIEW("slice", "K\1K\2\x85K\1\x85", true, 1, {2}, {26, 28}),
    VIEW("transposed", "K\0K\2K\2\x86K\1K\2\x86", false, 2, {2, 2}, {24, 28, 26, 30}),
    VIEW("spaced", "K\0K\2\x85K\2\x85", false, 1, {2}, {24, 28}),
    VIEW("spaced from 1", "K\1K\2\x85K\2\x85", false, 1, {2}, {26, 30}),
    VIEW("expanded", "K\3K\4\x85K\0\x85", false, 1, {4}, {30, 30, 30, 30}),
    VIEW("expanded rows", "K\2K\2K\2\x86K\0K\1\x86", false, 2, {2, 2}, {28, 30, 28, 30}),
    VIEW("one column", "K\1K\1K\2\x86K\7K\1\x86", true, 2, {1, 2}, {26, 28}),
    VIEW("scalar", "K\2))", true, 0, {0}, {28}),
    VIEW("nothing", "K\4K\0\x85K\1\x85", true, 1, {0}, {0}),
};

START_TEST(view_of_storage) {
    const view *v = &views[_i / PT_N_STYLES];
    const size_t s = (size_t)_i % PT_N_STYLES;
    pt_write_file(&files, "x.bin", s == PT_LEGACY ? v->legacy : v->zip, pt_style_of(s));
    ckpt_checkpoint *checkpoint = open_checkpoint(v->name, files.path);
    const ckpt_tensor *b = ckpt_find(checkpoint, "b");
    size_t n = 1;
    ck_assert_uint_eq(b->rank, v->rank);
    for (size_t d = 0; d < v->rank; d++) {
        ck_assert_uint_eq(b->shape[d], v->shape[d]);
        n *= v->shape[d];
    }
    ck_assert_uint_eq(b->n_bytes, 2 * n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(b->data[2 * i], v->first[i]);
        ck_assert_uint_eq(b->data[2 * i + 1], v->first[i] + 1u);
    }
    use_checkpoint(checkpoint);
    ckpt_close(checkpoint);
}
END_TEST

/* Views that lie in the file in one piece stay there. */
START_TEST(in_place) {
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        ckpt_pytorch pt = {0};
        rt_error err;
        expect_ok(views[i].name, ckpt_pytorch_open(pt_write_file(&files, "x.bin", views[i].zip, pt_style_of(0)), &pt, &err), &err);
        ck_assert_msg((pt.copies.base == NULL) == views[i].in_place, "%s", views[i].name);
        ckpt_pytorch_close(&pt);
    }
}
END_TEST

/* P13: 10^12 elements over one, and a copy of 100 times the file's size. */
START_TEST(expanded_too_far) {
    static const pt_change trillion = PT_CHANGE(PT_VALUE, REBUILD ID "K\0\x8a\6\0\x10\xa5\xd4\xe8\0\x85K\0\x85\x89}tR"),
                           product_wraps = PT_CHANGE(PT_VALUE,
                                                     REBUILD ID "K\0\x8a\7\0\0\0\0\0\0\1\x8a\7\0\0\0\0\0\0\1\x86K\0K\0\x86\x89}tR"),
                           hundred = PT_CHANGE(PT_VALUE, REBUILD ID "K\0M\xff\xff\x85K\0\x85\x89}tR");
    pt_write_file(&files, "x.bin", trillion, pt_style_of(0));
    refuse_checkpoint("P13", files.path, RT_ERR_LIMIT, "take too much memory (2000000000000 bytes, at most 100 times the file's");
    pt_write_file(&files, "x.bin", product_wraps, pt_style_of(0));
    refuse_checkpoint("P13", files.path, RT_ERR_LIMIT, "larger than can be counted");
    pt_write_file(&files, "x.bin", hundred, pt_style_of(0));
    open_and_use("P13 twin", files.path, 3);
}
END_TEST

/* P15: what is memoised and named twice, or named twice as two views, is there once in memory. */
START_TEST(aliases) {
    static const pt_change one = PT_CHANGE(PT_VALUE, REBUILD ID "K\0K\2K\2\x86K\1K\2\x86\x89}tRq\1U\2b2h\1"),
                           parameter = PT_CHANGE(PT_VALUE, "ctorch._utils\n_rebuild_parameter\n" REBUILD ID
                                                           "K\0K\4\x85K\1\x85\x89}tR\x88}\x87Rq\1U\2b2h\1"),
                           two = PT_CHANGE(PT_VALUE, REBUILD ID "K\0K\4\x85K\1\x85\x89}tRU\2b2" REBUILD ID "K\0K\4\x85K\1\x85\x89}tR");
    const pt_change changes[] = {one, parameter, two};
    for (size_t i = 0; i < 3; i++) {
        for (size_t s = 0; s < PT_LEGACY; s++) {
            pt_write_file(&files, "x.bin", changes[i], pt_style_of(s));
            ckpt_checkpoint *checkpoint = open_checkpoint("P15", files.path);
            ck_assert_uint_eq(ckpt_count(checkpoint), 4);
            ck_assert_ptr_eq(ckpt_find(checkpoint, "b")->data, ckpt_find(checkpoint, "b2")->data);
            use_checkpoint(checkpoint);
            ckpt_close(checkpoint);
        }
    }
}
END_TEST

/* The extents of views against a count by hand. */
START_TEST(extents) {
    const size_t max = SIZE_MAX;
    const struct {
        size_t shape[2], stride[2], offset, n;
        bool fits;
    } cases[] = {
        {{2, 3}, {3, 1}, 0, 6, true},      {{2, 3}, {3, 1}, 1, 6, false},     {{2, 3}, {3, 1}, 0, 5, false},
        {{1, 1}, {9, 9}, 5, 6, true},      {{1, 1}, {9, 9}, 6, 6, false},     {{0, 9}, {9, 9}, 6, 6, true},
        {{0, 9}, {9, 9}, 7, 6, false},     {{2, 2}, {max, 1}, 0, 6, false},   {{2, 2}, {max - 1, 1}, 0, max, false},
        {{max, 1}, {max, 1}, 0, max, false}, {{2, 2}, {max - 2, 1}, 0, max, true}, {{3, 1}, {0, 1}, 0, 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ckpt_strided s = {.rank = 2, .shape = cases[i].shape, .stride = cases[i].stride, .offset = cases[i].offset};
        if (ckpt_strided_fits(&s, cases[i].n) != cases[i].fits) ck_abort_msg("case %zu", i);
    }
}
END_TEST

/* ---- real checkpoints: all forms of the same weights hold the same bits ---- */

#define GOLDEN "tests/golden/cases/"

typedef struct pair {
    const char *plain, *form;
} pair;

static const pair pairs[] = {
    {GOLDEN "relu_tied/safetensors", GOLDEN "relu_tied/bin"},
    {GOLDEN "relu_tied/safetensors", GOLDEN "relu_tied/bin_legacy"},
    {GOLDEN "relu_tied/safetensors", GOLDEN "relu_tied/bin_sharded"},
    {GOLDEN "relu_tied/safetensors", GOLDEN "relu_tied/bin_strided"},
    {GOLDEN "gated_gelu/safetensors", GOLDEN "gated_gelu/bin"},
    {GOLDEN "gated_gelu/safetensors", GOLDEN "gated_gelu/bin_legacy"},
    {GOLDEN "gated_gelu/safetensors", GOLDEN "gated_gelu/bin_sharded"},
    {GOLDEN "odd_sizes/safetensors", GOLDEN "odd_sizes/bin_legacy"},
    {GOLDEN "odd_sizes/safetensors", GOLDEN "odd_sizes/bin_sharded"},
    {GOLDEN "odd_sizes/safetensors", GOLDEN "odd_sizes/bin_strided"},
    {GOLDEN "gelu/safetensors", GOLDEN "gelu/bin_parameters"},
};

START_TEST(golden_forms) {
    ckpt_checkpoint *plain = open_checkpoint(pairs[_i].plain, pairs[_i].plain), *form = open_checkpoint(pairs[_i].form, pairs[_i].form);
    use_checkpoint(form);
    expect_contained(plain, form);
    ckpt_close(form);
    ckpt_close(plain);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("views of PyTorch's storages");
    TCase *made = tcase_create("made"), *golden = tcase_create("golden");
    tcase_add_checked_fixture(made, set_up, tear_down);
    tcase_add_loop_test(made, view_of_storage, 0, (int)(sizeof views / sizeof *views) * PT_N_STYLES);
    tcase_add_test(made, in_place);
    tcase_add_test(made, expanded_too_far);
    tcase_add_test(made, aliases);
    tcase_add_test(made, extents);
    tcase_add_loop_test(golden, golden_forms, 0, (int)(sizeof pairs / sizeof *pairs));
    suite_add_tcase(suite, made);
    suite_add_tcase(suite, golden);
    return run_suite(suite);
}

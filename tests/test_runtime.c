/* The runtime's small parts: checked sizes, errors and quotes, arena, growable arrays, file mapping, and the choice of kernels. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/arena.h"
#include "runtime/buffer.h"
#include "runtime/checked.h"
#include "runtime/file_map.h"
#include "runtime/kernels_isa.h"
#include "tests/support/expect.h"
#include "tests/support/floats.h"
#include "tests/support/scratch.h"
#include "tests/support/variants.h"

static const struct {
    size_t a, b;
    bool add_fits, mul_fits;
} sizes[] = {
    {0, 0, true, true},
    {SIZE_MAX, 0, true, true},
    {SIZE_MAX, 1, false, true},
    {SIZE_MAX / 2, 2, true, true},
    {SIZE_MAX / 2 + 1, 2, true, false},
    {SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, false, false},
    {(size_t)1 << 32, (size_t)1 << 32, true, false},
    {((size_t)1 << 32) - 1, ((size_t)1 << 32) + 1, true, true},
};

START_TEST(sizes_are_checked) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t sum, product;
        ck_assert_msg(rt_add_size(sizes[i].a, sizes[i].b, &sum) == sizes[i].add_fits, "sum %zu", i);
        ck_assert_msg(rt_mul_size(sizes[i].a, sizes[i].b, &product) == sizes[i].mul_fits, "product %zu", i);
        if (sizes[i].add_fits) ck_assert_uint_eq(sum, sizes[i].a + sizes[i].b);
        if (sizes[i].mul_fits) ck_assert_uint_eq(product, sizes[i].a * sizes[i].b);
    }
}
END_TEST

START_TEST(a_failure_is_one_statement) {
    rt_error err;
    ck_assert_int_eq(rt_fail(&err, RT_ERR_DISAGREE, "%s: %d tensors, not %d", "a file", 2, 3), RT_ERR_DISAGREE);
    ck_assert_int_eq(err.status, RT_ERR_DISAGREE);
    ck_assert_str_eq(err.message, "a file: 2 tensors, not 3");
    ck_assert_int_eq(rt_fail(NULL, RT_ERR_READ, "unheard"), RT_ERR_READ);
    ck_assert_int_eq(rt_fail_memory(&err, SIZE_MAX, "the cache"), RT_ERR_LIMIT);
    ck_assert_str_eq(err.message, "out of memory (18446744073709551615 bytes for the cache)");
    ck_assert_int_eq(rt_fail(&err, RT_ERR_LIMIT, "%0*d", 2 * RT_ERROR_SIZE, 7), RT_ERR_LIMIT);
    ck_assert_uint_eq(strlen(err.message), RT_ERROR_SIZE - 1);
}
END_TEST

static rt_status forward(rt_status status, bool *went_on) {
    RT_TRY(status);
    *went_on = true;
    return RT_OK;
}

START_TEST(a_failure_is_forwarded) {
    bool went_on = false;
    ck_assert_int_eq(forward(RT_ERR_WRITE, &went_on), RT_ERR_WRITE);
    ck_assert(!went_on);
    ck_assert_int_eq(forward(RT_OK, &went_on), RT_OK);
    ck_assert(went_on);
}
END_TEST

START_TEST(quotes_are_printable_and_bounded) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *quoted;
    } quotes[] = {
        {"", 0, ""},
        {"plain.bin", 9, "plain.bin"},
        {"a\nb\tc\0d\x1b", 8, "a\\x0ab\\x09c\\x00d\\x1b"},
        {"\x7f\x80\xff ~", 5, "\\x7f\\x80\\xff ~"},
        {"caf\xc3\xa9", 5, "caf\\xc3\\xa9"},
    };
    char out[RT_QUOTE_SIZE], bytes[200];
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        ck_assert_ptr_eq(rt_quote(out, quotes[i].bytes, quotes[i].n), out);
        ck_assert_str_eq(out, quotes[i].quoted);
    }
    for (size_t n = 0; n <= sizeof bytes; n++) {
        memset(bytes, 0xff, n);
        ck_assert_uint_eq(strlen(rt_quote(out, bytes, n)), n <= 64 ? 4 * n : 4 * 64 + 3);
        ck_assert_msg((strstr(out, "...") != NULL) == (n > 64), "the cut of %zu bytes", n);
    }
}
END_TEST

START_TEST(quoted_paths_keep_their_end) {
    char out[RT_QUOTE_SIZE], path[400];
    ck_assert_str_eq(rt_quote_path(out, "a folder/a\nfile"), "a folder/a\\x0afile");
    for (size_t n = 0; n < sizeof path; n++) {
        memset(path, 'x', n);
        path[n] = '\0';
        if (n > 0) path[n - 1] = 'z';
        rt_quote_path(out, path);
        ck_assert_uint_eq(strlen(out), n <= RT_QUOTE_PATH_MAX ? n : RT_QUOTE_PATH_MAX + 3);
        ck_assert_msg((strstr(out, "...") != NULL) == (n > RT_QUOTE_PATH_MAX), "the cut of %zu bytes", n);
        if (n > 0) ck_assert_int_eq(out[strlen(out) - 1], 'z');
        memset(path, 0x80, n);
        ck_assert_uint_lt(strlen(rt_quote_path(out, path)), RT_QUOTE_SIZE);
    }
}
END_TEST

/* A layout of three parts, as its owners write them; at[] may all be NULL. */
static void lay_out(rt_arena *arena, size_t n, void *at[3]) {
    at[0] = rt_arena_alloc(arena, n, sizeof(float));
    at[1] = rt_arena_alloc(arena, 0, 1);
    at[2] = rt_arena_alloc(arena, 3, 1);
}

START_TEST(an_arena_is_measured_then_dealt_out) {
    rt_arena block = {0};
    void *at[3];
    for (size_t n = 0; n < 100; n++) {
        rt_arena measured = {0};
        lay_out(&measured, n, at);
        ck_assert(at[0] == NULL && at[1] == NULL && at[2] == NULL && !measured.overflow);
        ck_assert_uint_eq(measured.used, (n * sizeof(float) + 63) / 64 * 64 + 64);
        ck_assert_int_eq(rt_arena_provide(&block, &measured, "a test", NULL), RT_OK);
        lay_out(&block, n, at);
        ck_assert_uint_eq(block.used, measured.used);
        for (size_t i = 0; i < 3; i++) ck_assert_uint_eq((uintptr_t)at[i] % RT_ARENA_ALIGN, 0);
        ck_assert_ptr_eq(at[0], block.base);
        ck_assert_ptr_eq(at[2], block.base + block.used - 64);
        memset(block.base, 1, block.used);
    }
    rt_arena_free(&block);
    ck_assert(block.base == NULL && block.capacity == 0 && block.used == 0);
    rt_arena_free(&block);
}
END_TEST

START_TEST(an_arena_keeps_a_larger_block) {
    const rt_arena large = {.used = 4096}, small = {.used = 64}, nothing = {0};
    rt_arena block = {0};
    ck_assert_int_eq(rt_arena_provide(&block, &nothing, "a test", NULL), RT_OK);
    ck_assert_ptr_nonnull(block.base);
    ck_assert_int_eq(rt_arena_provide(&block, &large, "a test", NULL), RT_OK);
    ck_assert_uint_eq(block.capacity, 4096);
    const char *kept = block.base;
    ck_assert_ptr_nonnull(rt_arena_alloc(&block, 1, 1));
    ck_assert_int_eq(rt_arena_provide(&block, &small, "a test", NULL), RT_OK);
    ck_assert_ptr_eq(block.base, kept);
    ck_assert_uint_eq(block.capacity, 4096);
    ck_assert_uint_eq(block.used, 0);
    rt_arena_free(&block);
}
END_TEST

START_TEST(an_arena_notes_what_cannot_be_counted) {
    static const size_t too_much[][2] = {{SIZE_MAX, 2}, {SIZE_MAX - 10, 1}, {SIZE_MAX / 2, 2}};
    for (size_t i = 0; i < sizeof too_much / sizeof *too_much; i++) {
        rt_arena measured = {0}, block = {0};
        rt_error err;
        ck_assert_ptr_null(rt_arena_alloc(&measured, 10, 1));
        ck_assert_ptr_null(rt_arena_alloc(&measured, too_much[i][0], too_much[i][1]));
        ck_assert_ptr_null(rt_arena_alloc(&measured, 10, 1));
        ck_assert_int_eq(rt_arena_provide(&block, &measured, "a test", &err), RT_ERR_LIMIT);
        ck_assert_ptr_nonnull(strstr(err.message, "a test"));
        ck_assert_ptr_null(block.base);
    }
    if (SANITIZED) return; /* the address sanitizer ends the program where the system would refuse */
    rt_arena block = {0};
    rt_error err;
    ck_assert_int_eq(rt_arena_provide(&block, &(rt_arena){.used = SIZE_MAX / 4 / 64 * 64}, "a test", &err), RT_ERR_LIMIT);
    ck_assert_ptr_null(block.base);
}
END_TEST

START_TEST(arrays_grow_and_are_reused) {
    rt_ids ids = {0};
    rt_text text = {0};
    for (int32_t i = 0; i < 5000; i++) {
        ck_assert_int_eq(rt_ids_append(&ids, &(int32_t){i}, 1, NULL), RT_OK);
        ck_assert_int_eq(rt_text_append(&text, i % 7 == 0 ? "\0b" : "cd", 2, NULL), RT_OK);
    }
    ck_assert(ids.n == 5000 && ids.capacity >= 5000 && text.n == 10000 && text.capacity > 10000);
    for (int32_t i = 0; i < 5000; i++) ck_assert_int_eq(ids.v[i], i);
    for (size_t i = 0; i < 5000; i++) ck_assert_msg(memcmp(text.v + 2 * i, i % 7 == 0 ? "\0b" : "cd", 2) == 0, "text %zu", i);
    ck_assert_int_eq(text.v[text.n], '\0');
    const int32_t *kept = ids.v;
    ids.n = text.n = 0;
    ck_assert_int_eq(rt_ids_append(&ids, (int32_t[]){7, 8}, 2, NULL), RT_OK);
    ck_assert_int_eq(rt_text_append(&text, "new", 3, NULL), RT_OK);
    ck_assert_ptr_eq(ids.v, kept);
    ck_assert_str_eq(text.v, "new");
    rt_ids_free(&ids);
    rt_text_free(&text);
    ck_assert(ids.v == NULL && ids.n == 0 && ids.capacity == 0 && text.v == NULL);
    ck_assert_int_eq(rt_text_append(&text, NULL, 0, NULL), RT_OK);
    ck_assert_str_eq(text.v, "");
    ck_assert_int_eq(rt_ids_append(&ids, NULL, 0, NULL), RT_OK);
    rt_ids_free(&ids);
    rt_text_free(&text);
}
END_TEST

/* The lengths are refused before anything is read. */
START_TEST(arrays_refuse_what_cannot_be_counted) {
    static const size_t too_many[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 4 + 1};
    for (size_t i = 0; i < sizeof too_many / sizeof *too_many; i++) {
        rt_ids ids = {0};
        rt_error err;
        ck_assert_int_eq(rt_ids_append(&ids, (int32_t[]){1, 2}, 2, NULL), RT_OK);
        ck_assert_int_eq(rt_ids_append(&ids, ids.v, too_many[i], &err), RT_ERR_LIMIT);
        ck_assert_int_eq(err.status, RT_ERR_LIMIT);
        ck_assert(ids.n == 2 && ids.v[0] == 1 && ids.v[1] == 2);
        rt_ids_free(&ids);
    }
    rt_text text = {0};
    ck_assert_int_eq(rt_text_append(&text, "a", SIZE_MAX, NULL), RT_ERR_LIMIT);
    ck_assert_ptr_null(text.v);
}
END_TEST

START_TEST(a_file_is_mapped) {
    enum { BYTES = 100000 };
    scratch s;
    scratch_open(&s);
    unsigned char *bytes = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * 31 >> 3);
    rt_file_map map;
    ck_assert_int_eq(rt_file_map_open(scratch_write(&s, "bytes", bytes, BYTES), &map, NULL), RT_OK);
    ck_assert_uint_eq(map.size, BYTES);
    ck_assert_int_eq(memcmp(map.data, bytes, BYTES), 0);
    for (size_t first = 0; first < BYTES; first += 4095) rt_file_map_release(map.data + first, BYTES - first);
    rt_file_map_release(map.data + 1, 2);
    rt_file_map_release(map.data, 0);
    ck_assert_int_eq(memcmp(map.data, bytes, BYTES), 0);
    rt_file_map_close(&map);
    ck_assert(map.data == NULL && map.size == 0);
    rt_file_map_close(&map);
    ck_assert_int_eq(rt_file_map_open(scratch_write_text(&s, "one", "1"), &map, NULL), RT_OK);
    ck_assert_uint_eq(map.size, 1);
    rt_file_map_close(&map);
    scratch_close(&s);
    free(bytes);
}
END_TEST

/* Released pages of memory that stands for no file come back as zeros: so it shows which they were. */
START_TEST(only_whole_pages_inside_are_released) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 5 * page;
    const size_t ranges[][4] = {
        /* from, to; the first page released and the one after the last */
        {0, n, 0, 5},
        {1, n - 1, 1, 4},
        {page, 3 * page, 1, 3},
        {page - 1, 3 * page + 1, 1, 3},
        {page + 1, 2 * page - 1, 2, 2},
        {2 * page, 2 * page, 2, 2},
    };
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(p != MAP_FAILED);
        memset(p, 1, n);
        rt_file_map_release(p + ranges[r][0], ranges[r][1] - ranges[r][0]);
        for (size_t i = 0; i < n; i += page / 2) {
            const bool released = i / page >= ranges[r][2] && i / page < ranges[r][3];
            ck_assert_msg(p[i] == (released ? 0 : 1), "range %zu: byte %zu", r, i);
        }
        ck_assert_int_eq(munmap(p, n), 0);
    }
}
END_TEST

static void expect_unmapped(const char *path, rt_status status, const char *part) {
    rt_file_map map = {.size = 77};
    rt_error err;
    expect_failure(path, rt_file_map_open(path, &map, &err), &err, status, part);
    ck_assert_ptr_nonnull(strstr(err.message, strrchr(path, '/') + 1));
    ck_assert(map.data == NULL && map.size == 77);
    ck_assert_int_eq(rt_file_map_open(path, &map, NULL), status);
}

START_TEST(what_is_no_file_with_bytes_is_refused) {
    scratch s;
    scratch_open(&s);
    expect_unmapped(scratch_path(&s, "missing"), RT_ERR_READ, strerror(ENOENT));
    expect_unmapped(scratch_write_text(&s, "empty", ""), RT_ERR_MALFORMED, "empty");
    expect_unmapped("/dev/null", RT_ERR_READ, "not a regular file");
    ck_assert_int_eq(mkfifo(scratch_path(&s, "fifo"), 0600), 0);
    expect_unmapped(s.path, RT_ERR_READ, "not a regular file");
    ck_assert_int_eq(symlink("loop", scratch_path(&s, "loop")), 0);
    expect_unmapped(s.path, RT_ERR_READ, strerror(ELOOP));
    if (geteuid() != 0) { /* the superuser may read it all the same */
        ck_assert_int_eq(chmod(scratch_write_text(&s, "locked", "x"), 0), 0);
        expect_unmapped(s.path, RT_ERR_READ, strerror(EACCES));
    }
    expect_unmapped(s.folder, RT_ERR_READ, "is a folder");
    scratch_close(&s);
    rt_file_map map;
    rt_error err;
    expect_failure("a path with a newline", rt_file_map_open("no\nsuch", &map, &err), &err, RT_ERR_READ, "no\\x0asuch");
}
END_TEST

START_TEST(kernels_are_chosen) {
    const rt_kernels *best, *forced;
    rt_error err;
    ck_assert_int_ge(n_variants(), 1);
    ck_assert_ptr_eq(variant(n_variants() - 1), &rt_kernels_ref);
    for (int i = 0; i < n_variants(); i++) {
        int first = 0; /* of that name: a set and its extension share theirs */
        while (strcmp(variant(first)->isa, variant(i)->isa) != 0) first++;
        ck_assert_int_eq(rt_kernels_choose(variant(i)->isa, &forced, NULL), RT_OK);
        ck_assert_ptr_eq(forced, variant(first));
    }
    ck_assert_int_eq(rt_kernels_choose(NULL, &best, NULL), RT_OK);
    ck_assert_ptr_eq(best, variant(0));
    ck_assert_int_eq(rt_kernels_choose("", &best, NULL), RT_OK);
    ck_assert_ptr_eq(best, variant(0));
    forced = NULL;
    expect_failure("an unknown name", rt_kernels_choose("avx\n", &forced, &err), &err, RT_ERR_USAGE, "avx\\x0a");
    ck_assert_ptr_null(forced);
    for (int i = 0; i < n_variants(); i++) { /* the message tells what can be asked for */
        expect_failure("an unknown name", rt_kernels_choose("none", &forced, &err), &err, RT_ERR_USAGE, variant(i)->isa);
    }
#if defined(__aarch64__)
    ck_assert_str_eq(best->isa, "neon");
#endif
}
END_TEST

int main(void) {
    Suite *suite = suite_create("runtime");
    TCase *tc = tcase_create("runtime");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, sizes_are_checked);
    tcase_add_test(tc, a_failure_is_one_statement);
    tcase_add_test(tc, a_failure_is_forwarded);
    tcase_add_test(tc, quotes_are_printable_and_bounded);
    tcase_add_test(tc, quoted_paths_keep_their_end);
    tcase_add_test(tc, an_arena_is_measured_then_dealt_out);
    tcase_add_test(tc, an_arena_keeps_a_larger_block);
    tcase_add_test(tc, an_arena_notes_what_cannot_be_counted);
    tcase_add_test(tc, arrays_grow_and_are_reused);
    tcase_add_test(tc, arrays_refuse_what_cannot_be_counted);
    tcase_add_test(tc, a_file_is_mapped);
    tcase_add_test(tc, only_whole_pages_inside_are_released);
    tcase_add_test(tc, what_is_no_file_with_bytes_is_refused);
    tcase_add_test(tc, kernels_are_chosen);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

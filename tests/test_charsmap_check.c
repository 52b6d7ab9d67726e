/* precompiled_charsmap: sound tries are followed, and every lie in one is refused before the library would read where it leads. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/spm_builder.h"
#include "tests/support/suite.h"
#include "tokenizer/charsmap_check.h"
#include "tokenizer/spm_shim.h"

static rt_text model;

static void tear_down(void) { rt_text_free(&model); }

enum { BLOCK = 256, MAX_CHAIN = 300, MAX_UNITS = BLOCK * (MAX_CHAIN + 2) };

static uint32_t units[MAX_UNITS];
static size_t n_units;

static uint32_t value_unit(uint32_t value) { return 1u << 31 | value; }

/* A node at index whose followers lie at base ^ label; both are below 2^21. */
static uint32_t node_unit(size_t index, size_t base, uint32_t label, bool ends_key) {
    return (uint32_t)(index ^ base) << 10 | (ends_key ? 1u << 8 : 0) | label;
}

/* Keys A, AA, ... of `length` steps, the last one and, if `nested`, all of them ending; step s has its followers in block s + 1, or in
 * falling order. All become the replacement at 0. */
static void make_chain(size_t length, bool nested, bool falling) {
    memset(units, 0, sizeof units);
    n_units = BLOCK * (length + 2);
    size_t base = BLOCK * (falling ? length + 1 : 1);
    units[0] = node_unit(0, base, 0, false);
    for (size_t s = 1; s <= length; s++) {
        const size_t index = base ^ 'A';
        const bool ends = nested || s == length;
        base = BLOCK * (falling ? length + 1 - s : s + 1);
        units[index] = node_unit(index, base, 'A', ends);
        if (ends) units[base] = value_unit(0);
    }
}

/* The charsmap of units and text, in a model. trie_bytes and n_text may lie. */
static void build_model(size_t trie_bytes, const char *text, size_t n_text) {
    rt_text blob = {0}, spec = {0};
    spm_put(&blob, &(const uint32_t){(uint32_t)trie_bytes}, 4);
    spm_put(&blob, units, n_units * 4);
    spm_put(&blob, text, n_text);
    spm_put_bytes(&spec, 2, blob.v, blob.n);
    spm_start_model(&model);
    spm_put_bytes(&model, 3, spec.v, spec.n);
    rt_text_free(&blob);
    rt_text_free(&spec);
}

static void assert_charsmap(const char *what, const char *text, size_t n_text, rt_status expected) {
    build_model(n_units * 4, text, n_text);
    spm_assert_status(&model, what, expected);
    spm_use_if_sound(&model);
}

START_TEST(a_sound_charsmap_is_followed) {
    make_chain(1, true, false);
    assert_charsmap("one rule", "e", 2, RT_OK);
    tok_spm *spm;
    rt_ids ids = {0};
    ck_assert_int_eq(tok_spm_open("x.model", (const uint8_t *)model.v, model.n, &spm, NULL), RT_OK);
    ck_assert_int_eq(tok_spm_encode(spm, "A", 1, &ids, NULL), RT_OK);
    ck_assert_uint_eq(ids.n, 2);
    ck_assert_int_eq(ids.v[1], 7); /* "e" */
    rt_ids_free(&ids);
    tok_spm_close(spm);
    n_units = 0;
}
END_TEST

START_TEST(sizes_of_charsmaps) {
    make_chain(1, true, false);
    const size_t bytes = n_units * 4;
    const size_t lies[] = {0, 1, 2, bytes - 1, bytes + 1, bytes + 2, bytes + 3, bytes + 4, bytes + 400, UINT32_MAX, UINT32_MAX - 3};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        build_model(lies[i], "e", 2);
        spm_assert_status(&model, "trie size", RT_ERR_MALFORMED);
    }
    assert_charsmap("no text", "", 0, RT_ERR_MALFORMED);
    assert_charsmap("text without NUL", "e", 1, RT_ERR_MALFORMED);
    assert_charsmap("text not UTF-8", "\xc3", 2, RT_ERR_MALFORMED);
    char longest[TOK_MAX_REPLACEMENT_BYTES + 2] = {0};
    memset(longest, 'e', TOK_MAX_REPLACEMENT_BYTES);
    assert_charsmap("longest replacement", longest, TOK_MAX_REPLACEMENT_BYTES + 1, RT_OK);
    longest[TOK_MAX_REPLACEMENT_BYTES] = 'e';
    assert_charsmap("one byte more", longest, sizeof longest, RT_ERR_LIMIT);
}
END_TEST

START_TEST(bad_units) {
    static const size_t a = BLOCK ^ 'A', value = 2 * BLOCK; /* of make_chain(1) */
    make_chain(1, true, false);
    units[0] |= 1u << 31;
    assert_charsmap("root is a value", "e", 2, RT_ERR_MALFORMED);
    make_chain(1, true, false);
    units[0] = node_unit(0, n_units, 0, false);
    assert_charsmap("a step outside", "e", 2, RT_ERR_MALFORMED);
    make_chain(1, true, false);
    n_units -= 1; /* the last block is not whole */
    assert_charsmap("a step outside the last block", "e", 2, RT_ERR_MALFORMED);
    make_chain(1, true, false);
    units[a] = node_unit(a, 0, 'A', true) | 1u << 9 | 0x1fffffu << 10;
    assert_charsmap("a step far outside", "e", 2, RT_ERR_MALFORMED);
    make_chain(1, true, false);
    units[value] = value_unit(2);
    assert_charsmap("value past the text", "e", 2, RT_ERR_MALFORMED);
    units[value] = value_unit(1);
    assert_charsmap("value at the last NUL", "e", 2, RT_OK);
    assert_charsmap("value inside a character", "\xc3\xa9", 3, RT_ERR_MALFORMED);
    units[value] = 0;
    assert_charsmap("key without a value", "e", 2, RT_ERR_MALFORMED);
}
END_TEST

START_TEST(nested_and_endless_keys) {
    make_chain(TOK_MAX_NESTED_RULES, true, false);
    assert_charsmap("32 nested keys", "e", 2, RT_OK);
    make_chain(TOK_MAX_NESTED_RULES + 1, true, false);
    assert_charsmap("33 nested keys", "e", 2, RT_ERR_MALFORMED);
    make_chain(40, true, true);
    assert_charsmap("40 nested keys in falling order", "e", 2, RT_ERR_MALFORMED);
    make_chain(MAX_CHAIN, false, true);
    assert_charsmap("a key of 300 bytes", "e", 2, RT_ERR_LIMIT);

    make_chain(1, true, false);
    units[BLOCK ^ 'A'] = node_unit(BLOCK ^ 'A', BLOCK, 'A', true);
    units[BLOCK] = value_unit(0);
    assert_charsmap("a node that follows on itself", "e", 2, RT_ERR_MALFORMED);

    make_chain(1, true, false); /* A leads to a base from which B leads back to the root */
    units[0] |= 'B';
    units[BLOCK ^ 'A'] = node_unit(BLOCK ^ 'A', 'B', 'A', true);
    units['B'] = value_unit(0);
    assert_charsmap("a way back to the root", "e", 2, RT_ERR_MALFORMED);
}
END_TEST

START_TEST(changed_units) {
    uint32_t state = 1;
    for (unsigned round = 0; round < 3000; round++) {
        make_chain(4, true, false);
        for (unsigned k = 0; k < 1 + round % 3; k++) {
            state = state * 1664525u + 1013904223u;
            const size_t step = state >> 8 & 3, at = state >> 10 & 1 ? (step + 1) * BLOCK ^ 'A' : (step + 1) * BLOCK;
            units[round % 5 == 0 ? 0 : at] ^= 1u << (state >> 27);
        }
        build_model(n_units * 4, "e\0\xc3\xa9", 5);
        spm_use_if_sound(&model);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("charsmap_check");
    TCase *tests = tcase_create("charsmap_check");
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_sound_charsmap_is_followed);
    tcase_add_test(tests, sizes_of_charsmaps);
    tcase_add_test(tests, bad_units);
    tcase_add_test(tests, nested_and_endless_keys);
    tcase_add_test(tests, changed_units);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

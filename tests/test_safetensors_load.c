/* The safetensors reader under load: every prefix and every changed byte of a file, and headers that ask for much time or memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support/expect.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"

/* S1, G2, G3: no prefix of a sound file loads. */
START_TEST(every_prefix) {
    rt_text bytes = {0};
    ckpt_header header = {0};
    size_t data_at;
    st_write(ST_NOTHING, NULL, &bytes);
    for (rt_text cut = bytes; cut.n-- > 0;) {
        rt_error err;
        expect_failure("prefix", st_parse(&cut, &header, &data_at, &err), &err, RT_ERR_MALFORMED, "model.safetensors: ");
    }
    rt_text_free(&bytes);
}
END_TEST

/* If it loads, use it. */
static unsigned sum_tensors(const uint8_t *data, const ckpt_header *header) {
    unsigned sum = 0;
    for (size_t i = 0; i < header->n; i++) {
        for (size_t j = header->entries[i].begin; j < header->entries[i].end; j++) sum += data[j];
    }
    return sum;
}

static void parse_and_use(const uint8_t *bytes, size_t n) {
    ckpt_header header;
    size_t data_at;
    rt_error err;
    const rt_status status = ckpt_safetensors_parse("f", bytes, n, &header, &data_at, &err);
    if (status == RT_OK) {
        if (sum_tensors(bytes + data_at, &header) != 35 * 36 / 2) ck_abort_msg("tensors do not cover the data");
        ckpt_header_free(&header);
    } else if (status != RT_ERR_MALFORMED && status != RT_ERR_LIMIT) {
        ck_abort_msg("status %d", (int)status);
    }
}

/* G4, on the header: the data's own bytes are not looked at. */
START_TEST(every_byte_changed) {
    rt_text bytes = {0};
    st_write(ST_NOTHING, NULL, &bytes);
    uint8_t *exact = malloc(bytes.n);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes.v, bytes.n);
    for (size_t i = 0; i < bytes.n - 36; i++) {
        const uint8_t old = exact[i], values[] = {0x00, 0x7f, 0x80, 0xff, '"', '\\', '{', '}', '[', ']', ','};
        for (size_t j = 0; j < sizeof values; j++) {
            exact[i] = values[j];
            parse_and_use(exact, bytes.n);
        }
        for (int bit = 0; bit < 8; bit++) {
            exact[i] = (uint8_t)(old ^ 1 << bit);
            parse_and_use(exact, bytes.n);
        }
        exact[i] = old;
    }
    free(exact);
    rt_text_free(&bytes);
}
END_TEST

/* Parses a header of that text alone and checks the refusal. */
static void refuse_header(const char *name, rt_text *header, size_t n_data, rt_status expected, const char *message) {
    rt_text bytes = {0};
    ckpt_header parsed = {0};
    size_t data_at;
    rt_error err;
    st_write_header(header->v, header->n, n_data, &bytes);
    expect_failure(name, st_parse(&bytes, &parsed, &data_at, &err), &err, expected, message);
    rt_text_free(&bytes);
    rt_text_free(header);
}

START_TEST(shared_bytes) {
    rt_text header = {0};
    text_append(&header, "{");
    for (int i = 0; i < 10000; i++) {
        text_append(&header, "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1000],\"data_offsets\":[0,1000]}", i > 0 ? "," : "", i);
    }
    text_append(&header, "}");
    refuse_header("S11 10,000 over the same bytes", &header, 1000, RT_ERR_MALFORMED, "lies over another tensor");
}
END_TEST

START_TEST(long_shape) {
    rt_text header = {0};
    text_append(&header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1");
    for (int i = 0; i < 1000000; i++) text_append(&header, ",1");
    text_append(&header, "],\"data_offsets\":[0,4]}}");
    refuse_header("S16", &header, 4, RT_ERR_LIMIT, "too many dimensions (shape, byte offset 45, at most 4)");
}
END_TEST

START_TEST(deep_nesting) {
    static const char *const starts[] = {"", "{\"a\":", "{\"__metadata__\":{\"a\":", "{\"a\":{\"shape\":"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        rt_text header = {0};
        text_append(&header, "%s", starts[i]);
        for (int j = 0; j < 100000; j++) text_append(&header, "[");
        refuse_header("S17", &header, 0, RT_ERR_MALFORMED, "found '['");
    }
}
END_TEST

static void append_many(rt_text *header, size_t n) {
    text_append(header, "{");
    for (size_t i = 0; i < n; i++) {
        const size_t place = n - 1 - i;
        text_append(header, "%s\"layer.%zu.weight\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}", i > 0 ? "," : "", i,
                    place, place + 1);
    }
    text_append(header, "}");
}

/* S18, S21: as many as are allowed, in another order than the data; then one more, and a million. */
START_TEST(many_tensors) {
    rt_text header = {0}, bytes = {0};
    ckpt_header parsed;
    size_t data_at;
    rt_error err;
    append_many(&header, CKPT_MAX_TENSORS);
    st_write_header(header.v, header.n, CKPT_MAX_TENSORS, &bytes);
    expect_ok("S18", st_parse(&bytes, &parsed, &data_at, &err), &err);
    ck_assert_uint_eq(parsed.n, CKPT_MAX_TENSORS);
    size_t sorted = 1;
    while (sorted < parsed.n && strcmp(parsed.entries[sorted - 1].name, parsed.entries[sorted].name) < 0) sorted++;
    ck_assert_uint_eq(sorted, parsed.n);
    ckpt_header_free(&parsed);
    rt_text_free(&bytes);
    rt_text_free(&header);
    append_many(&header, CKPT_MAX_TENSORS + 1);
    refuse_header("S18, one more", &header, CKPT_MAX_TENSORS + 1, RT_ERR_LIMIT, "at most 65536)");
    append_many(&header, 1000000);
    refuse_header("S18, a million", &header, 1000000, RT_ERR_LIMIT, "too many tensors");
}
END_TEST

START_TEST(many_metadata_keys) {
    rt_text header = {0};
    text_append(&header, "{\"__metadata__\":{");
    for (int i = 0; i <= CKPT_MAX_TENSORS; i++) text_append(&header, "%s\"%d\":\"\"", i > 0 ? "," : "", i);
    text_append(&header, "}}");
    refuse_header("metadata", &header, 0, RT_ERR_LIMIT, "too many metadata keys");
}
END_TEST

/* Sizes that a file claims are not memory that it gets. */
START_TEST(claims_cost_nothing) {
#ifndef __SANITIZE_ADDRESS__ /* whose own memory would be counted */
    struct rusage usage;
    rt_error err;
    ck_assert_int_ne(st_parse_part(ST_LENGTH, "99999999", &err), RT_OK);
    ck_assert_int_ne(st_parse_part(ST_SHAPE, "[1099511627776]", &err), RT_OK);
    ck_assert_int_ne(st_parse_part(ST_OFFSETS, "[24,1099511627776]", &err), RT_OK);
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    ck_assert_int_le(usage.ru_maxrss, 64 * 1024);
#endif
}
END_TEST

/* Three bytes changed at random places, again and again. */
START_TEST(random_changes) {
    rt_text bytes = {0};
    st_write(ST_NOTHING, NULL, &bytes);
    const size_t n_header = bytes.n - 36;
    uint8_t *exact = malloc(bytes.n);
    ck_assert_ptr_nonnull(exact);
    uint32_t state = 1;
    for (int round = 0; round < 20000; round++) {
        memcpy(exact, bytes.v, bytes.n);
        for (int change = 0; change < 3; change++) {
            state = state * 1664525u + 1013904223u;
            const size_t to = (state >> 8) % n_header;
            state = state * 1664525u + 1013904223u;
            exact[to] = (uint8_t)bytes.v[8 + (state >> 8) % (n_header - 8)];
        }
        parse_and_use(exact, bytes.n);
    }
    free(exact);
    rt_text_free(&bytes);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("safetensors under load");
    TCase *whole = tcase_create("whole files");
    tcase_set_timeout(whole, 60);
    tcase_add_test(whole, claims_cost_nothing);
    tcase_add_test(whole, every_prefix);
    tcase_add_test(whole, every_byte_changed);
    tcase_add_test(whole, random_changes);
    tcase_add_test(whole, shared_bytes);
    tcase_add_test(whole, long_shape);
    tcase_add_test(whole, deep_nesting);
    tcase_add_test(whole, many_tensors);
    tcase_add_test(whole, many_metadata_keys);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}

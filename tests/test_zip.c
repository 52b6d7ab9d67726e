/* Zip archives: every way PyTorch and others write them, and archives with one defect. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/zip.h"
#include "tests/support/expect.h"
#include "tests/support/suite.h"
#include "tests/support/text.h"
#include "tests/support/zip_writer.h"

static const zip_member members[] = {{"x/data.pkl", "first member, first member, first member", 40}, {"x/data/0", "01234567", 8},
                                     {"x/empty", "", 0}};
enum { N = sizeof members / sizeof *members };

static const zip_style stored = {0};
static const zip_style pytorch = {.descriptors = true, .end64 = true, .align = true};
static const zip_style styles[] = {
    {0},
    {.descriptors = true, .end64 = true, .align = true},
    {.descriptors = true, .wide = true, .end64 = true},
    {.wide = true, .end64 = true},
    {.wide = true},
    {.deflate = true},
    {.deflate = true, .descriptors = true, .align = true},
    {.no_crc = true},
    {.deflate = true, .no_crc = true, .wide = true, .end64 = true},
};
enum { N_STYLES = sizeof styles / sizeof *styles };

/* Reads every member out of a block of exactly the archive's size. */
static rt_status read_members(const uint8_t *bytes, const ckpt_zip *zip, rt_error *err) {
    for (size_t i = 0; i < zip->n; i++) {
        const ckpt_zip_member *m = &zip->members[i];
        rt_status status;
        if (ckpt_zip_find(zip, m->name, m->n_name) != m) ck_abort_msg("member %zu is not found", i);
        if (m->deflated) {
            uint8_t *out = malloc(m->n_bytes > 0 ? m->n_bytes : 1);
            if (out == NULL) ck_abort_msg("out of memory");
            status = ckpt_zip_inflate("x.zip", bytes, m, out, err);
            free(out);
        } else {
            status = ckpt_zip_check_crc("x.zip", m, bytes + m->data_at, err);
        }
        if (status != RT_OK) return status;
    }
    return RT_OK;
}

static rt_status parse(const char *bytes, size_t n, rt_error *err) {
    uint8_t *copy = malloc(n > 0 ? n : 1);
    ckpt_zip zip = {0};
    if (copy == NULL) ck_abort_msg("out of memory");
    if (n > 0) memcpy(copy, bytes, n);
    rt_status status = ckpt_zip_parse("x.zip", copy, n, &zip, err);
    if (status == RT_OK) status = read_members(copy, &zip, err);
    ckpt_zip_free(&zip);
    free(copy);
    return status;
}

static void refuse(const char *row, const rt_text *archive, rt_status expected, const char *message) {
    rt_error err;
    expect_failure(row, parse(archive->v, archive->n, &err), &err, expected, message);
    ck_assert_int_eq(parse(archive->v, archive->n, NULL), expected);
}

static void accept(const char *row, const rt_text *archive) {
    rt_error err;
    expect_ok(row, parse(archive->v, archive->n, &err), &err);
}

/* Z7, Z15, and the other forms that writers choose. */
START_TEST(all_styles) {
    rt_text archive = {0};
    zip_layout layout;
    ckpt_zip zip = {0};
    rt_error err;
    uint8_t out[64];
    zip_write(members, N, &styles[_i], &layout, &archive);
    const uint8_t *bytes = (const uint8_t *)archive.v;
    expect_ok("style", ckpt_zip_parse("x.zip", bytes, archive.n, &zip, &err), &err);
    ck_assert_uint_eq(zip.n, N);
    for (size_t i = 0; i < N; i++) {
        const ckpt_zip_member *m = ckpt_zip_find(&zip, members[i].name, strlen(members[i].name));
        ck_assert_ptr_nonnull(m);
        ck_assert_uint_eq(m->n_bytes, members[i].n);
        ck_assert_uint_eq(m->data_at, layout.data[i]);
        if (styles[_i].align) ck_assert_uint_eq(m->data_at % 64, 0);
        if (m->deflated) expect_ok("inflate", ckpt_zip_inflate("x.zip", bytes, m, out, &err), &err);
        else memcpy(out, bytes + m->data_at, m->n_bytes);
        ck_assert_int_eq(memcmp(out, members[i].bytes, members[i].n), 0);
    }
    ck_assert_ptr_null(ckpt_zip_find(&zip, "x/data/", 7));
    ck_assert_ptr_null(ckpt_zip_find(&zip, "", 0));
    ckpt_zip_free(&zip);
    rt_text_free(&archive);
}
END_TEST

/* ---- one field changed ---- */

typedef enum place { LOCAL, CENTRAL, DATA, AFTER_DATA, END, END64, LOCATOR } place;

static size_t place_at(const zip_layout *layout, place p, size_t member) {
    switch (p) {
    case LOCAL: return layout->local[member];
    case CENTRAL: return layout->central[member];
    case DATA: return layout->data[member];
    case AFTER_DATA: return layout->descriptor[member];
    case END: return layout->end;
    case END64: return layout->end64;
    default: return layout->locator;
    }
}

typedef struct patch {
    const char *row;
    const zip_style *style;
    place place;
    size_t member, at, width;
    uint64_t value;
    rt_status status;
    const char *message;
} patch;

static const zip_style wide = {.wide = true, .end64 = true}, deflated = {.deflate = true};

static const patch patches[] = {
    {"Z1 signature", &stored, END, 0, 0, 4, 0, RT_ERR_MALFORMED, "no end record"},
    {"Z1 comment length", &stored, END, 0, 20, 2, 1, RT_ERR_MALFORMED, "no end record"},
    {"Z2 size wraps", &wide, END64, 0, 40, 8, UINT64_MAX, RT_ERR_MALFORMED, "does not end at the end record"},
    {"Z2 place wraps", &wide, END64, 0, 48, 8, UINT64_MAX - 8, RT_ERR_MALFORMED, "does not end at the end record"},
    {"Z2 locator past the end", &wide, LOCATOR, 0, 8, 8, UINT64_MAX, RT_ERR_MALFORMED, "leads to no zip64 end record"},
    {"Z2 locator to elsewhere", &wide, LOCATOR, 0, 8, 8, 0, RT_ERR_MALFORMED, "leads to no zip64 end record"},
    {"Z2 record size", &wide, END64, 0, 4, 8, 43, RT_ERR_MALFORMED, "size of the zip64 end record"},
    {"Z2 no record where needed", &stored, END, 0, 16, 4, 0xffffffff, RT_ERR_MALFORMED, "no zip64 end record where one is needed"},
    {"Z2 records disagree", &pytorch, END, 0, 16, 4, 7, RT_ERR_MALFORMED, "the two end records disagree"},
    {"Z3 count", &stored, END, 0, 8, 4, 4000u << 16 | 4000, RT_ERR_MALFORMED, "more members than"},
    {"Z3 count less", &stored, END, 0, 8, 4, 2u << 16 | 2, RT_ERR_MALFORMED, "bytes after the last central record"},
    {"Z3 counts of two parts", &wide, END64, 0, 24, 8, (uint64_t)1 << 32, RT_ERR_UNSUPPORTED, "one part of several"},
    {"no central record", &stored, CENTRAL, 1, 0, 4, 0, RT_ERR_MALFORMED, "no central record where one must be"},
    {"Z4 past the end", &stored, CENTRAL, 1, 42, 4, 1 << 30, RT_ERR_MALFORMED, "no local header where"},
    {"Z4 inside another", &stored, CENTRAL, 1, 42, 4, 2, RT_ERR_MALFORMED, "no local header where"},
    {"Z4 wraps", &wide, CENTRAL, 1, 46 + 8 + 4 + 16, 8, UINT64_MAX - 3, RT_ERR_MALFORMED, "no local header where"},
    {"Z5 name", &stored, LOCAL, 1, 30, 1, 'y', RT_ERR_MALFORMED, "another name in its local header"},
    {"Z5 name length", &stored, LOCAL, 1, 26, 2, 7, RT_ERR_MALFORMED, "another name in its local header"},
    {"Z6 size", &stored, LOCAL, 1, 22, 4, 9, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z6 size 0", &stored, LOCAL, 1, 18, 8, 0, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z6 checksum", &stored, LOCAL, 1, 14, 4, 1, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z6 method", &stored, LOCAL, 1, 8, 2, 8, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z6 flags", &stored, LOCAL, 1, 6, 2, 8, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z7 descriptor", &pytorch, AFTER_DATA, 1, 8, 4, 9, RT_ERR_MALFORMED, "no data descriptor that agrees"},
    {"Z8 method 12", &stored, CENTRAL, 1, 10, 2, 12, RT_ERR_UNSUPPORTED, "12, allowed 0, 8"},
    {"Z8 method 93", &stored, CENTRAL, 1, 10, 2, 93, RT_ERR_UNSUPPORTED, "93, allowed 0, 8"},
    {"Z8 method 99", &stored, CENTRAL, 1, 10, 2, 99, RT_ERR_UNSUPPORTED, "99, allowed 0, 8"},
    {"Z8 encrypted", &stored, CENTRAL, 1, 8, 2, 1, RT_ERR_UNSUPPORTED, "is encrypted"},
    {"Z8 masked", &stored, CENTRAL, 1, 8, 2, 1 << 13, RT_ERR_UNSUPPORTED, "is encrypted"},
    {"Z8 part of several", &stored, END, 0, 4, 2, 1, RT_ERR_UNSUPPORTED, "one part of several"},
    {"Z8 part of several, zip64", &wide, LOCATOR, 0, 16, 4, 2, RT_ERR_UNSUPPORTED, "one part of several"},
    {"Z8 member elsewhere", &stored, CENTRAL, 1, 34, 2, 1, RT_ERR_UNSUPPORTED, "another part"},
    {"Z9 one local header", &stored, CENTRAL, 1, 42, 4, 0, RT_ERR_MALFORMED, "another name in its local header"},
    {"Z11 leading slash", &stored, CENTRAL, 1, 46, 1, '/', RT_ERR_MALFORMED, "not a plain relative path"},
    {"Z11 backslash", &stored, CENTRAL, 1, 47, 1, '\\', RT_ERR_MALFORMED, "not a plain relative path"},
    {"Z11 NUL", &stored, CENTRAL, 1, 47, 1, 0, RT_ERR_MALFORMED, "'x\\x00data/0'"},
    {"Z11 empty", &stored, CENTRAL, 2, 28, 2, 0, RT_ERR_MALFORMED, "not a plain relative path"},
    {"Z12 content", &stored, DATA, 1, 0, 1, 'x', RT_ERR_MALFORMED, "checksum is wrong"},
    {"Z12 content, deflated", &deflated, CENTRAL, 1, 16, 4, 5, RT_ERR_MALFORMED, "other sizes, flags or checksum"},
    {"Z13 extra past its header", &stored, CENTRAL, 2, 30, 2, 9, RT_ERR_MALFORMED, "reaches past the directory"},
    {"Z13 local extra past its member", &stored, LOCAL, 2, 28, 2, 999, RT_ERR_MALFORMED, "local header that reaches past its end"},
    {"Z13 field past the extra", &pytorch, LOCAL, 1, 30 + 8 + 2, 2, 999, RT_ERR_MALFORMED, "an extra field reaches past its header"},
    {"Z13 zip64 too short", &wide, CENTRAL, 1, 46 + 8 + 2, 2, 16, RT_ERR_MALFORMED, "extra field"},
    {"Z13 no zip64", &wide, CENTRAL, 1, 46 + 8, 2, 2, RT_ERR_MALFORMED, "without a zip64 extra field"},
    {"stored, two sizes", &stored, CENTRAL, 1, 20, 4, 7, RT_ERR_MALFORMED, "is stored but has two sizes"},
    {"reaches into the directory", &wide, CENTRAL, 2, 46 + 7 + 4, 8, 1, RT_ERR_MALFORMED, "is stored but has two sizes"},
    {"Z16 claims too much", &deflated, CENTRAL, 0, 24, 4, 1 << 20, RT_ERR_MALFORMED, "more bytes than its deflated bytes can give"},
    {"Z16 claims a terabyte", &deflated, CENTRAL, 0, 24, 4, 0xfffffffe, RT_ERR_MALFORMED, "more bytes than its deflated bytes can give"},
    {"Z16 damaged", &deflated, DATA, 0, 0, 1, 0x07, RT_ERR_MALFORMED, "deflated bytes are damaged"},
};

START_TEST(one_change) {
    const patch *p = &patches[_i];
    rt_text archive = {0};
    zip_layout layout;
    zip_write(members, N, p->style, &layout, &archive);
    accept(p->row, &archive);
    zip_patch(&archive, place_at(&layout, p->place, p->member) + p->at, p->width, p->value);
    refuse(p->row, &archive, p->status, p->message);
    rt_text_free(&archive);
}
END_TEST

/* Z16: both headers agree, and the deflated bytes give more or less than they say. */
START_TEST(inflated_size) {
    static const struct {
        int more;
        const char *message;
    } rows[] = {{-1, "more bytes than its size says"}, {1, "fewer bytes than its size says"}};
    for (size_t i = 0; i < 2; i++) {
        rt_text archive = {0};
        zip_layout layout;
        zip_write(members, N, &deflated, &layout, &archive);
        zip_patch(&archive, layout.local[0] + 22, 4, (uint64_t)(40 + rows[i].more));
        zip_patch(&archive, layout.central[0] + 24, 4, (uint64_t)(40 + rows[i].more));
        refuse("size", &archive, RT_ERR_MALFORMED, rows[i].message);
        rt_text_free(&archive);
    }
}
END_TEST

/* Z12: both headers agree on a checksum that is not that of the inflated bytes. */
START_TEST(inflated_checksum) {
    rt_text archive = {0};
    zip_layout layout;
    zip_write(members, N, &deflated, &layout, &archive);
    zip_patch(&archive, layout.local[0] + 14, 4, 5);
    zip_patch(&archive, layout.central[0] + 16, 4, 5);
    refuse("Z12", &archive, RT_ERR_MALFORMED, "member 'x/data.pkl': its checksum is wrong");
    rt_text_free(&archive);
}
END_TEST

/* Both headers leave out the last of the deflated bytes. */
START_TEST(deflated_size) {
    rt_text archive = {0};
    zip_layout layout;
    zip_write(members, 1, &deflated, &layout, &archive);
    const uint64_t n = layout.descriptor[0] - layout.data[0];
    zip_patch(&archive, layout.local[0] + 18, 4, n - 1);
    zip_patch(&archive, layout.central[0] + 20, 4, n - 1);
    refuse("one less", &archive, RT_ERR_MALFORMED, "end too early");
    rt_text_free(&archive);
}
END_TEST

/* ---- archives put together differently ---- */

static void refuse_members(const char *row, const zip_member *changed, size_t n, rt_status status, const char *message) {
    rt_text archive = {0};
    zip_layout layout;
    zip_write(changed, n, &stored, &layout, &archive);
    refuse(row, &archive, status, message);
    rt_text_free(&archive);
}

START_TEST(bad_names) {
    static const char *const names[] = {"../x", "x/../y", "x/..", "..", ".", "x/./y", "/x", "x\\y"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const zip_member changed = {names[i], "1", 1};
        refuse_members(names[i], &changed, 1, RT_ERR_MALFORMED, "not a plain relative path");
    }
    char *name = malloc(65536);
    memset(name, 'n', 65535);
    name[65535] = '\0';
    const zip_member longest = {name, "1", 1};
    refuse_members("Z11 65,535 bytes", &longest, 1, RT_ERR_MALFORMED, "not a plain relative path");
    name[512] = '\0';
    rt_text archive = {0};
    zip_layout layout;
    zip_write(&longest, 1, &stored, &layout, &archive);
    accept("Z11 twin", &archive);
    rt_text_free(&archive);
    free(name);
}
END_TEST

START_TEST(same_name_twice) {
    const zip_member twice[] = {members[0], members[1], members[0]};
    refuse_members("Z10", twice, 3, RT_ERR_MALFORMED, "member 'x/data.pkl' is there twice");
}
END_TEST

START_TEST(no_members) { refuse_members("none", members, 0, RT_ERR_MALFORMED, "no members"); }
END_TEST

/* Z9: the second record is a copy of the first, and so is its local header. */
START_TEST(shared_bytes) {
    const zip_member same[] = {members[0], members[0]};
    rt_text archive = {0};
    zip_layout layout;
    zip_write(same, 2, &stored, &layout, &archive);
    zip_patch(&archive, layout.central[1] + 42, 4, 0);
    refuse("Z9", &archive, RT_ERR_MALFORMED, "lies over another member");
    rt_text_free(&archive);
}
END_TEST

/* Z1, Z14 */
START_TEST(bytes_around) {
    rt_text archive = {0}, longer = {0};
    zip_layout layout;
    zip_write(members, N, &stored, &layout, &archive);
    text_append_bytes(&longer, archive.v, archive.n);
    text_append_bytes(&longer, "x", 1);
    refuse("Z14 after", &longer, RT_ERR_MALFORMED, "no end record");
    zip_patch(&longer, layout.end + 20, 2, 1);
    accept("a comment", &longer);
    longer.n = 0;
    text_append_bytes(&longer, archive.v, archive.n);
    text_append_bytes(&longer, archive.v + layout.end, 22);
    zip_patch(&longer, layout.end + 20, 2, 22);
    refuse("Z1 end record in the comment", &longer, RT_ERR_MALFORMED, "two end records");
    longer.n = 0;
    text_append_bytes(&longer, "xyz", 3);
    zip_write(members, N, &stored, &layout, &longer);
    refuse("Z14 before", &longer, RT_ERR_MALFORMED, "bytes before its first member");
    rt_text_free(&longer);
    rt_text_free(&archive);
}
END_TEST

/* Z3: as many members as a directory has room for, and more than we take. */
START_TEST(too_many) {
    rt_text archive = {0};
    const size_t n = CKPT_ZIP_MAX_MEMBERS + 1, n_directory = n * 46;
    zip_layout layout;
    zip_write(members, N, &wide, &layout, &archive);
    zip_patch(&archive, layout.end64 + 24, 8, (uint64_t)1 << 32), zip_patch(&archive, layout.end64 + 32, 8, (uint64_t)1 << 32);
    refuse("Z3 2^32", &archive, RT_ERR_MALFORMED, "more members than");
    rt_text large = {0};
    text_append_bytes(&large, archive.v, layout.directory);
    char *blank = calloc(1, n_directory);
    text_append_bytes(&large, blank, n_directory);
    free(blank);
    const size_t end64 = large.n;
    text_append_bytes(&large, archive.v + layout.end64, archive.n - layout.end64);
    zip_patch(&large, end64 + 24, 8, n), zip_patch(&large, end64 + 32, 8, n), zip_patch(&large, end64 + 40, 8, n_directory);
    zip_patch(&large, end64 + 56 + 8, 8, end64);
    refuse("Z3", &large, RT_ERR_LIMIT, "too many members (131073, at most 131072)");
    rt_text_free(&large);
    rt_text_free(&archive);
}
END_TEST

/* G3, G4 */
START_TEST(every_prefix) {
    rt_text archive = {0};
    zip_layout layout;
    zip_write(members, N, &styles[_i], &layout, &archive);
    for (size_t n = 0; n < archive.n; n++) {
        rt_error err;
        if (parse(archive.v, n, &err) != RT_ERR_MALFORMED) ck_abort_msg("prefix of %zu bytes", n);
    }
    accept("whole", &archive);
    rt_text_free(&archive);
}
END_TEST

START_TEST(every_byte) {
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    rt_text archive = {0};
    zip_layout layout;
    zip_write(members, N, &styles[_i], &layout, &archive);
    for (size_t i = 0; i < archive.n; i++) {
        const char sound = archive.v[i];
        for (size_t j = 0; j < 5 + 8; j++) {
            archive.v[i] = (char)(j < 5 ? values[j] : sound ^ 1 << (j - 5));
            (void)parse(archive.v, archive.n, NULL);
        }
        archive.v[i] = sound;
    }
    accept("whole", &archive);
    rt_text_free(&archive);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("zip");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_loop_test(rows, all_styles, 0, N_STYLES);
    tcase_add_loop_test(rows, one_change, 0, (int)(sizeof patches / sizeof *patches));
    tcase_add_test(rows, inflated_size);
    tcase_add_test(rows, inflated_checksum);
    tcase_add_test(rows, deflated_size);
    tcase_add_test(rows, bad_names);
    tcase_add_test(rows, same_name_twice);
    tcase_add_test(rows, no_members);
    tcase_add_test(rows, shared_bytes);
    tcase_add_test(rows, bytes_around);
    tcase_add_test(rows, too_many);
    tcase_add_loop_test(rows, every_prefix, 0, N_STYLES);
    tcase_add_loop_test(rows, every_byte, 0, N_STYLES);
    suite_add_tcase(suite, rows);
    return run_suite(suite);
}

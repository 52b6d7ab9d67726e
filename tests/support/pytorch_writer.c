/* PyTorch files for tests; see pytorch_writer.h. */
#include "tests/support/pytorch_writer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/pytorch.h"
#include "tests/support/text.h"

enum { N_A = 24, N_B = 8, N_C = 4, N_DATA = N_A + N_B + N_C };

static void put_part(rt_text *out, pt_change change, pt_part part, const char *sound, size_t n) {
    if (change.part == part) text_append_bytes(out, change.by, change.n);
    else text_append_bytes(out, sound, n);
}

#define PUT(part, text) put_part(out, change, part, text, sizeof(text) - 1)

/* One tensor; the parts of a sound one are opcodes. */
typedef struct tensor {
    const char *class, *key, *count, *shape, *stride;
} tensor;

static void put_text(rt_text *out, const char *text) { text_append_bytes(out, text, strlen(text)); }

static void put_id(rt_text *out, const tensor *t, pt_change change, bool legacy) {
    put_text(out, "(X\7"), text_append_bytes(out, "\0\0\0storage", 10);
    put_part(out, change, PT_CLASS, t->class, strlen(t->class));
    put_part(out, change, PT_KEY, t->key, strlen(t->key));
    put_text(out, "U\3cpu");
    put_part(out, change, PT_COUNT, t->count, strlen(t->count));
    put_text(out, legacy ? "Nt" : "t");
}

static void put_tensor(rt_text *out, const tensor *t, pt_change change, bool legacy) {
    if (change.part == PT_VALUE) {
        text_append_bytes(out, change.by, change.n);
        return;
    }
    put_text(out, "ctorch._utils\n_rebuild_tensor_v2\n(");
    if (change.part == PT_ID) text_append_bytes(out, change.by, change.n);
    else put_id(out, t, change, legacy);
    put_text(out, "Q");
    PUT(PT_OFFSET, "K\0");
    put_part(out, change, PT_SHAPE, t->shape, strlen(t->shape));
    put_part(out, change, PT_STRIDE, t->stride, strlen(t->stride));
    put_text(out, "\x89");
    PUT(PT_HOOKS, "ccollections\nOrderedDict\n)R");
    put_text(out, "tR");
}

void pt_write_pickle(pt_change change, bool legacy, rt_text *out) {
    static const tensor a = {"ctorch\nFloatStorage\n", "U\1" "0", "K\6", "K\2K\3\x86", "K\3K\1\x86"},
                        b = {"ctorch\nHalfStorage\n", "U\1" "1", "K\4", "K\4\x85", "K\1\x85"},
                        c = {"ctorch\nBFloat16Storage\n", "U\1" "2", "K\2", "K\1K\2\x86", "K\2K\1\x86"};
    const pt_change none = {0};
    PUT(PT_PROTO, "\x80\2");
    PUT(PT_DICT, "ccollections\nOrderedDict\n)R");
    text_append_bytes(out, "(X\1\0\0\0a", 7);
    put_tensor(out, &a, none, legacy);
    PUT(PT_NAME, "X\1\0\0\0b");
    put_tensor(out, &b, change, legacy);
    text_append_bytes(out, "X\1\0\0\0c", 6);
    put_tensor(out, &c, none, legacy);
    put_text(out, "u");
    PUT(PT_BEFORE_STOP, "");
    PUT(PT_STOP, ".");
}

static void write_zip(const rt_text *pickle, const uint8_t *data, const pt_style *style, zip_layout *layout, rt_text *out) {
    const char *own[] = {style->pickle != NULL ? style->pickle : "data.pkl", "data/0", style->storage != NULL ? style->storage : "data/1",
                         "data/2", "version", "byteorder", style->more};
    const size_t n_b = style->n_storage != 0 ? style->n_storage : N_B, n_order = style->byte_order != NULL ? strlen(style->byte_order) : 0;
    const zip_member contents[] = {
        {NULL, pickle->v, pickle->n}, {NULL, data, N_A}, {NULL, data + N_A, n_b}, {NULL, data + N_A + N_B, N_C}, {NULL, "3\n", 2},
        {NULL, style->byte_order, n_order}, {NULL, "1", 1},
    };
    zip_member members[sizeof contents / sizeof *contents];
    char names[sizeof contents / sizeof *contents][64];
    enum { MORE = sizeof contents / sizeof *contents - 1 };
    size_t n = 0;
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        if (contents[i].bytes == NULL || own[i] == NULL) continue;
        snprintf(names[n], sizeof names[n], "%s%s", i == MORE ? "" : style->top != NULL ? style->top : "x/", own[i]);
        members[n] = contents[i];
        members[n].name = names[n];
        n++;
    }
    zip_write(members, n, &style->zip, layout, out);
}

static void write_legacy(const rt_text *pickle, const uint8_t *data, const pt_style *style, rt_text *out) {
    static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.";
    static const size_t counts[] = {6, 4, 2}, bytes[] = {N_A, N_B, N_C};
    text_append_bytes(out, head, sizeof head - 1);
    put_text(out, "\x80\2}(U\xdlittle_endian");
    put_text(out, style->byte_order != NULL ? "\x89u." : "\x88u.");
    text_append_bytes(out, pickle->v, pickle->n);
    put_text(out, "\x80\2](U\1" "0");
    put_text(out, style->storage != NULL ? style->storage : "U\1" "1");
    put_text(out, "U\1" "2e.");
    for (size_t i = 0; i < 3; i++) {
        const uint64_t count = i == 1 && style->n_storage != 0 ? style->n_storage / 2 : counts[i];
        text_append_bytes(out, &count, sizeof count);
        text_append_bytes(out, data, i == 1 && style->n_storage != 0 ? style->n_storage : bytes[i]);
        data += bytes[i];
    }
    if (style->more != NULL) put_text(out, style->more);
}

void pt_write(pt_change change, const pt_style *style, zip_layout *layout, rt_text *out) {
    rt_text pickle = {0};
    uint8_t data[N_DATA];
    for (size_t i = 0; i < N_DATA; i++) data[i] = (uint8_t)i;
    pt_write_pickle(change, style->legacy, &pickle);
    if (style->legacy) write_legacy(&pickle, data, style, out);
    else write_zip(&pickle, data, style, layout, out);
    rt_text_free(&pickle);
}

const pt_style *pt_style_of(size_t i) {
    static const pt_style styles[PT_N_STYLES] = {
        {.zip = {.descriptors = true, .end64 = true, .align = true}, .byte_order = "little"},
        {.zip = {.descriptors = true, .end64 = true, .align = true}, .top = "archive/"},
        [PT_DEFLATED] = {.zip = {.deflate = true}, .byte_order = "little"},
        {.zip = {.no_crc = true}},
        [PT_LEGACY] = {.legacy = true},
    };
    return &styles[i];
}

const char *pt_write_file(scratch *files, const char *name, pt_change change, const pt_style *style) {
    rt_text bytes = {0};
    zip_layout layout;
    pt_write(change, style, &layout, &bytes);
    scratch_write(files, name, bytes.v, bytes.n);
    rt_text_free(&bytes);
    return files->path;
}

static uint8_t *exact_copy(const rt_text *bytes) {
    uint8_t *copy = malloc(bytes->n > 0 ? bytes->n : 1);
    if (copy == NULL) ck_abort_msg("out of memory");
    if (bytes->n > 0) memcpy(copy, bytes->v, bytes->n);
    return copy;
}

rt_status pt_parse_pickle(const rt_text *bytes, rt_error *err) {
    uint8_t *copy = exact_copy(bytes);
    const ckpt_pickle pickle = {.file = "x.bin", .bytes = copy, .size = bytes->n};
    ckpt_state_dict dict = {0};
    size_t n_read = 0;
    const rt_status status = ckpt_pickle_state_dict(&pickle, &dict, &n_read, err);
    if (status == RT_OK && n_read > bytes->n) ck_abort_msg("%zu bytes read of %zu", n_read, bytes->n);
    ckpt_state_dict_free(&dict);
    free(copy);
    return status;
}

rt_status pt_parse(const rt_text *bytes, rt_error *err) {
    uint8_t *copy = exact_copy(bytes);
    ckpt_pytorch pt = {0};
    volatile unsigned sum = 0;
    const rt_status status = ckpt_pytorch_parse("x.bin", copy, bytes->n, &pt, err);
    for (size_t i = 0; i < pt.n; i++) {
        for (size_t j = 0; j < pt.tensors[i].n_bytes; j++) sum += pt.tensors[i].data[j];
    }
    ckpt_pytorch_close(&pt);
    free(copy);
    return status;
}

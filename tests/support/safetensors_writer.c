/* Safetensors files with a defect; see safetensors_writer.h. */
#include "tests/support/safetensors_writer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

enum { N_DATA = 36 };

static void append_length(rt_text *out, unsigned long long n) {
    for (int i = 0; i < 8; i++, n >>= 8) {
        const unsigned char byte = (unsigned char)(n & 255);
        text_append_bytes(out, &byte, 1);
    }
}

static void append_data(rt_text *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const unsigned char byte = (unsigned char)(i & 255);
        text_append_bytes(out, &byte, 1);
    }
}

void st_write_header(const char *header, size_t n_header, size_t n_data, rt_text *out) {
    append_length(out, n_header);
    text_append_bytes(out, header, n_header);
    append_data(out, n_data);
}

typedef struct replacement {
    st_part part;
    const char *by;
} replacement;

/* The sound text of a part, or what replaces it. Replacements may be longer than text_append's limit, so they go in by themselves. */
static void append_part(rt_text *out, replacement r, st_part part, const char *sound) {
    const char *text = r.part == part ? r.by : sound;
    text_append_bytes(out, text, strlen(text));
}

static void append_header(rt_text *out, replacement r) {
    append_part(out, r, ST_BEFORE, "");
    text_append(out, "{\"__metadata__\":");
    append_part(out, r, ST_METADATA, "{\"format\":\"pt\"}");
    text_append(out, ",\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},");
    append_part(out, r, ST_NAME, "\"b\"");
    text_append(out, ":");
    if (r.part == ST_ENTRY) {
        append_part(out, r, ST_ENTRY, "");
    } else {
        text_append(out, "{\"dtype\":");
        append_part(out, r, ST_DTYPE, "\"F16\"");
        text_append(out, ",\"shape\":");
        append_part(out, r, ST_SHAPE, "[4]");
        text_append(out, ",\"data_offsets\":");
        append_part(out, r, ST_OFFSETS, "[24,32]");
        append_part(out, r, ST_EXTRA, "");
        text_append(out, "}");
    }
    text_append(out, ",\"c\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[32,36]}}");
    append_part(out, r, ST_AFTER, "");
}

void st_write(st_part replaced, const char *by, rt_text *out) {
    const replacement r = {.part = replaced, .by = by};
    rt_text header = {0};
    if (replaced == ST_HEADER) {
        append_part(&header, r, ST_HEADER, "");
    } else {
        append_header(&header, r);
    }
    append_length(out, replaced == ST_LENGTH ? strtoull(by, NULL, 10) : header.n);
    text_append_bytes(out, header.n > 0 ? header.v : "", header.n);
    append_data(out, N_DATA);
    append_part(out, r, ST_TAIL, "");
    rt_text_free(&header);
}

rt_status st_parse(const rt_text *bytes, ckpt_header *header, size_t *data_at, rt_error *err) {
    uint8_t *exact = malloc(bytes->n > 0 ? bytes->n : 1);
    if (exact == NULL) ck_abort_msg("out of memory");
    if (bytes->n > 0) memcpy(exact, bytes->v, bytes->n);
    const rt_status status = ckpt_safetensors_parse("model.safetensors", exact, bytes->n, header, data_at, err);
    free(exact);
    return status;
}

rt_status st_parse_part(st_part replaced, const char *by, rt_error *err) {
    rt_text bytes = {0};
    ckpt_header header = {0};
    size_t data_at;
    st_write(replaced, by, &bytes);
    const rt_status status = st_parse(&bytes, &header, &data_at, err);
    ckpt_header_free(&header);
    rt_text_free(&bytes);
    return status;
}

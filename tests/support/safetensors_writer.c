/* Safetensors files with a defect; see safetensors_writer.h. */
#include "tests/support/safetensors_writer.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_DATA = 36 };

/* Every assertion that holds writes a line to the test runner, so here, where millions would hold, only a failure calls it. */
static void append_bytes(rt_text *out, const void *bytes, size_t n) {
    if (rt_text_append(out, bytes, n, NULL) != RT_OK) ck_abort_msg("out of memory");
}

void st_append(rt_text *out, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) ck_abort_msg("text of %d bytes", n);
    append_bytes(out, text, (size_t)n);
}

static void append_length(rt_text *out, unsigned long long n) {
    for (int i = 0; i < 8; i++, n >>= 8) {
        const unsigned char byte = (unsigned char)(n & 255);
        append_bytes(out, &byte, 1);
    }
}

static void append_data(rt_text *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const unsigned char byte = (unsigned char)(i & 255);
        append_bytes(out, &byte, 1);
    }
}

void st_write_header(const char *header, size_t n_header, size_t n_data, rt_text *out) {
    append_length(out, n_header);
    append_bytes(out, header, n_header);
    append_data(out, n_data);
}

typedef struct replacement {
    st_part part;
    const char *by;
} replacement;

/* The sound text of a part, or what replaces it. Replacements may be longer than st_append's limit, so they go in by themselves. */
static void append_part(rt_text *out, replacement r, st_part part, const char *sound) {
    const char *text = r.part == part ? r.by : sound;
    append_bytes(out, text, strlen(text));
}

static void append_header(rt_text *out, replacement r) {
    append_part(out, r, ST_BEFORE, "");
    st_append(out, "{\"__metadata__\":");
    append_part(out, r, ST_METADATA, "{\"format\":\"pt\"}");
    st_append(out, ",\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},");
    append_part(out, r, ST_NAME, "\"b\"");
    st_append(out, ":");
    if (r.part == ST_ENTRY) {
        append_part(out, r, ST_ENTRY, "");
    } else {
        st_append(out, "{\"dtype\":");
        append_part(out, r, ST_DTYPE, "\"F16\"");
        st_append(out, ",\"shape\":");
        append_part(out, r, ST_SHAPE, "[4]");
        st_append(out, ",\"data_offsets\":");
        append_part(out, r, ST_OFFSETS, "[24,32]");
        append_part(out, r, ST_EXTRA, "");
        st_append(out, "}");
    }
    st_append(out, ",\"c\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[32,36]}}");
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
    append_bytes(out, header.n > 0 ? header.v : "", header.n);
    append_data(out, N_DATA);
    append_part(out, r, ST_TAIL, "");
    rt_text_free(&header);
}

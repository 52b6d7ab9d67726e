/* The GGUF sample and its defects; see gguf_writer.h. */
#include "tests/support/gguf_writer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

enum { ALIGNMENT = 64, DEFAULT_ALIGNMENT = 32 };

static void append_number(rt_text *out, size_t n_bytes, uint64_t value) {
    for (size_t i = 0; i < n_bytes; i++, value >>= 8) {
        const uint8_t byte = (uint8_t)value;
        text_append_bytes(out, &byte, 1);
    }
}

static void append_text(rt_text *out, const char *text) {
    append_number(out, 8, strlen(text));
    text_append_bytes(out, text, strlen(text));
}

static void pad(rt_text *out, size_t alignment) {
    while (out->n % alignment != 0) text_append_bytes(out, "", 1);
}

/* ---- the sample ---- */

typedef struct sample {
    rt_text *out;
    gguf_part replaced;
    uint64_t by;
} sample;

/* The sound number of a part, or what replaces it. */
static void number(const sample *s, gguf_part part, size_t n_bytes, uint64_t sound) {
    append_number(s->out, n_bytes, s->replaced == part ? s->by : sound);
}

static void name(const sample *s, gguf_part length, gguf_part byte, const char *sound) {
    number(s, length, 8, strlen(sound));
    number(s, byte, 1, (uint8_t)sound[0]);
    text_append(s->out, "%s", sound + 1);
}

static void append_pairs(const sample *s) {
    append_text(s->out, "text");
    append_number(s->out, 4, RT_GGUF_STRING);
    number(s, GGUF_STRING_LENGTH, 8, 5);
    text_append(s->out, "hello");
    name(s, GGUF_KEY_LENGTH, GGUF_KEY_BYTE, "number");
    number(s, GGUF_VALUE_TYPE, 4, RT_GGUF_U32);
    append_number(s->out, 4, 7);
    append_text(s->out, "list");
    append_number(s->out, 4, RT_GGUF_ARRAY);
    number(s, GGUF_LIST_TYPE, 4, RT_GGUF_I32);
    number(s, GGUF_LIST_LENGTH, 8, 3);
    append_number(s->out, 4, 1);
    append_number(s->out, 4, (uint64_t)-2);
    append_number(s->out, 4, 3);
    append_text(s->out, "words");
    append_number(s->out, 4, RT_GGUF_ARRAY);
    append_number(s->out, 4, RT_GGUF_STRING);
    number(s, GGUF_WORDS_LENGTH, 8, 3);
    append_text(s->out, "a");
    append_text(s->out, "");
    number(s, GGUF_WORD_LENGTH, 8, 2);
    text_append(s->out, "bc");
    append_text(s->out, "general.alignment");
    number(s, GGUF_ALIGNMENT_TYPE, 4, RT_GGUF_U32);
    number(s, GGUF_ALIGNMENT, 4, ALIGNMENT);
}

static void append_infos(const sample *s) {
    append_text(s->out, "first");
    append_number(s->out, 4, 2);
    append_number(s->out, 8, 3);
    append_number(s->out, 8, 2);
    append_number(s->out, 4, 0);
    append_number(s->out, 8, 0);
    name(s, GGUF_NAME_LENGTH, GGUF_NAME_BYTE, "second");
    number(s, GGUF_RANK, 4, 2);
    number(s, GGUF_ROW, 8, 32);
    number(s, GGUF_ROWS, 8, 2);
    number(s, GGUF_TYPE, 4, 8);
    number(s, GGUF_OFFSET, 8, ALIGNMENT);
    append_text(s->out, "third");
    append_number(s->out, 4, 1);
    append_number(s->out, 8, 5);
    append_number(s->out, 4, 1);
    number(s, GGUF_LAST_OFFSET, 8, 3 * ALIGNMENT);
}

static void append_data(rt_text *out, size_t n, size_t alignment) {
    pad(out, alignment);
    for (size_t i = 0; i < n; i++) append_number(out, 1, i & 127);
}

void gguf_write(gguf_part replaced, uint64_t by, rt_text *out) {
    const sample s = {.out = out, .replaced = replaced, .by = by};
    const size_t alignment = replaced == GGUF_ALIGNMENT && by <= 4096 && by > 0 ? (size_t)by : ALIGNMENT;
    number(&s, GGUF_MAGIC, 4, 0x46554747);
    number(&s, GGUF_VERSION, 4, 3);
    number(&s, GGUF_N_TENSORS, 8, 3);
    number(&s, GGUF_N_PAIRS, 8, 5);
    append_pairs(&s);
    append_infos(&s);
    append_data(out, 24, alignment);
    append_data(out, 68, alignment);
    append_data(out, 10, alignment);
}

/* ---- many pairs, many tensors, tensors of a checkpoint ---- */

static void append_header(rt_text *out, size_t n_tensors, size_t n_pairs) {
    text_append(out, "GGUF");
    append_number(out, 4, 3);
    append_number(out, 8, n_tensors);
    append_number(out, 8, n_pairs);
}

static void append_numbered(rt_text *out, char letter, size_t i, size_t n, bool is_twice) {
    char text[32];
    snprintf(text, sizeof text, "%c%zu", letter, is_twice && i == n - 1 ? 0 : i);
    append_text(out, text);
}

void gguf_write_pairs(size_t n, bool is_twice, rt_text *out) {
    append_header(out, 0, n);
    for (size_t i = 0; i < n; i++) {
        append_numbered(out, 'p', i, n, is_twice);
        append_number(out, 4, RT_GGUF_U8);
        append_number(out, 1, i);
    }
}

void gguf_write_tensors(size_t n, bool is_twice, rt_text *out) {
    append_header(out, n, 0);
    for (size_t i = 0; i < n; i++) {
        append_numbered(out, 't', i, n, is_twice);
        append_number(out, 4, 1);
        append_number(out, 8, 1);
        append_number(out, 4, 0);
        append_number(out, 8, i * DEFAULT_ALIGNMENT);
    }
    for (size_t i = 0; i < n; i++) append_data(out, 4, DEFAULT_ALIGNMENT);
}

static void append_info(rt_text *out, const char *text, unsigned rank, const size_t *shape, uint32_t type, size_t *offset, size_t n_bytes) {
    append_text(out, text);
    append_number(out, 4, rank);
    for (unsigned d = rank; d-- > 0;) append_number(out, 8, shape[d]);
    append_number(out, 4, type);
    append_number(out, 8, *offset);
    *offset += (n_bytes + DEFAULT_ALIGNMENT - 1) / DEFAULT_ALIGNMENT * DEFAULT_ALIGNMENT;
}

void gguf_write_checkpoint(const ckpt_checkpoint *checkpoint, rt_text *out) {
    static const uint32_t types[RT_N_DTYPES] = {[RT_F32] = 0, [RT_F16] = 1, [RT_BF16] = 30, [RT_Q8_0] = 8,
                                                [RT_Q4_0] = 2, [RT_Q4_1] = 3, [RT_Q5_0] = 6, [RT_Q5_1] = 7};
    const size_t n = ckpt_count(checkpoint);
    size_t offset = 0;
    append_header(out, n, 0);
    for (size_t i = 0; i < n; i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        append_info(out, t->name, t->rank, t->shape, types[t->dtype], &offset, t->n_bytes);
    }
    for (size_t i = 0; i < n; i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        pad(out, DEFAULT_ALIGNMENT);
        text_append_bytes(out, t->data, t->n_bytes);
    }
}

/* ---- edits ---- */

/* The edit of that kind of change and name, or NULL; counts it as done. */
static const gguf_edit *find_edit(const gguf_edit *edits, gguf_change change, rt_gguf_text wanted, size_t *n_done) {
    for (const gguf_edit *e = edits; e->change != GGUF_END; e++) {
        if (e->change != change || !rt_gguf_text_is(wanted, e->name)) continue;
        ++*n_done;
        return e;
    }
    return NULL;
}

static size_t number_bytes(uint64_t type) {
    static const size_t bytes[RT_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return bytes[type];
}

static void append_array(rt_text *out, const rt_gguf_pair *pair, const gguf_edit *edits, size_t *n_done) {
    const gguf_edit *element = find_edit(edits, GGUF_ELEMENT, pair->key, n_done), *value = find_edit(edits, GGUF_VALUE, pair->key, n_done);
    const gguf_edit *token = find_edit(edits, GGUF_TOKEN, pair->key, n_done);
    const uint64_t type = element != NULL ? element->type : (uint64_t)pair->element;
    const size_t n = element != NULL ? element->number : pair->n;
    append_number(out, 4, type);
    append_number(out, 8, n);
    if (pair->element != RT_GGUF_STRING) {
        const size_t start = out->n;
        text_append_bytes(out, pair->value, n * number_bytes(type));
        if (value == NULL) return;
        for (size_t i = 0; i < 4; i++) out->v[start + 4 * value->type + i] = (char)(value->number >> (8 * i));
        return;
    }
    const uint8_t *at = pair->value;
    for (size_t i = 0; i < n; i++) {
        const rt_gguf_text text = rt_gguf_next_string(&at);
        if (token != NULL && token->number == i) {
            append_text(out, token->text);
        } else {
            append_number(out, 8, text.n);
            text_append_bytes(out, text.v, text.n);
        }
    }
}

static void append_pair(rt_text *out, const rt_gguf_pair *pair, const gguf_edit *edits, size_t *n_done) {
    append_number(out, 8, pair->key.n);
    text_append_bytes(out, pair->key.v, pair->key.n);
    append_number(out, 4, (uint64_t)pair->type);
    if (pair->type == RT_GGUF_ARRAY) {
        append_array(out, pair, edits, n_done);
        return;
    }
    if (pair->type == RT_GGUF_STRING) append_number(out, 8, pair->n);
    text_append_bytes(out, pair->value, pair->type == RT_GGUF_STRING ? pair->n : number_bytes((uint64_t)pair->type));
}

/* The pairs that edits set come first, then those that are left. Returns how many pairs. */
static size_t append_edited_pairs(rt_text *out, const rt_gguf *gguf, const gguf_edit *edits, size_t *n_done) {
    size_t n = 0, n_replaced = 0;
    for (const gguf_edit *e = edits; e->change != GGUF_END; e++) {
        if (e->change != GGUF_NUMBER && e->change != GGUF_TEXT) continue;
        append_text(out, e->name);
        append_number(out, 4, e->change == GGUF_TEXT ? RT_GGUF_STRING : e->type);
        if (e->change == GGUF_TEXT) append_text(out, e->text);
        else append_number(out, number_bytes(e->type), e->number);
        n++;
        ++*n_done;
    }
    for (size_t i = 0; i < gguf->n_pairs; i++) {
        const rt_gguf_pair *pair = &gguf->pairs[i];
        if (find_edit(edits, GGUF_DROP, pair->key, n_done) != NULL) continue;
        if (find_edit(edits, GGUF_NUMBER, pair->key, &n_replaced) != NULL) continue;
        if (find_edit(edits, GGUF_TEXT, pair->key, &n_replaced) != NULL) continue;
        append_pair(out, pair, edits, n_done);
        n++;
    }
    return n;
}

/* Infos and data of the tensors that are left. Returns how many. */
static size_t append_edited_tensors(rt_text *out, const rt_gguf *gguf, const gguf_edit *edits, size_t *n_done) {
    rt_text data = {0};
    size_t n = 0, offset = 0;
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        const rt_gguf_tensor *t = &gguf->tensors[i];
        if (find_edit(edits, GGUF_DROP, t->name, n_done) != NULL) continue;
        const gguf_edit *renamed = find_edit(edits, GGUF_RENAME, t->name, n_done), *scale = find_edit(edits, GGUF_SCALE, t->name, n_done);
        char text[RT_GGUF_MAX_NAME + 1];
        snprintf(text, sizeof text, "%.*s", (int)t->name.n, t->name.v);
        append_info(out, renamed != NULL ? renamed->text : text, t->rank, t->shape, t->element->id, &offset, t->n_bytes);
        pad(&data, DEFAULT_ALIGNMENT);
        const size_t start = data.n;
        text_append_bytes(&data, t->data, t->n_bytes);
        if (scale != NULL) data.v[start] = (char)scale->number, data.v[start + 1] = (char)(scale->number >> 8);
        n++;
    }
    pad(out, DEFAULT_ALIGNMENT);
    text_append_bytes(out, data.v, data.n);
    rt_text_free(&data);
    return n;
}

void gguf_rewrite(const char *path, const gguf_edit *edits, rt_text *out) {
    rt_gguf_file file;
    rt_error err;
    rt_text body = {0};
    size_t n_done = 0, n_edits = 0;
    while (edits[n_edits].change != GGUF_END) n_edits++;
    if (rt_gguf_open(path, &file, &err) != RT_OK) ck_abort_msg("%s", err.message);
    /* The body's length behind the header of 24 bytes decides about padding. */
    append_header(&body, 0, 0);
    const size_t n_pairs = append_edited_pairs(&body, &file.gguf, edits, &n_done);
    const size_t n_tensors = append_edited_tensors(&body, &file.gguf, edits, &n_done);
    append_header(out, n_tensors, n_pairs);
    text_append_bytes(out, body.v + 24, body.n - 24);
    rt_text_free(&body);
    rt_gguf_close(&file);
    if (n_done != n_edits) ck_abort_msg("%s: %zu of %zu edits done", path, n_done, n_edits);
}

rt_status gguf_parse(const rt_text *bytes, uint8_t **exact, rt_gguf *gguf, rt_error *err) {
    *exact = malloc(bytes->n > 0 ? bytes->n : 1);
    if (*exact == NULL) ck_abort_msg("out of memory");
    if (bytes->n > 0) memcpy(*exact, bytes->v, bytes->n);
    return rt_gguf_parse("model.gguf", *exact, bytes->n, gguf, err);
}

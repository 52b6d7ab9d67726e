/* SentencePiece models for tests; see spm_builder.h. */
#include "tests/support/spm_builder.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/spm_check.h"
#include "tokenizer/spm_shim.h"

void spm_put(rt_text *out, const void *bytes, size_t n) { ck_assert_int_eq(rt_text_append(out, bytes, n, NULL), RT_OK); }

void spm_put_varint(rt_text *out, uint64_t v) {
    for (; v >= 0x80; v >>= 7) spm_put(out, &(const uint8_t){(uint8_t)(v | 0x80)}, 1);
    spm_put(out, &(const uint8_t){(uint8_t)v}, 1);
}

void spm_put_number(rt_text *out, unsigned field, uint64_t v) {
    spm_put_varint(out, field << 3);
    spm_put_varint(out, v);
}

void spm_put_bytes(rt_text *out, unsigned field, const void *bytes, size_t n) {
    spm_put_varint(out, field << 3 | 2);
    spm_put_varint(out, n);
    spm_put(out, bytes, n);
}

void spm_add_piece(rt_text *model, const void *bytes, size_t n, float score, unsigned type) {
    rt_text message = {0};
    spm_put_bytes(&message, 1, bytes, n);
    spm_put_varint(&message, 2 << 3 | 5);
    spm_put(&message, &score, sizeof score);
    spm_put_number(&message, 3, type);
    spm_put_bytes(model, 1, message.v, message.n);
    rt_text_free(&message);
}

void spm_add_text(rt_text *model, const char *piece, float score, unsigned type) {
    spm_add_piece(model, piece, strlen(piece), score, type);
}

void spm_add_trainer_spec(rt_text *model, unsigned model_type) {
    rt_text message = {0};
    spm_put_number(&message, 3, model_type);
    spm_put_bytes(model, 2, message.v, message.n);
    rt_text_free(&message);
}

void spm_start_model(rt_text *model) {
    model->n = 0;
    spm_add_text(model, "<pad>", 0, CONTROL);
    spm_add_text(model, "</s>", 0, CONTROL);
    spm_add_text(model, "<unk>", 0, UNKNOWN);
    spm_add_text(model, "\xe2\x96\x81", -2, NORMAL);
    spm_add_text(model, "a", -3, NORMAL);
    spm_add_text(model, "b", -3.5f, NORMAL);
    spm_add_text(model, "\xe2\x96\x81" "ab", -1, NORMAL);
    spm_add_text(model, "e", -4, NORMAL);
}

static rt_status check(const void *bytes, size_t n, rt_error *err) {
    uint8_t *copy = malloc(n); /* of exactly this size, so that a read past the end is one past an allocation */
    if (n > 0) memcpy(copy, bytes, n);
    const rt_status status = tok_spm_check("x.model", copy, n, err);
    free(copy);
    return status;
}

rt_status spm_check_bytes(const void *bytes, size_t n) { return check(bytes, n, NULL); }

void spm_assert_status(const rt_text *model, const char *what, rt_status expected) {
    rt_error err = {0};
    const rt_status status = check(model->v, model->n, &err);
    ck_assert_msg(status == expected, "%s: status %d, expected %d (%s)", what, (int)status, (int)expected, err.message);
    ck_assert_msg(status == RT_OK || strncmp(err.message, "x.model: ", 9) == 0, "%s", err.message);
}

void spm_use_if_sound(const rt_text *model) {
    static const char input[] = "ab <a A AAAAAAAA \xff" "B\xc3\xa9 e\0 b";
    tok_spm *spm;
    rt_ids ids = {0};
    if (check(model->v, model->n, NULL) != RT_OK) return;
    if (tok_spm_open("x.model", (const uint8_t *)model->v, model->n, &spm, NULL) != RT_OK) return;
    ck_assert_int_eq(tok_spm_encode(spm, input, sizeof input - 1, &ids, NULL), RT_OK);
    rt_ids_free(&ids);
    tok_spm_close(spm);
}

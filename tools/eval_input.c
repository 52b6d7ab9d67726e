/* Text for the model and from it; see eval_input.h.
 *
 * Apostrophes, after tasks.py of allenai/unifiedqa: it replaces the regular expression '(.*)' by its group, so the first and the last
 * apostrophe of a text go where there are two or more.
 *
 * Clean-up, after clean_up_tokenization of transformers: " ." "." " ?" "?" " !" "!" " ," "," " ' " "'" " n't" "n't" " 'm" "'m" " 's" "'s"
 * " 've" "'ve" " 're" "'re", one replacement after the other. */
#include "tools/eval_input.h"

#include "tools/eval_protocol.h"
#include "tools/qa_text.h"
#include "tools/text2text.h"

static void delete_byte(rt_text *text, size_t at) {
    memmove(text->v + at, text->v + at + 1, text->n - at); /* the NUL behind the text moves too */
    text->n--;
}

static void strip_apostrophes(rt_text *text, size_t start) {
    const char *first = memchr(text->v + start, '\'', text->n - start), *last = memrchr(text->v + start, '\'', text->n - start);
    if (first == last) return;
    delete_byte(text, (size_t)(last - text->v));
    delete_byte(text, (size_t)(first - text->v));
}

rt_status eval_input_text(const opt_values *options, slice text, rt_text *out, rt_error *err) {
    const size_t start = out->n;
    RT_TRY(qa_repair_utf8(text, out, err));
    if (out->n == start) return RT_OK;
    if (options->eval.letter_case == EVAL_CASE_LOWER) qa_lower_case(out->v + start, out->n - start);
    if (options->eval.apostrophes == EVAL_APOSTROPHES_STRIP) strip_apostrophes(out, start);
    return RT_OK;
}

rt_status eval_input_ids(const opt_values *options, const tok_tokenizer *tokenizer, slice text, rt_ids *ids, bool *cut, rt_error *err) {
    const size_t start = ids->n, max = options->max_input_tokens;
    RT_TRY(tok_encode(tokenizer, text.v, text.n, ids, err));
    *cut = max > 0 && ids->n - start > max;
    if (!*cut) return RT_OK;
    ids->v[start + max - 1] = TOK_EOS;
    ids->n = start + max;
    return RT_OK;
}

/* Appends the text of ids without an unknown one. Where they do not open the answer, a space that their first piece begins with, and that
 * decoding drops, is put back. */
static rt_status put_run(const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, bool opens, rt_text *out, rt_error *err) {
    static const char space_mark[] = "\xe2\x96\x81";
    if (!opens && n > 0) {
        rt_text piece = {0};
        rt_status status = tok_piece(tokenizer, ids[0], &piece, err);
        if (status == RT_OK && piece.n >= 3 && memcmp(piece.v, space_mark, 3) == 0) status = rt_text_append(out, " ", 1, err);
        rt_text_free(&piece);
        RT_TRY(status);
    }
    return text2text_decode(tokenizer, ids, n, out, err);
}

static rt_status put_marked(const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, rt_text *out, rt_error *err) {
    static const char unknown[] = " \xe2\x81\x87 ";
    for (size_t i = 0; i <= n;) {
        size_t length = 0;
        while (i + length < n && ids[i + length] != TOK_UNK) length++;
        RT_TRY(put_run(tokenizer, ids + i, length, i == 0, out, err));
        i += length + 1;
        if (i <= n) RT_TRY(rt_text_append(out, unknown, sizeof unknown - 1, err));
    }
    return RT_OK;
}

/* Deletes the spaces at the front of each `from`, and behind its apostrophe where it ends in a space. */
static void close_up(rt_text *text, size_t start, const char *from) {
    const size_t n = strlen(from);
    for (size_t at = start; at + n <= text->n; at++) {
        if (memcmp(text->v + at, from, n) != 0) continue;
        if (from[n - 1] == ' ') delete_byte(text, at + n - 1);
        delete_byte(text, at);
    }
}

rt_status eval_answer_text(const opt_values *options, const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, rt_text *out,
                           rt_error *err) {
    static const char *const closed[] = {" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"};
    const size_t start = out->n;
    const bool mark = options->eval.unknown == EVAL_UNKNOWN_MARK;
    RT_TRY(mark ? put_marked(tokenizer, ids, n, out, err) : text2text_decode(tokenizer, ids, n, out, err));
    for (size_t i = start; i < out->n; i++) {
        if (out->v[i] == '\0') out->v[i] = ' ';
    }
    if (options->eval.clean_up == EVAL_CLEAN_UP_NO) return RT_OK;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) close_up(out, start, closed[i]);
    return RT_OK;
}

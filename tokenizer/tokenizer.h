/* Text to ids and back, as T5 does it: SentencePiece (unigram) and T5's own rules round it; or, for ByT5, the bytes of the text.
 *
 * ids 0 <pad>, 1 </s>, 2 <unk>; the pieces of spiece.model; and the sentinels <extra_id_N>, which are not in that file:
 * id = first + 99 - N, where first is the number of pieces (32,000 for every English T5), so <extra_id_0> = 32099.
 * ByT5: the same first three ids, 3 + b for a byte b, and 259 + N for <extra_id_N>, N < 125.
 *
 * An open tokenizer is immutable: any number of threads may use it at once. */
#ifndef TOKENIZER_TOKENIZER_H
#define TOKENIZER_TOKENIZER_H

#include <stdbool.h>

#include "../runtime/buffer.h"
#include "../runtime/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TOK_PAD = 0, TOK_EOS = 1, TOK_UNK = 2 };

typedef struct tok_tokenizer tok_tokenizer;

/* Opens a folder that holds spiece.model, or one GGUF file (and, if there, tokenizer_config.json, of which "do_lower_case", "legacy" and
 * "extra_ids" are read); or a GGUF file, which has the vocabulary inside or spiece.model beside it; or a SentencePiece file itself. Of a
 * GGUF file that leaves fewer ids behind the pieces than there are sentinels, the tokenizer has none. Where there is no SentencePiece
 * model and tokenizer_config.json says that "tokenizer_class" is "ByT5Tokenizer", it is that one. Errors: RT_ERR_READ,
 * RT_ERR_MALFORMED, RT_ERR_UNSUPPORTED (not unigram), RT_ERR_LIMIT, RT_ERR_DISAGREE. */
rt_status tok_open(const char *path, tok_tokenizer **tokenizer, rt_error *err);
void tok_close(tok_tokenizer *tokenizer); /* NULL does nothing */

/* Number of ids that have a name: pieces and sentinels. A model's vocabulary may be larger (rows that pad it), never smaller. */
size_t tok_n_ids(const tok_tokenizer *tokenizer);

/* tokenizer_config.json says "do_lower_case": true. The caller lower-cases; tok_encode takes the text as it is. */
bool tok_lower_case(const tok_tokenizer *tokenizer);

/* Appends the ids of text to *ids, then </s> unless the ids of this text already end with it.
 * The names of special tokens inside the text (</s>, <pad>, <unk>, <extra_id_N>) become their ids; what stands between them is encoded
 * by SentencePiece, with a leading "▁" each time when "legacy" (the default), and otherwise only at the very start and where a space
 * follows </s>, <pad> or <unk>. Bytes that are not UTF-8 count as one unknown character each. ByT5 takes all bytes as they are, but drops
 * white space beside </s>, <pad> and <unk>. Text may hold NULs. RT_ERR_LIMIT: more than 2 MiB of text, or out of memory. On
 * failure *ids is as it was. */
rt_status tok_encode(const tok_tokenizer *tokenizer, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err);

/* Appends the text of ids, special tokens (also <unk> and sentinels) skipped, as transformers 5 does in
 * decode(skip_special_tokens=True, clean_up_tokenization_spaces=False): one space at the very start is dropped, no other; ByT5 drops no
 * space, but the bytes that are not part of a character of UTF-8. Ids without a name (rows that pad the vocabulary) have no text. An
 * id below 0 is RT_ERR_USAGE. text->v is not NULL after success. */
rt_status tok_decode(const tok_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, rt_text *text, rt_error *err);

/* Appends the piece of one id as it is spelt ("▁the", "</s>", "<extra_id_3>"; ByT5's "a", "<0x20>"); for an id without a name "<N>". */
rt_status tok_piece(const tok_tokenizer *tokenizer, int32_t id, rt_text *text, rt_error *err);

#ifdef __cplusplus
}
#endif
#endif

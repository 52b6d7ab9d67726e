/* The joint between text and the model, which knows ids only:
 *
 *     text -> case, sound UTF-8 -> tokenizer -> cut -> ids -> model -> ids -> tokenizer -> text */
#ifndef TOOLS_TEXT2TEXT_H
#define TOOLS_TEXT2TEXT_H

#include "tokenizer/tokenizer.h"
#include "tools/batch.h"
#include "tools/model_path.h"
#include "tools/options.h"

typedef struct text2text {
    const opt_values *options; /* borrowed */
    model_path path;
    tok_tokenizer *tokenizer; /* NULL with --ids */
    t5_model *model;
    t5_session *session;
} text2text;

/* Opens what the options ask for. RT_ERR_DISAGREE if the tokenizer has ids that the model does not know. */
rt_status text2text_open(const opt_values *options, text2text *t, rt_error *err);
void text2text_close(text2text *t); /* a zeroed one is closed already */

/* Where a part came from, for messages. */
typedef struct text2text_source {
    size_t line;      /* of standard input; 0: the command line */
    const char *name; /* "input" or "target" */
    bool lower_case;  /* whatever the tokenizer says, unless --keep-case */
    bool may_cut;     /* --max-input-tokens applies */
} text2text_source;

/* Adds a text, or with --ids a list of ids, to the batch's buffers and tells in *part where they are. */
rt_status text2text_part(const text2text *t, slice text, const text2text_source *source, batch *b, batch_part *part, rt_error *err);

/* Appends what ids say, always one line of sound UTF-8; with --ids the ids themselves. */
rt_status text2text_answer(const text2text *t, const int32_t *ids, size_t n, rt_text *out, rt_error *err);

/* Ids separated by spaces, each 0 .. max, appended to *ids; the message of a failure (of the given status) begins with `where`. */
rt_status text2text_parse_ids(slice text, size_t max, const char *where, rt_status failure, rt_ids *ids, rt_error *err);

/* Appends the text of ids, always one line of sound UTF-8. */
rt_status text2text_decode(const tok_tokenizer *tokenizer, const int32_t *ids, size_t n, rt_text *out, rt_error *err);

/* Opens the tokenizer of a model; with -v tells how long it took. */
rt_status text2text_open_tokenizer(const char *path, bool verbose, tok_tokenizer **tokenizer, rt_error *err);

/* The batch is large enough to be worth a call of the model. */
bool text2text_is_full(const text2text *t, const batch *b);

#endif

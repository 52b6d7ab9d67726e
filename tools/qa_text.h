/* Text as the models were trained on it: UnifiedQA's form, lower case as TensorFlow does it, and sound UTF-8. */
#ifndef TOOLS_QA_TEXT_H
#define TOOLS_QA_TEXT_H

#include "runtime/buffer.h"
#include "tools/slice.h"

enum { QA_MAX_CHOICES = 26 }; /* (a) to (z) */

typedef struct qa_parts {
    slice question;
    const char *const *choices; /* [n_choices] */
    size_t n_choices;           /* at most QA_MAX_CHOICES */
    slice context;
} qa_parts;

/* Appends "question \n (a) x (b) y \n context", where \n is a backslash and an n; choices or context that are empty are left out with
 * their separator. Inside a part every run of line breaks and tabs becomes one space, and both ends are stripped. */
rt_status qa_form(const qa_parts *parts, rt_text *out, rt_error *err);

/* Appends text with every line break (LF or CRLF) replaced by UnifiedQA's separator: space, backslash, n, space. */
rt_status qa_separate_lines(slice text, rt_text *out, rt_error *err);

/* A-Z become a-z; all other bytes stay, as tf.strings.lower does without an encoding. */
void qa_lower_case(char *text, size_t n);

/* Appends text with each byte that is not part of well-formed UTF-8 (no overlong forms, no surrogates) replaced by U+FFFD. */
rt_status qa_repair_utf8(slice text, rt_text *out, rt_error *err);

#endif

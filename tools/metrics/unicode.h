/* Characters as Python 3 sees them, for scores that equal those of Python programs: words, capitals, white space.
 *
 * White space (str.split): U+0009-000D, 001C-001F, 0020, 0085, 00A0, 1680, 2000-200A, 2028, 2029, 202F, 205F, 3000.
 * Word (\w): general categories L and N of Unicode 14.0, and '_'.
 * Small letters (str.lower): all of Unicode 14.0's; U+0130 becomes i and U+0307; a capital sigma behind a letter and before none becomes a
 * final sigma (Python also looks past marks and punctuation between the letters). */
#ifndef TOOLS_METRICS_UNICODE_H
#define TOOLS_METRICS_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/buffer.h"
#include "tools/slice.h"

/* The character at the front of s (not empty) and its length. A byte that is not part of UTF-8 counts as U+FFFD and is 1 long. */
uint32_t unicode_at(slice s, size_t *length);

bool unicode_is_space(uint32_t c);
bool unicode_is_word(uint32_t c);

/* The length of the white space at the front of s, and that of all the rest up to white space. */
size_t unicode_space_length(slice s);
size_t unicode_token_length(slice s);

/* Without the white space at both ends. */
slice unicode_strip(slice s);

/* Appends text in small letters. Bytes that are not UTF-8 stay. */
rt_status unicode_lower(slice text, rt_text *out, rt_error *err);

#endif

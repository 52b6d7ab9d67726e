/* Text inside HTML and SVG. */
#ifndef TOOLS_MARKUP_H
#define TOOLS_MARKUP_H

#include "runtime/buffer.h"
#include "tools/slice.h"

/* Appends text so that it stands as it is between tags and inside quoted attributes, in HTML and in XML 1.0: the characters & < > " ' as
 * references; bytes that are not UTF-8, control characters other than tab and line breaks, and U+FFFE and U+FFFF as U+FFFD. */
rt_status markup_text(rt_text *out, slice text, rt_error *err);

/* Appends markup as it is. */
rt_status markup_raw(rt_text *out, const char *markup, rt_error *err);

#endif

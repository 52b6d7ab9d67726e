/* What goes out: answers alone on standard output, everything else on standard error. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "runtime/buffer.h"

/* Opens what the caller left closed of the three standard descriptors, the wrong way round, so that no file gets their number and any use
 * of them fails; and has a write to a closed pipe fail instead of ending the process. */
void out_prepare(void);

/* Writes text to standard output at once. RT_ERR_WRITE. */
rt_status out_write(const rt_text *text, rt_error *err);

/* Closes standard output; a write error that shows only now is RT_ERR_WRITE. */
rt_status out_close(rt_error *err);

/* One line on standard error, "t5k: MESSAGE", control bytes escaped. */
void out_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Appends printf-fashion. */
rt_status out_print(rt_text *text, rt_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends ids separated by spaces. */
rt_status out_ids(rt_text *text, const int32_t *ids, size_t n, rt_error *err);

#endif

/* Comma-separated values (RFC 4180): a field may stand in double quotes, and then hold commas, line breaks, and quotes as two. */
#ifndef TOOLS_DATA_COMMA_FIELDS_H
#define TOOLS_DATA_COMMA_FIELDS_H

#include "tools/data/source.h"

/* The next record. Its fields are in *text, end to end, and fields[] borrows them from there; *line is the number of its first line. *have
 * is false at the end. RT_ERR_MALFORMED: a quote that is not closed, or one inside a field; the record is taken all the same. */
rt_status comma_fields_next(source *s, rt_text *text, slice *fields, size_t max_fields, size_t *n_fields, size_t *line, bool *have,
                            rt_error *err);

#endif

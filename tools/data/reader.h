/* The records of one file, whatever its frame: JSON lines, elements of a JSON document, lines of a table, numbered lines of a story. */
#ifndef TOOLS_DATA_READER_H
#define TOOLS_DATA_READER_H

#include "tools/data/formats.h"
#include "tools/data/json_elements.h"

enum { READER_WHERE_SIZE = RT_QUOTE_SIZE + 96, READER_STORY_BYTES = 1 << 20 };

typedef struct reader {
    source source;
    format_frame frame;
    json_elements elements;
    cJSON *tree;     /* of the last record */
    rt_text fields;  /* of a table with quotes: the last record's fields, unquoted, end to end */
    rt_text story;   /* sentences so far */
    size_t fact;     /* number of the last line of the story */
    size_t line;     /* where the last record begins */
    size_t n_records;
} reader;

/* Opens the file and finds out its frame. */
rt_status reader_open(const char *path, reader *in, rt_error *err);
void reader_close(reader *in); /* a zeroed one is closed already */

/* Back to the front, once. */
void reader_release(reader *in);

/* The next record, borrowed until the next call; *have is false at the end. A record that cannot be taken apart is in *defect (its status
 * is RT_OK otherwise) and the next call goes on after it. A status other than RT_OK is for good. */
rt_status reader_next(reader *in, record *r, bool *have, rt_error *defect, rt_error *err);

/* "FILE, line N", with the element's number in a JSON document. */
void reader_where(const reader *in, char where[READER_WHERE_SIZE]);

#endif

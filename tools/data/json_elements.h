/* The elements of a JSON document, one after another, without ever holding the document:
 *
 *     [E, E, …]                          a list
 *     {"key": E, "key": E, …}            the members of the top object
 *     {…, "data": [E, E, …], …}          SQuAD's form: the elements of the member "data"
 *
 * Only the frame round the elements is checked here. An element is found by its brackets and quotes alone; whoever parses it checks it. */
#ifndef TOOLS_DATA_JSON_ELEMENTS_H
#define TOOLS_DATA_JSON_ELEMENTS_H

#include "tools/data/source.h"

typedef enum json_frame { JSON_LIST, JSON_MEMBERS, JSON_DATA } json_frame;

typedef struct json_elements {
    json_frame frame;
    bool inside; /* the opening bracket of the elements is taken */
    bool ended;
    size_t n; /* elements returned */
} json_elements;

/* The next element, borrowed until the source is used again, and the number of the line where it begins. *have is false at the end. After
 * a failure there are no more. RT_ERR_READ, RT_ERR_MALFORMED; RT_ERR_LIMIT for an element above SOURCE_ELEMENT_BYTES. */
rt_status json_elements_next(json_elements *j, source *s, slice *element, size_t *line, bool *have, rt_error *err);

/* What `head`, the first bytes of a file, opens: one of the frames, or *is_frame false (JSON lines, or no JSON). */
json_frame json_elements_guess(slice head, bool *is_frame);

#endif

/* One record of a data file as a reader of a form sees it, and the checks of its fields. The messages of failures have no file or line:
 * whoever calls the reader puts them in front. */
#ifndef TOOLS_DATA_RECORD_H
#define TOOLS_DATA_RECORD_H

#include <cjson/cJSON.h>

#include "tools/data/draft.h"

enum { RECORD_MAX_LEVELS = 3, RECORD_MAX_FIELDS = 32 };

typedef struct record {
    const cJSON *nodes[RECORD_MAX_LEVELS + 1]; /* the record, an element of its array, an element of that one's, … */
    size_t index;                              /* of the question in its innermost array, or in its line */
    slice fields[RECORD_MAX_FIELDS];           /* of a line of a table */
    size_t n_fields;
    slice answers, meta; /* the lines that belong to the record in the files beside; {NULL, 0} where there is no such file */
    slice context;       /* story (bAbI), summary (NarrativeQA) */
} record;

/* Members of an object; RT_ERR_MALFORMED names the key. */
rt_status record_text(const cJSON *object, const char *key, slice *text, rt_error *err);
rt_status record_array(const cJSON *object, const char *key, const cJSON **array, rt_error *err);

/* The member's text, or an empty one where there is no such member or it is null. RT_ERR_MALFORMED if it is something else. */
rt_status record_optional_text(const cJSON *object, const char *key, slice *text, rt_error *err);

/* Text, or a whole number as text in *digits. */
rt_status record_id(const cJSON *object, const char *key, char digits[32], slice *text, rt_error *err);

/* An element of an array as text; `what` names the array in the message. */
rt_status record_element(const cJSON *element, const char *what, slice *text, rt_error *err);

/* A whole number first .. first + n - 1, as JSON or as a line of a file of answers, as an index from 0. */
rt_status record_number(const cJSON *object, const char *key, int first, size_t n, size_t *index, rt_error *err);
rt_status record_label(slice line, const char *what, char first, size_t n, size_t *index, rt_error *err);

/* Member "a.b" of an object is member b of its member a. NULL if there is none. */
const cJSON *record_find(const cJSON *object, const char *path);

bool record_starts_with(slice s, const char *text);
bool record_has_text(const cJSON *object, const char *key);

#endif

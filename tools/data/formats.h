/* The table of forms. */
#ifndef TOOLS_DATA_FORMATS_H
#define TOOLS_DATA_FORMATS_H

#include "tools/data/record.h"

/* What a file is made of. */
typedef enum format_frame {
    FRAME_LINES,   /* a JSON object a line */
    FRAME_LIST,    /* a JSON list of objects */
    FRAME_MEMBERS, /* a JSON object of objects */
    FRAME_DATA,    /* a JSON object with a list of objects, "data" */
    FRAME_TABS,    /* fields between tabs, a record a line */
    FRAME_COMMAS,  /* RFC 4180: fields between commas, quotes, line breaks inside them; a header line */
    FRAME_STORY    /* bAbI's numbered lines */
} format_frame;

typedef struct format {
    const char *name;
    data_metric metric;
    unsigned frames; /* bits 1 << format_frame */

    /* Whether a first record has this form. */
    bool (*is)(const record *r);

    /* The arrays that lead from a record to its questions, each inside an element of the one before; NULL-terminated. */
    const char *levels[RECORD_MAX_LEVELS + 1];
    size_t n_columns;   /* of a table; 0: the reader checks */
    size_t n_questions; /* in a line of a table, where there are several */

    /* Files beside the data file, from its name without .gz: `strip` is cut off its end and the other put there. NULL: none. */
    const char *strip, *answers, *meta;
    bool needs_answers; /* without the file there are no references */

    /* Makes one question; RT_ERR_MALFORMED if the record is not as it should be. */
    rt_status (*read)(const record *r, draft *d, rt_error *err);
} format;

/* The first form in the table that a first record of such a frame fits; NULL if none. */
const format *format_find(format_frame frame, const record *r);

/* The readers, by file. */
rt_status read_squad(const record *r, draft *d, rt_error *err);
rt_status read_quoref(const record *r, draft *d, rt_error *err);
rt_status read_ropes(const record *r, draft *d, rt_error *err);
rt_status read_drop(const record *r, draft *d, rt_error *err);
rt_status read_boolq(const record *r, draft *d, rt_error *err);
rt_status read_boolq_contrast(const record *r, draft *d, rt_error *err);
rt_status read_multirc(const record *r, draft *d, rt_error *err);
rt_status read_tweetqa(const record *r, draft *d, rt_error *err);
rt_status read_nq_open(const record *r, draft *d, rt_error *err);
rt_status read_triviaqa(const record *r, draft *d, rt_error *err);
rt_status read_own(const record *r, draft *d, rt_error *err);

rt_status read_arc(const record *r, draft *d, rt_error *err);
rt_status read_query_choices(const record *r, draft *d, rt_error *err);
rt_status read_instruction(const record *r, draft *d, rt_error *err);
rt_status read_piqa(const record *r, draft *d, rt_error *err);
rt_status read_socialiqa(const record *r, draft *d, rt_error *err);
rt_status read_winogrande(const record *r, draft *d, rt_error *err);
rt_status read_race(const record *r, draft *d, rt_error *err);

rt_status read_unifiedqa(const record *r, draft *d, rt_error *err);
rt_status read_mctest(const record *r, draft *d, rt_error *err);
rt_status read_codah(const record *r, draft *d, rt_error *err);
rt_status read_listops(const record *r, draft *d, rt_error *err);
rt_status read_cosmosqa(const record *r, draft *d, rt_error *err);
rt_status read_narrativeqa(const record *r, draft *d, rt_error *err);
rt_status read_babi(const record *r, draft *d, rt_error *err);

#endif

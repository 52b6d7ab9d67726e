/* Questions out of data sets, in the forms that people have them in: each becomes UnifiedQA's text form (tools/data/formats.c lists the
 * forms). What form a file has is found by its content, not by its name; it may be gzipped.
 *
 *     data_set *set;
 *     RT_TRY(data_open(path, &set, err));
 *     for (data_item item; (status = data_next(set, &item, err)) == RT_OK && item.kind != DATA_END;) { … }
 *     data_close(set);
 *
 * A folder stands for its dev.tsv, or test.tsv where there is none (UnifiedQA's own layout), else for all its *.txt files (RACE's).
 * Records are read one after another: memory does not grow with the number of questions.
 *
 * The text keeps its case. Spaces at the ends of an input are left out; line breaks and tabs in it are spaces or gone, as UnifiedQA has
 * it. */
#ifndef TOOLS_DATA_DATA_SET_H
#define TOOLS_DATA_DATA_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/status.h"
#include "tools/slice.h"

#define DATA_NO_GOLD SIZE_MAX

/* How UnifiedQA's authors score a question of this kind; exact match and F1 are defined for every kind. */
typedef enum data_metric {
    DATA_EM_F1,   /* SQuAD's exact match and F1, the best over the references */
    DATA_SQUAD2,  /* the same, with "<No Answer>" as the reference where there is no answer */
    DATA_CHOICE,  /* accuracy of the nearest choice */
    DATA_SPANS,   /* DROP's F1: the references are the spans of one answer */
    DATA_ROUGE_L, /* NarrativeQA */
    DATA_BLEU_1   /* TweetQA */
} data_metric;

/* All borrowed until the next call for the same set. */
typedef struct data_question {
    slice id;   /* as the file has it; may be empty */
    slice task; /* the group that the file puts the question in; may be empty */
    size_t line; /* where its record begins, from 1 */
    data_metric metric;
    slice input;
    const slice *references; /* [n_references]; the first is UnifiedQA's target; none in a file without answers */
    size_t n_references;
    const slice *choices; /* [n_choices]; none where the question is not multiple choice */
    size_t n_choices;
    size_t gold;     /* of choices, or DATA_NO_GOLD */
    bool answerable; /* false: the passage does not tell, and the reference says so */
} data_question;

typedef enum data_item_kind { DATA_QUESTION, DATA_DEFECT, DATA_END } data_item_kind;

typedef struct data_item {
    data_item_kind kind;
    data_question question;
    rt_error defect; /* of DATA_DEFECT: RT_ERR_MALFORMED, "FILE, line N: …"; the record is counted and the next call goes on after it */
} data_item;

typedef struct data_set data_set;

/* RT_ERR_READ; RT_ERR_UNSUPPORTED if the form is none of those known; RT_ERR_MALFORMED if no record can be read to tell it by. */
rt_status data_open(const char *path, data_set **set, rt_error *err);
void data_close(data_set *set); /* NULL is closed already */

/* A status other than RT_OK ends the set: RT_ERR_READ; RT_ERR_MALFORMED for broken gzip data; RT_ERR_LIMIT for a record over the limits of
 * source.h; RT_ERR_DISAGREE if a file of answers has fewer or more lines than there are records. */
rt_status data_next(data_set *set, data_item *item, rt_error *err);

/* The form's name, "SQuAD" or such. */
const char *data_form(const data_set *set);

/* What the user should know: the file of answers that was looked for and is missing. NULL: nothing. */
const char *data_note(const data_set *set);

size_t data_n_questions(const data_set *set); /* returned so far */
size_t data_n_defects(const data_set *set);

#endif

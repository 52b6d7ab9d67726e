/* All questions of a data set in memory, as tests look at them. */
#ifndef TESTS_SUPPORT_QUESTION_LIST_H
#define TESTS_SUPPORT_QUESTION_LIST_H

#include "tools/data/data_set.h"

typedef struct listed_question {
    char *id, *input, *references, *choices; /* lists with " | " between their texts */
    size_t gold, line, n_references;
    data_metric metric;
    bool answerable;
} listed_question;

typedef struct question_list {
    char form[64], note[256];
    listed_question *v; /* [n] */
    size_t n, capacity;
    char (*defects)[RT_ERROR_SIZE]; /* [n_defects] */
    size_t n_defects;
    rt_status status; /* how the set ended */
    rt_error err;
} question_list;

/* Reads the set to its end. Ends the test if it does not open. */
void question_list_read(const char *path, question_list *list);
void question_list_free(question_list *list);

/* Ends the test unless path does not open, with this status and message. */
void refuse_data_set(const char *path, rt_status expected, const char *message);

#endif

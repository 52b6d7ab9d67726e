/* What an evaluation found: what the table, --json, --tsv and a report are made from. Plain data; all scores and means are 0 .. 1. */
#ifndef TOOLS_EVAL_RESULT_H
#define TOOLS_EVAL_RESULT_H

#include <stdbool.h>

#include "runtime/status.h"
#include "tools/data/data_set.h"

enum {
    EVAL_NAME_SIZE = 128,
    EVAL_MAX_TASKS = 1024,   /* of a set; questions of further tasks count in the set alone */
    EVAL_MAX_RECORDS = 10000 /* kept for a report, over all sets */
};

/* The mean over n scores with its 95 % interval; nothing else is set where n is 0. */
typedef struct eval_mean {
    size_t n;
    double mean, low, high;
} eval_mean;

/* A set, or the questions of one task in it. */
typedef struct eval_group {
    const char *name;      /* of the task; of the set: as it was given */
    size_t n_questions;    /* scored; records that were lost are among them where --lost is wrong */
    eval_mean exact_match; /* SQuAD's, of every question */
    eval_mean f1;
    eval_mean own;         /* the set's own metric: accuracy of choices, DROP's F1, ROUGE-L, BLEU-1; n is 0 where it is SQuAD's */
    const char *own_name;  /* "accuracy" or such; NULL where own.n is 0 */
} eval_group;

typedef struct eval_set {
    const char *path;
    char dataset[EVAL_NAME_SIZE], split[EVAL_NAME_SIZE]; /* told from the path; split is "-" where it does not say */
    const char *form;                                    /* of tools/data/formats.c; NULL: did not open */
    eval_group all;
    const eval_group *tasks; /* [n_tasks], in the order in which they occur first */
    size_t n_tasks;
    size_t n_defects;   /* records that could not be read */
    size_t n_no_answer; /* questions of the set without references: not scored */
    size_t n_missing;   /* questions that --answers says nothing about: scored as wrong */
    size_t n_cut;       /* inputs cut to --max-input-tokens */
    size_t n_resumed;   /* answers taken from the predictions file */
    size_t input_tokens, output_tokens;
    double seconds;         /* in this run */
    size_t peak_bytes;      /* of the process's memory, when the set was done */
    bool complete;          /* to its end, or to --limit */
    rt_status failure;      /* why not; RT_OK where it was interrupted */
} eval_set;

/* One question and what became of it. Texts are as the model saw and gave them, NUL-terminated. */
typedef struct eval_record {
    size_t set, number; /* of sets; of the question in its set, from 1 */
    const char *id, *task, *input, *answer; /* id and task may be "" */
    const char *reference;                  /* the first one */
    double exact_match, f1, own;
} eval_record;

/* An option that answers or scores depend on, as the command line would have it. */
typedef struct eval_setting {
    const char *name, *value;
} eval_setting;

typedef struct eval_result {
    const eval_setting *settings; /* [n_settings]: version, model, top-k, decoding, conventions */
    size_t n_settings;
    bool has_model;     /* false with --answers */
    size_t d_ff;        /* of the model */
    const eval_set *sets; /* [n_sets] */
    size_t n_sets;
    const eval_record *records; /* [n_records]: the first EVAL_MAX_RECORDS, kept only where a report is asked for */
    size_t n_records, n_records_left_out;
} eval_result;

#endif

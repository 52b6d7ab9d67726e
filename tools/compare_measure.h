/* What the model does with a window of questions under each setting: answers, and how far its logits are from dense's. */
#ifndef TOOLS_COMPARE_MEASURE_H
#define TOOLS_COMPARE_MEASURE_H

#include "tools/compare_tally.h"

/* Under one setting, to one question. ids are borrowed from the measure until it runs again. */
typedef struct compare_measured {
    const int32_t *ids; /* [n] */
    size_t n;
    bool same;          /* as dense, token by token */
    double max_abs, kl; /* the largest difference of logits, the mean KL divergence, along the dense answer */
} compare_measured;

typedef struct compare_measure {
    t5_session *session;
    const t5_config *config;
    t5_session_params params;
    const t5_generate_params *generate;
    size_t n_questions;              /* of the window */
    t5_generation **answers;         /* [settings] */
    compare_measured *measured;      /* [settings, max_questions] */
    size_t max_questions;
    /* along the dense answers: */
    rt_ids fed;                      /* the start token and the answer without its last id, question after question */
    t5_ids *tokens;                  /* [max_questions] */
    size_t *source;                  /* [max_questions] */
    float *dense;                    /* [capacity, vocab_size]: logits of all steps */
    size_t capacity;
    float *logits;                   /* [COMPARE_ROWS, vocab_size] */
} compare_measure;

/* session: of the model; its top-k are changed. generate is borrowed. */
rt_status compare_measure_open(t5_session *session, const t5_config *config, const t5_session_params *params,
                               const t5_generate_params *generate, size_t max_questions, compare_measure *measure, rt_error *err);
void compare_measure_close(compare_measure *measure); /* a zeroed one is closed already */

/* Fills measured for n questions, and adds to the tally all that needs no text: first tokens, logits, time, memory, statistics. */
rt_status compare_measure_run(compare_measure *measure, compare_tally *tally, const t5_ids *inputs, size_t n, rt_error *err);

static inline const compare_measured *compare_measured_at(const compare_measure *measure, size_t setting, size_t question) {
    return &measure->measured[setting * measure->max_questions + question];
}

/* The most questions of a window whose dense logits stay within 256 MiB, however long the answers become; at least 1. */
size_t compare_measure_max_questions(const t5_config *config, const t5_generate_params *generate);

#endif

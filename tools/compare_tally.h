/* Sums over the questions of one set, for each setting. Memory does not grow with the number of questions. */
#ifndef TOOLS_COMPARE_TALLY_H
#define TOOLS_COMPARE_TALLY_H

#include "tools/compare_result.h"
#include "tools/eval_score.h"
#include "tools/metrics/significance.h"

/* Of one setting. */
typedef struct compare_sums {
    bootstrap_mean exact_match, f1, own, exact_match_change, f1_change;
    size_t exact_match_better, exact_match_worse, f1_better, f1_worse;
    size_t n_same_answer, n_same_first;
    compare_logits logits; /* sums where it says means */
    double encode_seconds, decode_seconds;
    size_t peak_bytes;
    t5_statistics *encoder; /* what t5_encode counts; NULL where another setting encodes for this one */
    t5_statistics *decoder; /* what t5_decode counts along the dense answers */
} compare_sums;

typedef struct compare_tally {
    const compare_settings *settings;
    const t5_config *config;
    uint64_t seed;
    size_t n_questions;
    compare_sums *sums; /* [settings->n] */
} compare_tally;

rt_status compare_tally_open(const compare_settings *settings, const t5_model *model, compare_tally *tally, rt_error *err);
void compare_tally_close(compare_tally *tally); /* a zeroed one is closed already */

/* Adds how far the logits of one question's steps are from dense's. */
void compare_tally_logits(compare_sums *sums, const t5_logit_difference *steps, size_t n);

/* Adds the scores that each setting has for one question. */
void compare_tally_scores(compare_tally *tally, const eval_score *scores);

/* Fills outcomes [settings->n], whose layers are freed by compare_outcomes_free. */
rt_status compare_tally_result(const compare_tally *tally, compare_outcome *outcomes, rt_error *err);
void compare_outcomes_free(compare_outcome *outcomes, size_t n);

#endif

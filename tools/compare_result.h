/* What a comparison found: what the table, --json, the charts and the report are made from. Plain data; scores and shares are 0 .. 1. */
#ifndef TOOLS_COMPARE_RESULT_H
#define TOOLS_COMPARE_RESULT_H

#include "tools/compare_setting.h"
#include "tools/eval_result.h"

enum {
    COMPARE_STEPS = 16,        /* decoder steps that are also told one by one */
    COMPARE_MAX_DIFFERING = 5000, /* records kept where an answer is not dense's, and where all are */
    COMPARE_MAX_SAME = 1000
};

/* A score's difference to dense, question by question. */
typedef struct compare_change {
    eval_mean mean;
    size_t n_better, n_worse;
    double p; /* of the sign test */
} compare_change;

typedef struct compare_logits {
    size_t n_steps, n_same_argmax;
    double max_abs, mean_abs, mean_kl;
    size_t n_by_step[COMPARE_STEPS]; /* how many answers have that step */
    double kl_by_step[COMPARE_STEPS];
} compare_logits;

/* A block of a stack. Units: positive pre-activations of a token, of d_ff. */
typedef struct compare_layer {
    double positive_mean;
    size_t positive_p99, positive_max;
    double self_mass, cross_mass; /* weight of the kept keys; the encoder has no cross-attention */
} compare_layer;

typedef struct compare_outcome {
    eval_mean exact_match, f1, own; /* own.n is 0 where the set has no metric but SQuAD's */
    compare_change exact_match_change, f1_change;
    size_t n_same_answer, n_same_first; /* of n_questions: the whole answer, and its first token */
    compare_logits logits;              /* along the dense answer */
    compare_layer *encoder, *decoder;   /* [n_encoder], [n_decoder] */
    double encode_seconds;              /* measured once for all settings that encode alike */
    double decode_seconds;
    size_t peak_bytes;                  /* of scratch, activations and caches */
} compare_outcome;

typedef struct compare_set {
    const char *path;
    char dataset[EVAL_NAME_SIZE], split[EVAL_NAME_SIZE];
    const char *form, *own_name, *own_key; /* of the set's own metric; NULL: none */
    size_t n_questions, n_defects, n_no_answer, n_cut, input_tokens, output_tokens;
    bool complete;             /* to its end, or to --limit */
    compare_outcome *outcomes; /* [settings.n]; the first is dense */
} compare_set;

/* One setting's answer to a question. */
typedef struct compare_answer {
    size_t text; /* where it begins in compare_result.text, NUL-terminated; equal texts of a question may share one place */
    bool same;   /* as dense's */
    double exact_match, f1, max_abs, kl; /* the logits' largest difference, the mean KL divergence */
} compare_answer;

typedef struct compare_record {
    size_t set, number; /* of sets; of the question in its set, from 1 */
    size_t id, task, input, references; /* where they begin in text; references follow one another, each NUL-terminated */
    size_t n_references;
    size_t answers;    /* the first of [settings.n] in compare_result.answers */
    size_t n_differing;
} compare_record;

typedef struct compare_result {
    compare_settings settings;
    const eval_setting *options; /* [n_options]: version, model, decoding, conventions */
    size_t n_options;
    size_t d_ff, n_encoder, n_decoder, threads;
    bool has_relu;
    const char *isa;
    compare_set *sets; /* [n_sets] */
    size_t n_sets;
    compare_record *records; /* [n_records]; kept only where a report is asked for */
    compare_answer *answers;
    const char *text;
    size_t n_records, n_left_out; /* questions beyond the limits above */
} compare_result;

#endif

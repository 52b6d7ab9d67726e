/* One answer's scores; see eval_score.h.
 *
 * SQuAD 2.0's rule is part of exact match and F1 where the metric is the set's own: a text that says "no answer" is the empty one. */
#include "tools/eval_score.h"

#include "tools/eval_protocol.h"
#include "tools/metrics/bleu.h"
#include "tools/metrics/choice.h"
#include "tools/metrics/drop.h"
#include "tools/metrics/rouge.h"
#include "tools/metrics/squad.h"

const char *eval_own_name(data_metric metric) {
    switch (metric) {
    case DATA_CHOICE: return "accuracy";
    case DATA_SPANS: return "DROP F1";
    case DATA_ROUGE_L: return "ROUGE-L";
    case DATA_BLEU_1: return "BLEU-1";
    default: return NULL;
    }
}

const char *eval_own_key(data_metric metric) {
    switch (metric) {
    case DATA_CHOICE: return "accuracy";
    case DATA_SPANS: return "drop_f1";
    case DATA_ROUGE_L: return "rouge_l";
    case DATA_BLEU_1: return "bleu_1";
    default: return NULL;
    }
}

/* The last letter that the choices are split at: in UnifiedQA's script (h) for the sets in a folder qasc, otherwise (e). */
static char last_letter(const opt_values *options, const eval_source *source, const data_question *question) {
    if (options->eval.choice_letters == EVAL_LETTERS_PUBLISHED) {
        return strcmp(source->form, "QASC") == 0 || strstr(source->path, "qasc/") != NULL ? 'h' : 'e';
    }
    return (char)('a' + (question->n_choices > 1 ? question->n_choices - 1 : 0));
}

static rt_status nearest(const opt_values *options, const eval_source *source, const data_question *question, slice answer, double *right,
                         rt_error *err) {
    const choice_rules rules = {last_letter(options, source, question), options->eval.answer_case == EVAL_ANSWER_CASE_LOWER};
    size_t choice, n_choices;
    RT_TRY(choice_nearest(question->input, answer, &rules, &choice, &n_choices, err));
    *right = n_choices > 0 && choice == question->gold;
    return RT_OK;
}

static rt_status drop_f1(const data_question *question, slice answer, double *f1, rt_error *err) {
    drop_score drop;
    RT_TRY(drop_best(&answer, 1, question->references, question->n_references, &drop, err));
    *f1 = drop.f1;
    return RT_OK;
}

/* The set's own metric, if it is another than SQuAD's. */
static rt_status own(const opt_values *options, const eval_source *source, const data_question *question, slice answer, eval_score *score,
                     rt_error *err) {
    score->has_own = eval_own_name(question->metric) != NULL && (question->metric != DATA_CHOICE || question->gold != DATA_NO_GOLD);
    if (!score->has_own) return RT_OK;
    switch (question->metric) {
    case DATA_CHOICE: return nearest(options, source, question, answer, &score->own, err);
    case DATA_SPANS: return drop_f1(question, answer, &score->own, err);
    case DATA_ROUGE_L: return rouge_l_best(answer, question->references, question->n_references, &score->own, err);
    default: return bleu_1(answer, question->references, question->n_references, &score->own, err);
    }
}

rt_status eval_score_answer(const opt_values *options, const eval_source *source, const data_question *question, slice answer,
                            size_t chosen, eval_score *score, rt_error *err) {
    const bool by_own = options->eval.metric == EVAL_METRIC_OWN;
    data_question q = *question;
    squad_score squad;
    *score = (eval_score){.scored = q.n_references > 0};
    if (!score->scored) return RT_OK;
    if (options->eval.nq_references == EVAL_NQ_FIRST && strcmp(source->form, "NQ-open") == 0) q.n_references = 1;
    if (by_own && q.metric == DATA_SQUAD2) RT_TRY(squad2_best(answer, q.references, q.n_references, &squad, err));
    else RT_TRY(squad_best(answer, q.references, q.n_references, &squad, err));
    score->exact_match = squad.exact_match;
    score->f1 = squad.f1;
    if (chosen != DATA_NO_GOLD) {
        score->has_own = q.gold != DATA_NO_GOLD;
        score->own = chosen == q.gold;
        return RT_OK;
    }
    return by_own ? own(options, source, &q, answer, score, err) : RT_OK;
}

/* The protocols as a table; see eval_protocol.h.
 *
 *     unifiedqa    allenai/unifiedqa: text as tasks.py makes it, 512 tokens in and 100 out, the metrics of its evaluation scripts
 *     paper        ag1988/top_k_attention, folder unifiedqa: text as it is, 512 tokens in; transformers' generate() with its max_length of
 *                  20, the start token counted; SQuAD's exact match and F1 for every set, records that were lost counted as wrong */
#include "tools/eval_protocol.h"

enum { T5K, UNIFIEDQA, PAPER, N_PROTOCOLS };

static const struct {
    opt_id option;
    size_t values[N_PROTOCOLS];
} conventions[] = {
    {OPT_CASE, {EVAL_CASE_LOWER, EVAL_CASE_LOWER, EVAL_CASE_KEEP}},
    {OPT_APOSTROPHES, {EVAL_APOSTROPHES_KEEP, EVAL_APOSTROPHES_STRIP, EVAL_APOSTROPHES_KEEP}},
    {OPT_MAX_INPUT_TOKENS, {0, 512, 512}},
    {OPT_MAX_NEW_TOKENS, {32, 100, 19}},
    {OPT_UNKNOWN, {EVAL_UNKNOWN_DROP, EVAL_UNKNOWN_MARK, EVAL_UNKNOWN_DROP}},
    {OPT_CLEAN_UP, {EVAL_CLEAN_UP_NO, EVAL_CLEAN_UP_NO, EVAL_CLEAN_UP_YES}},
    {OPT_METRIC, {EVAL_METRIC_OWN, EVAL_METRIC_OWN, EVAL_METRIC_SQUAD}},
    {OPT_ANSWER_CASE, {EVAL_ANSWER_CASE_LOWER, EVAL_ANSWER_CASE_KEEP, EVAL_ANSWER_CASE_KEEP}},
    {OPT_CHOICE_LETTERS, {EVAL_LETTERS_ALL, EVAL_LETTERS_PUBLISHED, EVAL_LETTERS_ALL}},
    {OPT_NQ_REFERENCES, {EVAL_NQ_ALL, EVAL_NQ_FIRST, EVAL_NQ_ALL}},
    {OPT_LOST_RECORDS, {EVAL_LOST_SKIP, EVAL_LOST_SKIP, EVAL_LOST_WRONG}},
};

rt_status eval_protocol_apply(opt_values *options, rt_error *err) {
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) {
        const opt_id option = conventions[i].option;
        size_t *field = (size_t *)((char *)options + opt_table[option].field);
        if (!options->given[option]) *field = conventions[i].values[options->eval.protocol];
    }
    const t5_generate_params *g = &options->generate;
    if (g->min_new_tokens <= g->max_new_tokens) return RT_OK;
    return rt_fail(err, RT_ERR_USAGE, "--min-new-tokens %zu is above --max-new-tokens %zu", g->min_new_tokens, g->max_new_tokens);
}

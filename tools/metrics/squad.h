/* SQuAD's exact match and F1 (Rajpurkar et al. 2016), and the rules that UnifiedQA's evaluation puts round them. Scores are 0 .. 1. */
#ifndef TOOLS_METRICS_SQUAD_H
#define TOOLS_METRICS_SQUAD_H

#include "runtime/buffer.h"
#include "tools/slice.h"

typedef struct squad_score {
    double exact_match, f1;
} squad_score;

/* Appends text in small letters, without ASCII punctuation, without the words a, an, the, with one space between tokens; in this order. */
rt_status squad_normalise(slice text, rt_text *out, rt_error *err);

/* Its two halves, for DROP, which looks at a token in between. */
rt_status squad_without_punctuation(slice text, rt_text *out, rt_error *err);
rt_status squad_without_articles(slice text, rt_text *out, rt_error *err);

/* Each the best over the references, on its own; 0 where there are none. F1 is over multisets of tokens, 0 if they share none. */
rt_status squad_best(slice prediction, const slice *references, size_t n_references, squad_score *score, rt_error *err);

/* UnifiedQA's SQuAD 2.0: a text that contains "no answer", whatever its case, says that there is none: it stands for the empty text, and if
 * a reference is one the others do not count. F1 where a side is empty is 1 if both are. */
rt_status squad2_best(slice prediction, const slice *references, size_t n_references, squad_score *score, rt_error *err);

#endif

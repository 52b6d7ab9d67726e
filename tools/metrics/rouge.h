/* ROUGE-L (Lin 2004) for NarrativeQA.
 *
 * UnifiedQA's authors take it from py-rouge, which splits with NLTK's tokenizer, then looks words of more than 3 letters up in a list of
 * WordNet's irregular forms or stems them (Porter). Here words are runs of letters and digits and stay as they are, so inflected forms do
 * not match and scores come out somewhat lower; all else is the same: 100 words of each text at most, small letters, everything but letters
 * and digits left out, F rounded to two digits. */
#ifndef TOOLS_METRICS_ROUGE_H
#define TOOLS_METRICS_ROUGE_H

#include "runtime/status.h"
#include "tools/slice.h"

/* The best F over the references, 0 where there are none. */
rt_status rouge_l_best(slice prediction, const slice *references, size_t n_references, double *f, rt_error *err);

#endif

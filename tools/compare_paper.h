/* The published row of the top-k paper's tables that a measured one can stand beside. */
#ifndef TOOLS_COMPARE_PAPER_H
#define TOOLS_COMPARE_PAPER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct paper_score {
    double exact_match, f1; /* in per cent; f1 is below 0 where only exact match is published */
} paper_score;

/* UnifiedQA-T5 of that d_ff (3,072: base; 16,384: 3B; 65,536: 11B) on a data set's dev split by its UnifiedQA name ("arc_easy",
 * "squad1_1"), keeping k units of every feed-forward layer; k = 0 or d_ff: dense. False where there is no such row. */
bool paper_published(size_t d_ff, const char *dataset, const char *split, size_t k, paper_score *score);

#endif

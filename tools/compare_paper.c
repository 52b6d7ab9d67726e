/* Results of Gupta et al. 2021 (ag1988/top_k_attention, folder unifiedqa): UnifiedQA checkpoints with top-k at the feed-forward layers and
 * no training, exact match / F1 on the dev splits. */
#include "tools/compare_paper.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define ONLY_EM(x) {x, -1}

enum { N_BASE = 7, N_3B = 3, N_11B = 4, MAX_K = N_BASE };

static const size_t base_k[N_BASE] = {3072, 512, 256, 128, 64, 32, 16}, k_3b[N_3B] = {16384, 256, 64}, k_11b[N_11B] = {65536, 512, 256, 64};

typedef struct row {
    size_t d_ff;
    const char *dataset;
    paper_score scores[MAX_K]; /* in the order of the k of that d_ff */
} row;

static const row rows[] = {
    {3072, "squad1_1", {{81.1, 88.4}, {81.1, 88.4}, {81.0, 88.4}, {81.1, 88.4}, {80.7, 87.9}, {79.0, 86.8}, {74.9, 83.7}}},
    {3072, "squad2", {{75.1, 79.1}, {75.1, 79.1}, {75.2, 79.1}, {75.3, 79.2}, {75.6, 79.5}, {74.9, 79.1}, {73.3, 77.9}}},
    {3072, "boolq", {{82.0, 82.0}, {82.0, 82.0}, {82.0, 82.0}, {82.1, 82.1}, {81.9, 81.9}, {80.3, 80.3}, {76.6, 76.7}}},
    {3072, "race", {{69.6, 75.2}, {69.5, 75.2}, {69.5, 75.2}, {69.7, 75.2}, {69.4, 74.9}, {68.5, 74.2}, {65.9, 72.2}}},
    {3072, "mctest", {{85.3, 89.3}, {85.3, 89.3}, {85.3, 89.3}, {85.0, 89.0}, {86.2, 89.7}, {85.9, 89.5}, {82.8, 87.3}}},
    {3072, "arc_easy", {{54.7, 62.9}, {54.6, 62.7}, {54.2, 62.5}, {54.0, 62.2}, {53.2, 61.1}, {52.3, 60.6}, {47.7, 56.7}}},
    {3072, "arc_hard", {{44.8, 57.5}, {44.8, 57.5}, {44.1, 56.8}, {45.2, 57.6}, {45.8, 58.2}, {42.1, 55.7}, {42.1, 56.1}}},
    {3072, "openbookqa", {{59.6, 66.3}, {59.4, 66.1}, {59.6, 66.3}, {60.4, 67.1}, {58.8, 65.9}, {56.8, 63.9}, {55.4, 61.9}}},
    {3072, "narrativeqa", {{26.8, 46.4}, {26.8, 46.4}, {26.9, 46.3}, {26.9, 46.3}, {26.6, 45.9}, {25.6, 44.7}, {24.4, 42.9}}},
    {3072, "commonsenseqa", {{45.0, 45.6}, {45.0, 45.6}, {45.0, 45.5}, {45.1, 45.7}, {45.6, 46.2}, {43.9, 44.7}, {44.1, 44.8}}},
    {16384, "squad1_1", {ONLY_EM(86.3), ONLY_EM(86.3), ONLY_EM(84.9)}},
    {16384, "boolq", {ONLY_EM(89.6), ONLY_EM(89.3), ONLY_EM(88.1)}},
    {16384, "arc_easy", {ONLY_EM(78.6), ONLY_EM(77.0), ONLY_EM(75.6)}},
    {16384, "arc_hard", {ONLY_EM(70.2), ONLY_EM(69.6), ONLY_EM(62.5)}},
    {16384, "openbookqa", {ONLY_EM(78.8), ONLY_EM(78.8), ONLY_EM(77.6)}},
    {16384, "commonsenseqa", {ONLY_EM(71.8), ONLY_EM(71.9), ONLY_EM(70.2)}},
    {16384, "mctest", {ONLY_EM(92.8), ONLY_EM(93.1), ONLY_EM(93.1)}},
    {65536, "squad1_1", {ONLY_EM(87.0), ONLY_EM(86.9), ONLY_EM(86.8), ONLY_EM(86.1)}},
    {65536, "boolq", {ONLY_EM(90.7), ONLY_EM(90.4), ONLY_EM(90.0), ONLY_EM(88.7)}},
    {65536, "arc_easy", {ONLY_EM(86.0), ONLY_EM(85.4), ONLY_EM(85.3), ONLY_EM(79.3)}},
    {65536, "arc_hard", {ONLY_EM(75.6), ONLY_EM(75.9), ONLY_EM(75.6), ONLY_EM(71.6)}},
    {65536, "openbookqa", {ONLY_EM(85.2), ONLY_EM(83.6), ONLY_EM(85.4), ONLY_EM(77.4)}},
    {65536, "commonsenseqa", {ONLY_EM(77.5), ONLY_EM(77.0), ONLY_EM(75.9), ONLY_EM(72.4)}},
};

/* Where k stands among the k of a d_ff; SIZE_MAX: nowhere. */
static size_t find_k(size_t d_ff, size_t k) {
    const size_t *of = d_ff == 3072 ? base_k : d_ff == 16384 ? k_3b : k_11b;
    const size_t n = d_ff == 3072 ? N_BASE : d_ff == 16384 ? N_3B : N_11B;
    for (size_t i = 0; i < n; i++) {
        if (of[i] == (k == 0 ? d_ff : k)) return i;
    }
    return SIZE_MAX;
}

/* Whether a data set's name, as its folder or file has it, is that of a row; ARC-Easy is arc_easy. */
static bool is_named(const char *dataset, const char *name) {
    size_t i = 0;
    while (name[i] != '\0' && (dataset[i] == '-' ? '_' : tolower((unsigned char)dataset[i])) == name[i]) i++;
    return name[i] == '\0' && dataset[i] == '\0';
}

static const char *published_name(const char *dataset) {
    static const char *const others[][2] = {
        {"mctest_corrected_the_separator", "mctest"}, {"race_string", "race"}, {"arc_challenge", "arc_hard"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (is_named(dataset, others[i][0])) return others[i][1];
    }
    return dataset;
}

bool paper_published(size_t d_ff, const char *dataset, const char *split, size_t k, paper_score *score) {
    if (strcmp(split, "dev") != 0) return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].d_ff != d_ff || !is_named(published_name(dataset), rows[i].dataset)) continue;
        const size_t at = find_k(d_ff, k);
        if (at == SIZE_MAX) return false;
        *score = rows[i].scores[at];
        return true;
    }
    return false;
}

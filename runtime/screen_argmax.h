/* Which of the scores x . w[j] is the largest, without computing them all: 8-bit copies bound every score from both sides (screen.h), and a score
 * whose upper bound is below the largest of the lower ones is not the largest. The dot kernel computes the rest. So the answer is always that of
 * all scores compared bit by bit, the lowest unit among equals. What is not finite has no bound and is always computed. */
#ifndef RUNTIME_SCREEN_ARGMAX_H
#define RUNTIME_SCREEN_ARGMAX_H

#include "runtime/compute.h"
#include "runtime/screen.h"

/* What a range of units has found for a query. */
typedef struct rt_argmax_part {
    float best;        /* of the units that may be chosen; -inf if there is none */
    uint32_t unit;     /* where */
    uint32_t computed; /* how many scores */
    bool is_bad;       /* one is NaN or +inf */
    bool is_finite;    /* one is finite */
} rt_argmax_part;

/* Memory for up to m queries. */
typedef struct rt_argmax_room {
    size_t m, n_panels;
    uint64_t *forbidden; /* [m, n_panels]: a bit for every unit that must not be chosen; to be filled by the caller */
    rt_screen_query *query; /* [m] */
    int8_t *p;              /* [m, k_padded] */
    float *lower;           /* [ranges, m], then [m] in its front */
    rt_argmax_part *part;   /* [ranges, m] */
} rt_argmax_room;

enum { RT_NO_BEST = -1 };

void rt_argmax_place(rt_arena *arena, const rt_screen *screen, size_t m, rt_argmax_room *room);

/* Floats of room for the upper bounds of one query. */
static inline size_t rt_argmax_uppers(const rt_screen *screen) { return rt_screen_panels(screen) * RT_SCREEN_PANEL; }

/* unit[i] = the unit of W whose score with X[i] is the largest of those not forbidden; 0 where all of these are -inf or there is none;
 * RT_NO_BEST where any score, forbidden or not, is NaN or +inf, or none is finite. screen: W's copy. X [m, k] without gaps; uppers [m,
 * rt_argmax_uppers]. Scratch: rt_dot_rows_scratch. */
void rt_screen_argmax(const rt_compute *compute, const rt_screen *screen, const rt_matrix *W, size_t m, const float *X, const rt_argmax_room *room,
                      float *uppers, rt_screen_tally *tally, int32_t *unit);

#endif

/* Screened scores of a chunk of queries: 8-bit products first, then the dot kernel for those that the bound (screen.h) does not settle.
 *
 * Of the scores that are computed the positive ones are kept, the dot kernel's own bits. Each call of rt_screen_scores packs those of its units,
 * so that threads may share a row; what the calls have found is joined afterwards. */
#ifndef RUNTIME_SCREENED_H
#define RUNTIME_SCREENED_H

#include "runtime/screen.h"

enum { RT_SCREEN_RANGE = 3 * RT_SCREEN_PANEL };

typedef struct rt_screened {
    const rt_screen *screen;
    size_t m;        /* queries at most */
    size_t ld;       /* from row to row of S and index */
    float *S;        /* [m, ld]: the positive scores (NaN counts) of a call from its first unit's place on */
    uint32_t *index; /* [m, ld]: their units */
    rt_screen_query *query; /* [m] */
    uint32_t *n_found;      /* [ranges of RT_SCREEN_RANGE units, m]: of the call that began with that range */
    int8_t *p;              /* [m, k_padded] */
} rt_screened;

/* Bytes for all but S and index, for up to m queries; a multiple of 64. memory is aligned to 64. */
size_t rt_screened_bytes(const rt_screen *screen, size_t m);
rt_screened rt_screened_place(const rt_screen *screen, size_t m, float *S, uint32_t *index, size_t ld, void *memory);

/* Makes the queries ready: p, query. X [m, k]. */
void rt_screen_prepare(const rt_kernels *kernels, const rt_screened *to, size_t m, const float *X, size_t ldx);

/* Units first .. first + n - 1 (first a multiple of RT_SCREEN_RANGE) of W, of which to->screen is the copy; scratch: k floats. */
void rt_screen_scores(const rt_kernels *kernels, const rt_screened *to, size_t m, const float *X, size_t ldx, const rt_matrix *W, size_t first,
                      size_t n, rt_screen_tally *tally, float *scratch);

/* Packs what was found of row i to the front of its S and index, in ascending order of units; returns how many. */
size_t rt_screened_join(const rt_screened *of, size_t i);

#endif

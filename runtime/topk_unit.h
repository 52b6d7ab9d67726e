/* A unit of top-k attention: one chunk of queries of one head of one span, in three stages (topk_attention.h has the equation).
 *
 *     score  S = Q K^T                        some keys at a time
 *     weigh  select, activate, gate           a row at a time
 *     sum    out = weights V                  a panel of columns at a time
 *
 * Each part of a stage may be done by another thread, when the stage before is done. No element's sum is ever split. */
#ifndef RUNTIME_TOPK_UNIT_H
#define RUNTIME_TOPK_UNIT_H

#include <stdatomic.h>

#include "runtime/screened.h"
#include "runtime/topk_attention.h"

typedef struct rt_unit {
    const rt_topk_attention_args *args;
    const rt_compute *compute;
    atomic_bool *nan; /* set if a row that has to be selected from holds NaN */
    rt_span span;     /* the chunk's own queries; all keys of its sequence */
    size_t head, first_position;
    size_t ld;       /* from row to row of S, G and index */
    float *S;        /* [n_queries, ld]: scores, then weights, packed to the front where `index` is in use */
    float *G;        /* [n_queries, ld]: gate, if there is one and every key is kept */
    uint32_t *index; /* [n_queries, ld] */
    rt_screened screened; /* what screening needs, if it is done */
    rt_topk_keys keys;    /* what selection by estimates needs; keys.m is 0 where it is not done */
    size_t *n_kept;  /* [n_queries] */
    bool *dense;     /* [n_queries]: all visible keys kept; index not used */
} rt_unit;

/* Bytes of a unit's scores and what belongs to their rows; of all of its block, with what args asks for besides; and of the scratch of each
 * thread that works on it. Multiples of 64. */
size_t rt_unit_rows_bytes(size_t chunk, size_t max_keys, bool gated);
size_t rt_unit_bytes(const rt_topk_attention_args *args, size_t max_keys);
size_t rt_unit_scratch(const rt_kernels *kernels, size_t max_keys, size_t d_k);

/* Lays the block of a unit, whose args, span and head are set, over memory, which is aligned to 64. */
void rt_unit_place(rt_unit *unit, void *memory, size_t max_keys);

/* Keys are scored from a multiple of so many on: screening keeps lists by ranges of them. */
enum { RT_UNIT_KEYS = RT_SCREEN_RANGE };

void rt_unit_prepare(rt_unit *unit); /* before the first stage */
void rt_unit_score(const rt_unit *unit, size_t first, size_t n, void *scratch);
void rt_unit_weigh(const rt_unit *unit, size_t i, void *scratch);
void rt_unit_sum(const rt_unit *unit, size_t panel, void *scratch);
void rt_unit_sum_all(const rt_unit *unit, void *scratch); /* all panels, by one thread */

/* The panels of columns that rt_unit_sum is to be called for. */
size_t rt_unit_panels(const rt_topk_attention_args *args);

/* All of a unit whose kept keys are found by estimates. */
void rt_unit_by_estimates(const rt_unit *unit, void *scratch);

/* K of one head, from key `first` on. */
rt_matrix rt_head_keys(const rt_topk_attention_args *args, size_t head, size_t first);

#endif

/* The largest score, certified; see screen_argmax.h. Two passes over the units, range by range, so that threads may share them: the first bounds
 * all scores, the second computes those that can still be the largest. */
#include "runtime/screen_argmax.h"

#include <math.h>
#include <string.h>

#include "runtime/matmul.h"

/* 8 panels of 768 bytes a row are 384 KiB: enough items for some threads, and a range stays in the second-level cache for all queries. */
enum { RANGE = 8 * RT_SCREEN_PANEL };

static size_t n_ranges(const rt_screen *screen) { return (screen->n + RANGE - 1) / RANGE; }

void rt_argmax_place(rt_arena *arena, const rt_screen *screen, size_t m, rt_argmax_room *room) {
    room->m = m;
    room->n_panels = rt_screen_panels(screen);
    room->forbidden = rt_arena_alloc(arena, m * room->n_panels, sizeof *room->forbidden);
    room->query = rt_arena_alloc(arena, m, sizeof *room->query);
    room->p = rt_arena_alloc(arena, m * screen->k_padded, sizeof *room->p);
    room->lower = rt_arena_alloc(arena, m * n_ranges(screen), sizeof *room->lower);
    room->part = rt_arena_alloc(arena, m * n_ranges(screen), sizeof *room->part);
}

typedef struct argmax_job {
    const rt_compute *compute;
    const rt_screen *screen;
    const rt_matrix *W;
    size_t m;
    const float *X;
    const rt_argmax_room *room;
    float *uppers;
} argmax_job;

static void quantise_query(void *context, size_t i, size_t worker) {
    (void)worker;
    const argmax_job *job = context;
    const size_t k = job->screen->k, k_padded = job->screen->k_padded;
    job->compute->kernels->quantise(k, job->X + i * k, job->room->p + i * k_padded, &job->room->query[i]);
}

/* The units that fill up the last panel are no scores. */
static void forbid_padding(const argmax_job *job) {
    const size_t left = job->screen->n % RT_SCREEN_PANEL, n_panels = job->room->n_panels;
    if (left == 0) return;
    for (size_t i = 0; i < job->m; i++) job->room->forbidden[(i + 1) * n_panels - 1] |= UINT64_MAX << left;
}

static void bound_range(void *context, size_t range, size_t worker) {
    (void)worker;
    const argmax_job *job = context;
    const rt_screen *s = job->screen;
    const rt_argmax_room *room = job->room;
    float *lower = room->lower + range * job->m;
    for (size_t i = 0; i < job->m; i++) lower[i] = -INFINITY;
    for (size_t unit = range * RANGE; unit < s->n && unit < (range + 1) * RANGE; unit += RT_SCREEN_PANEL) {
        job->compute->kernels->estimate(job->m, s->k_padded, room->p, s->k_padded, room->query, s->q + unit * s->k_padded, s->scale + unit,
                                        s->alpha + unit, s->beta + unit, room->forbidden + unit / RT_SCREEN_PANEL, room->n_panels,
                                        job->uppers + unit, rt_argmax_uppers(s), lower);
    }
}

static void join_lower(const argmax_job *job) {
    float *lower = job->room->lower;
    for (size_t range = 1; range < n_ranges(job->screen); range++) {
        for (size_t i = 0; i < job->m; i++) {
            if (lower[range * job->m + i] > lower[i]) lower[i] = lower[range * job->m + i];
        }
    }
}

static rt_argmax_part best_of(const argmax_job *job, size_t i, size_t first, size_t n, float *scratch) {
    const uint64_t *forbidden = job->room->forbidden + i * job->room->n_panels;
    uint32_t index[RANGE];
    float score[RANGE];
    const float *upper = job->uppers + i * rt_argmax_uppers(job->screen) + first;
    const size_t computed = job->compute->kernels->keep_above(n, upper, job->room->lower[i], n, index, score);
    rt_argmax_part part = {.best = -INFINITY, .computed = (uint32_t)computed, .is_finite = computed < n};
    rt_dot_indexed(job->compute->kernels, computed, index, job->X + i * job->screen->k, job->W, first, score, scratch);
    for (size_t t = 0; t < computed; t++) {
        const size_t unit = first + index[t];
        part.is_bad |= !(score[t] < INFINITY);
        part.is_finite |= score[t] > -INFINITY;
        if (!(score[t] > part.best) || (forbidden[unit / RT_SCREEN_PANEL] >> unit % RT_SCREEN_PANEL & 1) != 0) continue;
        part.best = score[t];
        part.unit = (uint32_t)unit;
    }
    return part;
}

static void search_range(void *context, size_t range, size_t worker) {
    const argmax_job *job = context;
    const size_t first = range * RANGE, left = job->screen->n - first;
    for (size_t i = 0; i < job->m; i++) {
        job->room->part[range * job->m + i] = best_of(job, i, first, left < RANGE ? left : RANGE, rt_scratch(job->compute, worker));
    }
}

/* The first of equals wins: ranges rise. */
static int32_t join_parts(const argmax_job *job, size_t i, size_t *computed) {
    rt_argmax_part best = {.best = -INFINITY};
    for (size_t range = 0; range < n_ranges(job->screen); range++) {
        const rt_argmax_part *part = &job->room->part[range * job->m + i];
        best.is_bad |= part->is_bad;
        best.is_finite |= part->is_finite;
        *computed += part->computed;
        if (!(part->best > best.best)) continue;
        best.best = part->best;
        best.unit = part->unit;
    }
    return best.is_bad || !best.is_finite ? RT_NO_BEST : (int32_t)best.unit;
}

void rt_screen_argmax(const rt_compute *compute, const rt_screen *screen, const rt_matrix *W, size_t m, const float *X, const rt_argmax_room *room,
                      float *uppers, rt_screen_tally *tally, int32_t *unit) {
    argmax_job job = {.compute = compute, .screen = screen, .W = W, .m = m, .X = X, .room = room, .uppers = uppers};
    const size_t n = screen->n, k = screen->k;
    const double share = (double)atomic_load(&tally->computed) / (double)(atomic_load(&tally->scores) + 1); /* of the scores, so far */
    size_t computed = 0;
    forbid_padding(&job);
    rt_parallel(compute, m, rt_guess_ns(0, 4 * m * k), quantise_query, &job);
    rt_parallel(compute, n_ranges(screen), rt_guess_ns(m * n * k / 4, n * k), bound_range, &job);
    join_lower(&job);
    rt_parallel(compute, n_ranges(screen), rt_guess_ns(0, (size_t)((double)(m * n * sizeof *uppers) * (1 + share * (double)k))), search_range, &job);
    for (size_t i = 0; i < m; i++) unit[i] = join_parts(&job, i, &computed);
    atomic_fetch_add_explicit(&tally->scores, m * n, memory_order_relaxed);
    atomic_fetch_add_explicit(&tally->computed, computed, memory_order_relaxed);
}

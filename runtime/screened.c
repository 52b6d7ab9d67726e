/* Screened scores; see screened.h. */
#include "runtime/screened.h"

#include <string.h>

#include "runtime/arena.h"

enum {
    BLOCK = 128,   /* queries at a time: their numbers fit a byte, their rows (768 floats each) half the second-level cache */
    FEW_QUERIES = 4 /* up to so many each unit is wanted by about one of them (tests/bench: ask 7 %, beam 11 % faster than unit by unit) */
};

static size_t n_ranges(const rt_screen *screen) { return (screen->n + RT_SCREEN_RANGE - 1) / RT_SCREEN_RANGE; }

size_t rt_screened_bytes(const rt_screen *screen, size_t m) {
    return rt_aligned(m * screen->k_padded) + rt_aligned(m * (sizeof(rt_screen_query) + n_ranges(screen) * sizeof(uint32_t)));
}

/* The 8-bit rows come first: the kernels read them several times as fast where they begin with a line of the cache. */
rt_screened rt_screened_place(const rt_screen *screen, size_t m, float *S, uint32_t *index, size_t ld, void *memory) {
    rt_screened s = {.screen = screen, .m = m, .ld = ld, .S = S, .index = index, .p = memory};
    s.query = (rt_screen_query *)(void *)(s.p + rt_aligned(m * screen->k_padded));
    s.n_found = (uint32_t *)(s.query + m);
    return s;
}

void rt_screen_prepare(const rt_kernels *kernels, const rt_screened *to, size_t m, const float *X, size_t ldx) {
    for (size_t i = 0; i < m; i++) kernels->quantise(to->screen->k, X + i * ldx, to->p + i * to->screen->k_padded, &to->query[i]);
    memset(to->n_found, 0, to->m * n_ranges(to->screen) * sizeof *to->n_found);
}

/* The queries of a block that a unit has to be computed for. */
typedef struct unit_list {
    uint8_t n, query[BLOCK];
} unit_list;

/* Screens one panel of n units for queries i0 .. i0 + m - 1: for each query the mask of its units. */
static void screen_panel(const rt_kernels *kernels, const rt_screened *s, size_t i0, size_t m, size_t unit, size_t n, uint64_t mask[BLOCK]) {
    const rt_screen *screen = s->screen;
    kernels->screen(m, screen->k_padded, s->p + i0 * screen->k_padded, screen->k_padded, s->query + i0, screen->q + unit * screen->k_padded,
                    screen->scale + unit, screen->alpha + unit, screen->beta + unit, mask);
    if (n == RT_SCREEN_PANEL) return;
    for (size_t i = 0; i < m; i++) mask[i] &= (UINT64_C(1) << n) - 1;
}

/* Turns the masks about: for each unit its queries. */
static void list_queries(size_t m, const uint64_t mask[BLOCK], unit_list list[RT_SCREEN_PANEL]) {
    for (size_t j = 0; j < RT_SCREEN_PANEL; j++) list[j].n = 0;
    for (size_t i = 0; i < m; i++) {
        for (uint64_t left = mask[i]; left != 0; left &= left - 1) {
            unit_list *of = &list[__builtin_ctzll(left)];
            of->query[of->n++] = (uint8_t)i;
        }
    }
}

/* Adds a score of row i to what the call that began with unit `first` has found, if ReLU keeps it. */
static void append(const rt_screened *s, size_t i, size_t first, size_t unit, float score) {
    uint32_t *n = &s->n_found[first / RT_SCREEN_RANGE * s->m + i];
    const size_t at = i * s->ld + first + *n;
    s->S[at] = score;
    s->index[at] = (uint32_t)unit;
    *n += score <= 0.0f ? 0 : 1; /* no branch: one in two is kept */
}

/* The scores of one query for its units of a panel, some rows of W at a time: few queries wait for memory, which likes to be asked for several
 * rows at once. W in f32. Returns how many. */
static size_t compute_query(const rt_kernels *kernels, const rt_screened *s, size_t i, const float *x, const rt_matrix *W, size_t first,
                            size_t unit, uint64_t mask) {
    uint8_t units[RT_SCREEN_PANEL];
    float score[RT_SCREEN_PANEL];
    size_t n = 0;
    for (uint64_t left = mask; left != 0; left &= left - 1) units[n++] = (uint8_t)__builtin_ctzll(left);
    kernels->dot_listed(n, units, W->cols, rt_matrix_row(W, unit), W->stride, x, score);
    for (size_t t = 0; t < n; t++) append(s, i, first, unit + units[t], score[t]);
    return n;
}

/* The scores of one unit for its queries. */
static void compute_unit(const rt_kernels *kernels, const float *X, size_t ldx, const rt_matrix *W, size_t unit, const unit_list *list,
                         float *score, float *scratch) {
    const float *w = rt_matrix_row(W, unit);
    if (W->dtype != RT_F32) {
        kernels->widen[W->dtype](W->cols, w, scratch);
        w = scratch;
    }
    kernels->dot_listed(list->n, list->query, W->cols, X, ldx, w, score);
}

/* One panel of n units for one block of queries; returns how many scores were computed. */
static size_t compute_panel(const rt_kernels *kernels, const rt_screened *s, size_t i0, size_t m, const float *X, size_t ldx, const rt_matrix *W,
                            size_t first, size_t unit, size_t n, float *scratch) {
    uint64_t mask[BLOCK];
    size_t computed = 0;
    screen_panel(kernels, s, i0, m, unit, n, mask);
    if (m <= FEW_QUERIES && W->dtype == RT_F32) {
        for (size_t i = 0; i < m; i++) computed += compute_query(kernels, s, i0 + i, X + (i0 + i) * ldx, W, first, unit, mask[i]);
        return computed;
    }
    unit_list list[RT_SCREEN_PANEL];
    float score[RT_SCREEN_PANEL * BLOCK];
    list_queries(m, mask, list);
    for (size_t j = 0; j < n; j++) {
        if (list[j].n > 0) compute_unit(kernels, X + i0 * ldx, ldx, W, unit + j, &list[j], score + computed, scratch);
        computed += list[j].n;
    }
    /* Not unit by unit: the rows of X push the ends of the queries' lists out of the first-level cache. */
    const float *next = score;
    for (size_t j = 0; j < n; j++) {
        for (size_t t = 0; t < list[j].n; t++) append(s, i0 + list[j].query[t], first, unit + j, *next++);
    }
    return computed;
}

void rt_screen_scores(const rt_kernels *kernels, const rt_screened *to, size_t m, const float *X, size_t ldx, const rt_matrix *W, size_t first,
                      size_t n, rt_screen_tally *tally, float *scratch) {
    size_t computed = 0;
    for (size_t unit = first; unit < first + n; unit += RT_SCREEN_PANEL) {
        const size_t left = first + n - unit, n_units = left < RT_SCREEN_PANEL ? left : RT_SCREEN_PANEL;
        for (size_t i0 = 0; i0 < m; i0 += BLOCK) {
            computed += compute_panel(kernels, to, i0, m - i0 < BLOCK ? m - i0 : BLOCK, X, ldx, W, first, unit, n_units, scratch);
        }
    }
    if (tally != NULL) {
        atomic_fetch_add_explicit(&tally->scores, m * n, memory_order_relaxed);
        atomic_fetch_add_explicit(&tally->computed, computed, memory_order_relaxed);
    }
}

size_t rt_screened_join(const rt_screened *of, size_t i) {
    float *S = of->S + i * of->ld;
    uint32_t *index = of->index + i * of->ld;
    size_t n = of->n_found[i];
    for (size_t r = 1; r < n_ranges(of->screen); r++) {
        const size_t found = of->n_found[r * of->m + i];
        if (found == 0) continue;
        memmove(S + n, S + r * RT_SCREEN_RANGE, found * sizeof *S);
        memmove(index + n, index + r * RT_SCREEN_RANGE, found * sizeof *index);
        n += found;
    }
    return n;
}

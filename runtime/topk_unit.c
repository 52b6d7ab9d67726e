/* The stages of a unit; see topk_unit.h. */
#include "runtime/topk_unit.h"

#include <float.h>
#include <string.h>

#include "runtime/arena.h"
#include "runtime/kept_blocks.h"
#include "runtime/matmul.h"
#include "runtime/topk.h"

enum {
    PACK_KEYS = 128, /* rows of V packed at a time: 128 x 64 floats are 32 KiB, the first-level cache */
    PACK_ROWS = 4,   /* below so many queries packing costs more than it saves */

    /* The kept are summed by blocks where a row of V is wanted so many times on average (at T5-base's shape and 5 %: 40 queries; 32 queries gain
     * nothing, 64 one per cent of an encoder's time, 256 two and a half), and for so many panels, since each list is first made into blocks. */
    BLOCKS_USES = 2,
    BLOCKS_PANELS = 4
};

/* Rows of scores are written a panel at a time by estimates. They are an odd number of cache lines apart: with thousands of keys, a power of two
 * often, the rows of a tile would otherwise share one set of the first-level cache. */
static size_t row_length(size_t max_keys) { return (max_keys + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL * RT_SCREEN_PANEL + RT_LANES; }

size_t rt_unit_rows_bytes(size_t chunk, size_t max_keys, bool gated) {
    const size_t ld = row_length(max_keys);
    return rt_aligned(chunk * ld * (gated ? 3 : 2) * sizeof(float) + chunk * (sizeof(size_t) + sizeof(bool)));
}

size_t rt_unit_bytes(const rt_topk_attention_args *args, size_t max_keys) {
    return rt_unit_rows_bytes(args->chunk, max_keys, args->gate != NULL) + (args->screen != NULL ? rt_screened_bytes(args->screen, args->chunk) : 0) +
           (args->copies != NULL ? rt_topk_keys_bytes(args->chunk, args->d_k) : 0);
}

size_t rt_unit_scratch(const rt_kernels *kernels, size_t max_keys, size_t d_k) {
    const size_t tile = 2 * rt_dot_rows_scratch(kernels, d_k), pack = PACK_KEYS * RT_PANEL * sizeof(float);
    const size_t uses[] = {tile, pack, max_keys * sizeof(uint32_t), rt_kept_blocks_bytes(max_keys)};
    size_t bytes = 0;
    for (size_t u = 0; u < sizeof uses / sizeof *uses; u++) bytes = uses[u] > bytes ? uses[u] : bytes;
    return rt_aligned(bytes);
}

void rt_unit_place(rt_unit *unit, void *memory, size_t max_keys) {
    const size_t chunk = unit->args->chunk;
    unit->ld = row_length(max_keys);
    unit->S = memory;
    unit->index = (uint32_t *)(unit->S + chunk * unit->ld);
    unit->G = (float *)(unit->index + chunk * unit->ld);
    unit->n_kept = (size_t *)(unit->G + (unit->args->gate != NULL ? chunk * unit->ld : 0));
    unit->dense = (bool *)(unit->n_kept + chunk);
    if (unit->args->screen != NULL) {
        void *after = (char *)memory + rt_unit_rows_bytes(chunk, max_keys, unit->args->gate != NULL);
        unit->screened = rt_screened_place(unit->args->screen, chunk, unit->S, unit->index, unit->ld, after);
    }
}

static size_t n_visible(const rt_unit *unit, size_t i) { return unit->args->causal ? unit->first_position + i + 1 : unit->span.n_keys; }

static bool keeps_all(const rt_unit *unit, size_t i) {
    return unit->args->act != RT_RELU && (unit->args->topk == 0 || unit->args->topk >= n_visible(unit, i));
}

rt_matrix rt_head_keys(const rt_topk_attention_args *args, size_t head, size_t first) {
    rt_matrix K = args->K;
    K.data = (const char *)rt_matrix_row(&args->K, first) + rt_dtype_bytes(K.dtype, head * args->d_k);
    K.rows -= first;
    return K;
}

/* ---- stage 1: S[:, first .. first + n) = Q K^T, and the dense gate ---- */

void rt_unit_prepare(rt_unit *unit) {
    const rt_topk_attention_args *a = unit->args;
    if (a->screen == NULL) return;
    rt_screen_prepare(unit->compute->kernels, &unit->screened, unit->span.n_queries, a->Q + unit->span.query * a->ldq, a->ldq);
}

void rt_unit_score(const rt_unit *unit, size_t first, size_t n, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const size_t m = unit->span.n_queries, last_visible = n_visible(unit, m - 1);
    if (first >= last_visible) return;
    if (first + n > last_visible) n = last_visible - first;
    if (a->bytes != NULL) {
        const rt_kernels *kernels = unit->compute->kernels;
        rt_dot_bytes_rows(kernels, m, a->bytes->Q, unit->span.query, a->bytes->K, first, n, unit->S + first, unit->ld);
        if (a->gate != NULL) rt_dot_bytes_rows(kernels, m, a->bytes->Q, unit->span.query, a->bytes->gate, first, n, unit->G + first, unit->ld);
        return;
    }
    const float *Q = a->Q + unit->span.query * a->ldq + unit->head * a->d_k;
    if (a->screen != NULL) {
        rt_screen_scores(unit->compute->kernels, &unit->screened, m, Q, a->ldq, &a->K, first, n, a->tally, scratch);
        return;
    }
    const rt_matrix K = rt_head_keys(a, unit->head, 0);
    rt_dot_rows(unit->compute->kernels, m, Q, a->ldq, &K, unit->span.key + first, n, unit->S + first, unit->ld, scratch);
    if (a->gate != NULL && keeps_all(unit, 0)) {
        rt_dot_rows(unit->compute->kernels, m, Q, a->ldq, a->gate, unit->span.key + first, n, unit->G + first, unit->ld, scratch);
    }
}

/* ---- what is counted on the way, if asked for ---- */

static void count(atomic_ullong *to, unsigned long long n) { atomic_fetch_add_explicit(to, n, memory_order_relaxed); }

static void count_positive(rt_topk_statistics *statistics, size_t n) {
    count(&statistics->rows, 1);
    count(&statistics->positive[n], 1);
}

/* The sums are of exponentials of the same difference, that to the largest score, which is always kept. */
static void count_mass(rt_topk_statistics *statistics, float kept, float all) {
    count(&statistics->rows, 1);
    if (kept > 0.0f) count(&statistics->kept_mass, (unsigned long long)(0x1p24f * (kept < all ? kept / all : 1.0f)));
}

/* ---- stage 2: select, activate, gate ---- */

/* Returns the sum that the row was divided by. */
static float softmax(const rt_kernels *kernels, size_t n, float *x) {
    const float sum = kernels->exp_sum(n, x, kernels->max(n, x), x);
    kernels->scale(n, 1.0f / sum, x);
    return sum;
}

/* Counts the positive scores of a whole row, where selection does not do it anyway; of attention, returns what softmax over the whole row
 * would divide by. */
static float look_at_whole_row(const rt_unit *unit, size_t n, const float *s, float *scratch) {
    const rt_kernels *kernels = unit->compute->kernels;
    if (unit->args->act == RT_SOFTMAX) return kernels->exp_sum(n, s, kernels->max(n, s), scratch);
    if (unit->args->act != RT_RELU) count_positive(unit->args->statistics, kernels->count_ge(n, s, FLT_TRUE_MIN));
    return 0.0f;
}

/* The kept of row i, packed to the front of its scores. */
static size_t select_row(const rt_unit *unit, size_t i, void *scratch) {
    const rt_kernels *kernels = unit->compute->kernels;
    const size_t topk = unit->args->topk, n = n_visible(unit, i);
    float *s = unit->S + i * unit->ld;
    uint32_t *index = unit->index + i * unit->ld;
    if (unit->args->act != RT_RELU) {
        const size_t kept = rt_topk(kernels, n, s, topk, index, s);
        if (kept == 0) atomic_store(unit->nan, true);
        return kept;
    }
    /* Of ReLU only the positive matter, and where more than topk are positive the topk largest are among them. */
    uint32_t *among = scratch;
    const size_t positive = unit->args->screen != NULL ? rt_screened_join(&unit->screened, i)
                                                       : kernels->keep_above(n, s, 0.0f, 0, index, s);
    if (unit->args->statistics != NULL) count_positive(unit->args->statistics, positive);
    if (topk == 0 || positive <= topk) return positive;
    const size_t kept = rt_topk(kernels, positive, s, topk, among, s);
    if (kept == 0) atomic_store(unit->nan, true);
    for (size_t t = 0; t < kept; t++) index[t] = index[among[t]];
    return kept;
}

/* s[t] *= Q[i] . G[span.key + index[t]], a tile of gathered rows at a time. */
static void gate_kept(const rt_unit *unit, size_t i, size_t kept, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const rt_kernels *kernels = unit->compute->kernels;
    const size_t tile = kernels->dot_tile_cols;
    const float *q = a->Q + (unit->span.query + i) * a->ldq;
    const uint32_t *index = unit->index + i * unit->ld;
    float *s = unit->S + i * unit->ld, *rows = scratch, *gate = rows + tile * a->d_k;
    for (size_t t = 0; t < kept; t += tile) {
        const size_t n = kept - t < tile ? kept - t : tile;
        for (size_t r = 0; r < n; r++) {
            kernels->widen[a->gate->dtype](a->d_k, rt_matrix_row(a->gate, unit->span.key + index[t + r]), rows + r * a->d_k);
        }
        kernels->dot(1, n, a->d_k, q, a->ldq, rows, a->d_k, gate, n);
        kernels->mul(n, gate, s + t);
    }
}

/* The bias of query i, [keys], or NULL. */
static const float *bias_of(const rt_unit *unit, size_t i) {
    const rt_topk_attention_args *a = unit->args;
    return a->bias != NULL ? a->bias + unit->head * a->bias_head + a->bias_zero - (unit->first_position + i) : NULL;
}

/* Estimates of all scores; the maxima of the groups lie where the kept are listed later. */
static void estimate(const rt_unit *unit) {
    const rt_topk_attention_args *a = unit->args;
    rt_topk_keys_estimate(unit->compute->kernels, &unit->keys, a->Q + unit->span.query * a->ldq + unit->head * a->d_k, a->ldq, bias_of(unit, 0),
                          unit->S, unit->ld, (float *)unit->index, unit->ld);
}

/* The kept of row i, of which there are estimates only. */
static void weigh_estimates(const rt_unit *unit, size_t i, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const float *q = a->Q + (unit->span.query + i) * a->ldq + unit->head * a->d_k;
    float *s = unit->S + i * unit->ld;
    const size_t kept = rt_topk_keys_select(unit->compute->kernels, &unit->keys, q, bias_of(unit, i), s, unit->index + i * unit->ld, scratch);
    unit->dense[i] = false;
    unit->n_kept[i] = kept;
    if (kept > 0) softmax(unit->compute->kernels, kept, s);
    else atomic_store(unit->nan, true);
}

/* s[t] *= factor[index[t]], a factor for every key of the span. */
static void multiply_kept(const rt_unit *unit, size_t i, size_t kept, const float *factor) {
    const uint32_t *index = unit->index + i * unit->ld;
    float *s = unit->S + i * unit->ld;
    if (unit->dense[i]) {
        unit->compute->kernels->mul(kept, factor, s);
        return;
    }
    for (size_t t = 0; t < kept; t++) s[t] *= factor[index[t]];
}

void rt_unit_weigh(const rt_unit *unit, size_t i, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const rt_kernels *kernels = unit->compute->kernels;
    const size_t n = n_visible(unit, i);
    float *s = unit->S + i * unit->ld;
    if (a->bias != NULL) kernels->add(n, bias_of(unit, i), s);
    const float whole = a->statistics != NULL ? look_at_whole_row(unit, n, s, scratch) : 0.0f;
    unit->dense[i] = keeps_all(unit, i);
    const size_t kept = unit->dense[i] ? n : select_row(unit, i, scratch);
    unit->n_kept[i] = kept;
    if (kept == 0) return;
    if (a->act == RT_SOFTMAX) {
        const float sum = softmax(kernels, kept, s);
        if (a->statistics != NULL) count_mass(a->statistics, sum, whole);
    } else if (a->act != RT_RELU && a->act != RT_IDENTITY) kernels->activate(a->act, kept, s);
    if (a->gate != NULL) {
        if (unit->dense[i] || a->bytes != NULL) multiply_kept(unit, i, kept, unit->G + i * unit->ld);
        else gate_kept(unit, i, kept, scratch);
    }
    if (a->V.scale != NULL) multiply_kept(unit, i, kept, a->V.scale + unit->span.key); /* that of a row of values goes with its weight */
}

/* ---- stage 3: the weighted sum of values, one panel of columns ---- */

static void sum_rows_packed(const rt_unit *unit, const char *V, size_t n_c, float *out, float *pack) {
    const rt_topk_attention_args *a = unit->args;
    const rt_kernels *kernels = unit->compute->kernels;
    const size_t m = unit->span.n_queries;
    for (size_t i = 0; i < m; i++) memset(out + i * a->ldo, 0, n_c * sizeof *out);
    for (size_t j = 0; j < unit->span.n_keys; j += PACK_KEYS) {
        const size_t n = unit->span.n_keys - j < PACK_KEYS ? unit->span.n_keys - j : PACK_KEYS;
        for (size_t r = 0; r < n; r++) kernels->widen[a->V.dtype](n_c, V + rt_dtype_bytes(a->V.dtype, (j + r) * a->V.stride), pack + r * RT_PANEL);
        kernels->weighted_rows(m, n, n_c, unit->S + j, unit->ld, pack, RT_PANEL, out, a->ldo);
    }
}

/* A panel of V, from the span's first key on; n_c columns. */
static const char *values_of(const rt_unit *unit, size_t panel, size_t *n_c) {
    const rt_topk_attention_args *a = unit->args;
    const size_t first = panel * a->V.panel + unit->head * a->d_v + unit->span.key * a->V.stride, left = a->d_v - panel * RT_PANEL;
    *n_c = left < RT_PANEL ? left : RT_PANEL;
    return (const char *)a->V.data + rt_dtype_bytes(a->V.dtype, first);
}

static float *out_of(const rt_unit *unit, size_t panel) {
    const rt_topk_attention_args *a = unit->args;
    return a->out + unit->span.query * a->ldo + unit->head * a->d_v + panel * RT_PANEL;
}

void rt_unit_sum(const rt_unit *unit, size_t panel, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const size_t m = unit->span.n_queries;
    size_t n_c;
    const char *V = values_of(unit, panel, &n_c);
    float *out = out_of(unit, panel);
    if (m >= PACK_ROWS && !a->causal && unit->dense[0]) {
        sum_rows_packed(unit, V, n_c, out, scratch);
        return;
    }
    for (size_t i = 0; i < m; i++) {
        unit->compute->kernels->weighted_gather[a->V.dtype](unit->n_kept[i], unit->dense[i] ? NULL : unit->index + i * unit->ld,
                                                            unit->S + i * unit->ld, n_c, V, a->V.stride, out + i * a->ldo);
    }
}

static bool sums_by_blocks(const rt_unit *unit) {
    size_t kept = 0;
    if (unit->args->causal || unit->dense[0] || rt_unit_panels(unit->args) < BLOCKS_PANELS) return false;
    for (size_t i = 0; i < unit->span.n_queries; i++) kept += unit->n_kept[i];
    return kept >= BLOCKS_USES * unit->span.n_keys;
}

/* All panels, some queries at a time. */
static void sum_by_blocks(const rt_unit *unit, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    rt_kept_blocks kept;
    for (size_t i = 0; i < unit->span.n_queries; i += kept.m) {
        rt_kept_blocks_fill(unit->span.n_queries - i, unit->span.n_keys, unit->index + i * unit->ld, unit->S + i * unit->ld, unit->ld,
                            unit->n_kept + i, scratch, &kept);
        for (size_t r = 0; r < kept.m; r++) memset(out_of(unit, 0) + (i + r) * a->ldo, 0, a->d_v * sizeof(float));
        for (size_t panel = 0; panel < rt_unit_panels(a); panel++) {
            size_t n_c;
            const char *V = values_of(unit, panel, &n_c);
            rt_kept_blocks_sum(unit->compute->kernels, &kept, unit->span.n_keys, a->V.dtype, V, a->V.stride, n_c,
                               out_of(unit, panel) + i * a->ldo, a->ldo);
        }
    }
}

void rt_unit_sum_all(const rt_unit *unit, void *scratch) {
    if (sums_by_blocks(unit)) {
        sum_by_blocks(unit, scratch);
        return;
    }
    for (size_t panel = 0; panel < rt_unit_panels(unit->args); panel++) rt_unit_sum(unit, panel, scratch);
}

/* The sum over the kept of row i, of the copy. */
static void sum_copies(const rt_unit *unit, size_t i) {
    const rt_topk_attention_args *a = unit->args;
    unit->compute->kernels->weighted_gather[RT_F32](unit->n_kept[i], unit->index + i * unit->ld, unit->S + i * unit->ld, a->d_v,
                                                    rt_key_copies_V(a->copies, unit->head, unit->span.key), a->d_v,
                                                    a->out + (unit->span.query + i) * a->ldo + unit->head * a->d_v);
}

void rt_unit_by_estimates(const rt_unit *unit, void *scratch) {
    estimate(unit);
    for (size_t i = 0; i < unit->span.n_queries; i++) {
        weigh_estimates(unit, i, scratch);
        sum_copies(unit, i);
    }
}

size_t rt_unit_panels(const rt_topk_attention_args *args) { return (args->d_v + RT_PANEL - 1) / RT_PANEL; }

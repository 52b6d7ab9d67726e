/* Top-k attention by chunks of queries; see topk_attention.h for the equation.
 *
 * A unit of work is one chunk of one head of one span: scores, then selection and activation row by row, then the weighted sum. Threads
 * take whole units. Where there are fewer units than threads, as in a decoding step of the feed-forward, one unit at a time is
 * shared: first its keys, then its rows, then the columns of its output. No element's sum is ever split. */
#include "runtime/topk_attention.h"

#include <float.h>
#include <stdatomic.h>
#include <string.h>

#include "runtime/matmul.h"
#include "runtime/screened.h"
#include "runtime/topk.h"

enum {
    PACK_KEYS = 128, /* rows of V packed at a time: 128 x 64 floats are 32 KiB, the first-level cache */
    PACK_ROWS = 4,   /* below so many queries packing costs more than it saves */
    SHARE_KEYS = RT_SCREEN_RANGE,
    ESTIMATE_ROWS = 32, /* at most, by estimates: of thousands of keys, their scores then leave room in the second-level cache for keys and values */
    SHARE_ROWS_MIN = 16 /* a chunk of the feed-forward is not cut smaller than this to feed a thread: it would read all of wi for it */
};

typedef struct rt_unit {
    const rt_topk_attention_args *args;
    const rt_compute *compute;
    atomic_bool *nan;
    rt_span span; /* the chunk's own queries; all keys of its sequence */
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

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* Rows of scores are written a panel at a time by estimates. They are an odd number of cache lines apart: with thousands of keys, a power of two
 * often, the rows of a tile would otherwise share one set of the first-level cache. */
static size_t row_length(size_t max_keys) { return round_up(max_keys, RT_SCREEN_PANEL) + RT_LANES; }

static size_t shared_bytes(size_t chunk, size_t max_keys, bool gated) {
    const size_t ld = row_length(max_keys);
    return round_up(chunk * ld * (gated ? 3 : 2) * sizeof(float) + chunk * (sizeof(size_t) + sizeof(bool)), 64);
}

static size_t unit_bytes(const rt_topk_attention_args *args, size_t max_keys) {
    return shared_bytes(args->chunk, max_keys, args->gate != NULL) + (args->screen != NULL ? rt_screened_bytes(args->screen, args->chunk) : 0) +
           (args->copies != NULL ? rt_topk_keys_bytes(args->chunk, args->d_k) : 0);
}

size_t rt_topk_attention_screen_scratch(const rt_kernels *kernels, size_t chunk, const rt_screen *screen, bool gated) {
    return rt_topk_attention_scratch(kernels, chunk, screen->n, screen->k, gated) + rt_screened_bytes(screen, chunk);
}

size_t rt_topk_attention_copies_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k) {
    return rt_topk_attention_scratch(kernels, chunk, max_keys, d_k, false) + rt_topk_keys_bytes(chunk, d_k);
}

size_t rt_topk_attention_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k, bool gated) {
    const size_t tile = 2 * rt_dot_rows_scratch(kernels, d_k), pack = PACK_KEYS * RT_PANEL * sizeof(float);
    const size_t second_index = max_keys * sizeof(uint32_t);
    size_t own = tile > pack ? tile : pack;
    if (second_index > own) own = second_index;
    return shared_bytes(chunk, max_keys, gated) + round_up(own, 64);
}

/* Lays a unit's block over the scratch of one worker. */
static void place(rt_unit *unit, void *scratch, size_t max_keys) {
    const size_t chunk = unit->args->chunk;
    unit->ld = row_length(max_keys);
    unit->S = scratch;
    unit->index = (uint32_t *)(unit->S + chunk * unit->ld);
    unit->G = (float *)(unit->index + chunk * unit->ld);
    unit->n_kept = (size_t *)(unit->G + (unit->args->gate != NULL ? chunk * unit->ld : 0));
    unit->dense = (bool *)(unit->n_kept + chunk);
    if (unit->args->screen != NULL) {
        void *after = (char *)scratch + shared_bytes(chunk, max_keys, unit->args->gate != NULL);
        unit->screened = rt_screened_place(unit->args->screen, chunk, unit->S, unit->index, unit->ld, after);
    }
}

static size_t n_visible(const rt_unit *unit, size_t i) { return unit->args->causal ? unit->first_position + i + 1 : unit->span.n_keys; }

static bool keeps_all(const rt_unit *unit, size_t i) {
    return unit->args->act != RT_RELU && (unit->args->topk == 0 || unit->args->topk >= n_visible(unit, i));
}

/* K of one head, from key `first` on. */
static rt_matrix head_keys(const rt_topk_attention_args *args, size_t head, size_t first) {
    rt_matrix K = args->K;
    K.data = (const char *)rt_matrix_row(&args->K, first) + rt_dtype_bytes(K.dtype, head * args->d_k);
    K.rows -= first;
    return K;
}

/* ---- stage 1: S[:, first .. first + n) = Q K^T, and the dense gate ---- */

static void prepare(rt_unit *unit) {
    const rt_topk_attention_args *a = unit->args;
    if (a->screen == NULL) return;
    rt_screen_prepare(unit->compute->kernels, &unit->screened, unit->span.n_queries, a->Q + unit->span.query * a->ldq, a->ldq);
}

static void score_keys(const rt_unit *unit, size_t first, size_t n, void *scratch) {
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
    const rt_matrix K = head_keys(a, unit->head, 0);
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
    const size_t positive = unit->args->screen != NULL ? rt_screened_positive(kernels, &unit->screened, i, among)
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

static void weigh_row(const rt_unit *unit, size_t i, void *scratch) {
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

static void sum_panel(const rt_unit *unit, size_t panel, void *scratch) {
    const rt_topk_attention_args *a = unit->args;
    const size_t c = panel * RT_PANEL, n_c = a->d_v - c < RT_PANEL ? a->d_v - c : RT_PANEL, m = unit->span.n_queries;
    const size_t first = panel * a->V.panel + unit->head * a->d_v + unit->span.key * a->V.stride;
    const char *V = (const char *)a->V.data + rt_dtype_bytes(a->V.dtype, first);
    float *out = a->out + unit->span.query * a->ldo + unit->head * a->d_v + c;
    if (m >= PACK_ROWS && !a->causal && unit->dense[0]) {
        sum_rows_packed(unit, V, n_c, out, scratch);
        return;
    }
    for (size_t i = 0; i < m; i++) {
        unit->compute->kernels->weighted_gather[a->V.dtype](unit->n_kept[i], unit->dense[i] ? NULL : unit->index + i * unit->ld,
                                                            unit->S + i * unit->ld, n_c, V, a->V.stride, out + i * a->ldo);
    }
}

/* The sum over the kept of row i, of the copy. */
static void sum_copies(const rt_unit *unit, size_t i) {
    const rt_topk_attention_args *a = unit->args;
    unit->compute->kernels->weighted_gather[RT_F32](unit->n_kept[i], unit->index + i * unit->ld, unit->S + i * unit->ld, a->d_v,
                                                    rt_key_copies_V(a->copies, unit->head, unit->span.key), a->d_v,
                                                    a->out + (unit->span.query + i) * a->ldo + unit->head * a->d_v);
}

static size_t n_panels(const rt_topk_attention_args *args) { return (args->d_v + RT_PANEL - 1) / RT_PANEL; }

/* ---- units over threads ---- */

typedef struct attention_job {
    const rt_compute *compute;
    const rt_topk_attention_args *args;
    size_t max_keys, block_bytes; /* of the widest span: the part of a worker's scratch that holds a unit */
    size_t n_chunks_max;          /* of the longest span; units are numbered [span, head, chunk], and short spans leave some empty */
    size_t chunk;
    atomic_bool nan;
    const rt_unit *unit; /* the one that is shared, or NULL */
} attention_job;

static void *own_scratch(const attention_job *job, size_t worker) { return (char *)rt_scratch(job->compute, worker) + job->block_bytes; }

static bool by_estimates(const rt_compute *compute, const rt_topk_attention_args *args, size_t n_keys) {
    return args->copies != NULL && args->statistics == NULL && rt_topk_keys_pays(compute->kernels, n_keys, args->topk);
}

/* Unit number `item`, its block in worker's scratch; false if that chunk is beyond the end of its span. */
static bool open_unit(attention_job *job, size_t item, size_t worker, rt_unit *unit) {
    const rt_topk_attention_args *a = job->args;
    const size_t chunk = item % job->n_chunks_max, head = item / job->n_chunks_max % a->n_heads;
    const rt_span span = a->spans[item / job->n_chunks_max / a->n_heads];
    const size_t first = chunk * job->chunk;
    if (first >= span.n_queries) return false;
    *unit = (rt_unit){.args = a, .compute = job->compute, .nan = &job->nan, .span = span, .head = head};
    unit->span.query += first;
    unit->span.n_queries = span.n_queries - first < job->chunk ? span.n_queries - first : job->chunk;
    unit->first_position = a->causal || a->bias != NULL ? span.n_keys - span.n_queries + first : 0;
    place(unit, rt_scratch(job->compute, worker), job->max_keys);
    if (by_estimates(job->compute, a, span.n_keys)) {
        const rt_screen keys = rt_key_copy(a->copies, item / job->n_chunks_max / a->n_heads, span.key, span.n_keys, head);
        char *after = (char *)rt_scratch(job->compute, worker) + shared_bytes(a->chunk, job->max_keys, false);
        unit->keys = rt_topk_keys_place(&keys, rt_key_copies_K(a->copies, head, span.key), a->topk, unit->span.n_queries, after);
    }
    return true;
}

/* ---- the copies of keys and values, a panel at a time ---- */

static void copy_keys(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    const rt_topk_attention_args *a = job->args;
    const size_t panels = (job->max_keys + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL;
    const size_t panel = item % panels, head = item / panels % a->n_heads, s = item / panels / a->n_heads;
    const rt_span *span = &a->spans[s];
    if (panel * RT_SCREEN_PANEL >= span->n_keys || !by_estimates(job->compute, a, span->n_keys)) return;
    const rt_matrix K = head_keys(a, head, span->key);
    rt_screen copy = rt_key_copy(a->copies, s, span->key, span->n_keys, head);
    rt_screen_fill(job->compute->kernels, &K, panel, &copy, rt_scratch(job->compute, worker));
    const size_t first = panel * RT_SCREEN_PANEL, n = span->n_keys - first < RT_SCREEN_PANEL ? span->n_keys - first : RT_SCREEN_PANEL;
    const float *V = (const float *)a->V.data + (span->key + first) * a->V.stride + head * a->d_v;
    for (size_t j = 0; j < n; j++) {
        memcpy(rt_key_copies_K(a->copies, head, span->key + first + j), rt_matrix_row(&K, first + j), a->d_k * sizeof(float));
        memcpy(rt_key_copies_V(a->copies, head, span->key + first + j), V + j * a->V.stride, a->d_v * sizeof(float));
    }
}

static void whole_unit(void *context, size_t item, size_t worker) {
    attention_job *job = context;
    rt_unit unit;
    if (!open_unit(job, item, worker, &unit)) return;
    void *scratch = own_scratch(job, worker);
    if (unit.keys.m > 0) {
        estimate(&unit);
        for (size_t i = 0; i < unit.span.n_queries; i++) {
            weigh_estimates(&unit, i, scratch);
            sum_copies(&unit, i);
        }
        return;
    }
    prepare(&unit);
    score_keys(&unit, 0, unit.span.n_keys, scratch);
    for (size_t i = 0; i < unit.span.n_queries; i++) weigh_row(&unit, i, scratch);
    for (size_t p = 0; p < n_panels(job->args); p++) sum_panel(&unit, p, scratch);
}

static void share_scores(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    const size_t first = item * SHARE_KEYS, left = job->unit->span.n_keys - first;
    score_keys(job->unit, first, left < SHARE_KEYS ? left : SHARE_KEYS, own_scratch(job, worker));
}

static void share_rows(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    weigh_row(job->unit, item, own_scratch(job, worker));
}

static void share_panels(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    sum_panel(job->unit, item, own_scratch(job, worker));
}

/* Queries a chunk, at most args->chunk: one long span alone is cut into as many equal chunks as keep all threads busy to the end. */
static size_t queries_per_chunk(const rt_topk_attention_args *args, size_t n_threads, size_t max_queries, bool estimates) {
    if (estimates) return args->chunk < ESTIMATE_ROWS ? args->chunk : ESTIMATE_ROWS;
    if (args->n_spans * args->n_heads > 1 || max_queries < SHARE_ROWS_MIN * n_threads) return args->chunk;
    const size_t n_chunks = round_up((max_queries + args->chunk - 1) / args->chunk, n_threads);
    return (max_queries + n_chunks - 1) / n_chunks;
}

rt_status rt_topk_attention(const rt_compute *compute, const rt_topk_attention_args *args, rt_error *err) {
    attention_job job = {.compute = compute, .args = args};
    size_t max_queries = 0, n_scores = 0, n_keys = 0;
    atomic_init(&job.nan, false);
    for (size_t s = 0; s < args->n_spans; s++) {
        if (args->spans[s].n_keys > job.max_keys) job.max_keys = args->spans[s].n_keys;
        if (args->spans[s].n_queries > max_queries) max_queries = args->spans[s].n_queries;
        n_scores += args->n_heads * args->spans[s].n_queries * args->spans[s].n_keys;
        n_keys += args->spans[s].n_keys;
    }
    if (max_queries == 0) return RT_OK;
    const size_t guess_ns = rt_guess_ns(n_scores * (args->d_k + args->d_v), n_keys * args->n_heads * (args->d_k + args->d_v) * sizeof(float));
    job.block_bytes = unit_bytes(args, job.max_keys);
    const bool estimates = by_estimates(compute, args, job.max_keys);
    job.chunk = queries_per_chunk(args, rt_n_threads(compute), max_queries, estimates);
    job.n_chunks_max = (max_queries + job.chunk - 1) / job.chunk;
    const size_t n_units = args->n_spans * args->n_heads * job.n_chunks_max;
    if (estimates) {
        const size_t panels = (job.max_keys + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL;
        rt_parallel(compute, args->n_spans * args->n_heads * panels, guess_ns / 8, copy_keys, &job);
    }
    if (n_units >= rt_n_threads(compute) || estimates) {
        rt_parallel(compute, n_units, guess_ns, whole_unit, &job);
    } else {
        for (size_t item = 0; item < n_units; item++) {
            rt_unit unit;
            if (!open_unit(&job, item, 0, &unit)) continue;
            job.unit = &unit;
            prepare(&unit);
            rt_parallel(compute, (unit.span.n_keys + SHARE_KEYS - 1) / SHARE_KEYS, guess_ns, share_scores, &job);
            rt_parallel(compute, unit.span.n_queries, guess_ns / 8, share_rows, &job);
            rt_parallel(compute, n_panels(args), guess_ns, share_panels, &job);
        }
    }
    return atomic_load(&job.nan) ? rt_fail(err, RT_ERR_NUMERIC, "NaN among the scores to select from") : RT_OK;
}

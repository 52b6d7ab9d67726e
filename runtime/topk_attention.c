/* Units of top-k attention over threads; see topk_attention.h for the equation, topk_unit.h for a unit's stages.
 *
 * Threads take whole units. Where there are fewer units than threads, as in a decoding step of the feed-forward, one unit at a time is shared:
 * first its keys, then its rows, then the columns of its output. */
#include "runtime/topk_attention.h"

#include <string.h>

#include "runtime/topk_unit.h"

enum {
    ESTIMATE_ROWS = 32, /* at most, by estimates: of thousands of keys, their scores then leave room in the second-level cache for keys and values */
    SHARE_ROWS_MIN = 16 /* a chunk of the feed-forward is not cut smaller than this to feed a thread: it would read all of wi for it */
};

size_t rt_topk_attention_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k, bool gated) {
    return rt_unit_rows_bytes(chunk, max_keys, gated) + rt_unit_scratch(kernels, max_keys, d_k);
}

size_t rt_topk_attention_screen_scratch(const rt_kernels *kernels, size_t chunk, const rt_screen *screen, bool gated) {
    return rt_topk_attention_scratch(kernels, chunk, screen->n, screen->k, gated) + rt_screened_bytes(screen, chunk);
}

size_t rt_topk_attention_copies_scratch(const rt_kernels *kernels, size_t chunk, size_t max_keys, size_t d_k) {
    return rt_topk_attention_scratch(kernels, chunk, max_keys, d_k, false) + rt_topk_keys_bytes(chunk, d_k);
}

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
    rt_unit_place(unit, rt_scratch(job->compute, worker), job->max_keys);
    if (by_estimates(job->compute, a, span.n_keys)) {
        const rt_screen keys = rt_key_copy(a->copies, item / job->n_chunks_max / a->n_heads, span.key, span.n_keys, head);
        char *after = (char *)rt_scratch(job->compute, worker) + rt_unit_rows_bytes(a->chunk, job->max_keys, false);
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
    const rt_matrix K = rt_head_keys(a, head, span->key);
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
        rt_unit_by_estimates(&unit, scratch);
        return;
    }
    rt_unit_prepare(&unit);
    rt_unit_score(&unit, 0, unit.span.n_keys, scratch);
    for (size_t i = 0; i < unit.span.n_queries; i++) rt_unit_weigh(&unit, i, scratch);
    rt_unit_sum_all(&unit, scratch);
}

static void share_scores(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    const size_t first = item * RT_UNIT_KEYS, left = job->unit->span.n_keys - first;
    rt_unit_score(job->unit, first, left < RT_UNIT_KEYS ? left : RT_UNIT_KEYS, own_scratch(job, worker));
}

static void share_rows(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    rt_unit_weigh(job->unit, item, own_scratch(job, worker));
}

static void share_panels(void *context, size_t item, size_t worker) {
    const attention_job *job = context;
    rt_unit_sum(job->unit, item, own_scratch(job, worker));
}

/* Queries a chunk, at most args->chunk: one long span alone is cut into as many equal chunks as keep all threads busy to the end. */
static size_t queries_per_chunk(const rt_topk_attention_args *args, size_t n_threads, size_t max_queries, bool estimates) {
    if (estimates) return args->chunk < ESTIMATE_ROWS ? args->chunk : ESTIMATE_ROWS;
    if (args->n_spans * args->n_heads > 1 || max_queries < SHARE_ROWS_MIN * n_threads) return args->chunk;
    const size_t of_all_threads = args->chunk * n_threads, n_chunks = (max_queries + of_all_threads - 1) / of_all_threads * n_threads;
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
    job.block_bytes = rt_unit_bytes(args, job.max_keys);
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
            rt_unit_prepare(&unit);
            rt_parallel(compute, (unit.span.n_keys + RT_UNIT_KEYS - 1) / RT_UNIT_KEYS, guess_ns, share_scores, &job);
            rt_parallel(compute, unit.span.n_queries, guess_ns / 8, share_rows, &job);
            rt_parallel(compute, rt_unit_panels(args), guess_ns, share_panels, &job);
        }
    }
    return atomic_load(&job.nan) ? rt_fail(err, RT_ERR_NUMERIC, "NaN among the scores to select from") : RT_OK;
}

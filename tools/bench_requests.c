/* Whole requests, and how many units are positive in one; see bench.h. */
#include <math.h>
#include <stdlib.h>

#include "model/plan.h"
#include "tools/bench.h"
#include "tools/verbose.h"

enum { SHORTEST = 49, LONGEST = 512, FIRST_ID = 2 };

/* ---- inputs ---- */

rt_status bench_make_inputs(const t5_config *config, size_t n, const size_t *length, bench_inputs *inputs, rt_error *err) {
    const uint64_t n_ids = config->vocab_size > FIRST_ID ? config->vocab_size - FIRST_ID : 1, first = config->vocab_size > FIRST_ID ? FIRST_ID : 0;
    *inputs = (bench_inputs){.n = n};
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < length[i]; t++) {
            const int32_t id = t + 1 < length[i] ? (int32_t)(first + bench_mix(inputs->ids.n) % n_ids) : config->eos_token_id;
            const rt_status status = rt_ids_append(&inputs->ids, &id, 1, err);
            if (status != RT_OK) {
                rt_ids_free(&inputs->ids);
                return status;
            }
        }
    }
    for (size_t i = 0, at = 0; i < n; at += length[i++]) inputs->input[i] = (t5_ids){.ids = inputs->ids.v + at, .n = length[i]};
    return RT_OK;
}

/* Lengths as questions with a passage have them: from SHORTEST to LONGEST, 210 in the mean, in no order. */
static void spread_lengths(size_t length[BENCH_MAX_INPUTS]) {
    for (size_t i = 0; i < BENCH_MAX_INPUTS; i++) {
        const double at = (double)(i * 37 % BENCH_MAX_INPUTS) / (BENCH_MAX_INPUTS - 1);
        length[i] = SHORTEST + (size_t)((LONGEST - SHORTEST) * pow(at, 1.88) + 0.5);
    }
}

static t5_session_params session_params(const bench *b, size_t tokens_per_input) {
    t5_session_params params = t5_session_defaults();
    params.threads = b->options->session.threads;
    params.tokens_per_input = tokens_per_input;
    return params;
}

static t5_generate_params generate_params(size_t num_beams, size_t new_tokens) {
    t5_generate_params params = t5_generate_defaults();
    params.num_beams = num_beams;
    params.max_new_tokens = params.min_new_tokens = new_tokens;
    params.skip_logprobs = true;
    return params;
}

static rt_status run_request(t5_session *session, const bench_inputs *inputs, const t5_generate_params *params, rt_error *err) {
    t5_generation *generation;
    if (params->max_new_tokens == 0) return t5_encode(session, inputs->input, inputs->n, err);
    RT_TRY(t5_generate(session, inputs->input, inputs->n, params, &generation, err));
    t5_generation_free(generation);
    return RT_OK;
}

/* ---- positive units ---- */

static double density_of(const t5_statistics *statistics, const t5_config *config, t5_sublayer sublayer, size_t n_blocks, uint64_t *counts) {
    double positive = 0, rows = 0;
    for (size_t block = 0; block < n_blocks; block++) {
        t5_statistics_positive(statistics, sublayer, block, counts);
        for (size_t n = 0; n <= config->d_ff; n++) positive += (double)n * (double)counts[n];
        rows += (double)t5_statistics_rows(statistics, sublayer, block);
    }
    return rows > 0 ? positive / rows / (double)config->d_ff : 0;
}

static rt_status count_positive(bench *b, const bench_inputs *inputs, t5_session *session, rt_error *err) {
    const t5_config *c = &b->model->config;
    const t5_generate_params params = generate_params(1, c->num_decoder_layers > 0 ? BENCH_ASK_NEW_TOKENS : 0);
    t5_statistics *statistics;
    RT_TRY(t5_statistics_open(b->model, &statistics, err));
    t5_session_collect(session, statistics);
    rt_status status = run_request(session, inputs, &params, err);
    uint64_t *counts = malloc((c->d_ff + 1) * sizeof *counts);
    if (status == RT_OK && counts == NULL) status = rt_fail_memory(err, (c->d_ff + 1) * sizeof *counts, "counts");
    if (status == RT_OK) {
        b->density[0] = density_of(statistics, c, T5_ENCODER_FF, c->num_layers, counts);
        b->density[1] = density_of(statistics, c, T5_DECODER_FF, c->num_decoder_layers, counts);
    }
    free(counts);
    t5_session_collect(session, NULL);
    t5_statistics_close(statistics);
    return status;
}

rt_status bench_measure_density(bench *b, rt_error *err) {
    const size_t length = BENCH_ASK_TOKENS;
    const t5_session_params params = session_params(b, BENCH_ASK_NEW_TOKENS);
    bench_inputs inputs;
    t5_session *session;
    RT_TRY(bench_make_inputs(&b->model->config, 1, &length, &inputs, err));
    rt_status status = t5_session_open(b->model, &params, &session, err);
    if (status == RT_OK) {
        status = count_positive(b, &inputs, session, err);
        t5_session_close(session);
    }
    rt_ids_free(&inputs.ids);
    return status;
}

/* ---- whole requests ---- */

static rt_status time_request(bench *b, const bench_inputs *inputs, const t5_generate_params *params, bench_request *r, rt_error *err) {
    const t5_session_params settings = session_params(b, r->num_beams * (r->new_tokens > 0 ? r->new_tokens : 1));
    const size_t runs = b->options->bench.runs;
    double seconds[BENCH_MAX_RUNS];
    t5_session *session;
    RT_TRY(t5_session_open(b->model, &settings, &session, err));
    rt_status status = run_request(session, inputs, params, err);
    for (size_t i = 0; status == RT_OK && i < runs; i++) {
        const double start = verbose_clock();
        status = run_request(session, inputs, params, err);
        seconds[i] = verbose_clock() - start;
    }
    r->peak_bytes = t5_session_peak_bytes(session);
    t5_session_close(session);
    if (status != RT_OK) return status;
    const bench_time time = bench_sort(runs, seconds);
    r->median = time.median, r->best = time.best;
    return RT_OK;
}

/* What a session needs for the request, all its inputs side by side and of their mean length. */
static rt_status plan_request(const bench *b, bench_request *r, rt_error *err) {
    const t5_session_params settings = session_params(b, r->num_beams * (r->new_tokens > 0 ? r->new_tokens : 1));
    const t5_generate_params params = generate_params(r->num_beams, r->new_tokens > 0 ? r->new_tokens : 1);
    const t5_model *m = b->model;
    const size_t length = (r->input_tokens + r->n_inputs - 1) / r->n_inputs;
    t5_memory plan;
    RT_TRY(t5_plan_checkpoint(m->checkpoint, &m->config, m->compute, &settings, &params, r->n_inputs, length, &plan, err));
    r->needs = plan.encoder + plan.cross + plan.cache + plan.step + plan.search + plan.scratch;
    r->available = bench_available_bytes();
    return RT_OK;
}

static rt_status measure_request(bench *b, const size_t *length, bench_request *r, rt_error *err) {
    const t5_generate_params params = generate_params(r->num_beams, r->new_tokens);
    bench_inputs inputs;
    for (size_t i = 0; i < r->n_inputs; i++) r->input_tokens += length[i];
    RT_TRY(plan_request(b, r, err));
    if (r->needs > r->available) return RT_OK;
    RT_TRY(bench_make_inputs(&b->model->config, r->n_inputs, length, &inputs, err));
    const rt_status status = time_request(b, &inputs, &params, r, err);
    rt_ids_free(&inputs.ids);
    return status;
}

rt_status bench_measure_requests(bench *b, rt_error *err) {
    static const struct {
        bench_request request;
        size_t length; /* 0: spread */
    } works[BENCH_N_REQUESTS] = {
        {{.name = "encode", .n_inputs = 1, .num_beams = 1, .new_tokens = 0}, BENCH_TOKENS},
        {{.name = "ask", .n_inputs = 1, .num_beams = 1, .new_tokens = BENCH_ASK_NEW_TOKENS}, BENCH_ASK_TOKENS},
        {{.name = "beam", .n_inputs = 1, .num_beams = 4, .new_tokens = BENCH_ASK_NEW_TOKENS}, BENCH_ASK_TOKENS},
        {{.name = "eval", .n_inputs = BENCH_MAX_INPUTS, .num_beams = 1, .new_tokens = 8}, 0},
        {{.name = "long", .n_inputs = 1, .num_beams = 1, .new_tokens = 1}, 4096},
    };
    for (size_t i = 0; i < BENCH_N_REQUESTS; i++) {
        size_t length[BENCH_MAX_INPUTS] = {works[i].length};
        if (works[i].length == 0) spread_lengths(length);
        if (works[i].request.new_tokens > 0 && b->model->config.num_decoder_layers == 0) continue;
        b->request[b->n_requests] = works[i].request;
        RT_TRY(measure_request(b, length, &b->request[b->n_requests++], err));
    }
    return RT_OK;
}

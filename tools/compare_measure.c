/* One window under every setting; see compare_measure.h.
 *
 *     for each group of settings that encode alike:   encode
 *         for each setting of it:   generate;  feed the dense answer and compare the logits of its steps with dense's
 *
 * Dense is the first setting. Its logits are kept for the window, which is why the window has a limit. */
#include "tools/compare_measure.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/checked.h"
#include "tools/verbose.h"

enum { COMPARE_ROWS = 32, DENSE_FLOATS = 64 << 20 };

size_t compare_measure_max_questions(const t5_config *config, const t5_generate_params *generate) {
    size_t floats;
    if (!rt_mul_size(config->vocab_size, generate->max_new_tokens, &floats) || floats > DENSE_FLOATS) return 1;
    return DENSE_FLOATS / floats;
}

rt_status compare_measure_open(t5_session *session, const t5_config *config, const t5_session_params *params,
                               const t5_generate_params *generate, size_t max_questions, compare_measure *measure, rt_error *err) {
    *measure =
        (compare_measure){.session = session, .config = config, .params = *params, .generate = generate, .max_questions = max_questions};
    measure->answers = calloc(COMPARE_MAX_SETTINGS, sizeof *measure->answers);
    measure->measured = calloc(COMPARE_MAX_SETTINGS * max_questions, sizeof *measure->measured);
    measure->tokens = calloc(max_questions, sizeof *measure->tokens);
    measure->source = calloc(max_questions, sizeof *measure->source);
    measure->logits = calloc(COMPARE_ROWS * config->vocab_size, sizeof *measure->logits);
    if (measure->answers != NULL && measure->measured != NULL && measure->tokens != NULL && measure->source != NULL &&
        measure->logits != NULL) {
        return RT_OK;
    }
    compare_measure_close(measure);
    return rt_fail_memory(err, COMPARE_ROWS * config->vocab_size * sizeof *measure->logits, "a comparison");
}

static void free_answers(compare_measure *m) {
    for (size_t s = 0; m->answers != NULL && s < COMPARE_MAX_SETTINGS; s++) {
        t5_generation_free(m->answers[s]);
        m->answers[s] = NULL;
    }
}

void compare_measure_close(compare_measure *m) {
    free_answers(m);
    free(m->answers);
    free(m->measured);
    free(m->tokens);
    free(m->source);
    free(m->logits);
    free(m->dense);
    rt_ids_free(&m->fed);
    *m = (compare_measure){0};
}

static compare_measured *at(compare_measure *m, size_t setting, size_t question) {
    return &m->measured[setting * m->max_questions + question];
}

static rt_status set_topk(compare_measure *m, const compare_topk *topk, rt_error *err) {
    m->params.ff_topk = topk->ff;
    m->params.encoder_topk = topk->encoder;
    m->params.decoder_topk = topk->decoder;
    m->params.cross_topk = topk->cross;
    return t5_session_set_topk(m->session, &m->params, err);
}

static void note_peak(const compare_measure *m, compare_sums *sums) {
    const size_t bytes = t5_session_peak_bytes(m->session);
    if (bytes > sums->peak_bytes) sums->peak_bytes = bytes;
}

static rt_status encode(compare_measure *m, compare_sums *sums, const t5_ids *inputs, rt_error *err) {
    const double start = verbose_clock();
    t5_session_collect(m->session, sums->encoder);
    const rt_status status = t5_encode(m->session, inputs, m->n_questions, err);
    t5_session_collect(m->session, NULL);
    sums->encode_seconds += verbose_clock() - start;
    note_peak(m, sums);
    return status;
}

static rt_status generate(compare_measure *m, size_t s, compare_sums *sums, rt_error *err) {
    const double start = verbose_clock();
    t5_generate_params params = *m->generate;
    params.skip_logprobs = true; /* dense and top-k are compared by their logits */
    RT_TRY(t5_generate_encoded(m->session, &params, &m->answers[s], err));
    sums->decode_seconds += verbose_clock() - start;
    note_peak(m, sums);
    for (size_t i = 0; i < m->n_questions; i++) {
        size_t n;
        const t5_answer *answer = t5_generation_answers(m->answers[s], i, &n);
        const compare_measured *dense = at(m, 0, i);
        compare_measured *to = at(m, s, i);
        *to = (compare_measured){.ids = n > 0 ? answer->ids : NULL, .n = n > 0 ? answer->n : 0};
        to->same = to->n == dense->n && (to->n == 0 || memcmp(to->ids, dense->ids, to->n * sizeof *to->ids) == 0);
        sums->n_same_first += to->n > 0 && dense->n > 0 ? to->ids[0] == dense->ids[0] : to->n == dense->n;
    }
    return RT_OK;
}

/* What the decoder is fed: for each question the start token and the dense answer without its last id. */
static rt_status prepare_steps(compare_measure *m, rt_error *err) {
    m->fed.n = 0;
    for (size_t i = 0; i < m->n_questions; i++) {
        const compare_measured *dense = at(m, 0, i);
        RT_TRY(rt_ids_append(&m->fed, &m->config->decoder_start_token_id, dense->n > 0, err));
        if (dense->n > 1) RT_TRY(rt_ids_append(&m->fed, dense->ids, dense->n - 1, err));
    }
    for (size_t i = 0, first = 0; i < m->n_questions; first += m->tokens[i++].n) {
        m->source[i] = i;
        m->tokens[i] = (t5_ids){m->fed.v + first, at(m, 0, i)->n};
    }
    if (m->fed.n <= m->capacity) return RT_OK;
    size_t bytes;
    free(m->dense);
    m->capacity = 0;
    m->dense = rt_mul_size(m->fed.n * sizeof(float), m->config->vocab_size, &bytes) ? malloc(bytes) : NULL;
    if (m->dense == NULL) return rt_fail_memory(err, m->fed.n * m->config->vocab_size, "dense logits");
    m->capacity = m->fed.n;
    return RT_OK;
}

/* Hands the differences of the steps, which lie question after question, to the questions. */
static void deal_differences(compare_measure *m, size_t s, compare_sums *sums, const t5_logit_difference *steps) {
    for (size_t i = 0, first = 0; i < m->n_questions; first += m->tokens[i++].n) {
        compare_measured *to = at(m, s, i);
        const size_t n = m->tokens[i].n;
        compare_tally_logits(sums, steps + first, n);
        for (size_t t = 0; t < n; t++) {
            if (steps[first + t].max_abs > to->max_abs) to->max_abs = steps[first + t].max_abs;
            to->kl += steps[first + t].kl / (double)n;
        }
    }
}

static rt_status compare_logits_of_steps(compare_measure *m, t5_logit_difference *steps, rt_error *err) {
    for (size_t first = 0, n; first < m->fed.n; first += n) {
        n = m->fed.n - first < COMPARE_ROWS ? m->fed.n - first : COMPARE_ROWS;
        RT_TRY(t5_logits(m->session, first, n, m->logits, err));
        RT_TRY(t5_logits_compare(m->session, n, m->dense + first * m->config->vocab_size, m->logits, steps + first, err));
    }
    return RT_OK;
}

static rt_status follow_dense(compare_measure *m, size_t s, compare_sums *sums, rt_error *err) {
    if (s == 0) RT_TRY(prepare_steps(m, err));
    RT_TRY(t5_decode_start(m->session, m->source, m->n_questions, err));
    t5_session_collect(m->session, sums->decoder);
    const rt_status decoded = t5_decode(m->session, m->tokens, err);
    t5_session_collect(m->session, NULL);
    RT_TRY(decoded);
    if (s == 0) return t5_logits(m->session, 0, m->fed.n, m->dense, err);
    t5_logit_difference *steps = calloc(m->fed.n + 1, sizeof *steps);
    if (steps == NULL) return rt_fail_memory(err, m->fed.n * sizeof *steps, "a comparison");
    const rt_status status = compare_logits_of_steps(m, steps, err);
    if (status == RT_OK) deal_differences(m, s, sums, steps);
    free(steps);
    return status;
}

rt_status compare_measure_run(compare_measure *m, compare_tally *tally, const t5_ids *inputs, size_t n, rt_error *err) {
    m->n_questions = n;
    tally->n_questions += n;
    free_answers(m);
    for (size_t s = 0; s < tally->settings->n; s++) {
        RT_TRY(set_topk(m, &tally->settings->v[s].topk, err));
        if (tally->settings->v[s].encoded_by == s) RT_TRY(encode(m, &tally->sums[s], inputs, err));
        RT_TRY(generate(m, s, &tally->sums[s], err));
        RT_TRY(follow_dense(m, s, &tally->sums[s], err));
    }
    return RT_OK;
}

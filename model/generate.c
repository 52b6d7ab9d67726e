/* Generation: batches of inputs, the loop of decoder steps, and the answers.
 *
 * All running rows of all questions of a batch go through each step side by side; a question that is done leaves with its rows. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "model/batches.h"
#include "model/best.h"
#include "model/embedding.h"
#include "model/plan.h"
#include "model/search.h"
#include "model/session.h"
#include "runtime/arena.h"

t5_generate_params t5_generate_defaults(void) {
    return (t5_generate_params){.max_new_tokens = 32, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1.0f};
}

struct t5_generation {
    size_t n_inputs, n_answers; /* answers an input */
    t5_answer *answer;          /* [n_inputs, n_answers] */
    rt_arena *part;             /* [n_inputs]: the ids and log-probabilities of each input's answers */
};

void t5_generation_free(t5_generation *generation) {
    if (generation == NULL) return;
    for (size_t i = 0; generation->part != NULL && i < generation->n_inputs; i++) rt_arena_free(&generation->part[i]);
    free(generation->part);
    free(generation->answer);
    free(generation);
}

const t5_answer *t5_generation_answers(const t5_generation *generation, size_t input, size_t *n) {
    *n = input < generation->n_inputs ? generation->n_answers : 0;
    const t5_answer *answers = *n > 0 ? generation->answer + input * generation->n_answers : NULL;
    while (*n > 0 && answers[*n - 1].n == 0) (*n)--; /* never found: there were not so many sequences */
    return answers;
}

static rt_status check_params(const t5_generate_params *p, rt_error *err) {
    if (p->max_new_tokens == 0) return rt_fail(err, RT_ERR_USAGE, "max_new_tokens = 0: at least 1 is needed");
    if (p->min_new_tokens > p->max_new_tokens) {
        return rt_fail(err, RT_ERR_USAGE, "min_new_tokens = %zu is over max_new_tokens = %zu", p->min_new_tokens, p->max_new_tokens);
    }
    if (p->num_beams == 0 || p->num_beams > 1024) return rt_fail(err, RT_ERR_USAGE, "num_beams = %zu is outside 1 .. 1024", p->num_beams);
    if (p->num_return_sequences == 0 || p->num_return_sequences > p->num_beams) {
        return rt_fail(err, RT_ERR_USAGE, "num_return_sequences = %zu is outside 1 .. %zu (num_beams)", p->num_return_sequences, p->num_beams);
    }
    if (!(p->length_penalty >= -100.0f && p->length_penalty <= 100.0f)) return rt_fail(err, RT_ERR_USAGE, "length_penalty is outside -100 .. 100");
    return RT_OK;
}

/* ---- a batch ---- */

/* Logits are [rows, vocab_size], 128 KiB a row for T5's vocabulary, so they are made for so many rows at a time (or one question's). */
enum { LOGIT_ROWS = 64 };

typedef struct batch {
    t5_session *session;
    const t5_generate_params *params;
    size_t n_questions, n_rows, vocab_size, logit_rows;
    t5_search *search; /* [n_questions] */
    size_t *first_row; /* [n_questions]: of the rows fed in this step */
    size_t *row_of;    /* [n_questions * num_beams]: source or parent of each row */
    t5_ids *tokens;    /* [n_questions * num_beams] */
    int32_t start;
    size_t group;  /* the first question whose logits are there */
    float *logits; /* [logit_rows, vocab_size]; screened: [logit_rows, uppers], which is more */
    bool is_screened;    /* the best id alone is asked for, and there is what finds it */
    size_t uppers;       /* a row's upper bounds */
    rt_argmax_room room; /* for logit_rows */
    int32_t *best;       /* [logit_rows] */
    char *scratch; /* [n_threads, scratch_bytes] */
    size_t scratch_bytes;
    rt_arena memory;
    atomic_bool not_a_number;
} batch;

static t5_hypothesis *place_hypotheses(rt_arena *arena, const t5_generate_params *params) {
    t5_hypothesis *h = rt_arena_alloc(arena, params->num_beams, sizeof *h);
    for (size_t b = 0; b < params->num_beams; b++) {
        int32_t *ids = rt_arena_alloc(arena, params->max_new_tokens, sizeof *ids);
        float *logprobs = rt_arena_alloc(arena, params->max_new_tokens, sizeof *logprobs);
        if (h != NULL) h[b] = (t5_hypothesis){.ids = ids, .logprobs = logprobs};
    }
    return h;
}

static void place_batch(batch *b, rt_arena *arena) {
    const size_t max_rows = b->n_questions * b->params->num_beams, n_threads = rt_n_threads(&b->session->compute);
    b->search = rt_arena_alloc(arena, b->n_questions, sizeof *b->search);
    b->first_row = rt_arena_alloc(arena, b->n_questions, sizeof *b->first_row);
    b->row_of = rt_arena_alloc(arena, max_rows, sizeof *b->row_of);
    b->tokens = rt_arena_alloc(arena, max_rows, sizeof *b->tokens);
    b->logits = rt_arena_alloc(arena, b->logit_rows * (b->is_screened ? b->uppers : b->vocab_size), sizeof *b->logits);
    if (b->is_screened) {
        rt_argmax_place(arena, &b->session->model->weights.lm_head_screen, b->logit_rows, &b->room);
        b->best = rt_arena_alloc(arena, b->logit_rows, sizeof *b->best);
    }
    b->scratch = rt_arena_alloc(arena, n_threads, b->scratch_bytes);
    for (size_t q = 0; q < b->n_questions; q++) {
        t5_search s = {.params = b->params, .config = &b->session->model->config, .n_running = 1};
        s.running = place_hypotheses(arena, b->params);
        s.spare = place_hypotheses(arena, b->params);
        s.finished = place_hypotheses(arena, b->params);
        s.parent = rt_arena_alloc(arena, b->params->num_beams, sizeof *s.parent);
        if (b->search != NULL) b->search[q] = s;
    }
}

/* n questions side by side, not yet placed. */
static batch describe_batch(t5_session *session, const t5_generate_params *params, size_t n) {
    const t5_config *config = &session->model->config;
    const size_t n_rows = n * params->num_beams;
    batch b = {.session = session, .params = params, .n_questions = n, .vocab_size = config->vocab_size};
    b.logit_rows = params->num_beams > LOGIT_ROWS ? params->num_beams : n_rows < LOGIT_ROWS ? n_rows : LOGIT_ROWS;
    b.is_screened = params->skip_logprobs && params->num_beams == 1 && t5_best_is_possible(session);
    b.uppers = rt_argmax_uppers(&session->model->weights.lm_head_screen);
    b.scratch_bytes = (t5_search_scratch(config, params) + RT_ARENA_ALIGN - 1) / RT_ARENA_ALIGN * RT_ARENA_ALIGN;
    return b;
}

rt_status t5_measure_search(t5_session *session, const t5_generate_params *params, size_t n_questions, rt_arena *arena, rt_error *err) {
    RT_TRY(check_params(params, err));
    batch b = describe_batch(session, params, n_questions);
    place_batch(&b, arena);
    return RT_OK;
}

static void search_question(void *context, size_t item, size_t worker) {
    batch *b = context;
    const size_t q = b->group + item;
    if (b->search[q].n_running == 0) return;
    float *logits = b->logits + (b->first_row[q] - b->first_row[b->group]) * b->vocab_size;
    if (!t5_search_step(b->session->compute.kernels, &b->search[q], logits, b->scratch + worker * b->scratch_bytes)) {
        atomic_store(&b->not_a_number, true);
    }
}

/* The n questions whose rows lie side by side from the group's first on: their best ids, but no logits. */
static void search_best(batch *b, size_t end, size_t n) {
    const size_t first = b->first_row[b->group];
    memset(b->room.forbidden, 0, n * b->room.n_panels * sizeof *b->room.forbidden);
    for (size_t q = b->group; q < end; q++) {
        const t5_search *s = &b->search[q];
        if (s->n_running > 0) t5_search_forbid(s, &s->running[0], b->room.forbidden + (b->first_row[q] - first) * b->room.n_panels);
    }
    t5_best_ids(b->session, first, n, &b->room, b->logits, b->best);
    for (size_t q = b->group; q < end; q++) {
        const int32_t best = b->best[b->first_row[q] - first];
        if (b->search[q].n_running == 0) continue;
        if (best == RT_NO_BEST) atomic_store(&b->not_a_number, true);
        else t5_greedy_take(&b->search[q], best, NAN);
    }
}

/* Every question's step, as many questions at a time as their rows' logits have room for. */
static rt_status search_all(batch *b, rt_error *err) {
    for (size_t end; b->group < b->n_questions; b->group = end) {
        size_t n = b->search[b->group].n_running;
        for (end = b->group + 1; end < b->n_questions && n + b->search[end].n_running <= b->logit_rows; end++) n += b->search[end].n_running;
        if (b->is_screened && t5_best_pays(b->session, n)) {
            if (n > 0) search_best(b, end, n);
            continue;
        }
        RT_TRY(t5_logits(b->session, b->first_row[b->group], n, b->logits, err));
        rt_parallel(&b->session->compute, end - b->group, rt_guess_ns(0, n * b->vocab_size * sizeof(float)), search_question, b);
    }
    b->group = 0;
    return atomic_load(&b->not_a_number) ? rt_fail(err, RT_ERR_NUMERIC, "decoder: a logit is not a number") : RT_OK;
}

/* Lists the rows that run on, with their parents among the rows just fed and their last ids. */
static void deal_rows(batch *b) {
    b->n_rows = 0;
    for (size_t q = 0; q < b->n_questions; q++) {
        const t5_search *s = &b->search[q];
        const size_t fed_from = b->first_row[q];
        b->first_row[q] = b->n_rows;
        for (size_t r = 0; r < s->n_running; r++, b->n_rows++) {
            const t5_hypothesis *h = &s->running[r];
            b->row_of[b->n_rows] = fed_from + s->parent[r];
            b->tokens[b->n_rows] = (t5_ids){.ids = &h->ids[h->n - 1], .n = 1};
        }
    }
}

/* The questions are those that the session has encoded. */
static rt_status run_batch(batch *b, rt_error *err) {
    t5_session *s = b->session;
    b->start = s->model->config.decoder_start_token_id;
    for (size_t q = 0; q < b->n_questions; q++) {
        b->row_of[q] = b->first_row[q] = q;
        b->tokens[q] = (t5_ids){.ids = &b->start, .n = 1};
    }
    RT_TRY(t5_decode_start(s, b->row_of, b->n_questions, err));
    for (b->n_rows = b->n_questions; b->n_rows > 0;) {
        RT_TRY(t5_decode(s, b->tokens, err));
        RT_TRY(search_all(b, err));
        deal_rows(b);
        RT_TRY(t5_decode_reorder(s, b->row_of, b->n_rows, err));
    }
    return RT_OK;
}

/* ---- answers ---- */

static void place_answers(const t5_search *search, size_t n_answers, rt_arena *arena, t5_answer *answer) {
    for (size_t a = 0; a < n_answers; a++) {
        const t5_hypothesis *h = &search->finished[a];
        int32_t *ids = rt_arena_alloc(arena, h->n, sizeof *ids);
        float *logprobs = rt_arena_alloc(arena, h->n, sizeof *logprobs);
        if (ids == NULL) continue;
        memcpy(ids, h->ids, h->n * sizeof *ids);
        memcpy(logprobs, h->logprobs, h->n * sizeof *logprobs);
        answer[a] = (t5_answer){.ids = ids, .logprobs = logprobs, .n = h->n, .score = h->sum, .ended = h->ended};
    }
}

static rt_status keep_answers(const batch *b, size_t first, t5_generation *g, rt_error *err) {
    for (size_t q = 0; q < b->n_questions; q++) {
        rt_arena measured = {0}, *part = &g->part[first + q];
        t5_answer *answer = g->answer + (first + q) * g->n_answers;
        place_answers(&b->search[q], g->n_answers, &measured, answer);
        RT_TRY(rt_arena_provide(part, &measured, "answers", err));
        place_answers(&b->search[q], g->n_answers, part, answer);
    }
    return RT_OK;
}

static rt_status generate_batch(t5_session *session, size_t first, size_t n, const t5_generate_params *params, t5_generation *g,
                                rt_error *err) {
    batch b = describe_batch(session, params, n);
    atomic_init(&b.not_a_number, false);
    rt_arena measured = {0};
    place_batch(&b, &measured);
    rt_status status = rt_arena_provide(&b.memory, &measured, "a batch's search", err);
    if (status == RT_OK) {
        place_batch(&b, &b.memory);
        status = run_batch(&b, err);
        if (status == RT_OK) status = keep_answers(&b, first, g, err);
    }
    rt_arena_free(&b.memory);
    return status;
}

/* inputs are encoded batch by batch; NULL: all n_inputs are encoded already. */
static rt_status generate_all(t5_session *session, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params,
                              t5_generation **generation, rt_error *err) {
    t5_generation *g = calloc(1, sizeof *g);
    if (g == NULL) return rt_fail_memory(err, sizeof *g, "answers");
    *g = (t5_generation){.n_inputs = n_inputs, .n_answers = params->num_return_sequences};
    g->answer = calloc(n_inputs * g->n_answers + 1, sizeof *g->answer);
    g->part = calloc(n_inputs + 1, sizeof *g->part);
    rt_status status = g->answer == NULL || g->part == NULL ? rt_fail_memory(err, n_inputs, "answers") : RT_OK;
    for (size_t first = 0, n; status == RT_OK && first < n_inputs; first += n) {
        n = inputs != NULL ? t5_batch_length(inputs + first, n_inputs - first, session->params.batch_tokens) : n_inputs;
        if (inputs != NULL) status = t5_encode(session, inputs + first, n, err);
        if (status == RT_OK) status = generate_batch(session, first, n, params, g, err);
    }
    if (status != RT_OK) {
        t5_generation_free(g);
        return status;
    }
    *generation = g;
    return RT_OK;
}

rt_status t5_generate(t5_session *session, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params, t5_generation **generation,
                      rt_error *err) {
    size_t n_ids;
    RT_TRY(t5_model_can_generate(session->model, err));
    RT_TRY(check_params(params, err));
    RT_TRY(t5_count_ids(&session->model->config, inputs, n_inputs, 1, &n_ids, err)); /* before any work, and by the caller's numbers */
    return generate_all(session, inputs, n_inputs, params, generation, err);
}

rt_status t5_generate_encoded(t5_session *session, const t5_generate_params *params, t5_generation **generation, rt_error *err) {
    RT_TRY(t5_model_can_generate(session->model, err));
    RT_TRY(check_params(params, err));
    if (session->n_inputs == 0) return rt_fail(err, RT_ERR_USAGE, "nothing is encoded");
    return generate_all(session, NULL, session->n_inputs, params, generation, err);
}

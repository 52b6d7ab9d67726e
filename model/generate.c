/* Generation: the loop of decoder steps, and the answers.
 *
 * All rows of all running questions go through each step side by side; a question that is done leaves with its rows, and waiting ones
 * enter (admit.h). */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "model/admit.h"
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

/* ---- what runs ---- */

/* Logits are [rows, vocab_size], 128 KiB a row for T5's vocabulary, so they are made for so many rows at a time (or one question's). */
enum { LOGIT_ROWS = 64 };

/* A running question. */
typedef struct question {
    t5_search search;
    rt_arena memory;  /* its hypotheses */
    size_t input;     /* which one it is */
    size_t first_row; /* of its rows fed in this step */
} question;

typedef struct batch {
    t5_session *session;
    const t5_generate_params *params;
    size_t max_questions, n_questions, n_rows, vocab_size, logit_rows;
    question *question; /* [max_questions]: those that run, in the order of their rows; then memory for more */
    size_t *parent;     /* [max_questions * num_beams]: of each row, among those just fed */
    t5_ids *tokens;     /* [max_questions * num_beams] */
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

static void place_search(const batch *b, rt_arena *arena, t5_search *search) {
    *search = (t5_search){.params = b->params, .config = &b->session->model->config, .n_running = 1};
    search->running = place_hypotheses(arena, b->params);
    search->spare = place_hypotheses(arena, b->params);
    search->finished = place_hypotheses(arena, b->params);
    search->parent = rt_arena_alloc(arena, b->params->num_beams, sizeof *search->parent);
}

static void place_batch(batch *b, rt_arena *arena) {
    const size_t max_rows = b->max_questions * b->params->num_beams, n_threads = rt_n_threads(&b->session->compute);
    b->question = rt_arena_alloc(arena, b->max_questions, sizeof *b->question);
    b->parent = rt_arena_alloc(arena, max_rows, sizeof *b->parent);
    b->tokens = rt_arena_alloc(arena, max_rows, sizeof *b->tokens);
    b->logits = rt_arena_alloc(arena, b->logit_rows * (b->is_screened ? b->uppers : b->vocab_size), sizeof *b->logits);
    if (b->is_screened) {
        rt_argmax_place(arena, &b->session->model->weights.lm_head_screen, b->logit_rows, &b->room);
        b->best = rt_arena_alloc(arena, b->logit_rows, sizeof *b->best);
    }
    b->scratch = rt_arena_alloc(arena, n_threads, b->scratch_bytes);
}

/* At most n questions side by side, not yet placed. */
static batch describe_batch(t5_session *session, const t5_generate_params *params, size_t n) {
    const t5_config *config = &session->model->config;
    const size_t n_rows = n * params->num_beams;
    batch b = {.session = session, .params = params, .max_questions = n, .vocab_size = config->vocab_size, .start = config->decoder_start_token_id};
    b.logit_rows = params->num_beams > LOGIT_ROWS ? params->num_beams : n_rows < LOGIT_ROWS ? n_rows : LOGIT_ROWS;
    b.is_screened = params->skip_logprobs && params->num_beams == 1 && t5_best_is_possible(session);
    b.uppers = rt_argmax_uppers(&session->model->weights.lm_head_screen);
    b.scratch_bytes = rt_aligned(t5_search_scratch(config, params));
    return b;
}

rt_status t5_measure_search(t5_session *session, const t5_generate_params *params, size_t n_questions, rt_arena *arena, rt_error *err) {
    RT_TRY(check_params(params, err));
    batch b = describe_batch(session, params, n_questions);
    t5_search search;
    place_batch(&b, arena);
    for (size_t q = 0; q < n_questions; q++) place_search(&b, arena, &search);
    return RT_OK;
}

static void search_question(void *context, size_t item, size_t worker) {
    batch *b = context;
    question *q = &b->question[b->group + item];
    float *logits = b->logits + (q->first_row - b->question[b->group].first_row) * b->vocab_size;
    if (!t5_search_step(b->session->compute.kernels, &q->search, logits, b->scratch + worker * b->scratch_bytes)) {
        atomic_store(&b->not_a_number, true);
    }
}

/* The questions from the group's first on, before `end`, whose n rows lie side by side: their best ids, but no logits. */
static void search_best(batch *b, size_t end, size_t n) {
    const size_t first = b->question[b->group].first_row;
    memset(b->room.forbidden, 0, n * b->room.n_panels * sizeof *b->room.forbidden);
    for (const question *q = b->question + b->group; q < b->question + end; q++) {
        t5_search_forbid(&q->search, &q->search.running[0], b->room.forbidden + (q->first_row - first) * b->room.n_panels);
    }
    t5_best_ids(b->session, first, n, &b->room, b->logits, b->best);
    for (question *q = b->question + b->group; q < b->question + end; q++) {
        const int32_t best = b->best[q->first_row - first];
        if (best == RT_NO_BEST) atomic_store(&b->not_a_number, true);
        else t5_greedy_take(&q->search, best, NAN);
    }
}

/* Every question's step, as many questions at a time as their rows' logits have room for. */
static rt_status search_all(batch *b, rt_error *err) {
    for (size_t end; b->group < b->n_questions; b->group = end) {
        size_t n = 0;
        for (end = b->group; end < b->n_questions && n + b->question[end].search.n_running <= b->logit_rows; end++) {
            n += b->question[end].search.n_running;
        }
        if (b->is_screened && t5_best_pays(b->session, n)) {
            search_best(b, end, n);
            continue;
        }
        RT_TRY(t5_logits(b->session, b->question[b->group].first_row, n, b->logits, err));
        rt_parallel(&b->session->compute, end - b->group, rt_guess_ns(0, n * b->vocab_size * sizeof(float)), search_question, b);
    }
    b->group = 0;
    return atomic_load(&b->not_a_number) ? rt_fail(err, RT_ERR_NUMERIC, "decoder: a logit is not a number") : RT_OK;
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

static rt_status keep_answers(const question *q, t5_generation *g, rt_error *err) {
    rt_arena measured = {0}, *part = &g->part[q->input];
    t5_answer *answer = g->answer + q->input * g->n_answers;
    place_answers(&q->search, g->n_answers, &measured, answer);
    RT_TRY(rt_arena_provide(part, &measured, "answers", err));
    place_answers(&q->search, g->n_answers, part, answer);
    return RT_OK;
}

/* ---- the loop ---- */

static rt_status enter(batch *b, size_t input, rt_error *err) {
    question *q = &b->question[b->n_questions++];
    rt_arena measured = {0};
    place_search(b, &measured, &q->search);
    RT_TRY(rt_arena_provide(&q->memory, &measured, "a question's search", err));
    place_search(b, &q->memory, &q->search);
    q->input = input;
    q->first_row = b->n_rows;
    b->tokens[b->n_rows++] = (t5_ids){.ids = &b->start, .n = 1};
    return RT_OK;
}

/* Lists the rows that a question runs on with, their parents among the rows just fed and their last ids. */
static void deal_rows(batch *b, question *q) {
    const size_t fed_from = q->first_row;
    q->first_row = b->n_rows;
    for (size_t r = 0; r < q->search.n_running; r++, b->n_rows++) {
        const t5_hypothesis *h = &q->search.running[r];
        b->parent[b->n_rows] = fed_from + q->search.parent[r];
        b->tokens[b->n_rows] = (t5_ids){.ids = &h->ids[h->n - 1], .n = 1};
    }
}

/* After a step: questions that are done leave, the others close up. */
static rt_status go_on(batch *b, t5_generation *g, rt_error *err) {
    size_t n = 0;
    b->n_rows = 0;
    for (size_t i = 0; i < b->n_questions; i++) {
        const question q = b->question[i];
        if (q.search.n_running == 0) {
            RT_TRY(keep_answers(&q, g, err));
            continue;
        }
        b->question[i] = b->question[n]; /* whose memory waits for another question */
        b->question[n] = q;
        deal_rows(b, &b->question[n++]);
    }
    b->n_questions = n;
    return t5_decode_reorder(b->session, b->parent, b->n_rows, err);
}

/* Lets in, encoder batch after encoder batch, what finds room. */
static rt_status let_in(batch *b, const t5_ids *inputs, size_t n_inputs, size_t *n_entered, rt_error *err) {
    for (size_t n = 1; n > 0 && *n_entered < n_inputs;) {
        RT_TRY(t5_admit(b->session, inputs + *n_entered, n_inputs - *n_entered, &n, err));
        for (size_t i = 0; i < n; i++) RT_TRY(enter(b, (*n_entered)++, err));
    }
    return RT_OK;
}

/* inputs are encoded as they enter; NULL: all are encoded already, and have their rows. */
static rt_status run(batch *b, const t5_ids *inputs, t5_generation *g, rt_error *err) {
    size_t n_entered = 0;
    while (inputs == NULL && n_entered < g->n_inputs) RT_TRY(enter(b, n_entered++, err));
    for (;;) {
        RT_TRY(let_in(b, inputs, g->n_inputs, &n_entered, err));
        if (b->n_rows == 0) return RT_OK;
        RT_TRY(t5_decode(b->session, b->tokens, err));
        RT_TRY(search_all(b, err));
        RT_TRY(go_on(b, g, err));
    }
}

static rt_status run_batch(t5_session *session, size_t max_questions, const t5_ids *inputs, const t5_generate_params *params, t5_generation *g,
                           rt_error *err) {
    batch b = describe_batch(session, params, max_questions);
    atomic_init(&b.not_a_number, false);
    rt_arena measured = {0};
    place_batch(&b, &measured);
    RT_TRY(rt_arena_provide(&b.memory, &measured, "a batch's search", err));
    place_batch(&b, &b.memory);
    memset(b.question, 0, max_questions * sizeof *b.question);
    const rt_status status = run(&b, inputs, g, err);
    for (size_t q = 0; q < max_questions; q++) rt_arena_free(&b.question[q].memory);
    rt_arena_free(&b.memory);
    return status;
}

/* At most max_questions run side by side; inputs as in run(). */
static rt_status generate(t5_session *session, size_t max_questions, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params,
                          t5_generation **generation, rt_error *err) {
    t5_generation *g = calloc(1, sizeof *g);
    if (g == NULL) return rt_fail_memory(err, sizeof *g, "answers");
    *g = (t5_generation){.n_inputs = n_inputs, .n_answers = params->num_return_sequences};
    g->answer = calloc(n_inputs * g->n_answers + 1, sizeof *g->answer);
    g->part = calloc(n_inputs + 1, sizeof *g->part);
    rt_status status = g->answer == NULL || g->part == NULL ? rt_fail_memory(err, n_inputs, "answers") : RT_OK;
    if (status == RT_OK && n_inputs > 0) status = run_batch(session, max_questions, inputs, params, g, err);
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
    t5_session_clear(session);
    const rt_status status = generate(session, t5_admit_max(session, inputs, n_inputs), inputs, n_inputs, params, generation, err);
    t5_session_clear(session);
    return status;
}

rt_status t5_generate_encoded(t5_session *session, const t5_generate_params *params, t5_generation **generation, rt_error *err) {
    const size_t n = session->n_inputs;
    RT_TRY(t5_model_can_generate(session->model, err));
    RT_TRY(check_params(params, err));
    if (n == 0) return rt_fail(err, RT_ERR_USAGE, "nothing is encoded");
    session->n_rows = session->n_cross_tokens = 0;
    RT_TRY(t5_decode_join(session, 0, 0, err));
    return generate(session, n, NULL, n, params, generation, err);
}

/* Continuous batching: inputs that wait take the places of those that are answered. Answers are those of each input alone, the same bits; steps
 * are as few as the rule of admit.h makes them; and the session holds no more than that rule lets it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/batches.h"
#include "model/session.h"
#include "tests/support/model.h"
#include "tests/support/model_folder.h"

enum { N_INPUTS = 48, LONGEST = 158, MAX_NEW_TOKENS = 24, PROJECTED = 1000, ABSORBED = 1, ABSORBED_FROM = 128 };

static t5_model *model;
static id_lists inputs;

/* Every seventh is long enough to be absorbed, or longer than a small batch. */
static id_lists make_inputs(void) {
    random_source r = {.state = 11};
    size_t lengths[N_INPUTS];
    for (size_t i = 0; i < N_INPUTS; i++) lengths[i] = i % 7 == 5 ? LONGEST - random_below(&r, 30) : 1 + random_below(&r, 40);
    return random_lists(&r, t5_model_config(model), lengths, N_INPUTS);
}

static t5_session *start(size_t batch_tokens, size_t tokens_per_input, size_t threads) {
    t5_session_params params = t5_session_defaults();
    params.batch_tokens = batch_tokens, params.tokens_per_input = tokens_per_input, params.threads = threads;
    return must_start(model, &params);
}

static t5_generate_params params_of(size_t num_beams) {
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = MAX_NEW_TOKENS;
    params.early_stopping = T5_EARLY_TRUE; /* else nearly all beams run to the end */
    params.num_beams = num_beams, params.num_return_sequences = num_beams > 1 ? num_beams - 1 : 1;
    return params;
}

/* ---- what is expected ---- */

/* Answers and steps of each input alone. */
typedef struct alone {
    t5_generation *generation[N_INPUTS];
    size_t steps[N_INPUTS];
} alone;

static alone answer_alone(const t5_generate_params *params, size_t tokens_per_input) {
    alone a;
    t5_session *session = start(4096, tokens_per_input, 1);
    for (size_t i = 0; i < N_INPUTS; i++) {
        const size_t before = t5_session_steps(session);
        a.generation[i] = must_generate(session, &inputs.list[i], 1, params);
        a.steps[i] = t5_session_steps(session) - before;
    }
    t5_session_close(session);
    return a;
}

static void free_alone(alone *a) {
    for (size_t i = 0; i < N_INPUTS; i++) t5_generation_free(a->generation[i]);
}

static size_t steps_batch_by_batch(const alone *a, size_t batch_tokens) {
    size_t steps = 0;
    for (size_t first = 0, n; first < N_INPUTS; first += n) {
        size_t most = 0;
        n = t5_batch_length(inputs.list + first, N_INPUTS - first, batch_tokens);
        for (size_t i = first; i < first + n; i++) most = a->steps[i] > most ? a->steps[i] : most;
        steps += most;
    }
    return steps;
}

/* What an input takes of the room of four batches. */
static size_t load_of(size_t n, size_t tokens_per_input) { return tokens_per_input == ABSORBED && n >= ABSORBED_FROM ? n : 4 * n; }

/* The rule, told anew: while more than three quarters of the room are taken nobody enters; then, in their order, those who fit, a quarter of a
 * batch after another. The first of an empty session needs no room. */
static size_t steps_by_the_rule(const alone *a, size_t batch_tokens, size_t tokens_per_input) {
    size_t left[N_INPUTS] = {0}, next = 0;
    for (size_t steps = 0;; steps++) {
        size_t taken = 0;
        for (size_t i = 0; i < next; i++) taken += left[i] > 0 ? load_of(inputs.list[i].n, tokens_per_input) : 0;
        if (taken == 0 && next == N_INPUTS) return steps;
        for (bool opens = taken <= 3 * batch_tokens, empty = taken == 0; opens && next < N_INPUTS; empty = false) {
            size_t pass = 0, entered = 0;
            for (; next < N_INPUTS; next++, entered++) {
                const size_t n = inputs.list[next].n, load = load_of(n, tokens_per_input);
                if (entered > 0 && pass + n > (batch_tokens + 3) / 4) break;
                if (!empty && taken + load > 4 * batch_tokens) break;
                pass += n, taken += load;
                left[next] = a->steps[next];
            }
            opens = entered > 0;
        }
        for (size_t i = 0; i < next; i++) left[i] -= left[i] > 0;
    }
}

/* ---- answers and steps ---- */

typedef struct subject {
    const char *path;
    size_t num_beams, tokens_per_input;
} subject;

static const subject subjects[] = {
    {GOLDEN("relu_tied"), 1, PROJECTED}, {GOLDEN("relu_tied"), 1, ABSORBED}, {GOLDEN("relu_tied"), 4, ABSORBED}, {GOLDEN("gated_gelu"), 1, ABSORBED},
    {GOLDEN("gated_gelu"), 3, PROJECTED}, {GOLDEN("odd_sizes"), 1, ABSORBED}, {GOLDEN("odd_sizes"), 2, PROJECTED}, {GOLDEN("umt5"), 1, ABSORBED},
};

enum { N_SUBJECTS = sizeof subjects / sizeof *subjects };

static void check_answers(const t5_generation *generation, const alone *expected, size_t n_answers, size_t batch_tokens, size_t threads) {
    for (size_t i = 0; i < N_INPUTS; i++) {
        const t5_answer *got = must_have_answers(generation, i, n_answers), *want = must_have_answers(expected->generation[i], 0, n_answers);
        for (size_t k = 0; k < n_answers; k++) {
            if (same_answer(&got[k], &want[k])) continue;
            ck_abort_msg("answer %zu of input %zu, batch_tokens %zu, %zu threads", k, i, batch_tokens, threads);
        }
    }
}

/* So many tokens, or those of the longest input, but no more than there are. */
static size_t room_of(size_t tokens) {
    const size_t total = (size_t)(inputs.list[N_INPUTS - 1].ids - inputs.ids) + inputs.list[N_INPUTS - 1].n;
    const size_t room = tokens > LONGEST ? tokens : LONGEST;
    return room < total ? room : total;
}

/* A quarter of a batch for the encoder, four for what it has made, one for keys and values; in rows of the least an input takes for the cache. */
static void check_memory(const t5_session *s, const subject *sub) {
    const size_t batch_tokens = s->params.batch_tokens, inner = s->cache.inner * sizeof(float);
    ck_assert_uint_le(s->hidden_memory.capacity, room_of(4 * batch_tokens) * s->model->config.d_model * sizeof(float) + RT_ARENA_ALIGN);
    ck_assert_uint_le(s->cross_memory.capacity, 2 * (s->cache.n_layers * room_of(batch_tokens) * inner + RT_ARENA_ALIGN));
    ck_assert_uint_le(s->cache.n_slots, room_of(batch_tokens) * sub->num_beams);
    ck_assert_uint_le(s->encoder_rows.m, room_of((batch_tokens + 3) / 4));
    ck_assert_uint_le(t5_session_peak_bytes(s), s->scratch_memory.capacity + s->encoder_memory.capacity + s->hidden_memory.capacity +
                                                    s->cross_memory.capacity + s->cache.memory.capacity + s->step_memory.capacity);
}

START_TEST(alone_or_let_in_later) {
    static const size_t batches[] = {1, 41, 100, 160, 300, 700, 100000};
    const subject *sub = &subjects[_i];
    model = must_open(sub->path);
    inputs = make_inputs();
    const t5_generate_params params = params_of(sub->num_beams);
    alone expected = answer_alone(&params, sub->tokens_per_input);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        const size_t threads = 1 + b % 3, plain = steps_batch_by_batch(&expected, batches[b]);
        const size_t refilled = steps_by_the_rule(&expected, batches[b], sub->tokens_per_input);
        t5_session *session = start(batches[b], sub->tokens_per_input, threads);
        t5_generation *generation = must_generate(session, inputs.list, N_INPUTS, &params);
        check_answers(generation, &expected, params.num_return_sequences, batches[b], threads);
        ck_assert_uint_eq(t5_session_steps(session), refilled);
        if (batches[b] == 300 || batches[b] == 700) ck_assert_uint_lt(refilled, plain);
        check_memory(session, sub);
        t5_generation_free(generation);
        t5_session_close(session);
    }
    free_alone(&expected);
    free_lists(&inputs);
    t5_model_close(model);
}
END_TEST

/* ---- afterwards ---- */

/* An id that no input and no answer has. */
static int32_t find_unused(const t5_generation *generation) {
    bool used[512] = {false};
    int32_t id = 2;
    for (size_t i = 0; i < N_INPUTS; i++) {
        const t5_answer *a = must_have_answers(generation, i, 1);
        for (size_t t = 0; t < inputs.list[i].n; t++) used[inputs.list[i].ids[t] % 512] = true;
        for (size_t t = 0; t < a->n; t++) used[a->ids[t] % 512] = true;
    }
    while (used[id]) id++;
    return id;
}

/* An input that fails when others are running takes all with it, and the session goes on. */
START_TEST(a_late_failure_leaves_nothing) {
    const t5_generate_params params = params_of(1);
    model_folder folder;
    rt_error err;
    folder_open(&folder, GOLDEN("gated_gelu")); /* whose lm_head is not the embedding */
    model = must_open(folder_write(&folder));
    inputs = make_inputs();
    t5_session *session = start(300, ABSORBED, 2);
    for (size_t i = 0; i < N_INPUTS; i++) inputs.list[i].n = inputs.list[i].n > 6 ? 6 + i % 3 : inputs.list[i].n; /* leaves ids unused */
    t5_generation *before = must_generate(session, inputs.list, N_INPUTS, &params);
    const int32_t poisoned = find_unused(before);
    t5_session_close(session);
    t5_model_close(model);

    folder_tensor *shared = folder_find(&folder, "shared.weight");
    ((float *)(void *)shared->data)[(size_t)poisoned * shared->shape[1]] = NAN;
    model = must_open(folder_write(&folder));
    session = start(60, ABSORBED, 2);
    const t5_ids good = inputs.list[N_INPUTS / 2], bad = {.ids = &poisoned, .n = 1};
    inputs.list[N_INPUTS / 2] = bad;
    t5_generation *generation = NULL;
    ck_assert_int_eq(t5_generate(session, inputs.list, N_INPUTS, &params, &generation, &err), RT_ERR_NUMERIC);
    ck_assert_uint_gt(t5_session_steps(session), 0);
    ck_assert_ptr_null(generation);
    ck_assert_ptr_null(t5_encoder_hidden(session, 0));
    inputs.list[N_INPUTS / 2] = good;
    generation = must_generate(session, inputs.list, N_INPUTS, &params);
    for (size_t i = 0; i < N_INPUTS; i++) ck_assert(same_answer(must_have_answers(generation, i, 1), must_have_answers(before, i, 1)));
    t5_generation_free(before);
    t5_generation_free(generation);
    free_lists(&inputs);
    t5_session_close(session);
    t5_model_close(model);
    folder_close(&folder);
}
END_TEST

/* What t5_generate encodes is gone afterwards; what t5_encode encodes stays, all of it side by side whatever batch_tokens says. */
START_TEST(encoded_stays_generated_goes) {
    const t5_generate_params params = params_of(1);
    rt_error err;
    model = must_open(GOLDEN("odd_sizes"));
    inputs = make_inputs();
    t5_session *session = start(100, ABSORBED, 1);
    t5_generation *let_in = must_generate(session, inputs.list, N_INPUTS, &params), *encoded = NULL;
    ck_assert_ptr_null(t5_encoder_hidden(session, 0));
    ck_assert_int_eq(t5_generate_encoded(session, &params, &encoded, &err), RT_ERR_USAGE);
    must(t5_encode(session, inputs.list, N_INPUTS, &err), &err);
    for (size_t round = 0; round < 2; round++) {
        const size_t before = t5_session_steps(session);
        must(t5_generate_encoded(session, &params, &encoded, &err), &err);
        ck_assert_uint_eq(t5_session_steps(session) - before, MAX_NEW_TOKENS);
        for (size_t i = 0; i < N_INPUTS; i++) ck_assert(same_answer(must_have_answers(encoded, i, 1), must_have_answers(let_in, i, 1)));
        t5_generation_free(encoded);
        ck_assert_ptr_nonnull(t5_encoder_hidden(session, N_INPUTS - 1));
    }
    t5_generation_free(let_in);
    free_lists(&inputs);
    t5_session_close(session);
    t5_model_close(model);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("refill");
    tcase_add_loop_test(tests, alone_or_let_in_later, 0, N_SUBJECTS);
    tcase_add_test(tests, a_late_failure_leaves_nothing);
    tcase_add_test(tests, encoded_stays_generated_goes);
    return run_tests("refill", tests, 300);
}

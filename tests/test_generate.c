/* Generation and scoring, against the decoder's own logits, each other, and their own rules. */
#include "tests/support/model.h"
#include "tests/support/model_folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static t5_model *model;
static t5_session *session;
static random_source r;

static void open_all(const char *path) {
    r = (random_source){.state = 3};
    model = must_open(path);
    session = must_start_plain(model);
}

static void close_all(void) {
    t5_session_close(session);
    t5_model_close(model);
}

/* ---- greedy, against the decoder ---- */

/* log softmax(logits)[id], in double. */
static double log_softmax(const float *logits, size_t vocab_size, size_t id) {
    double sum = 0;
    for (size_t i = 0; i < vocab_size; i++) sum += exp((double)logits[i] - (double)logits[id]);
    return -log(sum);
}

static void check_greedy(const t5_ids *input, const t5_answer *answer, size_t max_new_tokens) {
    const t5_config *config = t5_model_config(model);
    float *logits = malloc(config->vocab_size * sizeof *logits);
    const size_t source = 0;
    int32_t fed = config->decoder_start_token_id;
    double sum = 0;
    rt_error err;
    must(t5_encode(session, input, 1, &err), &err);
    must(t5_decode_start(session, &source, 1, &err), &err);
    for (size_t t = 0; t < answer->n; t++) {
        must(t5_decode(session, &(t5_ids){.ids = &fed, .n = 1}, &err), &err);
        must(t5_logits(session, 0, 1, logits, &err), &err);
        size_t best = 0;
        for (size_t i = 1; i < config->vocab_size; i++) best = logits[i] > logits[best] ? i : best;
        const double logprob = log_softmax(logits, config->vocab_size, best);
        if (answer->ids[t] != (int32_t)best || fabs((double)answer->logprobs[t] - logprob) > 1e-5) ck_abort_msg("id %zu", t);
        fed = (int32_t)best;
        sum += logprob;
    }
    const bool ended = fed == config->eos_token_id;
    ck_assert_msg(answer->ended == ended && (ended || answer->n == max_new_tokens), "%zu ids, ended %d", answer->n, answer->ended);
    ck_assert_msg(fabs((double)answer->score - sum) < 1e-4, "score %g, not %g", (double)answer->score, sum);
    free(logits);
}

START_TEST(greedy_takes_the_best_of_the_logits) {
    static const char *const paths[] = {GOLDEN("relu_tied"), GOLDEN("gated_gelu"), GOLDEN("gelu")};
    open_all(paths[_i]);
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = 12;
    id_lists inputs = random_lengths(&r, t5_model_config(model), 30, 8);
    t5_generation *generation = must_generate(session, inputs.list, inputs.n, &params);
    for (size_t i = 0; i < inputs.n; i++) check_greedy(&inputs.list[i], must_have_answers(generation, i, 1), params.max_new_tokens);
    t5_generation_free(generation);
    free_lists(&inputs);
    close_all();
}
END_TEST

/* ---- the rules of the settings ---- */

static float sum_of(const float *logprobs, size_t n) {
    float sum = 0;
    for (size_t t = 0; t < n; t++) sum += logprobs[t];
    return sum;
}

static bool has_repeated_ngram(const t5_answer *a, int32_t start, size_t ngram) {
    int32_t ids[64] = {start};
    memcpy(ids + 1, a->ids, a->n * sizeof *ids);
    for (size_t i = 0; i + ngram <= a->n + 1; i++) {
        for (size_t j = 0; j < i; j++) {
            if (memcmp(ids + i, ids + j, ngram * sizeof *ids) == 0) return true;
        }
    }
    return false;
}

static void check_rules(const t5_answer *a, const t5_generate_params *params) {
    const t5_config *config = t5_model_config(model);
    ck_assert_uint_ge(a->n, 1);
    ck_assert_uint_le(a->n, params->max_new_tokens);
    for (size_t t = 0; t < a->n; t++) {
        const bool is_end = a->ids[t] == config->eos_token_id;
        ck_assert_msg(!is_end || (t + 1 == a->n && t >= params->min_new_tokens), "</s> at %zu of %zu", t, a->n);
        ck_assert_msg(a->logprobs[t] <= 0 && isfinite(a->logprobs[t]), "log-probability %g", (double)a->logprobs[t]);
    }
    ck_assert_int_eq(a->ended, a->ids[a->n - 1] == config->eos_token_id);
    ck_assert_msg(a->ended || a->n == params->max_new_tokens, "stopped after %zu ids", a->n);
    const size_t ngram = params->no_repeat_ngram_size;
    ck_assert_msg(ngram == 0 || !has_repeated_ngram(a, config->decoder_start_token_id, ngram), "a repeated %zu-gram", ngram);
    const float sum = sum_of(a->logprobs, a->n);
    const float score = params->num_beams == 1 ? sum : sum / (float)pow((double)a->n, (double)params->length_penalty);
    ck_assert_msg(same_floats(1, &score, &a->score), "score %.9g, not %.9g", (double)a->score, (double)score);
}

/* What t5_score says of an answer is what generation said, bit for bit. */
static void check_scored(const t5_ids *input, const t5_answer *answers, size_t n) {
    for (size_t a = 0; a < n; a++) {
        float logprobs[64];
        rt_error err;
        const t5_ids target = {.ids = answers[a].ids, .n = answers[a].n};
        must(t5_score(session, input, &target, 1, logprobs, &err), &err);
        ck_assert_msg(same_floats(target.n, logprobs, answers[a].logprobs), "log-probabilities of answer %zu", a);
    }
}

static const t5_generate_params rules[] = {
    {.max_new_tokens = 1, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1},
    {.max_new_tokens = 20, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 7},
    {.max_new_tokens = 9, .min_new_tokens = 9, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1},
    {.max_new_tokens = 20, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1, .no_repeat_ngram_size = 1},
    {.max_new_tokens = 20, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1, .no_repeat_ngram_size = 50},
    {.max_new_tokens = 1, .num_beams = 4, .num_return_sequences = 4, .length_penalty = 1},
    {.max_new_tokens = 12, .num_beams = 4, .num_return_sequences = 4, .length_penalty = 1, .no_repeat_ngram_size = 2},
    {.max_new_tokens = 12, .min_new_tokens = 5, .num_beams = 3, .num_return_sequences = 3, .length_penalty = 2,
     .early_stopping = T5_EARLY_TRUE},
    {.max_new_tokens = 12, .min_new_tokens = 3, .num_beams = 5, .num_return_sequences = 5, .length_penalty = -1,
     .early_stopping = T5_EARLY_NEVER},
    {.max_new_tokens = 6, .min_new_tokens = 6, .num_beams = 2, .num_return_sequences = 2, .length_penalty = 0.6f},
    {.max_new_tokens = 5, .num_beams = 200, .num_return_sequences = 200, .length_penalty = 1},
};

START_TEST(every_answer_keeps_the_rules) {
    const t5_generate_params *params = &rules[_i];
    open_all(GOLDEN("gelu"));
    id_lists inputs = random_lengths(&r, t5_model_config(model), 20, 4);
    t5_generation *generation = must_generate(session, inputs.list, inputs.n, params);
    t5_generate_params fewer = *params;
    fewer.num_return_sequences = 1;
    t5_generation *first = must_generate(session, inputs.list, inputs.n, &fewer);
    for (size_t i = 0; i < inputs.n; i++) {
        const size_t n = params->num_return_sequences;
        const t5_answer *answers = must_have_answers(generation, i, n);
        for (size_t a = 0; a < n; a++) {
            check_rules(&answers[a], params);
            if (a == 0) continue;
            ck_assert_msg(answers[a].score <= answers[a - 1].score, "answer %zu is better than the one before", a);
            ck_assert_msg(!same_answer(&answers[a], &answers[a - 1]), "answer %zu twice", a);
        }
        ck_assert(same_answer(must_have_answers(first, i, 1), &answers[0]));
        check_scored(&inputs.list[i], answers, n < 10 ? n : 10);
    }
    t5_generation_free(first);
    t5_generation_free(generation);
    free_lists(&inputs);
    close_all();
}
END_TEST

/* ---- greedy without log-probabilities ---- */

/* The same ids; no log-probability but with beams. */
static void check_skipped(const t5_answer *a, const t5_answer *with, bool has_beams) {
    if (has_beams) {
        ck_assert(same_answer(a, with));
        return;
    }
    ck_assert_uint_eq(a->n, with->n);
    ck_assert_int_eq(a->ended, with->ended);
    ck_assert_msg(memcmp(a->ids, with->ids, a->n * sizeof *a->ids) == 0, "other ids");
    ck_assert(isnan(a->score));
    for (size_t t = 0; t < a->n; t++) ck_assert(isnan(a->logprobs[t]));
}

/* A vocabulary large enough for its 8-bit copy; some ids share their rows, so that logits tie. */
static void widen_vocabulary(model_folder *folder) {
    enum { WORDS = 1 << 18, D_MODEL = 32 };
    random_source source = {.state = 6};
    float *shared = folder_reshape(folder_find(folder, "shared.weight"), WORDS, D_MODEL);
    fill_floats(&source, FLOATS_UNIT, WORDS * D_MODEL, shared);
    memcpy(shared + WORDS / 2 * D_MODEL, shared, WORDS / 4 * D_MODEL * sizeof *shared);
    folder_set_number(folder, "vocab_size", WORDS);
}

/* A vocabulary that is screened, and two that are not; batches of all sizes, some of them in more than one group of rows. */
START_TEST(skipping_log_probabilities_changes_no_id) {
    static const char *const paths[] = {GOLDEN("relu_tied"), GOLDEN("real_vocab"), GOLDEN("relu_tied")};
    static const size_t sizes[3][3] = {{1, 2, 5}, {3, 9, 0}, {13, 0, 70}}; /* for 1, 2 and 3 threads; the last for small models alone */
    r = (random_source){.state = 9};
    model_folder folder;
    folder_open(&folder, paths[_i / 3]);
    if (_i < 3) widen_vocabulary(&folder);
    model = must_open(folder_write(&folder));
    t5_session_params settings = t5_session_defaults();
    settings.threads = 1 + (size_t)_i % 3;
    if (_i % 2 == 1) settings.batch_tokens = 100; /* some are let in later */
    session = must_start(model, &settings);
    for (size_t s = 0; s < (_i < 3 ? 2 : 3); s++) {
        id_lists inputs = random_lengths(&r, t5_model_config(model), 40, sizes[_i % 3][s]);
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            t5_generate_params params = rules[i];
            if (params.num_beams > 4 || (params.num_beams > 1 && inputs.n > 2)) continue;
            t5_generation *with = must_generate(session, inputs.list, inputs.n, &params);
            params.skip_logprobs = true;
            t5_generation *without = must_generate(session, inputs.list, inputs.n, &params);
            for (size_t q = 0; q < inputs.n; q++) {
                const size_t n = params.num_return_sequences;
                check_skipped(must_have_answers(without, q, n), must_have_answers(with, q, n), params.num_beams > 1);
            }
            t5_generation_free(with);
            t5_generation_free(without);
        }
        free_lists(&inputs);
    }
    close_all();
    folder_close(&folder);
}
END_TEST

/* ---- many at once, and none ---- */

START_TEST(many_at_once_or_one_at_a_time) {
    open_all(GOLDEN("gated_silu"));
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = 10;
    if (_i == 1) params.num_beams = 3, params.num_return_sequences = 2;
    id_lists inputs = random_lengths(&r, t5_model_config(model), 25, 300);
    t5_generation *generation = must_generate(session, inputs.list, inputs.n, &params);
    size_t n_ids = 0;
    for (size_t i = 0; i < inputs.n; i++) n_ids += must_have_answers(generation, i, params.num_return_sequences)[0].n;
    float *logprobs = malloc(n_ids * sizeof *logprobs);
    t5_ids *targets = malloc(inputs.n * sizeof *targets);
    for (size_t i = 0; i < inputs.n; i++) {
        const t5_answer *best = must_have_answers(generation, i, params.num_return_sequences);
        targets[i] = (t5_ids){.ids = best->ids, .n = best->n};
        t5_generation *alone = must_generate(session, &inputs.list[i], 1, &params);
        const t5_answer *of_alone = must_have_answers(alone, 0, params.num_return_sequences);
        for (size_t a = 0; a < params.num_return_sequences; a++) {
            if (!same_answer(&best[a], &of_alone[a])) ck_abort_msg("answer %zu of input %zu", a, i);
        }
        t5_generation_free(alone);
    }
    rt_error err;
    must(t5_score(session, inputs.list, targets, inputs.n, logprobs, &err), &err);
    for (size_t i = 0, at = 0; i < inputs.n; at += targets[i++].n) {
        const t5_answer *best = must_have_answers(generation, i, params.num_return_sequences);
        if (!same_floats(best->n, best->logprobs, logprobs + at)) ck_abort_msg("the score of input %zu", i);
    }
    free(targets);
    free(logprobs);
    t5_generation_free(generation);
    free_lists(&inputs);
    close_all();
}
END_TEST

/* ---- scoring targets of the same input ---- */

enum { N_PAIRS = 11, LONG = 140, SHORT = 20 }; /* a long input is read as it is where tokens_per_input is small, a short one never */

typedef struct pairs {
    id_lists inputs, targets;
    t5_ids input[N_PAIRS]; /* 0 0 0 1 1 2 0 2 2 2, the second 1 from another place, and the beginning of 2 */
    int32_t copy[LONG];
} pairs;

static void make_pairs(pairs *p) {
    static const size_t lengths[] = {SHORT, LONG, LONG}, order[N_PAIRS] = {0, 0, 0, 1, 1, 2, 0, 2, 2, 2, 2};
    p->inputs = random_lists(&r, t5_model_config(model), lengths, 3);
    p->targets = random_lengths(&r, t5_model_config(model), 6, N_PAIRS);
    for (size_t i = 0; i < N_PAIRS; i++) p->input[i] = p->inputs.list[order[i]];
    memcpy(p->copy, p->input[4].ids, sizeof p->copy);
    p->input[4].ids = p->copy;
    p->input[N_PAIRS - 1].n--;
}

/* How many input tokens are encoded, in how many batches. */
static void check_shared(const pairs *p, t5_session_params settings, size_t n_encoded, size_t n_batches) {
    float logprobs[6 * N_PAIRS], of_alone[6];
    t5_statistics *counts;
    rt_error err;
    t5_session *together = must_start(model, &settings);
    must(t5_statistics_open(model, &counts, &err), &err);
    t5_session_collect(together, counts);
    must(t5_score(together, p->input, p->targets.list, N_PAIRS, logprobs, &err), &err);
    t5_session_collect(together, NULL);
    ck_assert_uint_eq(t5_statistics_rows(counts, T5_ENCODER_FF, 0), n_encoded);
    ck_assert_uint_eq(t5_session_steps(together), n_batches);
    for (size_t i = 0, at = 0; i < N_PAIRS; at += p->targets.list[i++].n) {
        must(t5_score(together, &p->input[i], &p->targets.list[i], 1, of_alone, &err), &err);
        if (!same_floats(p->targets.list[i].n, of_alone, logprobs + at)) ck_abort_msg("pair %zu", i);
    }
    t5_statistics_close(counts);
    t5_session_close(together);
}

START_TEST(neighbours_with_one_input_share_it) {
    pairs p;
    open_all(GOLDEN("gelu"));
    make_pairs(&p);
    size_t n_targets = 0, n_all = 0;
    for (size_t i = 0; i < N_PAIRS; i++) n_targets += p.targets.list[i].n, n_all += p.input[i].n;
    const size_t n_shared = SHORT + LONG + LONG + SHORT + LONG + LONG - 1;
    t5_session_params settings = t5_session_defaults();
    settings.threads = 1 + (size_t)_i % 2;
    settings.tokens_per_input = _i < 2 ? 1 : 1000;
    if (_i == 4) settings.cross_topk = 3;
    settings.batch_tokens = n_shared + n_targets;
    check_shared(&p, settings, n_shared, 1);
    settings.batch_tokens = n_shared + n_targets - 1; /* leaves out the last */
    check_shared(&p, settings, n_shared, 2);
    settings.batch_tokens = 1;
    check_shared(&p, settings, n_all, N_PAIRS);
    free_lists(&p.inputs);
    free_lists(&p.targets);
    close_all();
}
END_TEST

START_TEST(nothing_to_answer) {
    open_all(GOLDEN("relu_tied"));
    const t5_generate_params params = t5_generate_defaults();
    rt_error err;
    t5_generation *generation = must_generate(session, NULL, 0, &params);
    ck_assert_ptr_null(must_have_answers(generation, 0, 0));
    t5_generation_free(generation);
    t5_generation_free(NULL);
    ck_assert_int_eq(t5_score(session, NULL, NULL, 0, NULL, &err), RT_OK);
    close_all();
}
END_TEST

/* ---- what is refused ---- */

typedef struct refused {
    const char *part;
    t5_generate_params params;
} refused;

static const refused refused_params[] = {
    {"max_new_tokens = 0", {.max_new_tokens = 0, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1}},
    {"min_new_tokens = 4 is over max_new_tokens = 3",
     {.max_new_tokens = 3, .min_new_tokens = 4, .num_beams = 1, .num_return_sequences = 1, .length_penalty = 1}},
    {"num_beams = 0", {.max_new_tokens = 3, .num_beams = 0, .num_return_sequences = 1, .length_penalty = 1}},
    {"num_beams = 1025", {.max_new_tokens = 3, .num_beams = 1025, .num_return_sequences = 1, .length_penalty = 1}},
    {"num_return_sequences = 0", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 0, .length_penalty = 1}},
    {"num_return_sequences = 3 is outside 1 .. 2", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 3, .length_penalty = 1}},
    {"length_penalty", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 1, .length_penalty = NAN}},
    {"length_penalty", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 1, .length_penalty = INFINITY}},
    {"length_penalty", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 1, .length_penalty = -101}},
};

static const int32_t good[] = {5, 6, 7, 299}, over[] = {5, 300}, negative[] = {-1};

/* A bad input among good ones; batch_tokens = 8 puts it in a later batch than the first. */
static const t5_ids bad_inputs[][4] = {
    {{good, 4}, {good, 4}, {good, 4}, {good, 0}},
    {{good, 4}, {good, 4}, {over, 2}, {good, 4}},
    {{negative, 1}, {good, 4}, {good, 4}, {good, 4}},
};

static void refuse(const char *part, rt_status status, const rt_error *err) {
    ck_assert_msg(status == RT_ERR_USAGE && err->status == RT_ERR_USAGE, "%s: status %d, not usage", part, (int)status);
    ck_assert_msg(strstr(err->message, part) != NULL, "no '%s' in '%s'", part, err->message);
}

START_TEST(refused_and_gone_on) {
    static const char *const parts[] = {"sequence 3 has no ids", "id 300 is outside the vocabulary (0 .. 299)", "id -1 is outside"};
    static const t5_ids targets[] = {{good, 2}, {good, 3}, {good, 1}, {good, 4}};
    const float untouched[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    float logprobs[10];
    rt_error err;
    model = must_open(GOLDEN("gelu"));
    t5_session_params settings = t5_session_defaults();
    settings.batch_tokens = 8;
    session = must_start(model, &settings);
    const t5_generate_params params = t5_generate_defaults();
    t5_generation *before = must_generate(session, bad_inputs[0], 3, &params), *none = NULL;
    memcpy(logprobs, untouched, sizeof logprobs);
    for (size_t i = 0; i < sizeof refused_params / sizeof *refused_params; i++) {
        refuse(refused_params[i].part, t5_generate(session, bad_inputs[0], 3, &refused_params[i].params, &none, &err), &err);
    }
    for (size_t i = 0; i < 3; i++) {
        refuse(parts[i], t5_generate(session, bad_inputs[i], 4, &params, &none, &err), &err);
        refuse(parts[i], t5_score(session, bad_inputs[i], targets, 4, logprobs, &err), &err);
        refuse(parts[i], t5_score(session, targets, bad_inputs[i], 4, logprobs, &err), &err);
        ck_assert_msg(memcmp(logprobs, untouched, sizeof logprobs) == 0, "log-probabilities written in spite of: %s", parts[i]);
    }
    ck_assert_int_eq(t5_generate(session, bad_inputs[0], 4, &params, &none, NULL), RT_ERR_USAGE);
    ck_assert_ptr_null(none);
    t5_generation *after = must_generate(session, bad_inputs[0], 3, &params);
    for (size_t i = 0; i < 3; i++) ck_assert(same_answer(must_have_answers(before, i, 1), must_have_answers(after, i, 1)));
    t5_generation_free(before);
    t5_generation_free(after);
    close_all();
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("generate");
    tcase_add_loop_test(tests, greedy_takes_the_best_of_the_logits, 0, 3);
    tcase_add_loop_test(tests, every_answer_keeps_the_rules, 0, sizeof rules / sizeof *rules);
    tcase_add_loop_test(tests, skipping_log_probabilities_changes_no_id, 0, 9);
    tcase_add_loop_test(tests, many_at_once_or_one_at_a_time, 0, 2);
    tcase_add_loop_test(tests, neighbours_with_one_input_share_it, 0, 5);
    tcase_add_test(tests, nothing_to_answer);
    tcase_add_test(tests, refused_and_gone_on);
    return run_tests("generate", tests, 300);
}

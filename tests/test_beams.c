/* Beam search over a vocabulary so small that every sequence can be listed and scored. */
#include "tests/support/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model_folder.h"

enum { TINY_VOCAB = 5, TINY_LENGTH = 3, N_TINY = 85 }; /* 85 = 1 + 4 + 4 * 4 * 5: ended after 1 or 2 ids, or of 3 */

static model_folder folder;
static t5_model *model;
static t5_session *session;

/* A model of the first few ids; with all logits equal if asked. */
static void open_tiny(bool equal) {
    folder_open(&folder, GOLDEN("relu_tied"));
    folder_tensor *shared = folder_find(&folder, "shared.weight");
    folder_cut_rows(shared, TINY_VOCAB);
    if (equal) memset(shared->data, 0, shared->n_bytes);
    folder_set_number(&folder, "vocab_size", TINY_VOCAB);
    model = must_open(folder_write(&folder));
    session = must_start_plain(model);
}

static void close_tiny(void) {
    t5_session_close(session);
    t5_model_close(model);
    folder_close(&folder);
}

typedef struct sequence {
    int32_t ids[TINY_LENGTH];
    float logprobs[TINY_LENGTH];
    size_t n;
    float score;
} sequence;

/* Every sequence that ends in </s> or is full, and nothing beyond its first </s>. */
static size_t list_sequences(int32_t eos, sequence *all) {
    size_t n = 0;
    for (int32_t code = 0; code < TINY_VOCAB * TINY_VOCAB * TINY_VOCAB; code++) {
        const int32_t ids[TINY_LENGTH] = {code / (TINY_VOCAB * TINY_VOCAB), code / TINY_VOCAB % TINY_VOCAB, code % TINY_VOCAB};
        size_t length = 1;
        while (length < TINY_LENGTH && ids[length - 1] != eos) length++;
        bool shortest = true; /* of those codes that differ only beyond the end */
        for (size_t t = length; t < TINY_LENGTH; t++) shortest = shortest && ids[t] == 0;
        if (!shortest) continue;
        memcpy(all[n].ids, ids, sizeof ids);
        all[n++].n = length;
    }
    return n;
}

static int by_score(const void *a, const void *b) {
    const sequence *x = a, *y = b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : 0;
}

static void score_sequences(const t5_ids *input, sequence *all, float length_penalty) {
    t5_ids inputs[N_TINY], targets[N_TINY];
    float logprobs[N_TINY * TINY_LENGTH];
    rt_error err;
    for (size_t s = 0; s < N_TINY; s++) inputs[s] = *input, targets[s] = (t5_ids){.ids = all[s].ids, .n = all[s].n};
    must(t5_score(session, inputs, targets, N_TINY, logprobs, &err), &err);
    for (size_t s = 0, at = 0; s < N_TINY; at += all[s++].n) {
        memcpy(all[s].logprobs, logprobs + at, all[s].n * sizeof *logprobs);
        all[s].score = 0;
        for (size_t t = 0; t < all[s].n; t++) all[s].score += all[s].logprobs[t];
        all[s].score /= (float)pow((double)all[s].n, (double)length_penalty);
    }
    qsort(all, N_TINY, sizeof *all, by_score);
}

/* Where beams outnumber what the vocabulary offers, the search finds every sequence and no more. */
START_TEST(beams_beyond_a_tiny_vocabulary) {
    static const float penalties[] = {0.0f, 1.0f, -0.5f, 2.0f};
    static const size_t beams[] = {N_TINY, 128, 1024};
    open_tiny(false);
    static const int32_t ids[] = {4, 2, 2, 3, 0, 1};
    const t5_ids input = {.ids = ids, .n = 6};
    sequence all[TINY_VOCAB * TINY_VOCAB * TINY_VOCAB];
    ck_assert_uint_eq(list_sequences(t5_model_config(model)->eos_token_id, all), N_TINY);
    for (size_t i = 0; i < 12; i++) {
        t5_generate_params params = t5_generate_defaults();
        params.max_new_tokens = TINY_LENGTH, params.length_penalty = penalties[i % 4];
        params.num_beams = params.num_return_sequences = beams[i % 3];
        score_sequences(&input, all, params.length_penalty);
        t5_generation *generation = must_generate(session, &input, 1, &params);
        const t5_answer *answers = must_have_answers(generation, 0, N_TINY);
        for (size_t s = 0; s < N_TINY; s++) {
            const t5_answer wanted = {.ids = all[s].ids, .logprobs = all[s].logprobs, .n = all[s].n, .score = all[s].score,
                                      .ended = all[s].ids[all[s].n - 1] == t5_model_config(model)->eos_token_id};
            ck_assert_msg(same_answer(&answers[s], &wanted), "%zu beams, penalty %g: sequence %zu", params.num_beams,
                          (double)params.length_penalty, s);
        }
        t5_generation_free(generation);
    }
    close_tiny();
}
END_TEST

/* With all logits equal the order is that of beams and ids, and of finished answers with equal scores the first that came goes first. */
START_TEST(equal_scores) {
    static const int32_t first[] = {1}, second[] = {0, 0}, greedy[] = {0, 0};
    static const t5_ids expected[] = {{first, 1}, {second, 2}, {greedy, 2}};
    open_tiny(true);
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = 2, params.num_beams = params.num_return_sequences = 2;
    const t5_ids input = {.ids = second, .n = 2};
    t5_generation *beams = must_generate(session, &input, 1, &params);
    params.num_beams = params.num_return_sequences = 1;
    t5_generation *alone = must_generate(session, &input, 1, &params);
    const t5_answer *found[] = {must_have_answers(beams, 0, 2), must_have_answers(beams, 0, 2) + 1, must_have_answers(alone, 0, 1)};
    for (size_t a = 0; a < 3; a++) {
        ck_assert_uint_eq(found[a]->n, expected[a].n);
        ck_assert_mem_eq(found[a]->ids, expected[a].ids, expected[a].n * sizeof *expected[a].ids);
    }
    ck_assert(same_floats(1, &found[0]->score, &found[1]->score));
    t5_generation_free(beams);
    t5_generation_free(alone);
    close_tiny();
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("beams");
    tcase_add_test(tests, beams_beyond_a_tiny_vocabulary);
    tcase_add_test(tests, equal_scores);
    return run_tests("beams", tests, 120);
}

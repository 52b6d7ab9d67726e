/* Models, sessions, questions and answers for tests; see model.h. Every assertion that holds writes a line to the test runner, so here,
 * where thousands would hold, only a failure calls it. */
#include "tests/support/model.h"

#include <stdlib.h>

void must(rt_status status, const rt_error *err) {
    if (status != RT_OK) ck_abort_msg("status %d (%s)", (int)status, err->message);
}

t5_model *must_open(const char *path) { return must_open_as(path, T5_F32); }

t5_model *must_open_as(const char *path, t5_compute compute) {
    t5_model *model = NULL;
    rt_error err;
    must(t5_model_open(path, compute, &model, &err), &err);
    return model;
}

t5_session *must_start(const t5_model *model, const t5_session_params *params) {
    t5_session *session = NULL;
    rt_error err;
    must(t5_session_open(model, params, &session, &err), &err);
    return session;
}

t5_session *must_start_plain(const t5_model *model) {
    t5_session_params params = t5_session_defaults();
    params.threads = 1;
    return must_start(model, &params);
}

id_lists random_lists(random_source *r, const t5_config *config, const size_t *lengths, size_t n) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += lengths[i];
    id_lists lists = {.list = malloc((n + 1) * sizeof *lists.list), .ids = malloc((total + 1) * sizeof *lists.ids), .n = n};
    if (lists.list == NULL || lists.ids == NULL) ck_abort_msg("out of memory");
    for (size_t t = 0; t < total; t++) lists.ids[t] = (int32_t)random_below(r, config->vocab_size);
    const int32_t *at = lists.ids;
    for (size_t i = 0; i < n; at += lengths[i++]) lists.list[i] = (t5_ids){.ids = at, .n = lengths[i]};
    return lists;
}

id_lists random_lengths(random_source *r, const t5_config *config, size_t max_length, size_t n) {
    size_t *lengths = malloc((n + 1) * sizeof *lengths);
    if (lengths == NULL) ck_abort_msg("out of memory");
    for (size_t i = 0; i < n; i++) lengths[i] = 1 + random_below(r, max_length);
    const id_lists lists = random_lists(r, config, lengths, n);
    free(lengths);
    return lists;
}

void free_lists(id_lists *lists) {
    free(lists->list);
    free(lists->ids);
    *lists = (id_lists){0};
}

/* FNV-1a, a word at a time. */
uint64_t hash_words(uint64_t hash, const void *words, size_t n) {
    const uint32_t *word = words;
    for (size_t i = 0; i < n; i++) hash = (hash ^ word[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t hash_answers(const t5_answer *answers, size_t n) {
    uint64_t hash = HASH_START;
    for (size_t a = 0; a < n; a++) {
        const uint32_t ends[] = {(uint32_t)answers[a].n, answers[a].ended};
        hash = hash_words(hash, ends, 2);
        hash = hash_words(hash, answers[a].ids, answers[a].n);
        hash = hash_words(hash, answers[a].logprobs, answers[a].n);
        hash = hash_words(hash, &answers[a].score, 1);
    }
    return hash;
}

t5_generation *must_generate(t5_session *session, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params) {
    t5_generation *generation = NULL;
    rt_error err;
    must(t5_generate(session, inputs, n_inputs, params, &generation, &err), &err);
    return generation;
}

const t5_answer *must_have_answers(const t5_generation *generation, size_t input, size_t n) {
    size_t found;
    const t5_answer *answers = t5_generation_answers(generation, input, &found);
    if (found != n) ck_abort_msg("input %zu has %zu answers, not %zu", input, found, n);
    return answers;
}

bool same_answer(const t5_answer *a, const t5_answer *b) { return a->n == b->n && hash_answers(a, 1) == hash_answers(b, 1); }

/* Models, sessions, questions and answers for tests: what must not fail ends the test, and results are compared as hashes of their bits. */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include <check.h>

#include "model/t5.h"
#include "tests/support/floats.h"
#include "tests/support/suite.h"

#define QA_MINI "data/models/qa-mini"
#define GOLDEN(name) "tests/golden/cases/" name "/safetensors"

/* Ends the test unless status is RT_OK; writes nothing if it is, so that it may stand in the midst of loops. */
void must(rt_status status, const rt_error *err);

t5_model *must_open(const char *path); /* T5_F32 */
t5_model *must_open_as(const char *path, t5_compute compute);
t5_session *must_start(const t5_model *model, const t5_session_params *params);

/* A session of one thread with the default settings. */
t5_session *must_start_plain(const t5_model *model);

/* Sequences of random ids of the vocabulary, of the lengths given. */
typedef struct id_lists {
    t5_ids *list; /* [n] */
    int32_t *ids; /* [sum of lengths] */
    size_t n;
} id_lists;

id_lists random_lists(random_source *r, const t5_config *config, const size_t *lengths, size_t n);

/* The same, n lists of random lengths in 1 .. max_length. */
id_lists random_lengths(random_source *r, const t5_config *config, size_t max_length, size_t n);
void free_lists(id_lists *lists);

/* Goes on from a hash with n words of 32 bits; start from HASH_START. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t hash_words(uint64_t hash, const void *words, size_t n);

/* Of ids, log-probabilities, score and `ended` of n answers. */
uint64_t hash_answers(const t5_answer *answers, size_t n);

/* Answers of all inputs; freed by the caller. */
t5_generation *must_generate(t5_session *session, const t5_ids *inputs, size_t n_inputs, const t5_generate_params *params);

/* The answers of an input, of which there must be n. */
const t5_answer *must_have_answers(const t5_generation *generation, size_t input, size_t n);

/* Whether all of two answers is the same, bit for bit. */
bool same_answer(const t5_answer *a, const t5_answer *b);

#endif

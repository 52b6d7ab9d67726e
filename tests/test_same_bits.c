/* The promise of model/t5.h: whatever a question travels with, however the work is cut and on whatever instruction set, its results are the
 * same bits. The measure is each question alone, with one thread and the default settings. */
#include "tests/support/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels.h"
#include "tests/support/model_folder.h"

enum { N_QUESTIONS = 17, N_CHUNKS = 4, N_BATCHES = 3, MAX_THREADS = 3, MAX_FED = 7, LONG = 1000 };

typedef enum part { ENCODER_HIDDEN, DECODER_HIDDEN, LOGITS, SCORED, GREEDY, BEAMS, N_PARTS } part;

static const char *const part_names[N_PARTS] = {"encoder_hidden", "decoder_hidden", "logits", "scored", "greedy", "beams"};

/* Hashes of all that one question yields. */
typedef struct question_bits {
    uint64_t part[N_PARTS];
} question_bits;

typedef struct subject {
    const char *path;
    void (*edit)(model_folder *folder); /* what is changed in it first; NULL: nothing */
    size_t max_length, n_long;          /* of the questions; some long enough to be read in either form */
    size_t max_new_tokens, n_variants, n_trials;
    t5_compute compute;
} subject;

/* What results depend on. Sources are read in one of two forms (tokens_per_input); 1 asks for the one that
 * suits short answers. */
typedef struct variant {
    size_t ff, encoder, decoder, cross, tokens_per_input;
} variant;

static const variant variants[] = {
    {.tokens_per_input = LONG},
    {.tokens_per_input = 1},
    {.ff = 5, .encoder = 9, .decoder = 1, .cross = 6, .tokens_per_input = LONG},
    {.ff = 8, .tokens_per_input = LONG},
    {.encoder = 4, .tokens_per_input = LONG},
    {.decoder = 2, .tokens_per_input = LONG},
    {.cross = 3, .tokens_per_input = 1},
};

enum { N_VARIANTS = sizeof variants / sizeof *variants };

static void cut_vocabulary(model_folder *folder) {
    folder_cut_rows(folder_find(folder, "shared.weight"), 500);
    folder_set_number(folder, "vocab_size", 500);
}

/* One wide feed-forward layer a stack, with few positive units, so that decoding steps screen them. */
static void widen(model_folder *folder) {
    static const char *const blocks[] = {"encoder.block.0.layer.1", "decoder.block.0.layer.2"};
    enum { WIDTH = 1 << 15, D_MODEL = 32 };
    random_source r = {.state = 2};
    folder_drop(folder, "encoder.block.1.");
    folder_drop(folder, "decoder.block.1.");
    folder_set_number(folder, "num_layers", 1);
    folder_set_number(folder, "num_decoder_layers", 1);
    folder_set_number(folder, "d_ff", WIDTH);
    float *shared = (float *)(void *)folder_find(folder, "shared.weight")->data;
    for (size_t i = 0; i < folder_find(folder, "shared.weight")->shape[0]; i++) shared[i * D_MODEL] = 3;
    for (size_t b = 0; b < 2; b++) {
        char name[64];
        snprintf(name, sizeof name, "%s.DenseReluDense.wi.weight", blocks[b]);
        float *wi = folder_reshape(folder_find(folder, name), WIDTH, D_MODEL);
        fill_floats(&r, FLOATS_UNIT, WIDTH * D_MODEL, wi);
        for (size_t u = 0; u < WIDTH; u++) wi[u * D_MODEL] -= 1.5f;
        snprintf(name, sizeof name, "%s.DenseReluDense.wo.weight", blocks[b]);
        float *wo = folder_reshape(folder_find(folder, name), D_MODEL, WIDTH);
        for (size_t i = 0; i < WIDTH * D_MODEL; i++) wo[i] = random_unit(&r) / 256;
    }
}

/* The plain C kernels are slow: they see the larger models with short questions, and the whole vocabulary of one of them once. */
static const subject subjects[] = {
    {GOLDEN("relu_tied"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_F32}, {GOLDEN("gated_gelu"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_F32},
    {GOLDEN("odd_sizes"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_F32}, {GOLDEN("gelu"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_F32},
    {GOLDEN("gated_silu"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_F32}, {GOLDEN("relu_tied"), widen, 3, 0, 3, 3, 5, T5_F32},
    {QA_MINI, cut_vocabulary, 10, 2, 4, 3, 7, T5_F32}, {QA_MINI, NULL, 10, 2, 2, 1, 3, T5_F32},
    {GOLDEN("relu_tied"), NULL, 60, 2, 7, 3, N_QUESTIONS, T5_Q8}, {GOLDEN("gated_gelu"), NULL, 60, 2, 7, N_VARIANTS, N_QUESTIONS, T5_Q8},
    {GOLDEN("odd_sizes"), NULL, 60, 2, 7, 3, N_QUESTIONS, T5_Q8},
};

enum { N_SUBJECTS = sizeof subjects / sizeof *subjects };

typedef struct workload {
    model_folder folder;
    t5_model *model;
    id_lists questions;
    id_lists fed; /* to the decoder, and as targets to be scored */
    size_t max_new_tokens;
} workload;

static workload open_workload(const subject *s) {
    random_source r = {.state = 1};
    workload w = {.max_new_tokens = s->max_new_tokens};
    folder_open(&w.folder, s->path);
    if (s->edit != NULL) s->edit(&w.folder);
    w.model = must_open_as(s->edit != NULL ? folder_write(&w.folder) : s->path, s->compute);
    size_t lengths[N_QUESTIONS];
    for (size_t q = 0; q < N_QUESTIONS; q++) lengths[q] = q % 8 == 3 && q / 8 < s->n_long ? 130 + q : 1 + random_below(&r, s->max_length);
    w.questions = random_lists(&r, t5_model_config(w.model), lengths, N_QUESTIONS);
    w.fed = random_lengths(&r, t5_model_config(w.model), MAX_FED, N_QUESTIONS);
    return w;
}

static void close_workload(workload *w) {
    free_lists(&w->questions);
    free_lists(&w->fed);
    t5_model_close(w->model);
    folder_close(&w->folder);
}

static t5_session *start(const workload *w, t5_session_params params, variant v, const char *isa) {
    params.ff_topk = v.ff, params.encoder_topk = v.encoder, params.decoder_topk = v.decoder, params.cross_topk = v.cross;
    params.tokens_per_input = v.tokens_per_input;
    setenv("T5K_ISA", isa, 1);
    t5_session *session = must_start(w->model, &params);
    if (*isa != '\0' && strcmp(t5_session_isa(session), isa) != 0) ck_abort_msg("T5K_ISA=%s gives %s", isa, t5_session_isa(session));
    return session;
}

static void take_states(const workload *w, t5_session *session, const t5_ids *questions, const t5_ids *fed, size_t n, question_bits *bits) {
    const t5_config *config = t5_model_config(w->model);
    size_t source[N_QUESTIONS], n_states = 0;
    for (size_t q = 0; q < n; q++) {
        source[q] = q;
        n_states += fed[q].n;
    }
    float *logits = malloc(n_states * config->vocab_size * sizeof *logits);
    rt_error err;
    must(t5_encode(session, questions, n, &err), &err);
    must(t5_decode_start(session, source, n, &err), &err);
    must(t5_decode(session, fed, &err), &err);
    must(t5_logits(session, 0, n_states, logits, &err), &err);
    for (size_t q = 0, at = 0; q < n; at += fed[q++].n) {
        bits[q].part[ENCODER_HIDDEN] = hash_words(HASH_START, t5_encoder_hidden(session, q), questions[q].n * config->d_model);
        const float *states = t5_decoder_hidden(session) + at * config->d_model;
        bits[q].part[DECODER_HIDDEN] = hash_words(HASH_START, states, fed[q].n * config->d_model);
        bits[q].part[LOGITS] = hash_words(HASH_START, logits + at * config->vocab_size, fed[q].n * config->vocab_size);
    }
    free(logits);
}

static void take_answers(const workload *w, t5_session *session, const t5_ids *questions, size_t n, part into, question_bits *bits) {
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = w->max_new_tokens;
    if (into == BEAMS) params.num_beams = 4, params.num_return_sequences = 3;
    t5_generation *generation = must_generate(session, questions, n, &params);
    for (size_t q = 0; q < n; q++) {
        const t5_answer *answers = must_have_answers(generation, q, params.num_return_sequences);
        bits[q].part[into] = hash_answers(answers, params.num_return_sequences);
    }
    t5_generation_free(generation);
}

/* Runs questions first, first + 1, ... (round the end) side by side; bits[q] is of question q. */
static void take_bits(const workload *w, t5_session *session, size_t first, size_t n, question_bits bits[N_QUESTIONS]) {
    t5_ids questions[N_QUESTIONS], fed[N_QUESTIONS];
    question_bits taken[N_QUESTIONS];
    float logprobs[N_QUESTIONS * MAX_FED];
    rt_error err;
    for (size_t i = 0; i < n; i++) {
        questions[i] = w->questions.list[(first + i) % N_QUESTIONS];
        fed[i] = w->fed.list[(first + i) % N_QUESTIONS];
    }
    take_states(w, session, questions, fed, n, taken);
    take_answers(w, session, questions, n, GREEDY, taken);
    take_answers(w, session, questions, n, BEAMS, taken);
    must(t5_score(session, questions, fed, n, logprobs, &err), &err);
    for (size_t i = 0, at = 0; i < n; at += fed[i++].n) {
        taken[i].part[SCORED] = hash_words(HASH_START, logprobs + at, fed[i].n);
        bits[(first + i) % N_QUESTIONS] = taken[i];
    }
}

static void take_each_alone(const workload *w, variant v, question_bits bits[N_QUESTIONS]) {
    t5_session_params params = t5_session_defaults();
    params.threads = 1;
    t5_session *session = start(w, params, v, "");
    for (size_t q = 0; q < N_QUESTIONS; q++) take_bits(w, session, q, 1, bits);
    t5_session_close(session);
}

static void assert_same(const question_bits *a, const question_bits *b, const char *where) {
    for (size_t q = 0; q < N_QUESTIONS; q++) {
        for (size_t p = 0; p < N_PARTS; p++) {
            if (a[q].part[p] != b[q].part[p]) ck_abort_msg("%s: %s of question %zu", where, part_names[p], q);
        }
    }
}

/* Trial t: all questions side by side, beginning with question t, so that in 17 trials each comes to every place. The settings go round at
 * different speeds, so that they meet in many combinations. Trial 0 has the plain C kernels. */
static void try_settings(const workload *w, variant v, size_t t, const question_bits *alone, const char *path) {
    static const size_t chunks[N_CHUNKS] = {1, 7, 64, 10000}, batches[N_BATCHES] = {1, 50, 2048};
    const rt_kernels *runnable[RT_MAX_VARIANTS];
    const size_t n_isas = rt_kernels_runnable(runnable);
    const char *isa = t == 0 || n_isas == 1 ? "ref" : runnable[(t + t / 4) % (n_isas - 1)]->isa; /* the slowest comes last */
    t5_session_params params = t5_session_defaults();
    params.threads = 1 + t % MAX_THREADS, params.chunk = chunks[t % N_CHUNKS], params.batch_tokens = batches[(t + t / 3) % N_BATCHES];

    char where[256];
    question_bits bits[N_QUESTIONS];
    snprintf(where, sizeof where, "%s, %s, %zu threads, chunk %zu, batch_tokens %zu, from question %zu, top-k %zu %zu %zu %zu, %zu", path,
             isa, params.threads, params.chunk, params.batch_tokens, t, v.ff, v.encoder, v.decoder, v.cross, v.tokens_per_input);
    t5_session *session = start(w, params, v, isa);
    take_bits(w, session, t % N_QUESTIONS, N_QUESTIONS, bits);
    t5_session_close(session);
    assert_same(bits, alone, where);
}

START_TEST(alone_or_in_any_company) {
    const subject *s = &subjects[_i];
    workload w = open_workload(s);
    question_bits first[N_QUESTIONS];
    for (size_t v = 0; v < s->n_variants; v++) {
        question_bits alone[N_QUESTIONS];
        take_each_alone(&w, variants[v], alone);
        if (v == 0) memcpy(first, alone, sizeof first);
        const bool differs = v > 1 || (v == 1 && s->n_long > 0); /* short sources have one form */
        ck_assert_msg(!differs || memcmp(first, alone, sizeof first) != 0, "%s: variant %zu changes nothing", s->path, v);
        for (size_t t = 0; t < (SANITIZED && s->n_trials > 4 ? 4 : s->n_trials); t++) try_settings(&w, variants[v], t, alone, s->path);
    }
    close_workload(&w);
}
END_TEST

/* k = all, k = d_ff, and k of as many keys as there are, or more. */
START_TEST(keeping_all_is_dense) {
    workload w = open_workload(&subjects[_i]);
    const size_t d_ff = t5_model_config(w.model)->d_ff, longest = 130 + N_QUESTIONS;
    for (size_t form = 1; form <= LONG; form += LONG - 1) {
        const variant dense = {.tokens_per_input = form};
        const variant all[] = {
            {.ff = d_ff}, {.encoder = longest}, {.cross = longest}, {.decoder = MAX_FED}, {d_ff, 10 * longest, MAX_FED, 10 * longest, 0},
        };
        question_bits expected[N_QUESTIONS], bits[N_QUESTIONS];
        t5_session *session = start(&w, t5_session_defaults(), dense, "");
        take_bits(&w, session, 0, N_QUESTIONS, expected);
        t5_session_close(session);
        for (size_t v = 0; v < sizeof all / sizeof *all; v++) {
            variant keeping = all[v];
            keeping.tokens_per_input = form;
            session = start(&w, t5_session_defaults(), keeping, "");
            take_bits(&w, session, 0, N_QUESTIONS, bits);
            t5_session_close(session);
            assert_same(bits, expected, subjects[_i].path);
        }
    }
    close_workload(&w);
}
END_TEST

/* ---- ReLU keeps only the positive ---- */

/* Units of the feed-forward that are positive for an id, where attention adds nothing to its embedding. */
static size_t count_positive(const model_folder *folder, const t5_config *config, size_t id) {
    const float *x = (const float *)(const void *)folder_find(folder, "shared.weight")->data + id * config->d_model;
    const float *norm = (const float *)(const void *)folder_find(folder, "encoder.block.0.layer.1.layer_norm.weight")->data;
    const float *wi = (const float *)(const void *)folder_find(folder, "encoder.block.0.layer.1.DenseReluDense.wi.weight")->data;
    size_t n = 0;
    for (size_t u = 0; u < config->d_ff; u++) {
        double sum = 0; /* the norm's factor is positive and changes no sign */
        for (size_t c = 0; c < config->d_model; c++) sum += (double)(x[c] * norm[c]) * (double)wi[u * config->d_model + c];
        n += sum > 0;
    }
    return n;
}

static uint64_t encode_all_ids(const t5_model *model, size_t ff_topk) {
    const t5_config *config = t5_model_config(model);
    t5_session_params params = t5_session_defaults();
    params.ff_topk = ff_topk;
    t5_session *session = must_start(model, &params);
    int32_t *ids = malloc(config->vocab_size * sizeof *ids);
    for (size_t i = 0; i < config->vocab_size; i++) ids[i] = (int32_t)i;
    rt_error err;
    must(t5_encode(session, &(t5_ids){.ids = ids, .n = config->vocab_size}, 1, &err), &err);
    const uint64_t hash = hash_words(HASH_START, t5_encoder_hidden(session, 0), config->vocab_size * config->d_model);
    free(ids);
    t5_session_close(session);
    return hash;
}

/* One encoder block whose attention adds nothing: the number of positive units is then known; as many are dense, one less is not. */
START_TEST(relu_needs_the_positive_alone) {
    static const char *const paths[] = {GOLDEN("relu_tied"), GOLDEN("odd_sizes")};
    model_folder folder;
    folder_open(&folder, paths[_i]);
    folder_drop(&folder, "encoder.block.1.");
    folder_set_number(&folder, "num_layers", 1);
    folder_tensor *o = folder_find(&folder, "encoder.block.0.layer.0.SelfAttention.o.weight");
    memset(o->data, 0, o->n_bytes);
    t5_model *model = must_open(folder_write(&folder));
    const t5_config *config = t5_model_config(model);

    size_t most = 0;
    for (size_t id = 0; id < config->vocab_size; id++) {
        const size_t n = count_positive(&folder, config, id);
        if (n > most) most = n;
    }
    ck_assert_uint_lt(most, config->d_ff);
    const uint64_t dense = encode_all_ids(model, T5_ALL);
    for (size_t k = most; k <= config->d_ff; k++) {
        ck_assert_msg(encode_all_ids(model, k) == dense, "k = %zu, at most %zu are positive", k, most);
    }
    ck_assert_uint_ne(encode_all_ids(model, most - 1), dense);
    t5_model_close(model);
    folder_close(&folder);
}
END_TEST

/* ---- long inputs with top-k attention: kept keys by estimates, on kernels that have them, or from all scores ---- */

START_TEST(long_inputs_keep_the_same_keys) {
    static const size_t chunks[] = {64, 7, 1000}, lengths[] = {3, 700, 520};
    random_source r = {.state = 5};
    t5_model *model = must_open(GOLDEN("relu_tied"));
    id_lists inputs = random_lists(&r, t5_model_config(model), lengths, 3);
    const size_t d_model = t5_model_config(model)->d_model;
    const rt_kernels *isas[RT_MAX_VARIANTS];
    const size_t n_isas = rt_kernels_runnable(isas);
    uint64_t expected = 0;
    for (size_t i = 0; i < n_isas * 3; i++) {
        setenv("T5K_ISA", isas[i / 3]->isa, 1);
        t5_session_params params = t5_session_defaults();
        params.encoder_topk = 9;
        params.threads = 1 + i % 3;
        params.chunk = chunks[i % 3];
        t5_session *session = must_start(model, &params);
        rt_error err;
        must(t5_encode(session, inputs.list, 3, &err), &err);
        uint64_t hash = HASH_START;
        for (size_t q = 0; q < 3; q++) hash = hash_words(hash, t5_encoder_hidden(session, q), lengths[q] * d_model);
        if (i == 0) expected = hash;
        ck_assert_msg(hash == expected, "%s, %zu threads: other bits than %s", isas[i / 3]->isa, params.threads, isas[0]->isa);
        t5_session_close(session);
    }
    unsetenv("T5K_ISA");
    free_lists(&inputs);
    t5_model_close(model);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("same bits");
    tcase_add_loop_test(tests, alone_or_in_any_company, 0, N_SUBJECTS);
    tcase_add_loop_test(tests, keeping_all_is_dense, 0, N_SUBJECTS);
    tcase_add_loop_test(tests, relu_needs_the_positive_alone, 0, 2);
    tcase_add_test(tests, long_inputs_keep_the_same_keys);
    return run_tests("same bits", tests, 900);
}

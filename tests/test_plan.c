/* The memory plan against what running takes: part by part, to the byte; and against the peak that the system counts for a process. And
 * inspecting the largest T5 takes next to nothing. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/session.h"
#include "tests/support/model.h"
#include "tests/support/sparse_model.h"

#define CASES "tests/golden/cases/"

typedef struct request {
    const char *path;
    size_t n_inputs, length, num_beams, max_new_tokens, threads, chunk;
    t5_compute compute;
} request;

/* Lengths of answers are powers of two where all of the cache is to be touched. */
static const request requests[] = {
    {QA_MINI, 1, 512, 1, 32, 2, 64, T5_F32},
    {QA_MINI, 4, 512, 4, 64, 2, 64, T5_F32},
    {QA_MINI, 1, 8192, 1, 16, 1, 16, T5_F32},
    {QA_MINI, 1, 1, 1, 1, 1, 1, T5_F32},
    {QA_MINI, 70, 130, 1, 8, 3, 64, T5_F32},
    {CASES "gated_gelu/safetensors_f16_wo32", 8, 1024, 4, 16, 2, 64, T5_F32},
    {CASES "gated_gelu/gguf_q8_0", 2, 2048, 2, 100, 2, 7, T5_F32},
    {CASES "odd_sizes/bin_strided", 3, 300, 3, 5, 1, 64, T5_F32},
    {CASES "real_vocab/gguf_f16", 16, 256, 4, 16, 2, 64, T5_F32},
    {CASES "umt5/safetensors", 2, 1000, 1, 4, 2, 64, T5_F32},
    {QA_MINI, 2, 512, 4, 64, 2, 64, T5_Q8},
    {QA_MINI, 1, 50, 1, 64, 1, 64, T5_Q8},
    {CASES "gated_gelu/safetensors_f16_wo32", 3, 1024, 1, 16, 2, 64, T5_Q8},
    {CASES "odd_sizes/bin_strided", 3, 300, 3, 5, 1, 64, T5_Q8},
};

enum { N_REQUESTS = sizeof requests / sizeof *requests };

static t5_session_params session_params(const request *r) {
    t5_session_params params = t5_session_defaults();
    params.threads = r->threads, params.chunk = r->chunk, params.batch_tokens = r->n_inputs * r->length;
    params.tokens_per_input = r->num_beams * r->max_new_tokens;
    return params;
}

/* Answers of the full length. */
static t5_generate_params generate_params(const request *r) {
    t5_generate_params params = t5_generate_defaults();
    params.num_beams = r->num_beams, params.max_new_tokens = params.min_new_tokens = r->max_new_tokens;
    return params;
}

static t5_memory plan_of(const request *r) {
    const t5_session_params session = session_params(r);
    const t5_generate_params params = generate_params(r);
    t5_memory plan;
    rt_error err;
    must(t5_memory_plan(r->path, r->compute, &session, &params, r->n_inputs, r->length, &plan, &err), &err);
    return plan;
}

typedef struct run {
    t5_model *model;
    t5_session *session;
    t5_generation *answers;
    id_lists inputs;
} run;

static run run_request(const request *r) {
    const t5_session_params session = session_params(r);
    const t5_generate_params params = generate_params(r);
    random_source random = {.state = 1};
    size_t lengths[128];
    for (size_t i = 0; i < r->n_inputs; i++) lengths[i] = r->length;
    run done = {.model = must_open_as(r->path, r->compute)};
    done.session = must_start(done.model, &session);
    done.inputs = random_lists(&random, t5_model_config(done.model), lengths, r->n_inputs);
    done.answers = must_generate(done.session, done.inputs.list, r->n_inputs, &params);
    return done;
}

static void close_run(run *r) {
    t5_generation_free(r->answers);
    t5_session_close(r->session);
    t5_model_close(r->model);
    free_lists(&r->inputs);
}

/* ---- part by part ---- */

static size_t bytes_of(const rt_matrix *m) { return rt_dtype_bytes(m->dtype, m->rows * m->stride); }

/* In q8 only the embedding is read where it lies, and what absorbed cross-attention reads. */
static size_t read_in_q8(const t5_model *model) {
    size_t bytes = bytes_of(&model->weights.shared);
    for (size_t b = 0; b < model->config.num_decoder_layers; b++) {
        const t5_attention_weights *cross = &model->weights.decoder.block[b].cross;
        bytes += bytes_of(&cross->k) + bytes_of(&cross->v);
    }
    return bytes;
}

static void check_parts(const request *r) {
    const t5_memory plan = plan_of(r);
    run done = run_request(r);
    const t5_session *s = done.session;
    const t5_weights *w = &done.model->weights;
    ck_assert_uint_eq(plan.panels + plan.screens + plan.widened + plan.aligned + plan.tables, w->arena.capacity);
    ck_assert_uint_eq(plan.mapped + plan.read_once, t5_model_bytes(done.model));
    if (r->compute == T5_Q8 && plan.aligned == 0) ck_assert_uint_eq(plan.mapped, read_in_q8(done.model));
    ck_assert_uint_eq(plan.encoder, s->encoder_memory.capacity + s->hidden_memory.capacity);
    ck_assert_uint_eq(plan.cross, s->cross_memory.capacity);
    ck_assert_uint_eq(plan.cache, s->cache.memory.capacity);
    ck_assert_uint_eq(plan.step, s->step_memory.capacity);
    ck_assert_uint_eq(plan.scratch, s->scratch_memory.capacity);
    ck_assert_uint_eq(plan.is_absorbed, s->cross_memory.capacity == 0);
    ck_assert_uint_eq(plan.threads, t5_session_threads(s));
    ck_assert_str_eq(plan.isa, t5_session_isa(s));
    ck_assert_uint_eq(plan.total, plan.mapped + w->arena.capacity + plan.encoder + plan.cross + plan.cache + plan.step + plan.search +
                                      plan.scratch);
    close_run(&done);
}

START_TEST(parts_are_as_planned) { check_parts(&requests[_i]); }
END_TEST

/* Layers large enough to be screened: no golden model has them. */
START_TEST(screens_are_planned) {
    static const sparse_shape shape = {.vocab_size = 100, .d_model = 1024, .d_kv = 64, .d_ff = 1024, .num_heads = 2, .num_layers = 2};
    scratch files;
    scratch_open(&files);
    ck_assert_uint_gt(sparse_model_write(&files, &shape), 0);
    for (t5_compute compute = T5_F32; compute <= T5_Q8; compute++) {
        const request r = {files.folder, 2, 20, 2, 4, 2, 64, compute};
        check_parts(&r);
        ck_assert_uint_gt(plan_of(&r).screens, 0);
    }
    scratch_close(&files);
}
END_TEST

START_TEST(bad_requests_are_refused) {
    static const struct {
        request request;
        rt_status status;
    } bad[] = {
        {{QA_MINI, 0, 10, 1, 8, 1, 64, T5_F32}, RT_ERR_USAGE},
        {{QA_MINI, 1, 0, 1, 8, 1, 64, T5_F32}, RT_ERR_USAGE},
        {{QA_MINI, 1, 10, 0, 8, 1, 64, T5_F32}, RT_ERR_USAGE},
        {{QA_MINI, 1, 10, 1, 0, 1, 64, T5_F32}, RT_ERR_USAGE},
        {{QA_MINI, 1, 10, 1, 8, 1, 0, T5_F32}, RT_ERR_USAGE},
        {{QA_MINI, 1 << 20, 1 << 20, 1, 8, 1, 64, T5_F32}, RT_ERR_LIMIT},
        {{QA_MINI, SIZE_MAX, 2, 1, 8, 1, 64, T5_F32}, RT_ERR_LIMIT},
        {{QA_MINI, 1 << 22, 1, 1024, 8, 1, 64, T5_F32}, RT_ERR_LIMIT},
        {{QA_MINI, 1, 10, 1, (size_t)1 << 40, 1, 64, T5_F32}, RT_ERR_LIMIT},
        {{QA_MINI, 1, 10, 1, SIZE_MAX / 2, 1, 64, T5_F32}, RT_ERR_LIMIT},
        {{"no/such/folder", 1, 10, 1, 8, 1, 64, T5_F32}, RT_ERR_READ},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const request *r = &bad[i].request;
        const t5_session_params session = session_params(r);
        const t5_generate_params params = generate_params(r);
        t5_memory plan = {.total = 1};
        rt_error err;
        ck_assert_int_eq(t5_memory_plan(r->path, T5_F32, &session, &params, r->n_inputs, r->length, &plan, &err), bad[i].status);
        ck_assert_uint_eq(plan.total, 1);
    }
}
END_TEST

/* ---- the peak ---- */

#ifndef __SANITIZE_ADDRESS__ /* whose own memory would be counted */

/* What the plan leaves out: the checkpoint's header, ids and answers, stacks, what the allocator keeps of caches that have grown, and pages
 * of the file that the system maps beside those that are read. Measured: 0.7 to 3.1 MiB. */
enum { ALLOWANCE_KIB = 4096, WORTH_CHECKING_KIB = 8192 };

static long peak_kib(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) ck_abort_msg("no getrusage");
    return usage.ru_maxrss;
}

/* What running it adds to the peak of a process, in KiB. */
static long added_by(const request *r) {
    int ends[2], status = -1;
    long kib = -1;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const long before = peak_kib();
        run_request(r);
        kib = peak_kib() - before;
        _exit(write(ends[1], &kib, sizeof kib) == (ssize_t)sizeof kib ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &kib, sizeof kib), sizeof kib);
    close(ends[0]);
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    return kib;
}

START_TEST(the_peak_is_as_planned) {
    const request *r = &requests[_i];
    const long planned = (long)(plan_of(r).total / 1024), added = added_by(r);
    fprintf(stderr, "  %-46s %3zu x %4zu tokens: planned %6ld KiB, took %6ld\n", r->path, r->n_inputs, r->length, planned, added);
    ck_assert_int_le(added, planned + ALLOWANCE_KIB);
    if (planned >= WORTH_CHECKING_KIB) ck_assert_int_ge(added, planned * 8 / 10);
}
END_TEST

#endif

int main(void) {
    TCase *tests = tcase_create("plan");
    tcase_add_loop_test(tests, parts_are_as_planned, 0, N_REQUESTS);
    tcase_add_test(tests, screens_are_planned);
    tcase_add_test(tests, bad_requests_are_refused);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_loop_test(tests, the_peak_is_as_planned, 0, N_REQUESTS);
#endif
    return run_tests("plan", tests, 300);
}

/* Memory, as the system counts it, each figure from a process of its own: linear in the input's length, and a model that is mapped, not
 * copied. */
#include "tests/support/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef long (*measurement)(size_t argument);

/* What the measurement returns, in KiB, when a new process makes it. */
static long in_a_process(measurement measure, size_t argument) {
    int ends[2];
    long kib = -1;
    if (pipe(ends) != 0) ck_abort_msg("no pipe");
    const pid_t child = fork();
    if (child == 0) {
        kib = measure(argument);
        _exit(write(ends[1], &kib, sizeof kib) == (ssize_t)sizeof kib ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], &kib, sizeof kib);
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    ck_assert_msg(got == (ssize_t)sizeof kib && status == 0, "the measuring process failed");
    return kib;
}

/* ---- opening ---- */

/* A line of /proc/self/status, in KiB. */
static long status_kib(const char *key) {
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && kib < 0 && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) kib = strtol(line + strlen(key), NULL, 10);
    }
    if (f != NULL) fclose(f);
    if (kib < 0) ck_abort_msg("no %s in /proc/self/status", key);
    return kib;
}

static long resident_when_open(size_t unused) {
    (void)unused;
    must_open(QA_MINI);
    return status_kib("VmRSS:");
}

static long own_growth_when_open(size_t unused) {
    (void)unused;
    const long before = status_kib("RssAnon:");
    must_open(QA_MINI);
    return status_kib("RssAnon:") - before;
}

START_TEST(a_model_is_mapped) {
    const long own = in_a_process(own_growth_when_open, 0), resident = in_a_process(resident_when_open, 0);
    t5_model *model = must_open(QA_MINI);
    const long weights = (long)(t5_model_bytes(model) / 1024);
    t5_model_close(model);
    fprintf(stderr, "  %ld KiB of weights: %ld KiB resident, %ld KiB written\n", weights, resident, own);
    /* What is derived, the transposed wo above all, is a fourteenth of the weights. */
    ck_assert_int_lt(own, weights / 4);
    ck_assert_int_lt(resident, weights + 40 * 1024);
}
END_TEST

/* ---- long inputs ---- */

typedef struct way {
    const char *name;
    size_t num_beams;
    t5_session_params params;
    long max_kib; /* for 1,000 tokens */
} way;

/* An input token has 6 rows of d_model = 128 floats in the encoder and 4 in projected cross-attention, which makes 5 KiB, and 2 words in
 * each row of a chunk's scores and each thread, which makes 1 KiB more. A matrix of scores would have 16 KiB a token at 4,000 tokens. */
static const way ways[] = {
    {"dense, projected", 1, {.threads = 2, .chunk = 64, .batch_tokens = 1, .tokens_per_input = 1000}, 8000},
    {"dense, absorbed", 1, {.threads = 2, .chunk = 64, .batch_tokens = 1, .tokens_per_input = 1}, 8000},
    {"top-k", 1, {.threads = 2, .chunk = 64, .batch_tokens = 1, .tokens_per_input = 1, .ff_topk = 32, .encoder_topk = 16, .cross_topk = 16},
     8000},
    {"beams", 4, {.threads = 2, .chunk = 16, .batch_tokens = 1, .tokens_per_input = 1000}, 8000},
};

enum { N_WAYS = sizeof ways / sizeof *ways, N_LENGTHS = 3 };

static const size_t lengths[N_LENGTHS] = {1000, 2000, 4000};

static long peak_of_generation(size_t argument) {
    const way *w = &ways[argument / N_LENGTHS];
    random_source r = {.state = 1};
    struct rusage usage;
    t5_model *model = must_open(QA_MINI);
    t5_session *session = must_start(model, &w->params);
    const id_lists input = random_lists(&r, t5_model_config(model), &lengths[argument % N_LENGTHS], 1);
    t5_generate_params params = t5_generate_defaults();
    params.max_new_tokens = 4, params.num_beams = w->num_beams;
    must_generate(session, input.list, 1, &params);
    if (getrusage(RUSAGE_SELF, &usage) != 0) ck_abort_msg("no getrusage");
    return usage.ru_maxrss;
}

START_TEST(linear_in_the_length) {
    const way *w = &ways[_i];
    long peak[N_LENGTHS];
    for (size_t l = 0; l < N_LENGTHS; l++) peak[l] = in_a_process(peak_of_generation, (size_t)_i * N_LENGTHS + l);
    const long first = peak[1] - peak[0], second = peak[2] - peak[1], bend = second - 2 * first;
    fprintf(stderr, "  %-17s peak %ld, %ld, %ld KiB at 1,000, 2,000, 4,000 tokens\n", w->name, peak[0], peak[1], peak[2]);
    ck_assert_int_lt(labs(bend), 2048);
    ck_assert_int_gt(second, 2000);
    ck_assert_int_lt(second, 2 * w->max_kib);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("memory");
    tcase_add_test(tests, a_model_is_mapped);
    tcase_add_loop_test(tests, linear_in_the_length, 0, N_WAYS);
    return run_tests("memory", tests, 300);
}

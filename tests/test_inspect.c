/* t5k inspect as a process: the plan that it prints against the peak of t5k ask on that very request; and the largest T5, which must not
 * take more than its headers do. */
#include <check.h>
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/model.h"
#include "tests/support/sparse_model.h"

enum { OUTPUT_SIZE = 1 << 20, QUESTION_TOKENS = 1024 };

typedef struct program_run {
    long peak_kib;
    char output[OUTPUT_SIZE];
} program_run;

/* Runs the t5k beside the folder of this test; arguments end with NULL, the first is for "t5k". */
static void run_program(program_run *r, const char *const *arguments) {
    char path[PATH_MAX];
    int ends[2], status = -1;
    struct rusage usage;
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    strcpy(strrchr(path, '/'), "/../t5k");
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execv(path, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got = 1; got > 0 && used + 1 < sizeof r->output; used += (size_t)got) {
        got = read(ends[0], r->output + used, sizeof r->output - 1 - used);
        ck_assert_int_ge(got, 0);
    }
    r->output[used] = '\0';
    close(ends[0]);
    ck_assert_int_eq(wait4(child, &status, 0, &usage), child);
    ck_assert_int_eq(status, 0);
    r->peak_kib = usage.ru_maxrss;
}

/* The number at a path of keys, "memory.bytes.mapped". */
static size_t number_at(const cJSON *json, const char *path) {
    char key[32];
    for (size_t n; *path != '\0'; path += n + (path[n] == '.')) {
        n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        json = cJSON_GetObjectItemCaseSensitive(json, key);
    }
    if (!cJSON_IsNumber(json)) ck_abort_msg("no number at the end of %s", path);
    return (size_t)json->valuedouble;
}

static cJSON *parse(const program_run *r) {
    cJSON *json = cJSON_Parse(r->output);
    ck_assert_ptr_nonnull(json);
    return json;
}

#ifdef __SANITIZE_ADDRESS__
#define MEASURES_MEMORY 0 /* the sanitizer's own would be counted */
#else
#define MEASURES_MEMORY 1
#endif

/* Beside what is planned the program takes its code and libraries, the tokenizer, and the line that it reads: 11 MiB, measured. */
enum { PROGRAM_KIB = 20 * 1024 };

START_TEST(ask_takes_what_inspect_plans) {
    static program_run inspected, asked;
    static const char word[] = "the ";
    char question[QUESTION_TOKENS * sizeof word] = "", tokens[16];
    for (size_t i = 0; i + 1 < QUESTION_TOKENS; i++) strcat(question, word);
    snprintf(tokens, sizeof tokens, "%d", QUESTION_TOKENS);
    run_program(&inspected, (const char *[]){"t5k", "inspect", QA_MINI, "--json", "--input-tokens", tokens, "--beams", "8",
                                             "--max-new-tokens", "32", "--threads", "2", NULL});
    run_program(&asked, (const char *[]){"t5k", "ask", "-m", QA_MINI, "--json", "--beams", "8", "--max-new-tokens", "32",
                                         "--min-new-tokens", "32", "--threads", "2", question, NULL});
    cJSON *plan = parse(&inspected), *answer = parse(&asked);
    ck_assert_uint_eq(number_at(answer, "input_tokens"), QUESTION_TOKENS);
    const long planned = (long)(number_at(plan, "memory.total") / 1024);
    fprintf(stderr, "  planned %ld KiB, took %ld, inspect itself %ld\n", planned, asked.peak_kib, inspected.peak_kib);
    if (MEASURES_MEMORY) {
        ck_assert_int_le(asked.peak_kib, planned + PROGRAM_KIB);
        ck_assert_int_ge(asked.peak_kib, planned * 8 / 10);
    }
    cJSON_Delete(plan);
    cJSON_Delete(answer);
}
END_TEST

START_TEST(the_largest_model_is_not_read) {
    static const sparse_shape t5_11b = {.vocab_size = 32128, .d_model = 1024, .d_kv = 128, .d_ff = 65536, .num_heads = 128,
                                        .num_layers = 24};
    static program_run r;
    scratch files;
    scratch_open(&files);
    const size_t n_bytes = sparse_model_write(&files, &t5_11b);
    if (n_bytes > 0) {
        ck_assert_uint_gt(n_bytes, 40000000000);
        run_program(&r, (const char *[]){"t5k", "inspect", "--json", files.folder, NULL});
        cJSON *json = parse(&r);
        ck_assert_uint_eq(number_at(json, "memory.bytes.mapped") + number_at(json, "memory.read_once"), n_bytes);
        ck_assert_uint_eq(number_at(json, "types.F32.bytes"), n_bytes);
        ck_assert_uint_gt(number_at(json, "memory.bytes.panels"), n_bytes / 4);
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "tensors")), (int)number_at(json, "types.F32.tensors"));
        if (MEASURES_MEMORY) ck_assert_int_lt(r.peak_kib, 64 * 1024);
        cJSON_Delete(json);
    } else {
        fprintf(stderr, "skipped: the largest model: the file system has no room for a sparse file of 45 GB\n");
    }
    scratch_close(&files);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("inspect");
    tcase_add_test(tests, ask_takes_what_inspect_plans);
    tcase_add_test(tests, the_largest_model_is_not_read);
    return run_tests("inspect", tests, 120);
}

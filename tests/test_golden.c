/* Every golden case in safetensors form: states and logits within the case's own tolerance, ids equal, scores within 1e-4. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/relative_bias.h"
#include "tests/support/golden.h"
#include "tests/support/suite.h"

#define CASES "tests/golden/cases"

typedef struct opened {
    t5_model *model;
    golden_file *golden;
    char name[300];
    size_t done;
    double worst; /* largest difference, as a share of its tolerance */
} opened;

static void must(rt_status status, const rt_error *err, const char *where) { ck_assert_msg(status == RT_OK, "%s: %s", where, err->message); }

static t5_session *open_session(const opened *o, const cJSON *a_case, size_t tokens_per_input) {
    rt_error err;
    t5_session *session;
    t5_session_params params = t5_session_defaults();
    params.tokens_per_input = tokens_per_input;
    golden_topk(a_case, &params);
    must(t5_session_open(o->model, &params, &session, &err), &err, o->name);
    return session;
}

static void compare(opened *o, const cJSON *a_case, const char *field, const float *got, golden_tensor want) {
    const double atol = golden_atol(a_case, field);
    for (size_t i = 0; i < want.n; i++) {
        const double difference = fabs((double)got[i] - (double)want.f[i]);
        ck_assert_msg(difference <= atol, "%s %s: %s[%zu] is %.9g, not %.9g (tolerance %g)", o->name,
                      cJSON_GetObjectItem(a_case, "name")->valuestring, field, i, (double)got[i], (double)want.f[i], atol);
        if (difference / atol > o->worst) o->worst = difference / atol;
    }
}

/* Rows of all the logits that the case keeps, and columns where it keeps only some. */
static void compare_logits(opened *o, const cJSON *a_case, const float *all, size_t n_states) {
    const size_t vocab_size = t5_model_config(o->model)->vocab_size;
    const cJSON *rows = cJSON_GetObjectItem(a_case, "logit_rows"), *columns = cJSON_GetObjectItem(a_case, "logit_columns");
    const size_t n_rows = rows != NULL ? (size_t)cJSON_GetArraySize(rows) : n_states;
    golden_tensor kept = {.n = vocab_size};
    if (columns != NULL) kept = golden_field(o->golden, a_case, "logit_columns");
    float *got = calloc(n_rows * kept.n + 1, sizeof *got), *sums = calloc(n_rows + 1, sizeof *sums);
    for (size_t r = 0; r < n_rows; r++) {
        const float *row = all + (rows != NULL ? (size_t)cJSON_GetArrayItem(rows, (int)r)->valueint : r) * vocab_size;
        double sum = 0;
        size_t best = 0;
        for (size_t v = 0; v < vocab_size; v++) {
            sum += exp((double)row[v]);
            if (row[v] > row[best]) best = v;
        }
        for (size_t c = 0; c < kept.n; c++) got[r * kept.n + c] = row[kept.i != NULL ? (size_t)kept.i[c] : c];
        sums[r] = (float)log(sum);
        if (columns != NULL) ck_assert_int_eq((int)best, golden_field(o->golden, a_case, "argmax").i[r]);
    }
    compare(o, a_case, "logits", got, golden_field(o->golden, a_case, "logits"));
    if (columns != NULL) compare(o, a_case, "logsumexp", sums, golden_field(o->golden, a_case, "logsumexp"));
    free(got);
    free(sums);
}

static void check_encode(opened *o, const cJSON *a_case) {
    rt_error err;
    t5_session *session = open_session(o, a_case, t5_session_defaults().tokens_per_input);
    const t5_ids input = golden_ids(cJSON_GetObjectItem(a_case, "input_ids"));
    must(t5_encode(session, &input, 1, &err), &err, o->name);
    compare(o, a_case, "encoder_hidden", t5_encoder_hidden(session, 0), golden_field(o->golden, a_case, "encoder_hidden"));
    free((void *)(uintptr_t)input.ids);
    t5_session_close(session);
}

/* tokens_per_input = 1 has sources of 128 tokens or more read absorbed; a large one has all of them projected. */
static void check_forward(opened *o, const cJSON *a_case, size_t tokens_per_input) {
    rt_error err;
    t5_session *session = open_session(o, a_case, tokens_per_input);
    const t5_ids input = golden_ids(cJSON_GetObjectItem(a_case, "input_ids")), fed = golden_ids(cJSON_GetObjectItem(a_case, "decoder_input_ids"));
    const size_t source = 0;
    must(t5_encode(session, &input, 1, &err), &err, o->name);
    compare(o, a_case, "encoder_hidden", t5_encoder_hidden(session, 0), golden_field(o->golden, a_case, "encoder_hidden"));
    must(t5_decode_start(session, &source, 1, &err), &err, o->name);
    must(t5_decode(session, &fed, &err), &err, o->name);
    compare(o, a_case, "decoder_hidden", t5_decoder_hidden(session), golden_field(o->golden, a_case, "decoder_hidden"));
    float *logits = malloc(fed.n * t5_model_config(o->model)->vocab_size * sizeof *logits);
    must(t5_logits(session, 0, fed.n, logits, &err), &err, o->name);
    compare_logits(o, a_case, logits, fed.n);
    free(logits);
    free((void *)(uintptr_t)input.ids);
    free((void *)(uintptr_t)fed.ids);
    t5_session_close(session);
}

static void check_ids(const opened *o, const cJSON *a_case, const t5_answer *answer, const cJSON *want, const char *finish) {
    const t5_ids ids = golden_ids(want);
    const char *name = cJSON_GetObjectItem(a_case, "name")->valuestring;
    ck_assert_msg(ids.n == answer->n, "%s %s: %zu ids, not %zu", o->name, name, answer->n, ids.n);
    for (size_t i = 0; i < ids.n; i++) {
        ck_assert_msg(answer->ids[i] == ids.ids[i], "%s %s: id %zu is %d, not %d", o->name, name, i, answer->ids[i], ids.ids[i]);
    }
    ck_assert_msg(answer->ended == (strcmp(finish, "eos") == 0), "%s %s: finish is not %s", o->name, name, finish);
    free((void *)(uintptr_t)ids.ids);
}

static void check_generation(opened *o, const cJSON *a_case, bool beams) {
    rt_error err;
    size_t n;
    t5_generation *generation;
    t5_session *session = open_session(o, a_case, t5_session_defaults().tokens_per_input);
    const t5_ids input = golden_ids(cJSON_GetObjectItem(a_case, "input_ids"));
    const t5_generate_params params = golden_options(a_case);
    must(t5_generate(session, &input, 1, &params, &generation, &err), &err, o->name);
    const t5_answer *answer = t5_generation_answers(generation, 0, &n);
    ck_assert_uint_eq(n, params.num_return_sequences);
    if (beams) {
        const cJSON *outputs = cJSON_GetObjectItem(a_case, "outputs"), *output;
        ck_assert_int_eq(cJSON_GetArraySize(outputs), (int)n);
        cJSON_ArrayForEach(output, outputs) {
            check_ids(o, a_case, answer, cJSON_GetObjectItem(output, "ids"), cJSON_GetObjectItem(output, "finish")->valuestring);
            const double score = cJSON_GetObjectItem(output, "score")->valuedouble;
            const char *name = cJSON_GetObjectItem(a_case, "name")->valuestring;
            ck_assert_msg(fabs((double)answer->score - score) < 1e-4, "%s %s: score %.7g, not %.7g", o->name, name, (double)answer->score, score);
            answer++;
        }
    } else {
        check_ids(o, a_case, answer, cJSON_GetObjectItem(a_case, "output_ids"), cJSON_GetObjectItem(a_case, "finish")->valuestring);
        compare(o, a_case, "logprobs", answer->logprobs, golden_field(o->golden, a_case, "logprobs"));
    }
    t5_generation_free(generation);
    free((void *)(uintptr_t)input.ids);
    t5_session_close(session);
}

static void check_buckets(opened *o, const cJSON *a_case) {
    const t5_config *config = t5_model_config(o->model);
    const golden_tensor r = golden_field(o->golden, a_case, "relative_position"), e = golden_field(o->golden, a_case, "encoder_bucket"),
                        d = golden_field(o->golden, a_case, "decoder_bucket");
    for (size_t i = 0; i < r.n; i++) {
        const size_t n = config->relative_attention_num_buckets, far = config->relative_attention_max_distance;
        ck_assert_uint_eq(t5_relative_bucket(r.i[i], true, n, far), (size_t)e.i[i]);
        ck_assert_uint_eq(t5_relative_bucket(r.i[i], false, n, far), (size_t)d.i[i]);
    }
}

static void check_case(opened *o, const cJSON *a_case) {
    const char *kind = cJSON_GetObjectItem(a_case, "kind")->valuestring;
    o->done++;
    if (strcmp(kind, "forward") == 0) {
        check_forward(o, a_case, 1);
        check_forward(o, a_case, SIZE_MAX);
    }
    else if (strcmp(kind, "encode") == 0) check_encode(o, a_case);
    else if (strcmp(kind, "greedy") == 0) check_generation(o, a_case, false);
    else if (strcmp(kind, "beam") == 0) check_generation(o, a_case, true);
    else if (strcmp(kind, "buckets") == 0) check_buckets(o, a_case);
    else o->done--;
}

static void check_form(const char *model_name, const cJSON *meta, const cJSON *form) {
    rt_error err;
    char path[1024];
    struct stat st;
    opened o = {.worst = 0};
    snprintf(o.name, sizeof o.name, "%s/%s", model_name, cJSON_GetObjectItem(form, "path")->valuestring);
    snprintf(path, sizeof path, CASES "/%s", o.name);
    if (stat(path, &st) != 0) return; /* a form that is not read yet, so not in the tree */
    const char *weights = cJSON_GetObjectItem(form, "weights")->valuestring;
    must(t5_model_open(path, T5_F32, &o.model, &err), &err, o.name);
    const cJSON *described = cJSON_GetObjectItem(cJSON_GetObjectItem(meta, "weights"), weights);
    snprintf(path, sizeof path, CASES "/%s/%s", model_name, cJSON_GetObjectItem(described, "golden")->valuestring);
    o.golden = golden_open(path);
    const cJSON *a_case;
    cJSON_ArrayForEach(a_case, cJSON_GetObjectItem(meta, "cases")) {
        if (strcmp(cJSON_GetObjectItem(a_case, "weights")->valuestring, weights) == 0) check_case(&o, a_case);
    }
    fprintf(stderr, "  %-40s %3zu cases, largest difference %.3f of its tolerance\n", o.name, o.done, o.worst);
    ck_assert_uint_gt(o.done, 0);
    golden_close(o.golden);
    t5_model_close(o.model);
}

START_TEST(golden_cases) {
    DIR *dir = opendir(CASES);
    size_t n_models = 0;
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char path[512];
        snprintf(path, sizeof path, CASES "/%s/meta.json", entry->d_name);
        cJSON *meta = golden_json(path);
        const cJSON *form;
        cJSON_ArrayForEach(form, cJSON_GetObjectItem(meta, "forms")) check_form(entry->d_name, meta, form);
        cJSON_Delete(meta);
        n_models++;
    }
    closedir(dir);
    ck_assert_uint_ge(n_models, 12);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("golden");
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, golden_cases);
    Suite *suite = suite_create("golden");
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

/* Comparisons of top-k with dense: the golden "compare" and "sparsity" cases, sessions that change their top-k, and windows under every
 * setting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/golden.h"
#include "tests/support/model.h"
#include "tests/support/require.h"
#include "tools/compare_measure.h"

static const char *const models[] = {"relu_tied",  "gated_gelu",      "odd_sizes", "real_vocab",
                                     "gated_silu", "gated_gelu_tied", "gelu",      "old_config"};
enum { N_MODELS = sizeof models / sizeof *models };

typedef struct golden_model {
    cJSON *meta;
    golden_file *golden;
    t5_model *model;
} golden_model;

static golden_model open_golden(const char *name) {
    char path[256];
    golden_model g;
    snprintf(path, sizeof path, "tests/golden/cases/%s/meta.json", name);
    g.meta = golden_json(path);
    snprintf(path, sizeof path, "tests/golden/cases/%s/golden.f32.safetensors", name);
    g.golden = golden_open(path);
    snprintf(path, sizeof path, "tests/golden/cases/%s/%s", name, strcmp(name, "old_config") == 0 ? "bin_legacy_old" : "safetensors");
    g.model = must_open(path);
    return g;
}

static void close_golden(golden_model *g) {
    t5_model_close(g->model);
    golden_close(g->golden);
    cJSON_Delete(g->meta);
}

static bool is_case(const cJSON *a_case, const char *kind) {
    return strcmp(cJSON_GetObjectItem(a_case, "kind")->valuestring, kind) == 0 &&
           strcmp(cJSON_GetObjectItem(a_case, "weights")->valuestring, "f32") == 0;
}

static t5_ids ids_of(const cJSON *a_case, const char *field) { return golden_ids(cJSON_GetObjectItem(a_case, field)); }

static void free_ids(t5_ids ids) { free((void *)(uintptr_t)ids.ids); }

/* Encodes, feeds all at once, and reads all logits. */
static void read_logits(t5_session *session, t5_ids input, t5_ids fed, float *logits) {
    const size_t source = 0;
    rt_error err;
    must(t5_encode(session, &input, 1, &err), &err);
    must(t5_decode_start(session, &source, 1, &err), &err);
    must(t5_decode(session, &fed, &err), &err);
    must(t5_logits(session, 0, fed.n, logits, &err), &err);
}

/* ---- compare ---- */

static void check_differences(const golden_model *g, const cJSON *a_case, const t5_logit_difference *d, size_t n) {
    const char *name = cJSON_GetObjectItem(a_case, "name")->valuestring;
    const golden_tensor max_abs = golden_field(g->golden, a_case, "max_abs_by_step"), kl = golden_field(g->golden, a_case, "kl_by_step"),
                        same = golden_field(g->golden, a_case, "same_argmax_by_step");
    const double atol = golden_atol(a_case, "max_abs_by_step"), atol_kl = golden_atol(a_case, "kl_by_step");
    double largest = 0, sum_kl = 0;
    int n_same = 0;
    REQUIRE(max_abs.n == n && kl.n == n && same.n == n, "%s: %zu steps, not %zu", name, n, max_abs.n);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(fabs(d[i].max_abs - (double)max_abs.f[i]) <= atol, "%s: step %zu: largest difference %.9g, not %.9g", name, i, d[i].max_abs,
                (double)max_abs.f[i]);
        REQUIRE(fabs(d[i].kl - (double)kl.f[i]) <= atol_kl, "%s: step %zu: KL %.9g, not %.9g", name, i, d[i].kl, (double)kl.f[i]);
        REQUIRE(d[i].same_argmax == (same.i[i] != 0), "%s: step %zu: best token", name, i);
        REQUIRE(d[i].mean_abs > 0 && d[i].mean_abs < d[i].max_abs, "%s: step %zu: mean difference", name, i);
        largest = fmax(largest, d[i].max_abs);
        sum_kl += d[i].kl;
        n_same += d[i].same_argmax;
    }
    ck_assert_double_le(fabs(largest - cJSON_GetObjectItem(a_case, "max_abs")->valuedouble), atol);
    ck_assert_double_le(fabs(sum_kl / (double)n - cJSON_GetObjectItem(a_case, "mean_kl")->valuedouble), atol_kl);
    ck_assert_int_eq(n_same, cJSON_GetObjectItem(a_case, "same_argmax")->valueint);
}

static void check_compare(const golden_model *g, const cJSON *a_case) {
    rt_error err;
    t5_session_params dense = t5_session_defaults(), topk = dense;
    t5_session *session = must_start(g->model, &dense);
    const t5_ids input = ids_of(a_case, "input_ids"), fed = ids_of(a_case, "decoder_input_ids");
    const size_t n = fed.n * t5_model_config(g->model)->vocab_size;
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    t5_logit_difference *d = malloc(fed.n * sizeof *d);
    golden_topk(a_case, &topk);
    read_logits(session, input, fed, a);
    must(t5_session_set_topk(session, &topk, &err), &err);
    read_logits(session, input, fed, b);
    must(t5_logits_compare(session, fed.n, a, b, d, &err), &err);
    check_differences(g, a_case, d, fed.n);
    must(t5_session_set_topk(session, &dense, &err), &err); /* and back: the dense bits again */
    read_logits(session, input, fed, b);
    ck_assert_mem_eq(a, b, n * sizeof *a);
    must(t5_logits_compare(session, fed.n, a, b, d, &err), &err);
    for (size_t i = 0; i < fed.n; i++) {
        REQUIRE(d[i].max_abs == 0 && d[i].mean_abs == 0 && d[i].kl == 0 && d[i].same_argmax, "no difference to itself");
    }
    free(a);
    free(b);
    free(d);
    free_ids(input);
    free_ids(fed);
    t5_session_close(session);
}

static size_t check_cases(const char *kind, void (*check)(const golden_model *, const cJSON *)) {
    size_t n = 0;
    for (size_t i = 0; i < N_MODELS; i++) {
        golden_model g = open_golden(models[i]);
        const cJSON *a_case;
        cJSON_ArrayForEach(a_case, cJSON_GetObjectItem(g.meta, "cases")) {
            if (!is_case(a_case, kind)) continue;
            check(&g, a_case);
            n++;
        }
        close_golden(&g);
    }
    return n;
}

START_TEST(golden_compare) { ck_assert_uint_eq(check_cases("compare", check_compare), 16); }
END_TEST

START_TEST(not_finite) {
    rt_error err;
    t5_model *model = must_open(GOLDEN("relu_tied"));
    t5_session *session = must_start_plain(model);
    const size_t n = t5_model_config(model)->vocab_size;
    float *a = calloc(2 * n, sizeof *a), *b = calloc(2 * n, sizeof *b);
    t5_logit_difference d[2];
    must(t5_logits_compare(session, 2, a, b, d, &err), &err);
    b[2 * n - 1] = NAN;
    ck_assert_int_eq(t5_logits_compare(session, 2, a, b, d, &err), RT_ERR_NUMERIC);
    b[2 * n - 1] = INFINITY;
    ck_assert_int_eq(t5_logits_compare(session, 2, a, b, d, &err), RT_ERR_NUMERIC);
    free(a);
    free(b);
    t5_session_close(session);
    t5_model_close(model);
}
END_TEST

/* ---- sparsity ---- */

/* The counts of a layer's tokens, as a histogram. */
static void expect_histogram(golden_tensor by_token, size_t layer, size_t d_ff, uint64_t *counts) {
    const size_t n_tokens = by_token.n / by_token.rows;
    memset(counts, 0, (d_ff + 1) * sizeof *counts);
    for (size_t t = 0; t < n_tokens; t++) counts[by_token.i[layer * n_tokens + t]]++;
}

static void check_stack(const golden_model *g, const cJSON *a_case, const t5_statistics *statistics, bool decoder) {
    const char *name = decoder ? "decoder_positive" : "encoder_positive";
    const cJSON *totals = cJSON_GetObjectItem(a_case, name);
    const golden_tensor by_token = golden_field(g->golden, a_case, decoder ? "decoder_positive_by_token" : "encoder_positive_by_token");
    const size_t d_ff = t5_model_config(g->model)->d_ff;
    uint64_t *got = malloc((d_ff + 1) * sizeof *got), *want = malloc((d_ff + 1) * sizeof *want);
    for (int layer = 0; layer < cJSON_GetArraySize(totals); layer++) {
        uint64_t sum = 0;
        t5_statistics_positive(statistics, decoder ? T5_DECODER_FF : T5_ENCODER_FF, (size_t)layer, got);
        for (size_t n = 0; n <= d_ff; n++) sum += n * got[n];
        ck_assert_uint_eq(sum, (uint64_t)cJSON_GetArrayItem(totals, layer)->valueint);
        expect_histogram(by_token, (size_t)layer, d_ff, want);
        ck_assert_mem_eq(got, want, (d_ff + 1) * sizeof *got);
        ck_assert_uint_eq(t5_statistics_rows(statistics, decoder ? T5_DECODER_FF : T5_ENCODER_FF, (size_t)layer),
                          by_token.n / by_token.rows);
    }
    free(got);
    free(want);
}

/* Token by token or all at once, whatever the chunk and the threads: the same counts. */
static void check_sparsity(const golden_model *g, const cJSON *a_case) {
    rt_error err;
    const size_t source = 0;
    const t5_ids input = ids_of(a_case, "input_ids"), fed = ids_of(a_case, "decoder_input_ids");
    for (size_t way = 0; way < 4; way++) {
        t5_session_params params = t5_session_defaults();
        params.chunk = way % 2 == 0 ? 64 : 3;
        params.threads = 1 + way / 2;
        t5_session *session = must_start(g->model, &params);
        t5_statistics *statistics;
        must(t5_statistics_open(g->model, &statistics, &err), &err);
        t5_session_collect(session, statistics);
        must(t5_encode(session, &input, 1, &err), &err);
        must(t5_decode_start(session, &source, 1, &err), &err);
        const size_t step = way % 2 == 0 ? fed.n : 1;
        for (size_t at = 0; at < fed.n; at += step) must(t5_decode(session, &(t5_ids){fed.ids + at, step}, &err), &err);
        check_stack(g, a_case, statistics, false);
        check_stack(g, a_case, statistics, true);
        ck_assert_double_eq(t5_statistics_kept_mass(statistics, T5_ENCODER_SELF, 0), 1);
        ck_assert_double_eq(t5_statistics_kept_mass(statistics, T5_DECODER_CROSS, 0), 1);
        t5_session_close(session);
        t5_statistics_close(statistics);
    }
    free_ids(input);
    free_ids(fed);
}

START_TEST(golden_sparsity) { ck_assert_uint_eq(check_cases("sparsity", check_sparsity), N_MODELS); }
END_TEST

START_TEST(kept_mass_falls_with_k) {
    rt_error err;
    t5_model *model = must_open(QA_MINI);
    random_source r = {5};
    id_lists inputs = random_lists(&r, t5_model_config(model), (size_t[]){40, 33, 50}, 3);
    double last = 0;
    for (size_t k = 1; k <= 64; k *= 2) {
        t5_session_params params = t5_session_defaults();
        params.encoder_topk = k;
        t5_session *session = must_start(model, &params);
        t5_statistics *statistics;
        must(t5_statistics_open(model, &statistics, &err), &err);
        t5_session_collect(session, statistics);
        must(t5_encode(session, inputs.list, inputs.n, &err), &err);
        const double mass = t5_statistics_kept_mass(statistics, T5_ENCODER_SELF, 0);
        ck_assert_double_gt(mass, last);
        ck_assert_uint_eq(t5_statistics_rows(statistics, T5_DECODER_SELF, 0), 0);
        last = mass;
        t5_session_close(session);
        t5_statistics_close(statistics);
    }
    ck_assert_double_eq(last, 1); /* 64 keys are all */
    free_lists(&inputs);
    t5_model_close(model);
}
END_TEST

/* ---- the session ---- */

START_TEST(generate_encoded) {
    rt_error err;
    size_t n;
    t5_model *model = must_open(QA_MINI);
    t5_session *session = must_start_plain(model), *other = must_start_plain(model);
    random_source r = {7};
    id_lists inputs = random_lengths(&r, t5_model_config(model), 30, 5);
    const t5_generate_params params = t5_generate_defaults();
    t5_generation *want = must_generate(other, inputs.list, inputs.n, &params), *got;
    ck_assert_int_eq(t5_generate_encoded(session, &params, &got, &err), RT_ERR_USAGE);
    must(t5_encode(session, inputs.list, inputs.n, &err), &err);
    for (size_t again = 0; again < 2; again++) { /* what is encoded stays */
        must(t5_generate_encoded(session, &params, &got, &err), &err);
        for (size_t i = 0; i < inputs.n; i++) {
            ck_assert(same_answer(t5_generation_answers(got, i, &n), t5_generation_answers(want, i, &n)));
        }
        t5_generation_free(got);
    }
    t5_session_params wrong = t5_session_defaults();
    wrong.ff_topk = t5_model_config(model)->d_ff + 1;
    ck_assert_int_eq(t5_session_set_topk(session, &wrong, &err), RT_ERR_USAGE);
    ck_assert_uint_gt(t5_session_peak_bytes(session), 0);
    t5_generation_free(want);
    free_lists(&inputs);
    t5_session_close(session);
    t5_session_close(other);
    t5_model_close(model);
}
END_TEST

/* ---- one window, every setting ---- */

static void run_window(t5_model *model, const compare_settings *settings, size_t threads, const id_lists *inputs, compare_tally *tally,
                       size_t split) {
    rt_error err;
    compare_measure measure;
    t5_session_params params = t5_session_defaults();
    const t5_generate_params generate = t5_generate_defaults();
    params.threads = threads;
    t5_session *session = must_start(model, &params);
    must(compare_tally_open(settings, model, tally, &err), &err);
    must(compare_measure_open(session, t5_model_config(model), &params, &generate, inputs->n, &measure, &err), &err);
    for (size_t first = 0; first < inputs->n; first += split) {
        const size_t n = inputs->n - first < split ? inputs->n - first : split;
        must(compare_measure_run(&measure, tally, inputs->list + first, n, &err), &err);
    }
    compare_measure_close(&measure);
    t5_session_close(session);
}

/* k of at least the largest number of positive units is dense to the last bit; and nothing depends on windows and threads. */
START_TEST(every_positive_unit_kept) {
    rt_error err;
    compare_settings settings;
    compare_tally a, b;
    t5_model *model = must_open(QA_MINI);
    random_source r = {11};
    id_lists inputs = random_lengths(&r, t5_model_config(model), 60, 9);
    must(compare_settings_list("16,511,dec=1", "cross=2", 512, &settings, &err), &err);
    run_window(model, &settings, 1, &inputs, &a, inputs.n);
    run_window(model, &settings, 3, &inputs, &b, 2);
    compare_outcome *x = calloc(settings.n, sizeof *x), *y = calloc(settings.n, sizeof *y);
    must(compare_tally_result(&a, x, &err), &err);
    must(compare_tally_result(&b, y, &err), &err);
    const compare_outcome *full = &x[settings.n - 1], *few = &x[settings.n - 2];
    ck_assert_str_eq(settings.v[settings.n - 1].name, "ff 511");
    ck_assert_uint_lt(x[0].encoder[0].positive_max, 511);
    ck_assert(full->logits.max_abs == 0 && full->logits.mean_kl == 0 && full->logits.n_same_argmax == full->logits.n_steps);
    ck_assert_uint_eq(full->n_same_first, inputs.n);
    ck_assert_double_gt(few->logits.max_abs, 0);
    ck_assert_double_gt(few->logits.mean_kl, 0);
    for (size_t s = 0; s < settings.n; s++) {
        ck_assert_mem_eq(&x[s].logits, &y[s].logits, sizeof x[s].logits);
        ck_assert_mem_eq(x[s].encoder, y[s].encoder, t5_model_config(model)->num_layers * sizeof *x[s].encoder);
        ck_assert_mem_eq(x[s].decoder, y[s].decoder, t5_model_config(model)->num_decoder_layers * sizeof *x[s].decoder);
        ck_assert_uint_eq(x[s].n_same_first, y[s].n_same_first);
    }
    compare_outcomes_free(x, settings.n);
    compare_outcomes_free(y, settings.n);
    compare_tally_close(&a);
    compare_tally_close(&b);
    free_lists(&inputs);
    t5_model_close(model);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("compare");
    tcase_add_test(tests, golden_compare);
    tcase_add_test(tests, not_finite);
    tcase_add_test(tests, golden_sparsity);
    tcase_add_test(tests, kept_mass_falls_with_k);
    tcase_add_test(tests, generate_encoded);
    tcase_add_test(tests, every_positive_unit_kept);
    return run_tests("compare", tests, 300);
}

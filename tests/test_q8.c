/* q8: the 8-bit linear layer against products in double, whole models against themselves in f32, and copies from a file against those made at
 * open. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/matmul_bytes.h"
#include "tests/support/converted.h"
#include "tests/support/model.h"
#include "tests/support/model_folder.h"
#include "tests/support/require.h"
#include "tests/support/variants.h"

/* ---- the layer ---- */

static double sum_of_sizes(size_t k, const float *x, double *largest) {
    double sum = 0;
    *largest = 0;
    for (size_t c = 0; c < k; c++) {
        sum += fabs((double)x[c]);
        *largest = fmax(*largest, fabs((double)x[c]));
    }
    return sum;
}

/* Rounded to steps of largest / 127, a number is off by half a step at most (and a little, for the step is f32): x by a, w by b. So the product
 * is off by b sum |x| + a sum |w| + k a b. */
static void check_product(size_t k, const float *x, const float *w, float got, const char *where) {
    double exact = 0, largest_x, largest_w;
    for (size_t c = 0; c < k; c++) exact += (double)x[c] * (double)w[c];
    const double sum_x = sum_of_sizes(k, x, &largest_x), sum_w = sum_of_sizes(k, w, &largest_w);
    const double a = largest_x / 127 * 0.50001, b = largest_w / 127 * 0.50001;
    const double bound = b * sum_x + a * sum_w + (double)k * a * b + 1e-6 * fabs(exact);
    REQUIRE(fabs((double)got - exact) <= bound, "%s: %g instead of %g, more than %g off", where, (double)got, exact, bound);
}

static void fill_copy(const rt_kernels *kernels, const rt_matrix *W, rt_arena *room, rt_screen *copy) {
    rt_arena measured = {0};
    float *row = malloc(rt_screen_fill_scratch(W->cols) * sizeof *row);
    rt_screen_place(&measured, W, copy);
    REQUIRE(rt_arena_provide(room, &measured, "a copy", NULL) == RT_OK, "no memory for a copy");
    rt_screen_place(room, W, copy);
    for (size_t panel = 0; panel < rt_screen_panels(copy); panel++) rt_screen_fill(kernels, W, panel, copy, row);
    free(row);
}

START_TEST(products_are_near_the_exact_ones) {
    static const size_t sizes[][3] = {{1, 1, 1}, {2, 5, 3}, {7, 64, 16}, {33, 65, 20}, {130, 200, 64}, {150, 193, 100}, {3, 768, 768}}; /* m, n, k */
    random_source r = {.state = 4};
    rt_threads *threads;
    REQUIRE(rt_threads_open(3, &threads, NULL) == RT_OK, "no threads");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        float *A = malloc(m * k * sizeof *A), *B = malloc(n * k * sizeof *B), *C = malloc(m * n * sizeof *C), *one = malloc(m * n * sizeof *one);
        const rt_matrix W = rt_matrix_f32(B, n, k, k);
        const rt_compute alone = {.kernels = variant(_i)}, shared = {.kernels = variant(_i), .threads = threads};
        rt_arena room = {0}, measured = {0}, rows_room = {0};
        rt_screen copy;
        rt_byte_rows rows;
        fill_floats(&r, FLOATS_UNIT, m * k, A);
        fill_floats(&r, FLOATS_UNIT, n * k, B);
        for (size_t i = 0; i < m; i++) A[i * k + i % k] *= i % 3 == 0 ? 1e4f : i % 3 == 1 ? 0 : 1; /* outliers */
        for (size_t c = 0; c < k; c++) A[c] *= 1e-9f, A[(m - 1) * k + c] *= 1e5f;
        fill_copy(variant(_i), &W, &room, &copy);
        rt_byte_rows_place(&measured, m, k, &rows);
        REQUIRE(rt_arena_provide(&rows_room, &measured, "rows", NULL) == RT_OK, "no memory for rows");
        rt_byte_rows_place(&rows_room, m, k, &rows);
        rt_byte_rows_fill(&shared, m, A, k, k, &rows);
        rt_matmul_bytes(&shared, m, &rows, &copy, C, n);
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < n; j++) check_product(k, A + i * k, B + j * k, C[i * n + j], variant(_i)->isa);
        }
        rt_byte_rows_fill(&alone, m, A, k, k, &rows);
        rt_matmul_bytes(&alone, m, &rows, &copy, one, n);
        REQUIRE(memcmp(one, C, m * n * sizeof *C) == 0, "%s: other bits with one thread", variant(_i)->isa);
        rt_arena_free(&room);
        rt_arena_free(&rows_room);
        free(A);
        free(B);
        free(C);
        free(one);
    }
    rt_threads_close(threads);
}
END_TEST

/* ---- models ---- */

/* Measured: 0.01 to 0.08 of a state's norm on these narrow random models (d_model 32). States that have nothing to do with each other are 1.4
 * away. */
#define NEAR 0.15

static const char *const cases[] = {GOLDEN("relu_tied"), GOLDEN("gated_gelu"),       GOLDEN("gelu"),  GOLDEN("gated_silu"),  GOLDEN("odd_sizes"),
                                    GOLDEN("umt5"),      GOLDEN("gated_gelu_tied"), GOLDEN("madlad"), GOLDEN("real_vocab"), QA_MINI};

enum { N_CASES = sizeof cases / sizeof *cases, N_IDS = 150 };

typedef struct states {
    size_t n_encoder, n_decoder, n_logits;
    float *encoder, *decoder, *logits;
} states;

static float *copy_of(const float *from, size_t n) { return memcpy(malloc(n * sizeof *from), from, n * sizeof *from); }

/* tokens_per_input: which form cross-attention has. */
static states run(const t5_model *model, const t5_ids *input, const t5_ids *fed, size_t tokens_per_input) {
    const t5_config *config = t5_model_config(model);
    t5_session_params params = t5_session_defaults();
    params.tokens_per_input = tokens_per_input;
    t5_session *session = must_start(model, &params);
    const size_t source = 0;
    rt_error err;
    states s = {.n_encoder = input->n * config->d_model, .n_decoder = fed->n * config->d_model, .n_logits = fed->n * config->vocab_size};
    must(t5_encode(session, input, 1, &err), &err);
    must(t5_decode_start(session, &source, 1, &err), &err);
    must(t5_decode(session, fed, &err), &err);
    s.logits = malloc(s.n_logits * sizeof *s.logits);
    must(t5_logits(session, 0, fed->n, s.logits, &err), &err);
    s.encoder = copy_of(t5_encoder_hidden(session, 0), s.n_encoder);
    s.decoder = copy_of(t5_decoder_hidden(session), s.n_decoder);
    t5_session_close(session);
    return s;
}

static void free_states(states *s) {
    free(s->encoder);
    free(s->decoder);
    free(s->logits);
}

static double distance(size_t n, const float *a, const float *b) {
    double square = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        square += (double)a[i] * (double)a[i];
        lost += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    }
    return sqrt(lost / square);
}

START_TEST(models_are_near_themselves_in_f32) {
    t5_model *f32 = must_open(cases[_i]), *q8 = must_open_as(cases[_i], T5_Q8);
    random_source r = {.state = 6};
    const size_t lengths[] = {N_IDS, 6};
    id_lists ids = random_lists(&r, t5_model_config(f32), lengths, 2);
    for (size_t form = 1; form <= 1000; form += 999) {
        states a = run(f32, &ids.list[0], &ids.list[1], form), b = run(q8, &ids.list[0], &ids.list[1], form);
        const double encoder = distance(a.n_encoder, a.encoder, b.encoder), decoder = distance(a.n_decoder, a.decoder, b.decoder);
        const double logits = distance(a.n_logits, a.logits, b.logits);
        ck_assert_msg(encoder > 1e-4 && encoder < NEAR && decoder > 1e-4 && decoder < NEAR && logits > 1e-4 && logits < NEAR,
                      "%s: encoder %g, decoder %g, logits %g away", cases[_i], encoder, decoder, logits);
        free_states(&a);
        free_states(&b);
    }
    free_lists(&ids);
    t5_model_close(f32);
    t5_model_close(q8);
}
END_TEST

/* ---- copies in a file ---- */

enum { WORDS = 1 << 18, D_FF = 1 << 15, D_MODEL = 32 };

/* A vocabulary and feed-forward layers that the converter makes copies for. */
static void widen(model_folder *folder) {
    random_source r = {.state = 8};
    fill_floats(&r, FLOATS_UNIT, WORDS * D_MODEL, folder_reshape(folder_find(folder, "shared.weight"), WORDS, D_MODEL));
    folder_set_number(folder, "vocab_size", WORDS);
    folder_set_number(folder, "d_ff", D_FF);
    for (size_t b = 0; b < 4; b++) {
        char name[80];
        snprintf(name, sizeof name, "%s.block.%zu.layer.%d.DenseReluDense.wi.weight", b < 2 ? "encoder" : "decoder", b % 2, b < 2 ? 1 : 2);
        fill_floats(&r, FLOATS_UNIT, D_FF * D_MODEL, folder_reshape(folder_find(folder, name), D_FF, D_MODEL));
        char *wo = strstr(name, ".wi.");
        memcpy(wo, ".wo.", 4);
        float *v = folder_reshape(folder_find(folder, name), D_MODEL, D_FF);
        for (size_t i = 0; i < D_FF * D_MODEL; i++) v[i] = random_unit(&r) / 256;
    }
}

/* What best ids and logits come to. */
static uint64_t hash_of(const char *path, t5_compute compute, const id_lists *ids) {
    t5_model *model = must_open_as(path, compute);
    t5_session *session = must_start_plain(model);
    t5_generate_params params = t5_generate_defaults();
    params.skip_logprobs = true;
    params.max_new_tokens = 6;
    t5_generation *generation = must_generate(session, ids->list, ids->n, &params);
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < ids->n; i++) {
        const t5_answer *answer = must_have_answers(generation, i, 1);
        hash = hash_words(hash, answer->ids, answer->n);
    }
    t5_generation_free(generation);
    t5_session_close(session);
    states s = run(model, &ids->list[0], &ids->list[1], 1);
    hash = hash_words(hash, s.logits, s.n_logits);
    free_states(&s);
    t5_model_close(model);
    return hash;
}

START_TEST(copies_from_a_file_are_those_made_at_open) {
    static const size_t lengths[] = {40, 3, 9};
    const t5_conversion_params keep = keep_types(T5_LAYOUT_T5K), plain = as_type(T5_LAYOUT_LLAMA_CPP, RT_Q8_0);
    model_folder folder;
    scratch files;
    random_source r = {.state = 7};
    scratch_open(&files);
    folder_open(&folder, GOLDEN("relu_tied"));
    widen(&folder);
    const char *path = folder_write(&folder);
    t5_model *model = must_open(path);
    id_lists ids = random_lists(&r, t5_model_config(model), lengths, 3);
    t5_model_close(model);
    char without[2][256];
    snprintf(without[0], sizeof without[0], "%s", path);
    snprintf(without[1], sizeof without[1], "%s", convert_to(&files, "q8_0.gguf", path, &plain, false)); /* no copies in this layout either */
    for (size_t i = 0; i < (SANITIZED ? 1 : 2); i++) {
        const char *with = convert_to(&files, "with.gguf", without[i], &keep, false);
        for (t5_compute compute = T5_F32; compute <= T5_Q8; compute++) {
            ck_assert_msg(hash_of(with, compute, &ids) == hash_of(without[i], compute, &ids), "%s, model %zu: other bits with a file's copies",
                          compute == T5_Q8 ? "q8" : "f32", i);
        }
    }
    free_lists(&ids);
    folder_close(&folder);
    scratch_close(&files);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("q8");
    tcase_add_loop_test(tests, products_are_near_the_exact_ones, 0, n_variants());
    tcase_add_loop_test(tests, models_are_near_themselves_in_f32, 0, N_CASES);
    tcase_add_test(tests, copies_from_a_file_are_those_made_at_open);
    return run_tests("q8", tests, 300);
}

/* Random models in memory have the density asked for, and what was never a file is closed and refused as what was; limits are measured by
 * operations that the kernels have. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/peak.h"
#include "tests/support/suite.h"
#include "tools/bench.h"
#include "tools/verbose.h"

static void check_density(size_t type, float density) {
    rt_error err;
    opt_values options = opt_defaults();
    options.bench.density = density;
    options.bench.type = type;
    bench b = {.options = &options};
    ck_assert_msg(bench_make_model(&options, &b.model, &err) == RT_OK, "%s", err.message);
    ck_assert_uint_eq(b.model->config.d_model, 512);
    ck_assert_uint_eq(b.model->weights.shared.dtype, type == 0 ? RT_F32 : RT_BF16);
    ck_assert_msg(bench_measure_density(&b, &err) == RT_OK, "%s", err.message);
    for (size_t stack = 0; stack < 2; stack++) {
        ck_assert_msg(b.density[stack] > 0.8 * (double)density && b.density[stack] < 1.2 * (double)density, "density %f, not %f", b.density[stack],
                      (double)density);
    }
    t5_model_close(b.model);
}

START_TEST(density_is_as_asked) {
    check_density(0, 0.05f);
    check_density(1, 0.3f);
}
END_TEST

/* Laps are all of a pass but what lies outside the blocks, and a block is its layers. */
START_TEST(blocks_have_their_layers) {
    static const size_t n_layers[] = {2, 3, 0, 0};
    rt_error err;
    opt_values options = opt_defaults();
    options.bench.runs = 1;
    const size_t length = 64;
    const t5_session_params params = t5_session_defaults();
    bench b = {.options = &options};
    bench_inputs inputs;
    t5_laps laps = {0};
    ck_assert_msg(t5_model_open("data/models/qa-mini", T5_F32, &b.model, &err) == RT_OK, "%s", err.message);
    ck_assert_int_eq(t5_session_open(b.model, &params, &b.session, &err), RT_OK);
    ck_assert_int_eq(bench_make_inputs(&b.model->config, 1, &length, &inputs, &err), RT_OK);
    b.session->laps = &laps;
    const double start = verbose_clock();
    for (size_t i = 0; i < 100; i++) ck_assert_int_eq(t5_encode(b.session, inputs.input, 1, &err), RT_OK);
    const double whole = verbose_clock() - start, parts = laps.seconds[T5_LAP_ENCODER_SELF] + laps.seconds[T5_LAP_ENCODER_FF];
    ck_assert_msg(parts <= whole && parts > whole / 2, "%f s of %f s", parts, whole);
    for (size_t l = T5_LAP_SOURCE; l < T5_N_LAPS; l++) ck_assert(laps.seconds[l] == 0);
    ck_assert_msg(bench_measure_blocks(&b, &err) == RT_OK, "%s", err.message);
    ck_assert_uint_eq(b.n_blocks, 4);
    for (size_t i = 0; i < b.n_blocks; i++) {
        const bench_block *block = &b.block[i];
        double seconds = block->n_layers == 0 ? block->whole.seconds : 0;
        ck_assert_uint_eq(block->n_layers, n_layers[i]);
        for (size_t l = 0; l < block->n_layers; l++) {
            ck_assert(block->layer[l].seconds > 0 && block->layer[l].rate > 0);
            seconds += block->layer[l].seconds;
        }
        ck_assert(seconds > 0 && seconds == block->whole.seconds && block->whole.rate > 0);
    }
    rt_ids_free(&inputs.ids);
    t5_session_close(b.session);
    t5_model_close(b.model);
}
END_TEST

START_TEST(tensors_in_memory) {
    rt_error err;
    ckpt_checkpoint *checkpoint;
    const size_t n_bytes = 1 << 16;
    uint8_t *pages = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    memset(pages, 1, n_bytes);
    const rt_file_map memory = {.data = pages, .size = n_bytes};
    ckpt_tensor *tensors = malloc(2 * sizeof *tensors);
    ck_assert_ptr_nonnull(tensors);
    for (size_t i = 0; i < 2; i++) tensors[i] = (ckpt_tensor){.name = "b", .data = pages + i * n_bytes / 2, .n_bytes = n_bytes / 2, .file = "made"};
    ck_assert_int_eq(ckpt_of_memory("made", &memory, tensors, 2, &checkpoint, &err), RT_ERR_MALFORMED);
    ck_assert_str_eq(err.message, "made: tensor 'b' is there under two names");
    tensors[1].name = "a";
    ck_assert_int_eq(ckpt_of_memory("made", &memory, tensors, 2, &checkpoint, &err), RT_OK);
    ck_assert_str_eq(ckpt_path(checkpoint), "made");
    ck_assert_str_eq(ckpt_at(checkpoint, 0)->name, "a");
    const ckpt_tensor *b = ckpt_find(checkpoint, "b");
    ck_assert_ptr_eq(b->data, pages + (b == tensors ? n_bytes / 2 : 0));
    ckpt_release(checkpoint, b); /* gives the pages back */
    ck_assert_uint_eq(b->data[0], 0);
    ck_assert_uint_eq(ckpt_find(checkpoint, "a")->data[0], 1);
    ckpt_close(checkpoint);
}
END_TEST

START_TEST(limits_of_every_variant) {
    const rt_kernels *kernels[RT_MAX_VARIANTS];
    const size_t n = rt_kernels_runnable(kernels);
    for (size_t i = 0; i < n; i++) {
        ck_assert(rt_peak_fma(kernels[i], 10) >= 20);
        const bool multiplies_bytes = kernels[i]->bytes[0] != '\0' && strcmp(kernels[i]->bytes, "ref") != 0;
        ck_assert_msg((rt_peak_int8(kernels[i], 10) > 0) == multiplies_bytes, "%s %s", kernels[i]->isa, kernels[i]->bytes);
        uint64_t words[1000], want = 0;
        for (size_t w = 0; w < 1000; w++) want ^= words[w] = bench_mix(w);
        ck_assert_uint_eq(rt_peak_read(kernels[i], 1000, words), want);
        for (size_t w = 0; w < 7; w++) ck_assert_uint_eq(rt_peak_read(kernels[i], 1, words + w), words[w]);
    }
}
END_TEST

START_TEST(times_are_sorted) {
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    ck_assert(bench_sort(3, odd).median == 2 && odd[0] == 1);
    const bench_time of_even = bench_sort(4, even);
    ck_assert(of_even.median == 2.5 && of_even.best == 1);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("bench");
    tcase_add_test(tests, density_is_as_asked);
    tcase_add_test(tests, blocks_have_their_layers);
    tcase_add_test(tests, tensors_in_memory);
    tcase_add_test(tests, limits_of_every_variant);
    tcase_add_test(tests, times_are_sorted);
    return run_tests("bench", tests, 120);
}

/* The lines of -v; see verbose.h. */
#include "tools/verbose.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/json_out.h"
#include "tools/output.h"

double verbose_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void verbose_opened(const char *what, double since) { fprintf(stderr, "opened %s in %.1f ms\n", what, 1e3 * (verbose_clock() - since)); }

static const char *activation_name(t5_activation activation) {
    switch (activation) {
    case T5_RELU: return "relu";
    case T5_GELU_TANH: return "gelu_tanh";
    case T5_GELU_ERF: return "gelu_erf";
    default: return "silu";
    }
}

/* Pages of this process that are in memory, from the second field of statm (proc(5)); 0 where there is no /proc. */
static double resident_mib(void) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL) return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1) pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

void verbose_model(const char *path, const t5_model *model, const t5_session *session) {
    const t5_config *c = t5_model_config(model);
    rt_text name = {0};
    if (json_string(&name, slice_of(path), NULL) == RT_OK) fprintf(stderr, "model %s\n", name.v);
    rt_text_free(&name);
    fprintf(stderr,
            "config vocab_size %zu, d_model %zu, d_kv %zu, d_ff %zu, num_heads %zu, num_layers %zu, num_decoder_layers %zu, %s%s, "
            "%.1f MiB of weights\n",
            c->vocab_size, c->d_model, c->d_kv, c->d_ff, c->num_heads, c->num_layers, c->num_decoder_layers,
            c->is_gated_act ? "gated " : "", activation_name(c->activation), (double)t5_model_bytes(model) / (1 << 20));
    fprintf(stderr, "isa %s, threads %zu, compute %s\n", t5_session_isa(session), t5_session_threads(session),
            t5_model_compute(model) == T5_Q8 ? "q8" : "f32");
    fprintf(stderr, "resident memory %.1f MiB\n", resident_mib());
}

rt_status verbose_input(const char *name, const slice *text, const int32_t *ids, size_t n, rt_error *err) {
    rt_text out = {0};
    rt_status status = RT_OK;
    if (text != NULL) {
        status = out_print(&out, err, "%s text ", name);
        if (status == RT_OK) status = json_string(&out, *text, err);
        if (status == RT_OK) status = rt_text_append(&out, "\n", 1, err);
    }
    if (status == RT_OK) status = out_print(&out, err, "%s ids ", name);
    if (status == RT_OK) status = out_ids(&out, ids, n, err);
    if (status == RT_OK) status = rt_text_append(&out, "\n", 1, err);
    if (status == RT_OK) fwrite(out.v, 1, out.n, stderr);
    rt_text_free(&out);
    return status;
}

void verbose_screening(const t5_session *session) {
    static const char *const names[] = {[T5_SCREENED_ENCODER_FF] = "encoder feed-forward", [T5_SCREENED_DECODER_FF] = "decoder feed-forward",
                                        [T5_SCREENED_LM_HEAD] = "lm_head"};
    for (t5_screened what = T5_SCREENED_ENCODER_FF; what <= T5_SCREENED_LM_HEAD; what++) {
        const t5_screening s = t5_session_screening(session, what);
        if (s.scores == 0) fprintf(stderr, "screening of the %s: none\n", names[what]);
        else fprintf(stderr, "screening of the %s: %.1f %% of %.3g scores computed\n", names[what],
                     100.0 * (double)s.computed / (double)s.scores, (double)s.scores);
    }
}

void verbose_speed(size_t n_inputs, size_t n_input_tokens, size_t n_output_tokens, size_t n_steps, double seconds) {
    fprintf(stderr, "answered %zu in %.3f s: %zu input tokens (%.1f tokens/s), %zu output tokens (%.1f tokens/s), %zu decoder steps\n",
            n_inputs, seconds, n_input_tokens, (double)n_input_tokens / seconds, n_output_tokens, (double)n_output_tokens / seconds, n_steps);
}

/* The results of bench as text and as one JSON object; see bench.h. */
#include "tools/bench.h"
#include "tools/json_out.h"
#include "tools/output.h"

/* A limit in words, in the unit that rates are printed in. */
static const struct {
    const char *name, *what, *unit, *field;
} limits[BENCH_N_LIMITS] = {
    [BENCH_FMA] = {"FMA", "multiply-adds, f32", "GFLOP/s", "fma_gflops"},
    [BENCH_INT8] = {"int8", "products of bytes", "GOP/s", "int8_gops"},
    [BENCH_READ] = {"memory", "reading memory", "GB/s", "read_gbs"},
};

static const double mib = 1 << 20;

static const char *arithmetic_of(const bench *b) { return b->model->compute == T5_Q8 ? "q8" : "f32"; }

static double percent(double rate, double limit) { return limit > 0 ? 100 * rate / limit : 0; }

/* Tokens read and written, each beam's one by one. */
static double tokens_per_second(const bench_request *r) {
    return (double)(r->input_tokens + r->n_inputs * r->new_tokens * r->num_beams) / r->median;
}

/* ---- text ---- */

static rt_status print_head(const bench *b, rt_text *out, rt_error *err) {
    const t5_config *c = &b->model->config;
    char shown[RT_QUOTE_SIZE];
    RT_TRY(out_print(out, err, "model    "));
    RT_TRY(out_print(out, err, "%s\n", rt_quote_path(shown, b->name)));
    RT_TRY(out_print(out, err, "shape    d_model %zu, d_ff %zu, %zu heads of %zu, %zu + %zu blocks, %.1f MiB of weights\n", c->d_model, c->d_ff,
                     c->num_heads, c->d_kv, c->num_layers, c->num_decoder_layers, (double)t5_model_bytes(b->model) / mib));
    RT_TRY(out_print(out, err, "density  %.2f %% of the feed-forward units are positive in the encoder", 100 * b->density[0]));
    if (c->num_decoder_layers > 0) RT_TRY(out_print(out, err, ", %.2f %% in the decoder", 100 * b->density[1]));
    const size_t threads = t5_session_threads(b->session), runs = b->options->bench.runs;
    return out_print(out, err, "\nrun      %s, %s, %zu thread%s, median of %zu run%s\n", t5_session_isa(b->session), arithmetic_of(b), threads,
                     threads == 1 ? "" : "s", runs, runs == 1 ? "" : "s");
}

static rt_status print_limits(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "\n%-40s %11s  %11s\n", "limits of this machine", "one thread", "all threads"));
    for (size_t l = 0; l < BENCH_N_LIMITS; l++) {
        if (b->limit[l].one <= 0) continue;
        RT_TRY(out_print(out, err, "  %-9s %-28s %11.1f  %11.1f  %s\n", limits[l].name, limits[l].what, 1e-9 * b->limit[l].one,
                         1e-9 * b->limit[l].all, limits[l].unit));
    }
    return RT_OK;
}

static rt_status print_kernels(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "\nkernels, one thread\n"));
    for (size_t i = 0; i < b->n_kernels; i++) {
        const bench_kernel *k = &b->kernel[i];
        RT_TRY(out_print(out, err, "  %-16s %-30s %9.1f %-7s %5.0f %% of %s\n", k->name, k->shape, 1e-9 * k->rate, limits[k->limit].unit,
                         percent(k->rate, b->limit[k->limit].one), limits[k->limit].name));
    }
    return RT_OK;
}

static rt_status print_speed(const bench *b, const bench_layer *l, rt_text *out, rt_error *err) {
    return out_print(out, err, " %10.3f ms  %9.1f %-7s %5.0f %% of %s\n", 1e3 * l->seconds, 1e-9 * l->rate, limits[l->limit].unit,
                     percent(l->rate, b->limit[l->limit].all), limits[l->limit].name);
}

/* A layer's share is of its block's time. */
static rt_status print_blocks(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "\nblocks and their layers, all threads; rates as if nothing were left out\n"));
    for (size_t i = 0; i < b->n_blocks; i++) {
        const bench_block *block = &b->block[i];
        RT_TRY(out_print(out, err, "  %-33s", block->whole.name));
        RT_TRY(print_speed(b, &block->whole, out, err));
        for (size_t l = 0; l < block->n_layers; l++) {
            RT_TRY(out_print(out, err, "    %-24s %3.0f %% ", block->layer[l].name, percent(block->layer[l].seconds, block->whole.seconds)));
            RT_TRY(print_speed(b, &block->layer[l], out, err));
        }
    }
    return RT_OK;
}

static rt_status print_requests(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "\n%-10s %6s %9s %5s %9s %10s %10s %11s %12s\n", "requests", "inputs", "tokens in", "beams", "new each", "median s",
                     "best s", "tokens/s", "session MiB"));
    for (size_t i = 0; i < b->n_requests; i++) {
        const bench_request *r = &b->request[i];
        RT_TRY(out_print(out, err, "  %-8s %6zu %9zu %5zu %9zu ", r->name, r->n_inputs, r->input_tokens, r->num_beams, r->new_tokens));
        if (r->needs > r->available) {
            RT_TRY(out_print(out, err, "left out: needs %zu bytes, %zu are available\n", r->needs, r->available));
        } else {
            RT_TRY(out_print(out, err, "%10.4f %10.4f %11.0f %12.1f\n", r->median, r->best, tokens_per_second(r), (double)r->peak_bytes / mib));
        }
    }
    return RT_OK;
}

rt_status bench_print_text(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(print_head(b, out, err));
    RT_TRY(print_limits(b, out, err));
    RT_TRY(print_kernels(b, out, err));
    RT_TRY(print_blocks(b, out, err));
    return print_requests(b, out, err);
}

/* ---- JSON ---- */

static rt_status json_head(const bench *b, rt_text *out, rt_error *err) {
    const t5_config *c = &b->model->config;
    RT_TRY(out_print(out, err, "{\"model\":"));
    RT_TRY(json_string(out, slice_of(b->name), err));
    RT_TRY(out_print(out, err, ",\"d_model\":%zu,\"d_ff\":%zu,\"num_heads\":%zu,\"d_kv\":%zu,\"num_layers\":%zu,\"num_decoder_layers\":%zu",
                     c->d_model, c->d_ff, c->num_heads, c->d_kv, c->num_layers, c->num_decoder_layers));
    RT_TRY(out_print(out, err, ",\"bytes\":%zu,\"density\":{\"encoder\":%.6f", t5_model_bytes(b->model), b->density[0]));
    if (c->num_decoder_layers > 0) RT_TRY(out_print(out, err, ",\"decoder\":%.6f", b->density[1]));
    return out_print(out, err, "},\"isa\":\"%s\",\"compute\":\"%s\",\"threads\":%zu,\"runs\":%zu", t5_session_isa(b->session), arithmetic_of(b),
                     t5_session_threads(b->session), b->options->bench.runs);
}

/* Of a limit that does not apply to these kernels: null. */
static rt_status json_limits(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"limits\":{"));
    for (size_t l = 0; l < BENCH_N_LIMITS; l++) {
        RT_TRY(out_print(out, err, "%s\"%s\":", l > 0 ? "," : "", limits[l].field));
        RT_TRY(b->limit[l].one > 0 ? out_print(out, err, "{\"one\":%.3f,\"all\":%.3f}", 1e-9 * b->limit[l].one, 1e-9 * b->limit[l].all)
                                   : out_print(out, err, "null"));
    }
    return out_print(out, err, "}");
}

static rt_status json_kernels(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"kernels\":["));
    for (size_t i = 0; i < b->n_kernels; i++) {
        const bench_kernel *k = &b->kernel[i];
        RT_TRY(out_print(out, err, "%s{\"name\":\"%s\",\"shape\":\"%s\",\"rate\":%.3f,\"limit\":\"%s\",\"share\":%.4f}", i > 0 ? "," : "", k->name,
                         k->shape, 1e-9 * k->rate, limits[k->limit].field, k->rate / b->limit[k->limit].one));
    }
    return out_print(out, err, "]");
}

static rt_status json_layer(const bench *b, const bench_layer *l, rt_text *out, rt_error *err) {
    return out_print(out, err, "{\"name\":\"%s\",\"seconds\":%.9f,\"dense_rate\":%.3f,\"limit\":\"%s\",\"share\":%.4f", l->name, l->seconds,
                     1e-9 * l->rate, limits[l->limit].field, l->rate / b->limit[l->limit].all);
}

static rt_status json_blocks(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"blocks\":["));
    for (size_t i = 0; i < b->n_blocks; i++) {
        const bench_block *block = &b->block[i];
        RT_TRY(out_print(out, err, "%s", i > 0 ? "," : ""));
        RT_TRY(json_layer(b, &block->whole, out, err));
        RT_TRY(out_print(out, err, ",\"layers\":["));
        for (size_t l = 0; l < block->n_layers; l++) {
            RT_TRY(out_print(out, err, "%s", l > 0 ? "," : ""));
            RT_TRY(json_layer(b, &block->layer[l], out, err));
            RT_TRY(out_print(out, err, "}"));
        }
        RT_TRY(out_print(out, err, "]}"));
    }
    return out_print(out, err, "]");
}

static rt_status json_requests(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"requests\":["));
    for (size_t i = 0; i < b->n_requests; i++) {
        const bench_request *r = &b->request[i];
        RT_TRY(out_print(out, err, "%s{\"name\":\"%s\",\"inputs\":%zu,\"input_tokens\":%zu,\"beams\":%zu,\"new_tokens\":%zu", i > 0 ? "," : "",
                         r->name, r->n_inputs, r->input_tokens, r->num_beams, r->new_tokens));
        if (r->needs > r->available) {
            RT_TRY(out_print(out, err, ",\"needs_bytes\":%zu,\"available_bytes\":%zu}", r->needs, r->available));
        } else {
            RT_TRY(out_print(out, err, ",\"median_seconds\":%.6f,\"best_seconds\":%.6f,\"tokens_per_second\":%.1f,\"peak_bytes\":%zu}", r->median,
                             r->best, tokens_per_second(r), r->peak_bytes));
        }
    }
    return out_print(out, err, "]}\n");
}

rt_status bench_print_json(const bench *b, rt_text *out, rt_error *err) {
    RT_TRY(json_head(b, out, err));
    RT_TRY(json_limits(b, out, err));
    RT_TRY(json_kernels(b, out, err));
    RT_TRY(json_blocks(b, out, err));
    return json_requests(b, out, err);
}

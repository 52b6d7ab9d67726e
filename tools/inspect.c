/* t5k inspect: what a checkpoint is and what running it will take, from its headers alone. */
#include "tools/inspect.h"

#include <stddef.h>
#include <string.h>

#include "model/config.h"
#include "model/plan.h"
#include "runtime/gguf.h"
#include "tools/command.h"
#include "tools/output.h"

#define PART(field, label, why) {offsetof(t5_memory, field), #field, label, why}

const inspect_part inspect_parts[INSPECT_N_PARTS] = {
    PART(mapped, "weights in the file", "as stored; products widen F16, BF16, Q rows in scratch"),
    PART(panels, "wo, transposed", "at open; Q types widened to F32, others as stored"),
    PART(screens, "8-bit copies", "at open; large wi and lm_head; with q8, all linear layers"),
    PART(widened, "norms, bias tables", "at open; widened to F32"),
    PART(aligned, "misaligned tensors", "at open; copied as stored"),
    PART(tables, "tables of the blocks", "at open"),
    PART(encoder, "encoder", "activations, and the output that the decoder reads"),
    PART(cross, "cross-attention", "keys and values of all decoder layers"),
    PART(cache, "decoder cache", "self-attention's keys and values"),
    PART(step, "decoder step", "activations"),
    PART(search, "search", "logits and hypotheses"),
    PART(scratch, "scratch", "scores, top-k, widened rows, for each thread"),
};

static const char *form_of(const char *file) {
    static const char *const pytorch[] = {".bin", ".pt", ".pth", ".ckpt"};
    if (rt_gguf_is_name(file)) return "GGUF";
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot != NULL && i < sizeof pytorch / sizeof *pytorch; i++) {
        if (strcmp(dot, pytorch[i]) == 0) return "PyTorch";
    }
    return "safetensors";
}

/* Tensors by type, and how many files they are in: a file's name is one pointer in all its tensors. */
static void count_tensors(inspection *x) {
    const size_t n = ckpt_count(x->checkpoint);
    for (size_t i = 0; i < n; i++) {
        const ckpt_tensor *t = ckpt_at(x->checkpoint, i);
        inspect_total *total = &x->total[t->dtype];
        size_t n_elements = 1;
        for (unsigned d = 0; d < t->rank; d++) n_elements *= t->shape[d];
        total->n_tensors++;
        total->n_elements += n_elements;
        total->n_bytes += t->n_bytes;
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++) is_new = ckpt_at(x->checkpoint, j)->file != t->file;
        x->n_files += is_new;
    }
    x->form = n > 0 ? form_of(ckpt_at(x->checkpoint, 0)->file) : "empty";
}

static rt_status plan_memory(inspection *x, rt_error *err) {
    const opt_values *o = x->options;
    t5_session_params session = o->session;
    session.tokens_per_input = o->generate.num_beams * o->generate.max_new_tokens;
    return t5_plan_checkpoint(x->checkpoint, &x->config, (t5_compute)o->compute, &session, &o->generate, o->batch, o->input_tokens, &x->memory, err);
}

static rt_status print(const inspection *x, rt_error *err) {
    rt_text out = {0};
    rt_status status = (x->options->json ? inspect_json : inspect_text)(x, &out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    return status;
}

rt_status inspect_run(const opt_values *options, rt_error *err) {
    model_path path;
    inspection x = {.options = options, .path = path.v};
    RT_TRY(model_path_find(options->argument, &path, err));
    RT_TRY(t5_config_load(path.v, &x.config, err));
    RT_TRY(ckpt_open(path.v, &x.checkpoint, err));
    count_tensors(&x);
    rt_status status = inspect_config(&x, err);
    if (status == RT_OK) status = plan_memory(&x, err);
    if (status == RT_OK) status = print(&x, err);
    ckpt_close(x.checkpoint);
    return status;
}

/* What inspect found as one JSON object; see inspect.h. */
#include "model/path.h"
#include "tools/inspect.h"
#include "tools/json_out.h"
#include "tools/output.h"

static rt_status print_config(const inspection *x, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"config\":{"));
    for (size_t i = 0; i < x->n_values; i++) {
        const inspect_value *v = &x->value[i];
        RT_TRY(out_print(out, err, "%s\"%s\":", i > 0 ? "," : "", v->name));
        RT_TRY(v->is_text ? json_string(out, slice_of(v->value), err) : out_print(out, err, "%s", v->value));
    }
    return out_print(out, err, "}");
}

static rt_status print_tensors(const ckpt_checkpoint *checkpoint, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"tensors\":["));
    for (size_t i = 0; i < ckpt_count(checkpoint); i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        RT_TRY(out_print(out, err, "%s{\"name\":", i > 0 ? "," : ""));
        RT_TRY(json_string(out, slice_of(t->name), err));
        RT_TRY(out_print(out, err, ",\"type\":\"%s\",\"shape\":[", rt_dtype_of(t->dtype).name));
        for (unsigned d = 0; d < t->rank; d++) RT_TRY(out_print(out, err, "%s%zu", d > 0 ? "," : "", t->shape[d]));
        RT_TRY(out_print(out, err, "],\"bytes\":%zu,\"file\":", t->n_bytes));
        RT_TRY(json_string(out, slice_of(t5_path_name(t->file)), err));
        RT_TRY(out_print(out, err, "}"));
    }
    return out_print(out, err, "]");
}

static rt_status print_totals(const inspection *x, rt_text *out, rt_error *err) {
    bool is_first = true;
    RT_TRY(out_print(out, err, ",\"types\":{"));
    for (size_t d = 0; d < RT_N_DTYPES; d++) {
        const inspect_total *t = &x->total[d];
        if (t->n_tensors == 0) continue;
        RT_TRY(out_print(out, err, "%s\"%s\":{\"tensors\":%zu,\"elements\":%zu,\"bytes\":%zu}", is_first ? "" : ",",
                         rt_dtype_of((rt_dtype)d).name, t->n_tensors, t->n_elements, t->n_bytes));
        is_first = false;
    }
    return out_print(out, err, "}");
}

static rt_status print_memory(const inspection *x, rt_text *out, rt_error *err) {
    const opt_values *o = x->options;
    const t5_memory *m = &x->memory;
    RT_TRY(out_print(out, err, ",\"memory\":{\"batch\":%zu,\"input_tokens\":%zu,\"beams\":%zu,\"max_new_tokens\":%zu", o->batch,
                     o->input_tokens, o->generate.num_beams, o->generate.max_new_tokens));
    RT_TRY(out_print(out, err, ",\"threads\":%zu,\"chunk\":%zu,\"isa\":\"%s\",\"compute\":\"%s\",\"is_absorbed\":%s,\"bytes\":{", m->threads,
                     o->session.chunk, m->isa, o->compute == T5_Q8 ? "q8" : "f32", m->is_absorbed ? "true" : "false"));
    for (size_t i = 0; i < INSPECT_N_PARTS; i++) {
        RT_TRY(out_print(out, err, "%s\"%s\":%zu", i > 0 ? "," : "", inspect_parts[i].name, inspect_bytes(m, &inspect_parts[i])));
    }
    return out_print(out, err, "},\"total\":%zu,\"read_once\":%zu}", m->total, m->read_once);
}

rt_status inspect_json(const inspection *x, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "{\"model\":"));
    RT_TRY(json_string(out, slice_of(x->path), err));
    RT_TRY(out_print(out, err, ",\"form\":\"%s\",\"files\":%zu,\"family\":\"%s\",\"encoder_only\":%s", x->form, x->n_files, x->family,
                     x->config.num_decoder_layers == 0 ? "true" : "false"));
    RT_TRY(print_config(x, out, err));
    RT_TRY(print_tensors(x->checkpoint, out, err));
    RT_TRY(print_totals(x, out, err));
    RT_TRY(print_memory(x, out, err));
    return out_print(out, err, "}\n");
}

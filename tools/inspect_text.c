/* What inspect found as a table for people; see inspect.h. */
#include <stddef.h>
#include <stdio.h>

#include "tools/inspect.h"
#include "tools/output.h"

enum { SHAPE_SIZE = 24 * CKPT_MAX_RANK, CONFIG_COLUMN = 42, MEMORY_COLUMN = 22 };

static const double mib = 1 << 20;

static const char *shape_text(const ckpt_tensor *t, char out[SHAPE_SIZE]) {
    int n = snprintf(out, SHAPE_SIZE, "[");
    for (unsigned d = 0; d < t->rank; d++) n += snprintf(out + n, SHAPE_SIZE - (size_t)n, "%s%zu", d > 0 ? ", " : "", t->shape[d]);
    snprintf(out + n, SHAPE_SIZE - (size_t)n, "]");
    return out;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Columns as wide as their widest entry. */
static rt_status print_tensors(const ckpt_checkpoint *checkpoint, rt_text *out, rt_error *err) {
    const size_t n = ckpt_count(checkpoint);
    size_t name_width = 0, shape_width = 0, bytes_width = 0;
    char text[SHAPE_SIZE];
    for (size_t i = 0; i < n; i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        name_width = larger(name_width, strlen(t->name));
        shape_width = larger(shape_width, strlen(shape_text(t, text)));
        bytes_width = larger(bytes_width, (size_t)snprintf(text, sizeof text, "%zu", t->n_bytes));
    }
    for (size_t i = 0; i < n; i++) {
        const ckpt_tensor *t = ckpt_at(checkpoint, i);
        const size_t n_name = strlen(t->name);
        RT_TRY(out_print(out, err, "  "));
        RT_TRY(rt_text_append(out, t->name, n_name, err));
        RT_TRY(out_print(out, err, "%*s  %-4s  %-*s  %*zu\n", (int)(name_width - n_name), "", rt_dtype_of(t->dtype).name, (int)shape_width,
                         shape_text(t, text), (int)bytes_width, t->n_bytes));
    }
    return RT_OK;
}

static rt_status print_totals(const inspection *x, rt_text *out, rt_error *err) {
    for (size_t d = 0; d < RT_N_DTYPES; d++) {
        const inspect_total *t = &x->total[d];
        if (t->n_tensors == 0) continue;
        RT_TRY(out_print(out, err, "  %-4s  %6zu tensors  %14zu elements  %14zu bytes  %10.1f MiB\n", rt_dtype_of((rt_dtype)d).name,
                         t->n_tensors, t->n_elements, t->n_bytes, (double)t->n_bytes / mib));
    }
    return RT_OK;
}

static const char *plural(size_t n) { return n == 1 ? "" : "s"; }

static rt_status print_memory(const inspection *x, rt_text *out, rt_error *err) {
    const opt_values *o = x->options;
    const t5_memory *m = &x->memory;
    const size_t n_beams = o->generate.num_beams, n_new = o->generate.max_new_tokens;
    RT_TRY(out_print(out, err, "\nmemory for %zu input%s of %zu token%s", o->batch, plural(o->batch), o->input_tokens,
                     plural(o->input_tokens)));
    if (x->config.num_decoder_layers > 0) {
        RT_TRY(out_print(out, err, ", %zu beam%s, %zu new token%s", n_beams, plural(n_beams), n_new, plural(n_new)));
    }
    RT_TRY(out_print(out, err, "; %zu thread%s, chunk %zu, %s, %s\n", m->threads, plural(m->threads), o->session.chunk, m->isa,
                     o->compute == T5_Q8 ? "q8" : "f32"));
    for (size_t i = 0; i < INSPECT_N_PARTS; i++) {
        const inspect_part *part = &inspect_parts[i];
        const size_t bytes = inspect_bytes(m, part);
        if (bytes == 0) continue;
        const bool absorbed = m->is_absorbed && part->field == offsetof(t5_memory, cross);
        RT_TRY(out_print(out, err, "  %-*s %12.3f MiB  %s\n", MEMORY_COLUMN, part->label, (double)bytes / mib,
                         absorbed ? "absorbed: works on the encoder's output" : part->why));
    }
    RT_TRY(out_print(out, err, "  %-*s %12.3f MiB\n", MEMORY_COLUMN, "total", (double)m->total / mib));
    return out_print(out, err, "  besides, %.3f MiB of the file are read at open and given back\n", (double)m->read_once / mib);
}

rt_status inspect_text(const inspection *x, rt_text *out, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    RT_TRY(out_print(out, err, "model   "));
    RT_TRY(out_print(out, err, "%s\n", rt_quote_path(shown, x->path)));
    RT_TRY(out_print(out, err, "form    %s, %zu file%s\n", x->form, x->n_files, plural(x->n_files)));
    RT_TRY(out_print(out, err, "family  %s%s\n\nconfig\n", x->family, x->config.num_decoder_layers == 0 ? ", encoder only" : ""));
    for (size_t i = 0; i < x->n_values; i++) RT_TRY(out_print(out, err, "  %-*s %s\n", CONFIG_COLUMN, x->value[i].name, x->value[i].value));
    RT_TRY(out_print(out, err, "\ntensors\n"));
    RT_TRY(print_tensors(x->checkpoint, out, err));
    RT_TRY(out_print(out, err, "\ntypes\n"));
    RT_TRY(print_totals(x, out, err));
    return print_memory(x, out, err);
}

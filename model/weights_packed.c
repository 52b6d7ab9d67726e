/* Views of packed tensors; see weights_packed.h. */
#include "model/weights_packed.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 128 };

const ckpt_tensor *t5_packed_find(const ckpt_checkpoint *checkpoint, const char *name, const char *ending) {
    char packed[NAME_SIZE];
    const char *dot = strrchr(name, '.');
    if (dot == NULL || !ckpt_is_packed(checkpoint)) return NULL;
    snprintf(packed, sizeof packed, "%.*s%s", (int)(dot - name), name, ending);
    return ckpt_find(checkpoint, packed);
}

static bool has_shape(const ckpt_tensor *t, unsigned rank, const size_t *shape) {
    return t->rank == rank && memcmp(t->shape, shape, rank * sizeof *shape) == 0;
}

static rt_status fail(const ckpt_tensor *t, rt_error *err) {
    char file[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_DISAGREE, "%s: tensor %s has not the type and the shape that the config asks for",
                   rt_quote_path(file, t->file), t->name);
}

rt_status t5_packed_values(const t5_config *config, const ckpt_tensor *panels, rt_values *values, rt_error *err) {
    const size_t shape[] = {(config->d_model + RT_PANEL - 1) / RT_PANEL, config->d_ff, RT_PANEL};
    if (panels->dtype >= RT_N_FLOAT_DTYPES || !has_shape(panels, 3, shape)) return fail(panels, err);
    *values = (rt_values){.dtype = panels->dtype, .data = panels->data, .stride = RT_PANEL, .panel = config->d_ff * RT_PANEL};
    return RT_OK;
}

rt_status t5_packed_screen(size_t n, size_t k, const ckpt_tensor *q, const ckpt_tensor *bounds, rt_screen *screen, rt_error *err) {
    rt_screen s = rt_screen_of(n, k);
    const size_t n_padded = rt_screen_panels(&s) * RT_SCREEN_PANEL;
    const size_t shape[] = {rt_screen_panels(&s), s.k_padded / 4, RT_SCREEN_PANEL, 4}, bounds_shape[] = {3, n_padded};
    if (q->dtype != RT_I8 || !has_shape(q, 4, shape)) return fail(q, err);
    if (bounds->dtype != RT_F32 || !has_shape(bounds, 2, bounds_shape)) return fail(bounds, err);
    /* Only rt_screen_fill writes to a screen, and this one is full. */
    s.q = (uint8_t *)(uintptr_t)q->data;
    s.scale = (float *)(uintptr_t)bounds->data;
    s.alpha = s.scale + n_padded;
    s.beta = s.alpha + n_padded;
    *screen = s;
    return RT_OK;
}

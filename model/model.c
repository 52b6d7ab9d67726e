/* Opening and closing a model. */
#include "model/model.h"

#include <stdlib.h>

#include "model/config.h"

static rt_status open_parts(const char *path, t5_model *model, rt_error *err) {
    RT_TRY(t5_config_load(path, &model->config, err));
    RT_TRY(ckpt_open(path, &model->checkpoint, err));
    return t5_weights_load(model->checkpoint, &model->config, model->compute, &model->weights, err);
}

rt_status t5_model_open(const char *path, t5_compute compute, t5_model **model, rt_error *err) {
    t5_model *m = calloc(1, sizeof *m);
    if (m == NULL) return rt_fail_memory(err, sizeof *m, "a model");
    m->compute = compute;
    const rt_status status = open_parts(path, m, err);
    if (status != RT_OK) {
        t5_model_close(m);
        return status;
    }
    *model = m;
    return RT_OK;
}

rt_status t5_model_of(const t5_config *config, t5_compute compute, ckpt_checkpoint *checkpoint, t5_model **model, rt_error *err) {
    t5_model *m = calloc(1, sizeof *m);
    if (m == NULL) return rt_fail_memory(err, sizeof *m, "a model");
    m->config = *config;
    m->compute = compute;
    const rt_status status = t5_weights_load(checkpoint, config, compute, &m->weights, err);
    if (status != RT_OK) {
        t5_model_close(m);
        return status;
    }
    m->checkpoint = checkpoint;
    *model = m;
    return RT_OK;
}

void t5_model_close(t5_model *model) {
    if (model == NULL) return;
    t5_weights_free(&model->weights);
    ckpt_close(model->checkpoint);
    free(model);
}

const t5_config *t5_model_config(const t5_model *model) { return &model->config; }

t5_compute t5_model_compute(const t5_model *model) { return model->compute; }

rt_status t5_model_can_generate(const t5_model *model, rt_error *err) {
    if (model->config.num_decoder_layers > 0) return RT_OK;
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: the model is an encoder alone and cannot generate",
                   rt_quote_path(shown, ckpt_path(model->checkpoint)));
}

size_t t5_model_bytes(const t5_model *model) { return model->weights.stored_bytes; }

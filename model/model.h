/* The opened model: config, weights and the files that they lie in. Immutable after t5_model_open. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/weights.h"

struct t5_model {
    t5_config config;
    t5_compute compute;
    t5_weights weights;
    ckpt_checkpoint *checkpoint;
};

/* A model whose config and checkpoint are there already. On RT_OK the checkpoint is the model's. */
rt_status t5_model_of(const t5_config *config, t5_compute compute, ckpt_checkpoint *checkpoint, t5_model **model, rt_error *err);

#endif

/* The opened model: config, weights and the files that they lie in. Immutable after t5_model_open. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/weights.h"

struct t5_model {
    t5_config config;
    t5_weights weights;
    ckpt_checkpoint *checkpoint;
};

#endif

/* What the kernels read, as files that t5k has converted hold it (checkpoint/gguf_names.h): borrowed, where weights.c would derive it. */
#ifndef MODEL_WEIGHTS_PACKED_H
#define MODEL_WEIGHTS_PACKED_H

#include "model/checkpoint/checkpoint.h"
#include "model/t5.h"
#include "runtime/topk_attention.h"

/* The tensor called like name but for its ending; NULL if there is none, or the file is not packed. */
const ckpt_tensor *t5_packed_find(const ckpt_checkpoint *checkpoint, const char *name, const char *ending);

/* Views of the tensors. RT_ERR_DISAGREE where type and shape are not those that the config asks for. */
rt_status t5_packed_values(const t5_config *config, const ckpt_tensor *panels, rt_values *values, rt_error *err);
rt_status t5_packed_screen(size_t n, size_t k, const ckpt_tensor *q, const ckpt_tensor *bounds, rt_screen *screen, rt_error *err);

#endif

/* Forms that the kernels read and checkpoints do not have. */
#ifndef MODEL_WEIGHTS_DERIVE_H
#define MODEL_WEIGHTS_DERIVE_H

#include "model/checkpoint/checkpoint.h"
#include "runtime/compute.h"

/* Elements first .. first + n - 1 of the tensor as f32: whole blocks of its type. */
void t5_widen(const rt_kernels *kernels, const ckpt_tensor *tensor, size_t first, size_t n, float *out);

/* wo [d_model, d_ff] turned into panels of RT_PANEL columns (topk_attention.h), the last one filled up with zeros: out
 * [panels, d_ff, RT_PANEL] of dtype, which is the tensor's own or RT_F32. */
void t5_transpose(const rt_kernels *kernels, rt_threads *threads, const ckpt_tensor *wo, rt_dtype dtype, void *out);

/* The same as whole numbers of 8 bits, a scale for every row of wo^T: out [panels, d_ff, RT_PANEL], scale [d_ff]. From wo [d_model, d_ff], or
 * from panels [panels, d_ff, RT_PANEL] that a file holds. A row that is not finite has scale NaN. */
void t5_values_to_bytes(const rt_kernels *kernels, rt_threads *threads, const ckpt_tensor *wo_or_panels, int8_t *out, float *scale);

#endif

/* A linear layer in either arithmetic: f32 (runtime/matmul.h), or, where the model was opened with T5_Q8, 8-bit products of the rows and of the
 * weights' copy (runtime/matmul_bytes.h). */
#ifndef MODEL_LINEAR_H
#define MODEL_LINEAR_H

#include "runtime/compute.h"
#include "runtime/matmul_bytes.h"

/* Makes X [m, copy->k] ready for t5_linear_apply with any weights that have such a copy: q8 turns it into bytes once. */
void t5_linear_read(const rt_compute *compute, size_t m, const float *X, const rt_screen *copy, rt_byte_rows *bytes);

/* out [m, n] = X W^T;  W [n, k], copy: its 8-bit copy, or one whose q is NULL: f32. X and bytes as last read. */
void t5_linear_apply(const rt_compute *compute, size_t m, const float *X, const rt_byte_rows *bytes, const rt_matrix *W, const rt_screen *copy,
                     float *out);

#endif

/* A linear layer; see linear.h. */
#include "model/linear.h"

#include "runtime/matmul.h"

void t5_linear_read(const rt_compute *compute, size_t m, const float *X, const rt_screen *copy, rt_byte_rows *bytes) {
    if (copy->q != NULL) rt_byte_rows_fill(compute, m, X, copy->k, copy->k, bytes);
}

void t5_linear_apply(const rt_compute *compute, size_t m, const float *X, const rt_byte_rows *bytes, const rt_matrix *W, const rt_screen *copy,
                     float *out) {
    if (copy->q != NULL) rt_matmul_bytes(compute, m, bytes, copy, out, copy->n);
    else rt_matmul(compute, m, X, W->cols, W, out, W->rows);
}

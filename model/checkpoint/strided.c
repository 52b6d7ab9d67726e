/* Views of flat arrays; see strided.h. */
#include "model/checkpoint/strided.h"

#include <string.h>

#include "runtime/checked.h"

bool ckpt_strided_count(const ckpt_strided *view, size_t *count) {
    *count = 1;
    for (unsigned d = 0; d < view->rank; d++) {
        if (!rt_mul_size(*count, view->shape[d], count)) return false;
    }
    return true;
}

bool ckpt_strided_fits(const ckpt_strided *view, size_t n) {
    size_t last = view->offset;
    for (unsigned d = 0; d < view->rank; d++) {
        size_t step;
        if (view->shape[d] == 0) return view->offset <= n;
        if (!rt_mul_size(view->shape[d] - 1, view->stride[d], &step) || !rt_add_size(last, step, &last)) return false;
    }
    return last < n;
}

bool ckpt_strided_is_contiguous(const ckpt_strided *view) {
    size_t below = 1;
    for (unsigned d = 0; d < view->rank; d++) {
        if (view->shape[d] == 0) return true; /* no elements, in any order */
    }
    for (unsigned d = view->rank; d-- > 0;) {
        if (view->shape[d] != 1 && view->stride[d] != below) return false;
        below *= view->shape[d];
    }
    return true;
}

static void copy_row(size_t n, size_t bytes, const uint8_t *from, size_t step, uint8_t *out) {
    if (step == bytes) {
        memcpy(out, from, n * bytes);
    } else if (bytes == 4) {
        for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, from + step * i, 4);
    } else {
        for (size_t i = 0; i < n; i++) memcpy(out + bytes * i, from + step * i, bytes);
    }
}

void ckpt_strided_copy(const ckpt_strided *view, size_t bytes, const uint8_t *array, uint8_t *out) {
    size_t shape[CKPT_MAX_RANK] = {1, 1, 1, 1}, stride[CKPT_MAX_RANK] = {0};
    const unsigned missing = CKPT_MAX_RANK - view->rank;
    for (unsigned d = 0; d < view->rank; d++) {
        shape[missing + d] = view->shape[d];
        stride[missing + d] = view->stride[d];
    }
    for (size_t i = 0; i < shape[0]; i++) {
        for (size_t j = 0; j < shape[1]; j++) {
            for (size_t k = 0; k < shape[2]; k++) {
                const size_t first = view->offset + i * stride[0] + j * stride[1] + k * stride[2];
                copy_row(shape[3], bytes, array + first * bytes, stride[3] * bytes, out);
                out += shape[3] * bytes;
            }
        }
    }
}

_Static_assert(CKPT_MAX_RANK == 4, "ckpt_strided_copy has one loop a dimension");

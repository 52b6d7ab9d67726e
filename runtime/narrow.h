/* f32 narrowed to the types that files store weights in, the way back from `widen` (kernels.h).
 *
 *     F16, BF16   the nearest number of the type, of two equally near ones the even one (IEEE 754)
 *     Q8_0        blocks of 32: d = largest |x| / 127, stored as F16; q = round(x / d), halves away from zero. As ggml does it */
#ifndef RUNTIME_NARROW_H
#define RUNTIME_NARROW_H

#include <stddef.h>

#include "runtime/matrix.h"

/* out: n elements of dtype, which is RT_F32, RT_F16, RT_BF16 or RT_Q8_0, with any alignment; n is a multiple of its block. Returns n, or
 * the index of the first element that is not finite or larger than the type can hold, of Q8_0 the first of its block; F32 holds all. */
size_t rt_narrow(rt_dtype dtype, size_t n, const float *in, void *out);

#endif

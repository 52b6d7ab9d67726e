/* Quantised blocks of 32 elements, as GGUF files hold them, widened to f32.
 *
 *     Q8_0  f16 d, 32 x int8                     x = d q
 *     Q4_0  f16 d, 16 bytes                      x = d (q - 8)
 *     Q4_1  f16 d, f16 m, 16 bytes               x = d q + m
 *     Q5_0  f16 d, 32 fifth bits, 16 bytes       x = d (q - 16)
 *     Q5_1  f16 d, f16 m, 32 fifth bits, 16 bytes  x = d q + m
 *
 * Byte i of the 16 holds the low four bits of elements i (low nibble) and i + 16 (high nibble); bit i of the fifth bits belongs to element i.
 * Source: ggml's docs and block definitions. Products are rounded once, then m is added. */
#ifndef RUNTIME_QUANT_H
#define RUNTIME_QUANT_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/matrix.h"

/* in: n / 32 blocks with any alignment; n is a multiple of 32. */
void rt_widen_q8_0(size_t n, const void *in, float *out);
void rt_widen_q4_0(size_t n, const void *in, float *out);
void rt_widen_q4_1(size_t n, const void *in, float *out);
void rt_widen_q5_0(size_t n, const void *in, float *out);
void rt_widen_q5_1(size_t n, const void *in, float *out);

/* Whether d and m of n / 32 blocks of the type are all finite, and with them every element. */
bool rt_quant_is_finite(rt_dtype dtype, size_t n, const void *in);

/* One half-precision number, widened exactly. */
float rt_widen_half(unsigned short half);

#endif

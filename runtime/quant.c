/* Quantised blocks; see quant.h. */
#include "runtime/quant.h"

#include <stdint.h>
#include <string.h>

#include "runtime/bits.h"

/* 1 sign, 5 exponent (bias 15), 10 fraction bits; exponent 0 holds subnormals, fraction * 2^-24. */
float rt_widen_half(unsigned short half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, fraction = half & 0x3ff;
    if (exponent == 31) return rt_float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent > 0) return rt_float_of(sign | (exponent + 112) << 23 | fraction << 13);
    return rt_float_of(sign | rt_bits_of((float)fraction * 0x1p-24f));
}

static float half_at(const uint8_t *p) { return rt_widen_half((unsigned short)(p[0] | p[1] << 8)); }

void rt_widen_q8_0(size_t n, const void *in, float *out) {
    const uint8_t *block = in;
    for (size_t i = 0; i < n; i += 32, block += 34) {
        const float d = half_at(block);
        for (size_t e = 0; e < 32; e++) out[i + e] = d * (float)(int8_t)block[2 + e];
    }
}

/* The 4-bit and 5-bit types differ in what stands before the nibbles, and in where zero is. */
static void widen_nibbles(size_t n, const uint8_t *block, float *out, bool has_min, bool has_fifth, int zero) {
    const size_t at_fifth = has_min ? 4 : 2, at_nibbles = at_fifth + (has_fifth ? 4 : 0);
    for (size_t i = 0; i < n; i += 32, block += at_nibbles + 16) {
        const float d = half_at(block), min = has_min ? half_at(block + 2) : 0.0f;
        uint32_t fifth = 0;
        if (has_fifth) memcpy(&fifth, block + at_fifth, sizeof fifth);
        for (size_t e = 0; e < 32; e++) {
            const uint8_t byte = block[at_nibbles + e % 16];
            const int q = (e < 16 ? byte & 15 : byte >> 4) | (int)(fifth >> e & 1) << 4;
            const float scaled = d * (float)(q - zero);
            out[i + e] = has_min ? scaled + min : scaled;
        }
    }
}

void rt_widen_q4_0(size_t n, const void *in, float *out) { widen_nibbles(n, in, out, false, false, 8); }
void rt_widen_q4_1(size_t n, const void *in, float *out) { widen_nibbles(n, in, out, true, false, 0); }
void rt_widen_q5_0(size_t n, const void *in, float *out) { widen_nibbles(n, in, out, false, true, 16); }
void rt_widen_q5_1(size_t n, const void *in, float *out) { widen_nibbles(n, in, out, true, true, 0); }

/* Exponent 31 is infinity or NaN. */
static bool is_finite_half(const uint8_t *p) { return (p[1] & 0x7c) != 0x7c; }

bool rt_quant_is_finite(rt_dtype dtype, size_t n, const void *in) {
    const rt_dtype_info info = rt_dtype_of(dtype);
    const bool has_min = dtype == RT_Q4_1 || dtype == RT_Q5_1;
    const uint8_t *block = in;
    for (size_t i = 0; i < n; i += info.block, block += info.block_bytes) {
        if (!is_finite_half(block) || (has_min && !is_finite_half(block + 2))) return false;
    }
    return true;
}

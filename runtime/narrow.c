/* Narrowing; see narrow.h. */
#include "runtime/narrow.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define F32_INFINITY 0x7f800000u
#define F16_INFINITY 0x7c00u
#define F16_NORMAL_MIN 0x38800000u /* 2^-14 as f32 */
#define F16_REBIAS 0x38000000u     /* the difference of the exponents' biases, 127 - 15, in place */
#define F16_UNIT 0x1p24f           /* 1 / the smallest subnormal */

enum { BLOCK = 32, BLOCK_BYTES = 34 };

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Drops the low `shift` bits; a carry out of the fraction goes into the exponent, which is right. */
static uint32_t round_bits(uint32_t bits, unsigned shift) {
    const uint32_t half = 1u << (shift - 1), odd = bits >> shift & 1;
    return (bits + half - 1 + odd) >> shift;
}

/* False where x is too large, or not finite. */
static bool narrow_half(float x, uint16_t *half) {
    const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t rounded = F16_INFINITY;
    if (magnitude < F16_NORMAL_MIN) rounded = (uint32_t)lrintf(fabsf(x) * F16_UNIT);
    else if (magnitude < F32_INFINITY) rounded = round_bits(magnitude - F16_REBIAS, 13);
    *half = (uint16_t)(sign | rounded);
    return rounded < F16_INFINITY;
}

static size_t narrow_halves(size_t n, const float *in, uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        if (!narrow_half(in[i], &half)) return i;
        memcpy(out + 2 * i, &half, sizeof half);
    }
    return n;
}

static size_t narrow_bf16(size_t n, const float *in, uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = bits_of(in[i]), rounded = round_bits(bits & 0x7fffffff, 16);
        if ((bits & 0x7fffffff) >= F32_INFINITY || rounded >= F32_INFINITY >> 16) return i;
        const uint16_t kept = (uint16_t)((bits >> 16 & 0x8000) | rounded);
        memcpy(out + 2 * i, &kept, sizeof kept);
    }
    return n;
}

static bool narrow_block(const float *in, uint8_t *out) {
    float largest = 0.0f;
    for (size_t e = 0; e < BLOCK; e++) {
        const float a = fabsf(in[e]);
        if (a > largest || isnan(a)) largest = a; /* nothing is larger than NaN, which stays */
    }
    const float d = largest / 127.0f;
    uint16_t half;
    if (!narrow_half(d, &half)) return false;
    /* Where d vanishes in F16 so does the block, and 1 / d may be infinite. */
    const float inverse = (half & 0x7fff) != 0 ? 1.0f / d : 0.0f;
    memcpy(out, &half, sizeof half);
    for (size_t e = 0; e < BLOCK; e++) out[2 + e] = (uint8_t)(int8_t)roundf(in[e] * inverse);
    return true;
}

static size_t narrow_q8_0(size_t n, const float *in, uint8_t *out) {
    for (size_t i = 0; i < n; i += BLOCK, out += BLOCK_BYTES) {
        if (!narrow_block(in + i, out)) return i;
    }
    return n;
}

size_t rt_narrow(rt_dtype dtype, size_t n, const float *in, void *out) {
    switch (dtype) {
    case RT_F16: return narrow_halves(n, in, out);
    case RT_BF16: return narrow_bf16(n, in, out);
    case RT_Q8_0: return narrow_q8_0(n, in, out);
    default: memcpy(out, in, n * sizeof *in); return n;
    }
}

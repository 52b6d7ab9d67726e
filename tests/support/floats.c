/* Floats for tests; see floats.h. */
#include "tests/support/floats.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* SplitMix64: state += the golden ratio, then two rounds of multiply and xor-shift. */
uint32_t random_bits(random_source *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

size_t random_below(random_source *r, size_t n) { return random_bits(r) % n; }

float random_unit(random_source *r) { return (float)((int32_t)random_bits(r) >> 8) * 0x1p-23f; }

float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float random_finite(random_source *r) {
    float x;
    do x = float_of_bits(random_bits(r));
    while (!isfinite(x));
    return x;
}

static float random_of_kind(random_source *r, float_kind kind) {
    static const float tied[] = {-1.0f, -0.5f, -0.0f, 0.0f, 0.5f, 1.0f};
    static const float awkward[] = {0.0f,    -0.0f,    INFINITY, -INFINITY, 1e-45f, -1e-45f, 1e-40f, -1e-40f, FLT_MIN, -FLT_MIN, FLT_MAX,
                                    -FLT_MAX, 1e30f,   -1e30f,   -87.33654f, -87.33655f, -87.4f, 87.4f,  -1.0f,   1.0f,    -16.0f,   NAN};
    const size_t n_awkward = sizeof awkward / sizeof *awkward;
    switch (kind) {
    case FLOATS_TIED: return tied[random_below(r, sizeof tied / sizeof *tied)];
    case FLOATS_WIDE: return random_finite(r);
    case FLOATS_AWKWARD: return random_below(r, 3) == 0 ? random_unit(r) : awkward[random_below(r, n_awkward - 1)];
    case FLOATS_NAN: return random_below(r, 3) == 0 ? random_unit(r) : awkward[random_below(r, n_awkward)];
    default: return random_unit(r);
    }
}

void fill_floats(random_source *r, float_kind kind, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) x[i] = random_of_kind(r, kind);
}

void fill_stored(random_source *r, rt_dtype dtype, size_t n, void *stored, float *wide) {
    uint16_t *half = stored;
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = random_bits(r);
        if (dtype == RT_I8) {
            wide[i] = ((int8_t *)stored)[i] = (int8_t)(bits >> 9);
            continue;
        }
        if (dtype == RT_F32) wide[i] = ((float *)stored)[i] = random_unit(r);
        else if (dtype == RT_F16) half[i] = (uint16_t)((bits & 0x83ff) | (bits >> 16) % 16 << 10);
        else half[i] = (uint16_t)((bits & 0x807f) | (120 + (bits >> 16) % 8) << 7);
        if (dtype != RT_F32) wide[i] = widen_by_formula(dtype, half[i]);
    }
}

/* (-1)^sign 2^(exponent - bias) (1 + fraction / 2^n_fraction); exponent 0: no leading one; all ones: infinity or NaN. */
float widen_by_formula(rt_dtype dtype, uint16_t bits) {
    const int n_fraction = dtype == RT_F16 ? 10 : 7, n_exponent = 15 - n_fraction, bias = (1 << (n_exponent - 1)) - 1;
    const int fraction = bits & ((1 << n_fraction) - 1), exponent = bits >> n_fraction & ((1 << n_exponent) - 1);
    double magnitude;
    if (exponent == (1 << n_exponent) - 1) magnitude = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0) magnitude = ldexp(fraction, 1 - bias - n_fraction);
    else magnitude = ldexp((1 << n_fraction) + fraction, exponent - bias - n_fraction);
    return (float)copysign(magnitude, bits & 0x8000 ? -1.0 : 1.0);
}

bool same_floats(size_t n, const float *a, const float *b) {
    if (n == 0 || memcmp(a, b, n * sizeof *a) == 0) return true;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
    }
    return true;
}

float sum_of_lanes(float lane[16]) {
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) lane[l] = lane[l] + lane[l + half];
    }
    return lane[0];
}

float dot_by_lanes(size_t n, const float *a, const float *b) {
    float lane[16] = {0};
    for (size_t i = 0; i < n; i++) lane[i % 16] = fmaf(a[i], b[i], lane[i % 16]);
    return sum_of_lanes(lane);
}

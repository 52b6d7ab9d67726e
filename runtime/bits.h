/* A float and its 32 bits. */
#ifndef RUNTIME_BITS_H
#define RUNTIME_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t rt_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float rt_float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif

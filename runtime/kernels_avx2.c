/* AVX2 with FMA and F16C: a vector of 16 lanes is two registers. Tile of dot: 12 accumulators of 16 registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#define RT_ISA_NAME "avx2"
#define RT_KERNEL static __attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt")))
#define V RT_KERNEL inline __attribute__((always_inline))
#define RT_DOT_ROWS 2
#define RT_DOT_COLS 3
#define RT_SUM_ROWS 6
#define RT_SUM_VECS 1

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct v16 {
    __m256 lo, hi; /* lanes 0..7, 8..15 */
} v16;


/* All ones in the first n of 8 lanes; n may be over 8 or under 0. */
V __m256i first8(long n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
V v16 v_set(float x) { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
V v16 v_zero(void) { return (v16){_mm256_setzero_ps(), _mm256_setzero_ps()}; }
V v16 v_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
V v16 v_load_n(const float *p, size_t n) {
    return (v16){_mm256_maskload_ps(p, first8((long)n)), n > 8 ? _mm256_maskload_ps(p + 8, first8((long)n - 8)) : _mm256_setzero_ps()};
}
V void v_store(float *p, v16 x) {
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
}
V void v_store_n(float *p, size_t n, v16 x) {
    _mm256_maskstore_ps(p, first8((long)n), x.lo);
    if (n > 8) _mm256_maskstore_ps(p + 8, first8((long)n - 8), x.hi);
}
V v16 v_load_f16(const uint16_t *p) {
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
V __m256 bf16(__m128i h) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
V v16 v_load_bf16(const uint16_t *p) {
    return (v16){bf16(_mm_loadu_si128((const __m128i *)p)), bf16(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
V v16 v_load_f16_n(const uint16_t *p, size_t n) {
    uint16_t whole[16] = {0};
    memcpy(whole, p, n * sizeof *p);
    return v_load_f16(whole);
}
V v16 v_load_bf16_n(const uint16_t *p, size_t n) {
    uint16_t whole[16] = {0};
    memcpy(whole, p, n * sizeof *p);
    return v_load_bf16(whole);
}
V v16 v_add(v16 a, v16 b) { return (v16){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
V v16 v_sub(v16 a, v16 b) { return (v16){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
V v16 v_mul(v16 a, v16 b) { return (v16){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
V v16 v_div(v16 a, v16 b) { return (v16){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
V v16 v_max(v16 a, v16 b) { return (v16){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
V v16 v_fma(v16 a, v16 b, v16 c) { return (v16){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
V v16 v_fma_n(v16 a, v16 b, v16 c, size_t n) {
    const v16 all = v_fma(a, b, c);
    return (v16){_mm256_blendv_ps(c.lo, all.lo, _mm256_castsi256_ps(first8((long)n))),
                 _mm256_blendv_ps(c.hi, all.hi, _mm256_castsi256_ps(first8((long)n - 8)))};
}
V __m256 flip(__m256 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
V v16 v_neg(v16 a) { return (v16){flip(a.lo), flip(a.hi)}; }
V __m256 absolute(__m256 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
V v16 v_abs(v16 a) { return (v16){absolute(a.lo), absolute(a.hi)}; }
V __m256 pow2(__m256 z) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(z), 23), _mm256_set1_epi32(0x3f800000)));
}
V v16 v_pow2(v16 z) { return (v16){pow2(z.lo), pow2(z.hi)}; }
V uint32_t bits(__m256 lo, __m256 hi) { return (uint32_t)_mm256_movemask_ps(lo) | (uint32_t)_mm256_movemask_ps(hi) << 8; }
V uint32_t v_lt(v16 a, v16 b) { return bits(_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)); }
V uint32_t v_ge(v16 a, v16 b) { return bits(_mm256_cmp_ps(a.lo, b.lo, _CMP_GE_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_GE_OQ)); }
V uint32_t v_nle(v16 a, v16 b) { return bits(_mm256_cmp_ps(a.lo, b.lo, _CMP_NLE_UQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_NLE_UQ)); }
V uint32_t v_eq(v16 a, v16 b) { return bits(_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)); }
V uint32_t v_nan(v16 a) { return bits(_mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q), _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q)); }
/* Bit l of mask to all bits of lane l. */
V __m256 spread(uint32_t mask) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)mask), bit), bit));
}
V v16 v_pick(uint32_t mask, v16 a, v16 b) {
    return (v16){_mm256_blendv_ps(b.lo, a.lo, spread(mask)), _mm256_blendv_ps(b.hi, a.hi, spread(mask >> 8))};
}

V float v_sum(v16 x) {
    const __m256 by8 = _mm256_add_ps(x.lo, x.hi);
    const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/* Keeps the lanes of mask: their values and first + lane, packed. */
V size_t v_compress(uint32_t mask, v16 x, uint32_t first_index, uint32_t *index, float *value) {
    if (mask == 0) return 0;
    float lane[16];
    v_store(lane, x);
    size_t n = 0;
    for (; mask != 0; mask &= mask - 1, n++) {
        const uint32_t l = (uint32_t)__builtin_ctz(mask);
        index[n] = first_index + l;
        value[n] = lane[l];
    }
    return n;
}

V void v_dot_store(size_t rows, size_t cols, v16 acc[RT_DOT_ROWS][RT_DOT_COLS], float *C, size_t ldc) {
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        _Pragma("GCC unroll 6") for (size_t j = 0; j < cols; j++) C[i * ldc + j] = v_sum(acc[i][j]);
    }
}

#undef V
#include "runtime/kernels_vector.h"

const rt_kernels rt_kernels_avx2 = RT_TABLE(NULL, NULL, NULL);
#endif

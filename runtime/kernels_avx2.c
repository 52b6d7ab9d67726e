/* AVX2 with FMA and F16C: a vector of 16 lanes is two registers. Tile of dot: 12 accumulators, one row and three columns live, of 16 registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#define RT_ISA_NAME "avx2"
#define RT_KERNEL static __attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt")))
#define V RT_KERNEL inline __attribute__((always_inline))
#define RT_DOT_ROWS 4
#define RT_DOT_COLS 3
#define RT_INDEXED_ROWS 4
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
V v16 v_load_i8(const int8_t *p) {
    const __m128i q = _mm_loadu_si128((const __m128i *)p);
    return (v16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)))};
}
V v16 v_load_i8_n(const int8_t *p, size_t n) {
    int8_t whole[16] = {0};
    memcpy(whole, p, n);
    return v_load_i8(whole);
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

#include "runtime/kernels_lanes.h"

enum { LANES = sizeof(v16) / sizeof(float) };

/* Lanes `at` .. `at` + 7 of a tile. With all 16 lanes at once there would be registers for half the tile, and so more loads than multiply-adds. */
V void dot_lanes(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B, size_t ldb, size_t at,
                 __m256 acc[RT_DOT_ROWS][RT_DOT_COLS]) {
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) acc[i][j] = _mm256_setzero_ps();
    }
    size_t c = at;
    for (; c - at + LANES <= k; c += LANES) {
        __m256 b[RT_DOT_COLS];
        _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) b[j] = _mm256_loadu_ps(B + j * ldb + c);
        _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
            const __m256 a = _mm256_loadu_ps(A + i * lda + c);
            _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) acc[i][j] = _mm256_fmadd_ps(a, b[j], acc[i][j]);
        }
    }
    if (c >= k) return;
    const __m256i there = first8((long)(k - c));
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        const __m256 a = _mm256_maskload_ps(A + i * lda + c, there);
        _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) {
            const __m256 sum = _mm256_fmadd_ps(a, _mm256_maskload_ps(B + j * ldb + c, there), acc[i][j]);
            acc[i][j] = _mm256_blendv_ps(acc[i][j], sum, _mm256_castsi256_ps(there)); /* a lane without a term keeps its bits */
        }
    }
}

#define RT_OWN_DOT_TILE
V void dot_tile(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    __m256 low[RT_DOT_ROWS][RT_DOT_COLS], high[RT_DOT_ROWS][RT_DOT_COLS];
    dot_lanes(rows, cols, k, A, lda, B, ldb, 0, low);
    dot_lanes(rows, cols, k, A, lda, B, ldb, 8, high);
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) C[i * ldc + j] = v_sum((v16){low[i][j], high[i][j]});
    }
}

V void dot_tile_in_turn(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    _Pragma("GCC unroll 3") for (size_t j = 0; j < cols; j++) dot_tile(rows, 1, k, A, lda, B + j * ldb, ldb, C + j, ldc);
}

V __m256 of_sums(const int32_t *U, int32_t s) {
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)U), _mm256_set1_epi32(s)));
}
V v16 v_of_sums(const int32_t *U, int32_t s) { return (v16){of_sums(U, s), of_sums(U + 8, s)}; }
V void v_store_i8(int8_t *p, size_t n, v16 r) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(r.lo), _mm256_cvtps_epi32(r.hi)), 0xd8);
    int8_t bytes[16];
    _mm_storeu_si128((__m128i *)bytes, _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    memcpy(p, bytes, n);
}

#undef V
#include "runtime/kernels_vector.h"
#include "runtime/kernels_bytes.h"

/* ---- 8-bit products ---- */

#define HALF_PANEL 32 /* units at a time, in four registers */

/* Plain AVX2 multiplies unsigned bytes by signed ones, and adds two products to 16 bits, without overflow as long as both are at most 127: so the
 * row's bytes go without their signs, and the units' take them over. */
#define PLAIN_ROWS 2

RT_KERNEL inline __attribute__((always_inline)) void plain_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,
                                                                const uint8_t *Q, int32_t U[][RT_SCREEN_PANEL]) {
    const __m256i ones = _mm256_set1_epi16(1), less_128 = _mm256_set1_epi8((char)0x80);
    __m256i acc[PLAIN_ROWS][4];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = _mm256_set1_epi32(128 * query[i].sum);
    }
    for (size_t c = 0; c < k; c += 4) {
        __m256i p[PLAIN_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, P + i * ldp + c, sizeof four);
            p[i] = _mm256_set1_epi32(four);
        }
        UNROLL for (size_t v = 0; v < 4; v++) {
            const __m256i q = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(Q + c * RT_SCREEN_PANEL + 32 * v)), less_128);
            UNROLL for (size_t i = 0; i < rows; i++) {
                const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(p[i]), _mm256_sign_epi8(q, p[i]));
                acc[i][v] = _mm256_add_epi32(acc[i][v], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) _mm256_storeu_si256((__m256i *)(U[i] + 8 * v), acc[i][v]);
    }
}

__attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt"))) void rt_byte_sums_avx2(size_t m, size_t k, const int8_t *P, size_t ldp,
                                                                              const rt_screen_query *query, const uint8_t *Q,
                                                                              int32_t U[][RT_SCREEN_PANEL]) {
    for (size_t j = 0; j < RT_SCREEN_PANEL; j += HALF_PANEL) {
        int32_t(*half)[RT_SCREEN_PANEL] = (int32_t(*)[RT_SCREEN_PANEL])(U[0] + j);
        size_t i = 0;
        for (; i + PLAIN_ROWS <= m; i += PLAIN_ROWS) plain_rows(PLAIN_ROWS, k, P + i * ldp, ldp, query + i, Q + 4 * j, half + i);
        if (i < m) plain_rows(1, k, P + i * ldp, ldp, query + i, Q + 4 * j, half + i);
    }
}

/* AVX-VNNI: what AVX-512 VNNI does, on half a vector. */
#define RT_VNNI static __attribute__((target("avxvnni,avx2,fma,f16c,bmi,bmi2,popcnt")))
#define VNNI_ROWS 3

RT_VNNI inline __attribute__((always_inline)) void vnni_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const uint8_t *Q,
                                                             int32_t U[][RT_SCREEN_PANEL]) {
    __m256i acc[VNNI_ROWS][4];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = _mm256_setzero_si256();
    }
    for (size_t c = 0; c < k; c += 4) {
        __m256i p[VNNI_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, P + i * ldp + c, sizeof four);
            p[i] = _mm256_set1_epi32(four);
        }
        UNROLL for (size_t v = 0; v < 4; v++) {
            const __m256i q = _mm256_loadu_si256((const __m256i *)(Q + c * RT_SCREEN_PANEL + 32 * v));
            UNROLL for (size_t i = 0; i < rows; i++) acc[i][v] = _mm256_dpbusd_avx_epi32(acc[i][v], q, p[i]);
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) _mm256_storeu_si256((__m256i *)(U[i] + 8 * v), acc[i][v]);
    }
}

RT_VNNI void byte_sums_vnni(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                            int32_t U[][RT_SCREEN_PANEL]) {
    (void)query;
    for (size_t j = 0; j < RT_SCREEN_PANEL; j += HALF_PANEL) {
        int32_t(*half)[RT_SCREEN_PANEL] = (int32_t(*)[RT_SCREEN_PANEL])(U[0] + j);
        size_t i = 0;
        for (; i + VNNI_ROWS <= m; i += VNNI_ROWS) vnni_rows(VNNI_ROWS, k, P + i * ldp, ldp, Q + 4 * j, half + i);
        for (; i < m; i++) vnni_rows(1, k, P + i * ldp, ldp, Q + 4 * j, half + i);
    }
}

#define byte_sums_plain rt_byte_sums_avx2

RT_BYTE_KERNELS(plain)
RT_BYTE_KERNELS(vnni)

const rt_kernels rt_kernels_avx2 = RT_TABLE(plain, "");
const rt_kernels rt_kernels_avx2_vnni = RT_TABLE(vnni, "vnni");
#endif

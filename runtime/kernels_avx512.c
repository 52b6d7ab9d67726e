/* AVX-512: a vector of 16 lanes is one register. Tile of dot: 24 accumulators, 4 rows and one column vector live, of 32 registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#define RT_ISA_NAME "avx512"
#define RT_KERNEL static __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,popcnt")))
#define V RT_KERNEL inline __attribute__((always_inline))
#define RT_DOT_ROWS 4
#define RT_DOT_COLS 6
#define RT_SUM_ROWS 6
#define RT_SUM_VECS 4

#include <stddef.h>
#include <stdint.h>

typedef __m512 v16;

V __mmask16 first(size_t n) { return (__mmask16)((1u << n) - 1); }
V v16 v_zero(void) { return _mm512_setzero_ps(); }
V v16 v_set(float x) { return _mm512_set1_ps(x); }
V v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
V v16 v_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
V void v_store(float *p, v16 x) { _mm512_storeu_ps(p, x); }
V void v_store_n(float *p, size_t n, v16 x) { _mm512_mask_storeu_ps(p, first(n), x); }
V v16 v_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
V v16 v_load_f16_n(const uint16_t *p, size_t n) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p)); }
V v16 bf16(__m256i h) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }
V v16 v_load_bf16(const uint16_t *p) { return bf16(_mm256_loadu_si256((const __m256i *)p)); }
V v16 v_load_bf16_n(const uint16_t *p, size_t n) { return bf16(_mm256_maskz_loadu_epi16(first(n), p)); }
V v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
V v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
V v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
V v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
V v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
V v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
V v16 v_fma_n(v16 a, v16 b, v16 c, size_t n) { return _mm512_mask3_fmadd_ps(a, b, c, first(n)); }
V v16 v_abs(v16 a) { return _mm512_abs_ps(a); }
V v16 v_neg(v16 a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
V v16 v_pow2(v16 z) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(z), 23), _mm512_set1_epi32(0x3f800000)));
}
V uint32_t v_lt(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
V uint32_t v_ge(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
V uint32_t v_nle(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ); }
V uint32_t v_eq(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
V uint32_t v_nan(v16 a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
V v16 v_pick(uint32_t mask, v16 a, v16 b) { return _mm512_mask_blend_ps((__mmask16)mask, b, a); }

V float v_sum(v16 x) {
    const __m256 by8 = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/* Keeps the lanes of mask: their values and first + lane, packed. */
V size_t v_compress(uint32_t mask, v16 x, uint32_t first_index, uint32_t *index, float *value) {
    const size_t n = (size_t)__builtin_popcount(mask);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i i = _mm512_maskz_compress_epi32((__mmask16)mask, _mm512_add_epi32(lanes, _mm512_set1_epi32((int)first_index)));
    _mm512_mask_storeu_epi32(index, first(n), i);
    _mm512_mask_storeu_ps(value, first(n), _mm512_maskz_compress_ps((__mmask16)mask, x));
    return n;
}

/* Sums by halves of several vectors at once: each step adds the two halves of what is left and packs two vectors into one. */
V __m512 halves8(__m512 a, __m512 b) { return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee)); }
V __m512 halves4(__m512 a, __m512 b) { return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd)); }
V __m512 halves2(__m512 a, __m512 b) {
    const __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
    return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
}
V __m512 halves1(__m512 a, __m512 b) { return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd)); }

/* Four columns (of which the last two may be the first two again) of four rows: row i's four sums end in 128-bit lane i. */
V __m512 sums_4x4(v16 acc[RT_DOT_ROWS][RT_DOT_COLS], size_t j0, size_t j1, size_t j2, size_t j3) {
    const size_t j[4] = {j0, j1, j2, j3};
    __m512 column[4];
    _Pragma("GCC unroll 4") for (size_t q = 0; q < 4; q++) {
        column[q] = halves4(halves8(acc[0][j[q]], acc[1][j[q]]), halves8(acc[2][j[q]], acc[3][j[q]]));
    }
    return halves1(halves2(column[0], column[1]), halves2(column[2], column[3]));
}

V void v_dot_store(size_t rows, size_t cols, v16 acc[RT_DOT_ROWS][RT_DOT_COLS], float *C, size_t ldc) {
    if (rows == 4 && cols == 6) {
        const __m512 left = sums_4x4(acc, 0, 1, 2, 3);
        __m512 right[2];
        _Pragma("GCC unroll 2") for (size_t q = 0; q < 2; q++) {
            right[q] = halves4(halves8(acc[0][4 + q], acc[1][4 + q]), halves8(acc[2][4 + q], acc[3][4 + q]));
        }
        const __m512 pair = halves2(right[0], right[1]), both = halves1(pair, pair);
        _mm_storeu_ps(C, _mm512_castps512_ps128(left));
        _mm_storeu_ps(C + ldc, _mm512_extractf32x4_ps(left, 1));
        _mm_storeu_ps(C + 2 * ldc, _mm512_extractf32x4_ps(left, 2));
        _mm_storeu_ps(C + 3 * ldc, _mm512_extractf32x4_ps(left, 3));
        _mm_storel_pi((__m64 *)(C + 4), _mm512_castps512_ps128(both));
        _mm_storel_pi((__m64 *)(C + ldc + 4), _mm512_extractf32x4_ps(both, 1));
        _mm_storel_pi((__m64 *)(C + 2 * ldc + 4), _mm512_extractf32x4_ps(both, 2));
        _mm_storel_pi((__m64 *)(C + 3 * ldc + 4), _mm512_extractf32x4_ps(both, 3));
        return;
    }
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        _Pragma("GCC unroll 6") for (size_t j = 0; j < cols; j++) C[i * ldc + j] = v_sum(acc[i][j]);
    }
}

#undef V
#include "runtime/kernels_vector.h"

/* ---- screening: 4 x 8 bits a lane and instruction (VNNI), queries broadcast, 64 units in four registers ---- */

#define RT_VNNI static __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2,popcnt")))
#define SCREEN_ROWS 6

/* acc[i] = the whole-number scores of query i and the 64 units of a panel. */
RT_VNNI inline __attribute__((always_inline)) void byte_products(size_t rows, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,
                                                                 const uint8_t *Q, __m512i acc[SCREEN_ROWS][4]) {
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = _mm512_set1_epi32(-128 * query[i].sum);
    }
    for (size_t c = 0; c < k; c += 4) {
        __m512i q[4];
        UNROLL for (size_t v = 0; v < 4; v++) q[v] = _mm512_loadu_si512(Q + c * RT_SCREEN_PANEL + 64 * v);
        UNROLL for (size_t i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, P + i * ldp + c, sizeof four);
            const __m512i p = _mm512_set1_epi32(four);
            UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = _mm512_dpbusd_epi32(acc[i][v], q[v], p);
        }
    }
}

RT_VNNI inline __attribute__((always_inline)) void screen_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,
                                                               const uint8_t *Q, const float *scale, const float *alpha, const float *beta,
                                                               uint64_t *mask) {
    __m512i acc[SCREEN_ROWS][4];
    byte_products(rows, k, P, ldp, query, Q, acc);
    UNROLL for (size_t i = 0; i < rows; i++) {
        const __m512 s = _mm512_set1_ps(query[i].scale), norm = _mm512_set1_ps(query[i].norm), loss = _mm512_set1_ps(query[i].loss);
        mask[i] = 0;
        UNROLL for (size_t v = 0; v < 4; v++) {
            const __m512 estimate = _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(acc[i][v]), _mm512_loadu_ps(scale + 16 * v)), s);
            const __m512 bound = _mm512_fmadd_ps(_mm512_loadu_ps(beta + 16 * v), loss, _mm512_mul_ps(_mm512_loadu_ps(alpha + 16 * v), norm));
            const __mmask16 keep = _mm512_cmp_ps_mask(_mm512_add_ps(estimate, bound), _mm512_setzero_ps(), _CMP_NLE_UQ);
            mask[i] |= (uint64_t)keep << (16 * v);
        }
    }
}

RT_VNNI void screen(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                    const float *alpha, const float *beta, uint64_t *mask) {
    size_t i = 0;
    for (; i + SCREEN_ROWS <= m; i += SCREEN_ROWS) screen_rows(SCREEN_ROWS, k, P + i * ldp, ldp, query + i, Q, scale, alpha, beta, mask + i);
    for (; i < m; i++) screen_rows(1, k, P + i * ldp, ldp, query + i, Q, scale, alpha, beta, mask + i);
}

RT_VNNI inline __attribute__((always_inline)) void estimate_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,
                                                                 const uint8_t *Q, const float *scale, const float *alpha, const float *beta,
                                                                 const uint64_t *forbidden, size_t ldf, float *upper, size_t ldu, float *lower) {
    __m512i acc[SCREEN_ROWS][4];
    byte_products(rows, k, P, ldp, query, Q, acc);
    const v16 step = v_set(RT_STEP), infinity = v_set(INFINITY);
    UNROLL for (size_t i = 0; i < rows; i++) {
        const v16 s = v_set(query[i].scale), norm = v_set(query[i].norm), loss = v_set(query[i].loss);
        v16 largest = v_set(lower[i]);
        UNROLL for (size_t v = 0; v < 4; v++) {
            const v16 between = v_mul(v_mul(_mm512_cvtepi32_ps(acc[i][v]), v_load(scale + 16 * v)), s);
            const v16 bound = v_fma(v_load(beta + 16 * v), loss, v_mul(v_load(alpha + 16 * v), norm));
            const v16 most = v_add(between, bound), least = v_sub(between, bound);
            const __mmask16 allowed = (__mmask16)~(forbidden[i * ldf] >> (16 * v));
            /* The second operand is what min and max return where one is NaN. */
            v_store(upper + i * ldu + 16 * v, _mm512_min_ps(v_fma(v_abs(most), step, most), infinity));
            largest = _mm512_mask_max_ps(largest, allowed, v_fma(v_neg(v_abs(least)), step, least), largest);
        }
        lower[i] = _mm512_reduce_max_ps(largest);
    }
}

RT_VNNI void estimate(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                      const float *alpha, const float *beta, const uint64_t *forbidden, size_t ldf, float *upper, size_t ldu, float *lower) {
    size_t i = 0;
    for (; i + SCREEN_ROWS <= m; i += SCREEN_ROWS) {
        estimate_rows(SCREEN_ROWS, k, P + i * ldp, ldp, query + i, Q, scale, alpha, beta, forbidden + i * ldf, ldf, upper + i * ldu, ldu, lower + i);
    }
    for (; i < m; i++) {
        estimate_rows(1, k, P + i * ldp, ldp, query + i, Q, scale, alpha, beta, forbidden + i * ldf, ldf, upper + i * ldu, ldu, lower + i);
    }
}

static float up(float sum_of_squares, size_t k) { return sqrtf(sum_of_squares) * (1.0f + (float)(k / RT_LANES + 16) * 0x1p-23f); }

RT_VNNI void quantise(size_t k, const float *x, int8_t *p, rt_screen_query *query) {
    v16 most = v_zero(), square = v_zero(), lost = v_zero();
    uint32_t nan = 0;
    FOR_LANES(k, const v16 v = load(x + i, len); nan |= v_nan(v); most = v_max(most, v_abs(v)););
    const float largest = max(RT_LANES, (const float *)&most);
    memset(p, 0, (k + 3) / 4 * 4);
    *query = (rt_screen_query){.norm = INFINITY, .loss = INFINITY};
    if (nan != 0 || !(largest > RT_SCREEN_MIN && largest < RT_SCREEN_MAX)) return;
    query->scale = largest / 127.0f;
    const v16 inverse = v_set(127.0f / largest), scale = v_set(-query->scale), round = v_set(RT_ROUND);
    __m512i sum = _mm512_setzero_si512();
    FOR_LANES(k, const v16 v = load(x + i, len); const v16 r = v_sub(v_fma(v, inverse, round), round); const v16 e = v_fma(scale, r, v);
              const __m512i whole = _mm512_cvtps_epi32(r); _mm512_mask_cvtepi32_storeu_epi8(p + i, first(len), whole);
              sum = _mm512_add_epi32(sum, whole); square = v_fma(v, v, square); lost = v_fma(e, e, lost););
    query->sum = _mm512_reduce_add_epi32(sum);
    query->norm = up(v_sum(square), k);
    query->loss = up(v_sum(lost), k);
}

const rt_kernels rt_kernels_avx512 = RT_TABLE(NULL, NULL, NULL);
const rt_kernels rt_kernels_avx512_vnni = RT_TABLE(quantise, screen, estimate);
#endif

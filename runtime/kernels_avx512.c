/* AVX-512: a vector of 16 lanes is one register. Tile of dot: 24 accumulators, 4 rows and one column vector live, of 32 registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#define RT_ISA_NAME "avx512"
#define RT_KERNEL static __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,popcnt")))
#define V RT_KERNEL inline __attribute__((always_inline))
#define RT_DOT_ROWS 4
#define RT_DOT_COLS 6
#define RT_INDEXED_ROWS 16
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
V v16 v_load_i8(const int8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
V v16 v_load_i8_n(const int8_t *p, size_t n) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), p))); }
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

V size_t v_list(uint32_t mask, uint32_t first_index, uint32_t *index) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i i = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)first_index));
    _mm512_storeu_si512(index, _mm512_maskz_compress_epi32((__mmask16)mask, i));
    return (size_t)__builtin_popcount(mask);
}

/* Sums by halves of several vectors at once: each step adds the two halves of what is left and packs two vectors into one. */
V __m512 halves8(__m512 a, __m512 b) { return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4e)); }
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

/* Sum t ends in lane t. */
V void v_store_sums(float *out, size_t n, const v16 acc[RT_INDEXED_ROWS]) {
    __m512 column[4];
    _Pragma("GCC unroll 4") for (size_t q = 0; q < 4; q++) {
        column[q] = halves4(halves8(acc[q], acc[4 + q]), halves8(acc[8 + q], acc[12 + q]));
    }
    v_store_n(out, n, halves1(halves2(column[0], column[1]), halves2(column[2], column[3])));
}

V v16 v_of_sums(const int32_t *U, int32_t s) { return _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(U), _mm512_set1_epi32(s))); }
V void v_store_i8(int8_t *p, size_t n, v16 r) { _mm512_mask_cvtepi32_storeu_epi8(p, first(n), _mm512_cvtps_epi32(r)); }

#undef V
#include "runtime/kernels_vector.h"
#include "runtime/kernels_bytes.h"

/* ---- 8-bit products ---- */

/* VNNI multiplies and adds 4 x 8 bits a lane: four bytes of a row broadcast, 64 units in four registers. */
#define RT_VNNI static __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2,popcnt")))
#define VNNI_ROWS 6

RT_VNNI inline __attribute__((always_inline)) void vnni_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const uint8_t *Q,
                                                             int32_t U[][RT_SCREEN_PANEL]) {
    __m512i acc[VNNI_ROWS][4];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = _mm512_setzero_si512();
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
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < 4; v++) _mm512_storeu_si512(U[i] + 16 * v, acc[i][v]);
    }
}

RT_VNNI void byte_sums_vnni(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                            int32_t U[][RT_SCREEN_PANEL]) {
    (void)query;
    size_t i = 0;
    for (; i + VNNI_ROWS <= m; i += VNNI_ROWS) vnni_rows(VNNI_ROWS, k, P + i * ldp, ldp, Q, U + i);
    switch (m - i) {
    case 1: vnni_rows(1, k, P + i * ldp, ldp, Q, U + i); break;
    case 2: vnni_rows(2, k, P + i * ldp, ldp, Q, U + i); break;
    case 3: vnni_rows(3, k, P + i * ldp, ldp, Q, U + i); break;
    case 4: vnni_rows(4, k, P + i * ldp, ldp, Q, U + i); break;
    case 5: vnni_rows(5, k, P + i * ldp, ldp, Q, U + i); break;
    default: break;
    }
}

/* AMX multiplies tiles: 16 rows of 64 bytes by 64 bytes of 16 units, which a panel holds as 16 groups of four. Two by two tiles of sums, so that a
 * tile is loaded once for each product (loading takes longer than multiplying). */
#define RT_AMX static __attribute__((target("amx-tile,amx-int8,avx512f")))
enum { TILE = 16, TILE_BYTES = 64, AMX_ROWS_MIN = 8 };

/* What tile registers look like: 0 and 1 the sums of the first rows, 2 and 3 those of the others; 4 and 5 the rows; 6 and 7 the units. */
typedef struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

RT_AMX void byte_sums_amx(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                          int32_t U[][RT_SCREEN_PANEL]) {
    if (m < AMX_ROWS_MIN || k % TILE_BYTES != 0) {
        byte_sums_vnni(m, k, P, ldp, query, Q, U);
        return;
    }
    /* A tile has a row at least: where none is below, one is computed twice. */
    const uint8_t top = m < TILE ? (uint8_t)m : TILE, below = m > TILE ? (uint8_t)(m - TILE) : 1;
    const size_t second = m > TILE ? TILE : 0;
    const tile_shapes shapes = {
        .palette = 1,
        .row_bytes = {TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES},
        .rows = {top, top, below, below, top, below, TILE, TILE},
    };
    __asm__ volatile("" : : "m"(shapes)); /* GCC 12 believes that the next reads 8 bytes only, and may leave the others unwritten */
    _tile_loadconfig(&shapes);
    for (size_t j = 0; j < RT_SCREEN_PANEL; j += 2 * TILE) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (size_t c = 0; c < k; c += TILE_BYTES) {
            const uint8_t *q = Q + c * RT_SCREEN_PANEL + 4 * j;
            _tile_loadd(4, P + c, ldp);
            _tile_loadd(6, q, 4 * RT_SCREEN_PANEL);
            _tile_loadd(7, q + 4 * TILE, 4 * RT_SCREEN_PANEL);
            _tile_dpbsud(0, 4, 6);
            _tile_dpbsud(1, 4, 7);
            _tile_loadd(5, P + second * ldp + c, ldp);
            _tile_dpbsud(2, 5, 6);
            _tile_dpbsud(3, 5, 7);
        }
        _tile_stored(2, U[second] + j, sizeof *U);
        _tile_stored(3, U[second] + j + TILE, sizeof *U);
        _tile_stored(0, U[0] + j, sizeof *U);
        _tile_stored(1, U[0] + j + TILE, sizeof *U);
    }
    _tile_release();
}

/* Without VNNI, what AVX2 does is as good. */
#define byte_sums_plain rt_byte_sums_avx2

RT_BYTE_KERNELS(plain)
RT_BYTE_KERNELS(vnni)
RT_BYTE_KERNELS(amx)

const rt_kernels rt_kernels_avx512 = RT_TABLE(plain, "");
const rt_kernels rt_kernels_avx512_vnni = RT_TABLE(vnni, "vnni");
const rt_kernels rt_kernels_avx512_amx = RT_TABLE(amx, "amx");
#endif

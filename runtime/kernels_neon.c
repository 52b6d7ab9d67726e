/* NEON (in every 64-bit Arm processor): a vector of 16 lanes is four registers. Tile of dot: 24 accumulators of 32 registers. */
#if defined(__aarch64__)
#include <arm_neon.h>

#define RT_ISA_NAME "neon"
#define RT_KERNEL static
#define V RT_KERNEL inline __attribute__((always_inline))
#define RT_DOT_ROWS 2
#define RT_DOT_COLS 3
#define RT_INDEXED_ROWS 4
#define RT_SUM_ROWS 4
#define RT_SUM_VECS 1

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct v16 {
    float32x4_t a, b, c, d; /* lanes 0..3, 4..7, 8..11, 12..15 */
} v16;

/* f of every quarter. */
#define OF1(f, x) ((v16){f((x).a), f((x).b), f((x).c), f((x).d)})
#define OF2(f, x, y) ((v16){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define OF3(f, x, y, z) ((v16){f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b), f((x).c, (y).c, (z).c), f((x).d, (y).d, (z).d)})

V v16 v_set(float x) { return (v16){vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}; }
V v16 v_zero(void) { return v_set(0.0f); }
V v16 v_load(const float *p) { return (v16){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}; }
V void v_store(float *p, v16 x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
}
V float32x4_t f16(uint16x4_t h) { return vcvt_f32_f16(vreinterpret_f16_u16(h)); }
V float32x4_t bf16(uint16x4_t h) { return vreinterpretq_f32_u32(vshll_n_u16(h, 16)); }
V v16 v_load_f16(const uint16_t *p) { return (v16){f16(vld1_u16(p)), f16(vld1_u16(p + 4)), f16(vld1_u16(p + 8)), f16(vld1_u16(p + 12))}; }
V v16 v_load_bf16(const uint16_t *p) { return (v16){bf16(vld1_u16(p)), bf16(vld1_u16(p + 4)), bf16(vld1_u16(p + 8)), bf16(vld1_u16(p + 12))}; }

/* The first n of a row's 16: quarters from `at` on, as many lanes of each as there are. Lane by lane, for a call would empty the registers. */
V float32x4_t load4(const float *p, size_t n, size_t at) {
    float32x4_t x = vdupq_n_f32(0.0f);
    if (n >= at + 4) return vld1q_f32(p + at);
    if (n > at) x = vld1q_lane_f32(p + at, x, 0);
    if (n > at + 1) x = vld1q_lane_f32(p + at + 1, x, 1);
    if (n > at + 2) x = vld1q_lane_f32(p + at + 2, x, 2);
    return x;
}
V uint16x4_t load4_half(const uint16_t *p, size_t n, size_t at) {
    uint16x4_t x = vdup_n_u16(0);
    if (n >= at + 4) return vld1_u16(p + at);
    if (n > at) x = vld1_lane_u16(p + at, x, 0);
    if (n > at + 1) x = vld1_lane_u16(p + at + 1, x, 1);
    if (n > at + 2) x = vld1_lane_u16(p + at + 2, x, 2);
    return x;
}
V void store4(float *p, size_t n, size_t at, float32x4_t x) {
    if (n >= at + 4) {
        vst1q_f32(p + at, x);
        return;
    }
    if (n > at) vst1q_lane_f32(p + at, x, 0);
    if (n > at + 1) vst1q_lane_f32(p + at + 1, x, 1);
    if (n > at + 2) vst1q_lane_f32(p + at + 2, x, 2);
}
V v16 v_load_n(const float *p, size_t n) { return (v16){load4(p, n, 0), load4(p, n, 4), load4(p, n, 8), load4(p, n, 12)}; }
V v16 v_load_f16_n(const uint16_t *p, size_t n) {
    return (v16){f16(load4_half(p, n, 0)), f16(load4_half(p, n, 4)), f16(load4_half(p, n, 8)), f16(load4_half(p, n, 12))};
}
V v16 v_load_bf16_n(const uint16_t *p, size_t n) {
    return (v16){bf16(load4_half(p, n, 0)), bf16(load4_half(p, n, 4)), bf16(load4_half(p, n, 8)), bf16(load4_half(p, n, 12))};
}
V void v_store_n(float *p, size_t n, v16 x) {
    store4(p, n, 0, x.a);
    store4(p, n, 4, x.b);
    store4(p, n, 8, x.c);
    store4(p, n, 12, x.d);
}
V v16 v_load_i8(const int8_t *p) {
    const int8x16_t q = vld1q_s8(p);
    const int16x8_t low = vmovl_s8(vget_low_s8(q)), high = vmovl_s8(vget_high_s8(q));
    return (v16){vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
                 vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))};
}
V v16 v_load_i8_n(const int8_t *p, size_t n) {
    int8_t whole[16] = {0};
    memcpy(whole, p, n);
    return v_load_i8(whole);
}

V v16 v_add(v16 x, v16 y) { return OF2(vaddq_f32, x, y); }
V v16 v_sub(v16 x, v16 y) { return OF2(vsubq_f32, x, y); }
V v16 v_mul(v16 x, v16 y) { return OF2(vmulq_f32, x, y); }
V v16 v_div(v16 x, v16 y) { return OF2(vdivq_f32, x, y); }
V v16 v_neg(v16 x) { return OF1(vnegq_f32, x); }
V v16 v_abs(v16 x) { return OF1(vabsq_f32, x); }
V v16 v_fma(v16 x, v16 y, v16 z) { return OF3(vfmaq_f32, z, x, y); }
/* x where it is larger, else y: of two zeros y, as in the other variants. */
V float32x4_t larger(float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }
V v16 v_max(v16 x, v16 y) { return OF2(larger, x, y); }
V float32x4_t pow2(float32x4_t z) {
    return vreinterpretq_f32_u32(vaddq_u32(vshlq_n_u32(vreinterpretq_u32_f32(z), 23), vdupq_n_u32(0x3f800000)));
}
V v16 v_pow2(v16 z) { return OF1(pow2, z); }

/* A mask has bit l for lane l; in registers, all bits of a lane. */
static const uint32_t lane_bits[16] = {1, 1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
                                       1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
V uint32_t bits(uint32x4_t a, uint32x4_t b, uint32x4_t c, uint32x4_t d) {
    const uint32x4_t ab = vorrq_u32(vandq_u32(a, vld1q_u32(lane_bits)), vandq_u32(b, vld1q_u32(lane_bits + 4)));
    const uint32x4_t cd = vorrq_u32(vandq_u32(c, vld1q_u32(lane_bits + 8)), vandq_u32(d, vld1q_u32(lane_bits + 12)));
    return vaddvq_u32(vorrq_u32(ab, cd));
}
#define COMPARE(f, x, y) bits(f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d))
V uint32_t v_lt(v16 x, v16 y) { return COMPARE(vcltq_f32, x, y); }
V uint32_t v_ge(v16 x, v16 y) { return COMPARE(vcgeq_f32, x, y); }
V uint32_t v_nle(v16 x, v16 y) { return COMPARE(vcleq_f32, x, y) ^ 0xffff; }
V uint32_t v_eq(v16 x, v16 y) { return COMPARE(vceqq_f32, x, y); }
V uint32_t v_nan(v16 x) { return COMPARE(vceqq_f32, x, x) ^ 0xffff; }
V float32x4_t pick4(uint32_t mask, size_t at, float32x4_t x, float32x4_t y) {
    return vbslq_f32(vtstq_u32(vdupq_n_u32(mask), vld1q_u32(lane_bits + at)), x, y);
}
V v16 v_pick(uint32_t mask, v16 x, v16 y) {
    return (v16){pick4(mask, 0, x.a, y.a), pick4(mask, 4, x.b, y.b), pick4(mask, 8, x.c, y.c), pick4(mask, 12, x.d, y.d)};
}
V v16 v_fma_n(v16 x, v16 y, v16 z, size_t n) { return v_pick((1u << n) - 1, v_fma(x, y, z), z); }

V float v_sum(v16 x) {
    const float32x4_t by4 = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
    return vpadds_f32(vadd_f32(vget_low_f32(by4), vget_high_f32(by4)));
}

#include "runtime/kernels_lanes.h"

V void v_dot_store(size_t rows, size_t cols, v16 acc[RT_DOT_ROWS][RT_DOT_COLS], float *C, size_t ldc) {
    _Pragma("GCC unroll 4") for (size_t i = 0; i < rows; i++) {
        _Pragma("GCC unroll 6") for (size_t j = 0; j < cols; j++) C[i * ldc + j] = v_sum(acc[i][j]);
    }
}

V float32x4_t of_sums(const int32_t *U, int32_t s) { return vcvtq_f32_s32(vsubq_s32(vld1q_s32(U), vdupq_n_s32(s))); }
V v16 v_of_sums(const int32_t *U, int32_t s) { return (v16){of_sums(U, s), of_sums(U + 4, s), of_sums(U + 8, s), of_sums(U + 12, s)}; }
V int16x8_t words(float32x4_t x, float32x4_t y) { return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(x)), vqmovn_s32(vcvtnq_s32_f32(y))); }
V void v_store_i8(int8_t *p, size_t n, v16 r) {
    int8_t bytes[16];
    vst1q_s8(bytes, vcombine_s8(vqmovn_s16(words(r.a, r.b)), vqmovn_s16(words(r.c, r.d))));
    memcpy(p, bytes, n);
}

#undef V
#include "runtime/kernels_vector.h"
#include "runtime/kernels_bytes.h"

/* ---- 8-bit products ---- */

#define QUARTER_PANEL 16 /* units at a time, in four registers of bytes */

RT_KERNEL inline __attribute__((always_inline)) int8x16_t four_bytes(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

RT_KERNEL inline __attribute__((always_inline)) int8x16_t four_units(const uint8_t *q) {
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(q), vdupq_n_u8(0x80)));
}

/* Every Arm processor: products of 16 bits, added by pairs to 32. */
RT_KERNEL void byte_sums_plain(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                               int32_t U[][RT_SCREEN_PANEL]) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < RT_SCREEN_PANEL; j += QUARTER_PANEL) {
            int32x4_t low[4], high[4];
            UNROLL for (size_t v = 0; v < 4; v++) low[v] = high[v] = vdupq_n_s32(0);
            for (size_t c = 0; c < k; c += 4) {
                const int8x16_t p = four_bytes(P + i * ldp + c);
                UNROLL for (size_t v = 0; v < 4; v++) {
                    const int8x16_t q = four_units(Q + c * RT_SCREEN_PANEL + 4 * j + 16 * v);
                    low[v] = vpadalq_s16(low[v], vmull_s8(vget_low_s8(q), vget_low_s8(p)));
                    high[v] = vpadalq_s16(high[v], vmull_high_s8(q, p));
                }
            }
            const int32x4_t offset = vdupq_n_s32(128 * query[i].sum);
            UNROLL for (size_t v = 0; v < 4; v++) vst1q_s32(U[i] + j + 4 * v, vaddq_s32(vpaddq_s32(low[v], high[v]), offset));
        }
    }
}

/* Processors with the dot-product extension: four products a lane at once. */
#define RT_DOTPROD static __attribute__((target("arch=armv8.2-a+dotprod")))
#define DOTPROD_ROWS 4

RT_DOTPROD inline __attribute__((always_inline)) void dotprod_rows(size_t rows, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,
                                                                   const uint8_t *Q, int32_t U[][RT_SCREEN_PANEL]) {
    for (size_t j = 0; j < RT_SCREEN_PANEL; j += QUARTER_PANEL) {
        int32x4_t acc[DOTPROD_ROWS][4];
        UNROLL for (size_t i = 0; i < rows; i++) {
            UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = vdupq_n_s32(128 * query[i].sum);
        }
        for (size_t c = 0; c < k; c += 4) {
            int8x16_t q[4];
            UNROLL for (size_t v = 0; v < 4; v++) q[v] = four_units(Q + c * RT_SCREEN_PANEL + 4 * j + 16 * v);
            UNROLL for (size_t i = 0; i < rows; i++) {
                const int8x16_t p = four_bytes(P + i * ldp + c);
                UNROLL for (size_t v = 0; v < 4; v++) acc[i][v] = vdotq_s32(acc[i][v], q[v], p);
            }
        }
        UNROLL for (size_t i = 0; i < rows; i++) {
            UNROLL for (size_t v = 0; v < 4; v++) vst1q_s32(U[i] + j + 4 * v, acc[i][v]);
        }
    }
}

RT_DOTPROD void byte_sums_dotprod(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                                  int32_t U[][RT_SCREEN_PANEL]) {
    size_t i = 0;
    for (; i + DOTPROD_ROWS <= m; i += DOTPROD_ROWS) dotprod_rows(DOTPROD_ROWS, k, P + i * ldp, ldp, query + i, Q, U + i);
    for (; i < m; i++) dotprod_rows(1, k, P + i * ldp, ldp, query + i, Q, U + i);
}

RT_BYTE_KERNELS(plain)
RT_BYTE_KERNELS(dotprod)

const rt_kernels rt_kernels_neon = RT_TABLE(plain, "");
const rt_kernels rt_kernels_neon_dotprod = RT_TABLE(dotprod, "dotprod");
#endif

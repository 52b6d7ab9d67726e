/* The kernels over a vector of 16 lanes, written once; see kernels.h for what each computes and in which order.
 *
 * A variant's file defines, then includes this one:
 *   RT_ISA_NAME               the name of its instruction set, as text
 *   RT_KERNEL                 `static` and the target attribute of its functions
 *   RT_DOT_ROWS, RT_DOT_COLS  the tile of dot;  RT_SUM_ROWS, RT_SUM_VECS the tile of weighted_rows (rows, vectors of columns)
 *   v16, v_zero v_set v_load v_load_n v_store v_store_n v_load_f16(_n) v_load_bf16(_n) v_load_i8(_n)
 *   v_add v_sub v_mul v_div v_fma v_max v_abs v_neg v_pow2 (2^n of a rounded z, see kernels_math.h) v_sum (lanes order)
 *   v_lt v_ge v_nle v_eq v_nan: comparisons to 16 mask bits;  v_pick(mask, a, b): a where set
 *   v_dot_store: the sums of a tile of accumulators into C;  or, with RT_OWN_DOT_TILE, a dot_tile and a dot_tile_in_turn of its own
 *   RT_INDEXED_ROWS           rows of dot_indexed at a time, even;  v_store_sums(out, n, acc): the sums of the first n of so many accumulators
 *   v_list(mask, i, index): i + l for the lanes l of mask, packed, and how many; may write 16
 *   and what kernels_bytes.h asks for, which is to be included after this one
 * v_load_n and v_store_n touch the first n lanes only; loads fill the others with 0. */
#include <math.h>
#include <string.h>

#include "runtime/kernels_isa.h"
#include "runtime/kernels_math.h"
#include "runtime/quant.h"

#define UNROLL _Pragma("GCC unroll 16")

#include "runtime/kernels_dot.h"
#include "runtime/kernels_sums.h"

/* ---- rows, element by element ---- */

/* body for every whole vector, then once for the rest; `len` is the number of lanes in use. */
#define FOR_LANES(n, body)                                                                 \
    do {                                                                                   \
        size_t i = 0;                                                                      \
        for (; i + RT_LANES <= (n); i += RT_LANES) {                                       \
            const size_t len = RT_LANES;                                                    \
            body                                                                           \
        }                                                                                  \
        if (i < (n)) {                                                                     \
            const size_t len = (n) - i;                                                    \
            body                                                                           \
        }                                                                                  \
    } while (0)

RT_KERNEL inline __attribute__((always_inline)) v16 load(const float *p, size_t len) { return len == RT_LANES ? v_load(p) : v_load_n(p, len); }

RT_KERNEL inline __attribute__((always_inline)) void store(float *p, size_t len, v16 x) {
    if (len == RT_LANES) v_store(p, x);
    else v_store_n(p, len, x);
}

RT_KERNEL inline __attribute__((always_inline)) uint32_t lanes_mask(size_t len) { return (1u << len) - 1; }

RT_KERNEL void widen_f32(size_t n, const void *in, float *out) { memcpy(out, in, n * sizeof *out); }

RT_KERNEL void widen_f16(size_t n, const void *in, float *out) {
    const uint16_t *h = in;
    FOR_LANES(n, store(out + i, len, len == RT_LANES ? v_load_f16(h + i) : v_load_f16_n(h + i, len)););
}

RT_KERNEL void widen_bf16(size_t n, const void *in, float *out) {
    const uint16_t *h = in;
    FOR_LANES(n, store(out + i, len, len == RT_LANES ? v_load_bf16(h + i) : v_load_bf16_n(h + i, len)););
}

RT_KERNEL void widen_i8(size_t n, const void *in, float *out) {
    const int8_t *q = in;
    FOR_LANES(n, store(out + i, len, len == RT_LANES ? v_load_i8(q + i) : v_load_i8_n(q + i, len)););
}

RT_KERNEL float rms_norm(size_t n, const float *x, const float *w, float eps, float *out) {
    v16 sum = v_zero();
    FOR_LANES(n, const v16 v = load(x + i, len); sum = v_fma(v, v, sum););
    const float mean_square = v_sum(sum) / (float)n;
    const v16 r = v_set(1.0f / sqrtf(mean_square + eps));
    FOR_LANES(n, store(out + i, len, v_mul(v_mul(load(x + i, len), r), load(w + i, len))););
    return mean_square;
}

RT_KERNEL void add(size_t n, const float *x, float *y) {
    FOR_LANES(n, store(y + i, len, v_add(load(y + i, len), load(x + i, len))););
}

RT_KERNEL void mul(size_t n, const float *x, float *y) {
    FOR_LANES(n, store(y + i, len, v_mul(load(y + i, len), load(x + i, len))););
}

RT_KERNEL void scale(size_t n, float s, float *x) {
    const v16 f = v_set(s);
    FOR_LANES(n, store(x + i, len, v_mul(load(x + i, len), f)););
}

RT_KERNEL inline __attribute__((always_inline)) v16 exp_nonpositive(v16 x) {
    const v16 z = v_fma(x, v_set(RT_LOG2E), v_set(RT_ROUND)), n = v_neg(v_sub(z, v_set(RT_ROUND)));
    const v16 r = v_fma(n, v_set(RT_LN2_LOW), v_fma(n, v_set(RT_LN2_HIGH), x));
    v16 p = v_set(RT_EXP_C7);
    p = v_fma(p, r, v_set(RT_EXP_C6)), p = v_fma(p, r, v_set(RT_EXP_C5)), p = v_fma(p, r, v_set(RT_EXP_C4));
    p = v_fma(p, r, v_set(RT_EXP_C3)), p = v_fma(p, r, v_set(RT_EXP_C2)), p = v_fma(p, r, v_set(1.0f)), p = v_fma(p, r, v_set(1.0f));
    return v_pick(v_lt(x, v_set(RT_EXP_MIN)), v_zero(), v_mul(p, v_pow2(z)));
}

RT_KERNEL inline __attribute__((always_inline)) v16 times_sigmoid(v16 x, v16 u) {
    const v16 one = v_set(1.0f), e = exp_nonpositive(v_neg(v_abs(u)));
    return v_mul(x, v_div(v_pick(v_lt(u, v_zero()), e, one), v_add(one, e)));
}

RT_KERNEL inline __attribute__((always_inline)) v16 gelu_tanh(v16 x) {
    const v16 cube = v_mul(v_mul(x, x), x);
    return times_sigmoid(x, v_mul(v_fma(cube, v_set(RT_GELU_CUBE), x), v_set(RT_GELU_SCALE)));
}

RT_KERNEL inline __attribute__((always_inline)) v16 gelu_erf(v16 x) {
    const v16 one = v_set(1.0f), z = v_mul(v_abs(x), v_set(RT_SQRT_HALF)), t = v_div(one, v_fma(z, v_set(RT_ERF_P), one));
    v16 q = v_set(RT_ERF_A5);
    q = v_fma(q, t, v_set(RT_ERF_A4)), q = v_fma(q, t, v_set(RT_ERF_A3)), q = v_fma(q, t, v_set(RT_ERF_A2)), q = v_fma(q, t, v_set(RT_ERF_A1));
    const v16 tail = v_mul(v_mul(v_mul(q, t), exp_nonpositive(v_neg(v_mul(z, z)))), v_set(0.5f));
    return v_mul(x, v_pick(v_lt(x, v_zero()), tail, v_sub(one, tail)));
}

RT_KERNEL void activate(rt_activation act, size_t n, float *x) {
    switch (act) {
    case RT_GELU_TANH: FOR_LANES(n, store(x + i, len, gelu_tanh(load(x + i, len)));); break;
    case RT_GELU_ERF: FOR_LANES(n, store(x + i, len, gelu_erf(load(x + i, len)));); break;
    default: FOR_LANES(n, const v16 v = load(x + i, len); store(x + i, len, times_sigmoid(v, v));); break;
    }
}

/* ---- rows to one number ---- */

RT_KERNEL float max(size_t n, const float *x) {
    v16 m = v_set(x[0]);
    uint32_t nan = 0;
    FOR_LANES(n, const v16 v = load(x + i, len); nan |= v_nan(v); m = v_pick(lanes_mask(len), v_max(v, m), m););
    if (nan != 0) return NAN;
    float lane[RT_LANES];
    v_store(lane, m);
    float best = lane[0];
    for (size_t l = 1; l < RT_LANES; l++) best = lane[l] > best ? lane[l] : best;
    return best;
}

RT_KERNEL size_t argmax(size_t n, const float *x) {
    const float best = max(n, x);
    const v16 wanted = v_set(best);
    FOR_LANES(n, const v16 v = load(x + i, len); const uint32_t hit = (isnan(best) ? v_nan(v) : v_eq(v, wanted)) & lanes_mask(len);
              if (hit != 0) return i + (size_t)__builtin_ctz(hit););
    return n; /* not reached: the largest is one of the row */
}

RT_KERNEL float exp_sum(size_t n, const float *x, float max, float *y) {
    const v16 m = v_set(max);
    v16 sum = v_zero();
    FOR_LANES(n, const v16 e = v_pick(lanes_mask(len), exp_nonpositive(v_sub(load(x + i, len), m)), v_zero()); store(y + i, len, e);
              sum = v_add(sum, e););
    return v_sum(sum);
}

RT_KERNEL size_t count_ge(size_t n, const float *x, float t) {
    const v16 bound = v_set(t);
    size_t count = 0;
    FOR_LANES(n, count += (size_t)__builtin_popcount(v_ge(load(x + i, len), bound) & lanes_mask(len)););
    return count;
}

RT_KERNEL size_t keep_above(size_t n, const float *x, float t, size_t n_ties, uint32_t *index, float *value) {
    const v16 bound = v_set(t);
    size_t count = 0;
    FOR_LANES(
        n, const v16 v = load(x + i, len); uint32_t keep = v_nle(v, bound) & lanes_mask(len);
        if (n_ties > 0) {
            for (uint32_t ties = v_eq(v, bound) & lanes_mask(len); ties != 0 && n_ties > 0; ties &= ties - 1, n_ties--) keep |= ties & -ties;
        }
        count += v_compress(keep, v, (uint32_t)i, index + count, value + count););
    return count;
}

RT_KERNEL size_t list_above(size_t n, const float *x, float t, uint32_t *index) {
    const v16 bound = v_set(t);
    size_t count = 0;
    FOR_LANES(n, count += v_list(v_nle(load(x + i, len), bound) & lanes_mask(len), (uint32_t)i, index + count););
    return count;
}

/* The table of the variant whose 8-bit products are called `kind` (kernels_bytes.h). */
#define RT_TABLE(kind, bytes_name)                                                                                                           \
    {                                                                                                                                        \
        .isa = RT_ISA_NAME, .bytes = bytes_name, .dot_tile_rows = RT_DOT_ROWS, .dot_tile_cols = RT_DOT_COLS, .dot = dot,                      \
        .weighted_rows = weighted_rows,                                                                                                      \
        .weighted_gather = {[RT_F32] = gather_f32, [RT_F16] = gather_f16, [RT_BF16] = gather_bf16, [RT_I8] = gather_i8},                     \
        .weighted_lists = {[RT_F32] = lists_f32, [RT_F16] = lists_f16, [RT_BF16] = lists_bf16, [RT_I8] = lists_i8},                          \
        .widen = {[RT_F32] = widen_f32, [RT_F16] = widen_f16, [RT_BF16] = widen_bf16, [RT_Q8_0] = rt_widen_q8_0, [RT_Q4_0] = rt_widen_q4_0,  \
                  [RT_Q4_1] = rt_widen_q4_1, [RT_Q5_0] = rt_widen_q5_0, [RT_Q5_1] = rt_widen_q5_1, [RT_I8] = widen_i8},                      \
        .rms_norm = rms_norm, .add = add, .mul = mul, .scale = scale, .activate = activate, .max = max, .argmax = argmax,                    \
        .exp_sum = exp_sum, .count_ge = count_ge, .keep_above = keep_above, .list_above = list_above, .dot_listed = dot_listed,              \
        .dot_indexed = dot_indexed, .quantise = quantise, .estimate_keys = estimate_keys_##kind,                                             \
        .dot_bytes = dot_bytes_##kind, .screen = screen_##kind, .estimate = estimate_##kind,                                                 \
    }

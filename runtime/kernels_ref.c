/* The kernels in plain C: the definition that every variant equals bit for bit; see kernels.h. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/bits.h"
#include "runtime/kernels_isa.h"
#include "runtime/kernels_math.h"
#include "runtime/quant.h"

static float sum_lanes(float lane[RT_LANES]) {
    for (size_t half = RT_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) lane[l] += lane[l + half];
    }
    return lane[0];
}

static void dot(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float lane[RT_LANES] = {0};
            for (size_t c = 0; c < k; c++) lane[c % RT_LANES] = fmaf(A[i * lda + c], B[j * ldb + c], lane[c % RT_LANES]);
            C[i * ldc + j] = sum_lanes(lane);
        }
    }
}

static void weighted_rows(size_t m, size_t n, size_t n_c, const float *P, size_t ldp, const float *V, size_t ldv, float *out, size_t ldo) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            for (size_t c = 0; c < n_c; c++) out[i * ldo + c] = fmaf(P[i * ldp + j], V[j * ldv + c], out[i * ldo + c]);
        }
    }
}

static float widen_one_bf16(uint16_t h) { return rt_float_of((uint32_t)h << 16); }

static float element(rt_dtype dtype, const void *v, size_t i) {
    if (dtype == RT_F32) return ((const float *)v)[i];
    if (dtype == RT_I8) return ((const int8_t *)v)[i];
    const uint16_t h = ((const uint16_t *)v)[i];
    return dtype == RT_F16 ? rt_widen_half(h) : widen_one_bf16(h);
}

static void gather(rt_dtype dtype, size_t n, const uint32_t *index, const float *p, size_t n_c, const void *V, size_t ldv, float *out) {
    memset(out, 0, n_c * sizeof *out);
    for (size_t t = 0; t < n; t++) {
        const size_t j = index != NULL ? index[t] : t;
        for (size_t c = 0; c < n_c; c++) out[c] = fmaf(p[t], element(dtype, V, j * ldv + c), out[c]);
    }
}

static size_t lists(rt_dtype dtype, size_t m, const uint8_t *count, const uint8_t *row, const float *p, size_t n_c, const void *V, size_t ldv,
                    float *out, size_t ldo) {
    size_t t = 0;
    for (size_t i = 0; i < m; i++) {
        for (const size_t end = t + count[i]; t < end; t++) {
            for (size_t c = 0; c < n_c; c++) out[i * ldo + c] = fmaf(p[t], element(dtype, V, row[t] * ldv + c), out[i * ldo + c]);
        }
    }
    return t;
}

#define BY_TYPE(NAME, TYPE)                                                                                                               \
    static void gather_##NAME(size_t n, const uint32_t *index, const float *p, size_t n_c, const void *V, size_t ldv, float *out) {       \
        gather(TYPE, n, index, p, n_c, V, ldv, out);                                                                                      \
    }                                                                                                                                     \
    static size_t lists_##NAME(size_t m, const uint8_t *count, const uint8_t *row, const float *p, size_t n_c, const void *V, size_t ldv, \
                               float *out, size_t ldo) {                                                                                  \
        return lists(TYPE, m, count, row, p, n_c, V, ldv, out, ldo);                                                                      \
    }

BY_TYPE(f32, RT_F32)
BY_TYPE(f16, RT_F16)
BY_TYPE(bf16, RT_BF16)
BY_TYPE(i8, RT_I8)

static void widen_f32(size_t n, const void *in, float *out) { memcpy(out, in, n * sizeof *out); }

static void widen_f16(size_t n, const void *in, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = element(RT_F16, in, i);
}

static void widen_bf16(size_t n, const void *in, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = element(RT_BF16, in, i);
}

static void widen_i8(size_t n, const void *in, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = element(RT_I8, in, i);
}

static float rms_norm(size_t n, const float *x, const float *w, float eps, float *out) {
    float lane[RT_LANES] = {0};
    for (size_t i = 0; i < n; i++) lane[i % RT_LANES] = fmaf(x[i], x[i], lane[i % RT_LANES]);
    const float mean_square = sum_lanes(lane) / (float)n;
    const float r = 1.0f / sqrtf(mean_square + eps);
    for (size_t i = 0; i < n; i++) out[i] = x[i] * r * w[i];
    return mean_square;
}

static void add(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void mul(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++) y[i] *= x[i];
}

static void scale(size_t n, float s, float *x) {
    for (size_t i = 0; i < n; i++) x[i] *= s;
}

static float exp_nonpositive(float x) {
    if (x < RT_EXP_MIN) return 0.0f;
    const float z = fmaf(x, RT_LOG2E, RT_ROUND), n = z - RT_ROUND;
    const float r = fmaf(-n, RT_LN2_LOW, fmaf(-n, RT_LN2_HIGH, x));
    float p = RT_EXP_C7;
    p = fmaf(p, r, RT_EXP_C6), p = fmaf(p, r, RT_EXP_C5), p = fmaf(p, r, RT_EXP_C4), p = fmaf(p, r, RT_EXP_C3);
    p = fmaf(p, r, RT_EXP_C2), p = fmaf(p, r, 1.0f), p = fmaf(p, r, 1.0f);
    return p * rt_float_of((rt_bits_of(z) << 23) + 0x3f800000);
}

static float times_sigmoid(float x, float u) {
    const float e = exp_nonpositive(-fabsf(u));
    return x * ((u < 0.0f ? e : 1.0f) / (1.0f + e));
}

static float gelu_tanh(float x) {
    const float cube = x * x * x;
    return times_sigmoid(x, fmaf(cube, RT_GELU_CUBE, x) * RT_GELU_SCALE);
}

static float gelu_erf(float x) {
    const float z = fabsf(x) * RT_SQRT_HALF, t = 1.0f / fmaf(z, RT_ERF_P, 1.0f);
    float q = RT_ERF_A5;
    q = fmaf(q, t, RT_ERF_A4), q = fmaf(q, t, RT_ERF_A3), q = fmaf(q, t, RT_ERF_A2), q = fmaf(q, t, RT_ERF_A1);
    const float tail = q * t * exp_nonpositive(-(z * z)) * 0.5f;
    return x * (x < 0.0f ? tail : 1.0f - tail);
}

static void activate(rt_activation act, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) x[i] = act == RT_GELU_TANH ? gelu_tanh(x[i]) : act == RT_GELU_ERF ? gelu_erf(x[i]) : times_sigmoid(x[i], x[i]);
}

static float max(size_t n, const float *x) {
    float m = x[0];
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) return x[i];
        if (x[i] > m) m = x[i];
    }
    return m;
}

static size_t argmax(size_t n, const float *x) {
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) return i;
        if (x[i] > x[best]) best = i;
    }
    return best;
}

static float exp_sum(size_t n, const float *x, float max, float *y) {
    float lane[RT_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        y[i] = exp_nonpositive(x[i] - max);
        lane[i % RT_LANES] += y[i];
    }
    return sum_lanes(lane);
}

static size_t count_ge(size_t n, const float *x, float t) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] >= t;
    return count;
}

static size_t keep_above(size_t n, const float *x, float t, size_t n_ties, uint32_t *index, float *value) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const bool tie = x[i] == t && n_ties > 0;
        if (tie) n_ties--;
        if (tie || !(x[i] <= t)) {
            index[count] = (uint32_t)i;
            value[count++] = x[i];
        }
    }
    return count;
}

static size_t list_above(size_t n, const float *x, float t, uint32_t *index) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] <= t)) index[count++] = (uint32_t)i;
    }
    return count;
}

static void dot_listed(size_t n, const uint8_t *row, size_t k, const float *A, size_t lda, const float *b, float *out) {
    for (size_t t = 0; t < n; t++) dot(1, 1, k, A + row[t] * lda, lda, b, k, out + t, 1);
}

static void dot_indexed(size_t n, const uint32_t *index, size_t k, const float *A, size_t lda, const float *b, float *out) {
    for (size_t t = 0; t < n; t++) dot(1, 1, k, A + index[t] * lda, lda, b, k, out + t, 1);
}

/* Norms are sums in lanes order, so off by at most (k / 16 + 5) 2^-24 of themselves, which `up` covers twice over. */
static float up(float sum_of_squares, size_t k) { return sqrtf(sum_of_squares) * (1.0f + (float)(k / RT_LANES + 16) * 0x1p-23f); }

static void quantise(size_t k, const float *x, int8_t *p, rt_screen_query *query) {
    float largest = 0.0f, square[RT_LANES] = {0}, lost[RT_LANES] = {0};
    bool nan = false;
    for (size_t c = 0; c < k; c++) {
        nan |= isnan(x[c]);
        if (fabsf(x[c]) > largest) largest = fabsf(x[c]);
    }
    memset(p, 0, (k + 3) / 4 * 4);
    *query = (rt_screen_query){.scale = !nan && largest < RT_SCREEN_MAX ? 0.0f : NAN, .norm = INFINITY, .loss = INFINITY};
    if (nan || !(largest > RT_SCREEN_MIN && largest < RT_SCREEN_MAX)) return;
    query->scale = largest / 127.0f;
    const float inverse = 127.0f / largest;
    for (size_t c = 0; c < k; c++) {
        const float r = fmaf(x[c], inverse, RT_ROUND) - RT_ROUND, e = fmaf(-query->scale, r, x[c]);
        p[c] = (int8_t)r;
        query->sum += p[c];
        square[c % RT_LANES] = fmaf(x[c], x[c], square[c % RT_LANES]);
        lost[c % RT_LANES] = fmaf(e, e, lost[c % RT_LANES]);
    }
    query->norm = up(sum_lanes(square), k);
    query->loss = up(sum_lanes(lost), k);
}

/* (q[j] . p) scale[j] scale of p, of unit j of a panel. */
static float byte_score(size_t k, const int8_t *p, const rt_screen_query *query, const uint8_t *Q, const float *scale, size_t j) {
    int32_t sum = 0;
    for (size_t c = 0; c < k; c++) sum += p[c] * (Q[(c / 4 * RT_SCREEN_PANEL + j) * 4 + c % 4] - 128);
    return (float)sum * scale[j] * query->scale;
}

static void dot_bytes(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                      float *C, size_t ldc) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) C[i * ldc + j] = byte_score(k, P + i * ldp, &query[i], Q, scale, j);
    }
}

static void screen(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                   const float *alpha, const float *beta, uint64_t *mask) {
    for (size_t i = 0; i < m; i++) {
        mask[i] = 0;
        for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
            const float bound = fmaf(beta[j], query[i].loss, alpha[j] * query[i].norm);
            if (!(byte_score(k, P + i * ldp, &query[i], Q, scale, j) + bound <= 0.0f)) mask[i] |= UINT64_C(1) << j;
        }
    }
}

static void estimate(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q, const float *scale,
                     const float *alpha, const float *beta, const uint64_t *forbidden, size_t ldf, float *upper, size_t ldu, float *lower) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
            const float between = byte_score(k, P + i * ldp, &query[i], Q, scale, j);
            const float bound = fmaf(beta[j], query[i].loss, alpha[j] * query[i].norm);
            const float most = between + bound, least = between - bound, above = fmaf(fabsf(most), RT_STEP, most);
            const float below = fmaf(-fabsf(least), RT_STEP, least);
            upper[i * ldu + j] = above < INFINITY ? above : INFINITY;
            if ((forbidden[i * ldf] >> j & 1) == 0 && below > lower[i]) lower[i] = below;
        }
    }
}

static void estimate_keys(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                          const float *scale, const float *alpha, const float *beta, const float *bias, float *upper, size_t ldu, float *most,
                          size_t ldm) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
            upper[i * ldu + j] = -INFINITY;
            if (j >= n) continue;
            const float score = byte_score(k, P + i * ldp, &query[i], Q, scale, j), middle = bias != NULL ? score + (bias - i)[j] : score;
            const float reach = fmaf(beta[j], query[i].loss, alpha[j] * query[i].norm), lower = middle - reach;
            upper[i * ldu + j] = middle + reach;
            if (lower > most[i * ldm + j]) most[i * ldm + j] = lower;
        }
    }
}

const rt_kernels rt_kernels_ref = {
    .isa = "ref",
    .bytes = "ref",
    .dot_tile_rows = 1,
    .dot_tile_cols = 1,
    .dot = dot,
    .weighted_rows = weighted_rows,
    .weighted_gather = {[RT_F32] = gather_f32, [RT_F16] = gather_f16, [RT_BF16] = gather_bf16, [RT_I8] = gather_i8},
    .weighted_lists = {[RT_F32] = lists_f32, [RT_F16] = lists_f16, [RT_BF16] = lists_bf16, [RT_I8] = lists_i8},
    .widen = {[RT_F32] = widen_f32, [RT_F16] = widen_f16, [RT_BF16] = widen_bf16, [RT_Q8_0] = rt_widen_q8_0, [RT_Q4_0] = rt_widen_q4_0,
              [RT_Q4_1] = rt_widen_q4_1, [RT_Q5_0] = rt_widen_q5_0, [RT_Q5_1] = rt_widen_q5_1, [RT_I8] = widen_i8},
    .rms_norm = rms_norm,
    .add = add,
    .mul = mul,
    .scale = scale,
    .activate = activate,
    .max = max,
    .argmax = argmax,
    .exp_sum = exp_sum,
    .count_ge = count_ge,
    .keep_above = keep_above,
    .list_above = list_above,
    .dot_listed = dot_listed,
    .dot_indexed = dot_indexed,
    .quantise = quantise,
    .dot_bytes = dot_bytes,
    .screen = screen,
    .estimate = estimate,
    .estimate_keys = estimate_keys,
};

/* The kernels over a vector of 16 lanes, written once; see kernels.h for what each computes and in which order.
 *
 * A variant's file defines, then includes this one:
 *   RT_ISA_NAME               the name of its instruction set, as text
 *   RT_KERNEL                 `static` and the target attribute of its functions
 *   RT_DOT_ROWS, RT_DOT_COLS  the tile of dot;  RT_SUM_ROWS, RT_SUM_VECS the tile of weighted_rows (rows, vectors of columns)
 *   v16, v_zero v_set v_load v_load_n v_store v_store_n v_load_f16(_n) v_load_bf16(_n) v_load_i8(_n)
 *   v_add v_sub v_mul v_div v_fma v_max v_abs v_neg v_pow2 (2^n of a rounded z, see kernels_math.h) v_sum (lanes order)
 *   v_lt v_ge v_nle v_eq v_nan: comparisons to 16 mask bits;  v_pick(mask, a, b): a where set
 *   v_dot_store: the sums of a tile of accumulators into C;  or, with RT_OWN_DOT_TILE, a dot_tile of its own
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

/* ---- dot ---- */

#ifndef RT_OWN_DOT_TILE
/* One tile, rows x cols accumulators held in registers over the whole of k. */
RT_KERNEL inline __attribute__((always_inline)) void dot_tile(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B,
                                                              size_t ldb, float *C, size_t ldc) {
    v16 acc[RT_DOT_ROWS][RT_DOT_COLS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < cols; j++) acc[i][j] = v_zero();
    }
    size_t c = 0;
    for (; c + RT_LANES <= k; c += RT_LANES) {
        v16 a[RT_DOT_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) a[i] = v_load(A + i * lda + c);
        UNROLL for (size_t j = 0; j < cols; j++) {
            const v16 b = v_load(B + j * ldb + c);
            UNROLL for (size_t i = 0; i < rows; i++) acc[i][j] = v_fma(a[i], b, acc[i][j]);
        }
    }
    if (c < k) {
        v16 a[RT_DOT_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) a[i] = v_load_n(A + i * lda + c, k - c);
        UNROLL for (size_t j = 0; j < cols; j++) {
            const v16 b = v_load_n(B + j * ldb + c, k - c);
            /* A lane that has no term keeps its bits: it must not meet 0 * 0, which would turn -0 into +0. */
            UNROLL for (size_t i = 0; i < rows; i++) acc[i][j] = v_fma_n(a[i], b, acc[i][j], k - c);
        }
    }
    v_dot_store(rows, cols, acc, C, ldc);
}
#endif

RT_KERNEL inline __attribute__((always_inline)) void dot_rows(size_t rows, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb,
                                                              float *C, size_t ldc) {
    size_t j = 0;
    for (; j + RT_DOT_COLS <= n; j += RT_DOT_COLS) dot_tile(rows, RT_DOT_COLS, k, A, lda, B + j * ldb, ldb, C + j, ldc);
    for (; j < n; j++) dot_tile(rows, 1, k, A, lda, B + j * ldb, ldb, C + j, ldc);
}

RT_KERNEL void dot(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    /* Columns outside, rows inside: a tile's rows of B stay in the first-level cache while those of A stream from the second. */
    const size_t full = m - m % RT_DOT_ROWS;
    size_t j = 0;
    for (; full > 0 && j + RT_DOT_COLS <= n; j += RT_DOT_COLS) {
        for (size_t i = 0; i < full; i += RT_DOT_ROWS) {
            dot_tile(RT_DOT_ROWS, RT_DOT_COLS, k, A + i * lda, lda, B + j * ldb, ldb, C + i * ldc + j, ldc);
        }
    }
    for (; full > 0 && j < n; j++) {
        for (size_t i = 0; i < full; i += RT_DOT_ROWS) dot_tile(RT_DOT_ROWS, 1, k, A + i * lda, lda, B + j * ldb, ldb, C + i * ldc + j, ldc);
    }
    A += full * lda, C += full * ldc;
    switch (m - full) {
    case 1: dot_rows(1, n, k, A, lda, B, ldb, C, ldc); break;
#if RT_DOT_ROWS > 2
    case 2: dot_rows(2, n, k, A, lda, B, ldb, C, ldc); break;
    case 3: dot_rows(3, n, k, A, lda, B, ldb, C, ldc); break;
#endif
    default: break;
    }
}

#define LISTED 6 /* listed rows at a time: as many chains as hide most of the latency of fma */

RT_KERNEL inline __attribute__((always_inline)) void listed_part(size_t n, const uint8_t *row, size_t k, const float *A, size_t lda, const float *b,
                                                                 float *out) {
    v16 acc[LISTED];
    UNROLL for (size_t t = 0; t < n; t++) acc[t] = v_zero();
    size_t c = 0;
    for (; c + RT_LANES <= k; c += RT_LANES) {
        const v16 x = v_load(b + c);
        UNROLL for (size_t t = 0; t < n; t++) acc[t] = v_fma(v_load(A + row[t] * lda + c), x, acc[t]);
    }
    if (c < k) {
        const v16 x = v_load_n(b + c, k - c);
        UNROLL for (size_t t = 0; t < n; t++) acc[t] = v_fma_n(v_load_n(A + row[t] * lda + c, k - c), x, acc[t], k - c);
    }
    UNROLL for (size_t t = 0; t < n; t++) out[t] = v_sum(acc[t]);
}

RT_KERNEL void dot_listed(size_t n, const uint8_t *row, size_t k, const float *A, size_t lda, const float *b, float *out) {
    size_t t = 0;
    for (; t + LISTED <= n; t += LISTED) listed_part(LISTED, row + t, k, A, lda, b, out + t);
    switch (n - t) {
    case 1: listed_part(1, row + t, k, A, lda, b, out + t); break;
    case 2: listed_part(2, row + t, k, A, lda, b, out + t); break;
    case 3: listed_part(3, row + t, k, A, lda, b, out + t); break;
    case 4: listed_part(4, row + t, k, A, lda, b, out + t); break;
    case 5: listed_part(5, row + t, k, A, lda, b, out + t); break;
    default: break;
    }
}

#define INDEXED_AHEAD 256 /* bytes of each of the next rows fetched while these are summed: a head's row of 64, the beginning of a longer one */

/* Rows go through by halves of RT_INDEXED_ROWS, so that their addresses stay in registers, and all their sums are finished together. */
RT_KERNEL inline __attribute__((always_inline)) void indexed_half(const uint32_t *index, size_t k, const float *A, size_t lda, const float *b,
                                                                  v16 *acc) {
    const float *row[RT_INDEXED_ROWS / 2];
    UNROLL for (size_t t = 0; t < RT_INDEXED_ROWS / 2; t++) row[t] = A + index[t] * lda, acc[t] = v_zero();
    size_t c = 0;
    for (; c + RT_LANES <= k; c += RT_LANES) {
        const v16 x = v_load(b + c);
        UNROLL for (size_t t = 0; t < RT_INDEXED_ROWS / 2; t++) acc[t] = v_fma(v_load(row[t] + c), x, acc[t]);
    }
    if (c < k) {
        const v16 x = v_load_n(b + c, k - c);
        UNROLL for (size_t t = 0; t < RT_INDEXED_ROWS / 2; t++) acc[t] = v_fma_n(v_load_n(row[t] + c, k - c), x, acc[t], k - c);
    }
}

RT_KERNEL void dot_indexed(size_t n, const uint32_t *index, size_t k, const float *A, size_t lda, const float *b, float *out) {
    for (size_t t = 0; t < n; t += RT_INDEXED_ROWS) {
        const size_t rows = n - t < RT_INDEXED_ROWS ? n - t : RT_INDEXED_ROWS;
        uint32_t filled[RT_INDEXED_ROWS];
        const uint32_t *at = index + t;
        if (rows < RT_INDEXED_ROWS) { /* the last row stands for those that are missing */
            for (size_t r = 0; r < RT_INDEXED_ROWS; r++) filled[r] = at[r < rows ? r : rows - 1];
            at = filled;
        }
        for (size_t r = 0; r < RT_INDEXED_ROWS && t + 2 * RT_INDEXED_ROWS <= n; r++) {
            const char *ahead = (const char *)(A + index[t + RT_INDEXED_ROWS + r] * lda);
            UNROLL for (size_t line = 0; line < INDEXED_AHEAD; line += 64) __builtin_prefetch(ahead + line);
        }
        v16 acc[RT_INDEXED_ROWS];
        indexed_half(at, k, A, lda, b, acc);
        indexed_half(at + RT_INDEXED_ROWS / 2, k, A, lda, b, acc + RT_INDEXED_ROWS / 2);
        v_store_sums(out + t, rows, acc);
    }
}

/* ---- weighted sums of rows ---- */

/* rows x vecs accumulators, of which the last vector has n_last lanes. */
RT_KERNEL inline __attribute__((always_inline)) void weighted_tile(size_t rows, size_t vecs, size_t n_last, size_t n, const float *P, size_t ldp,
                                                                   const float *V, size_t ldv, float *out, size_t ldo) {
    v16 acc[RT_SUM_ROWS][RT_SUM_VECS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < vecs; v++) {
            const float *o = out + i * ldo + v * RT_LANES;
            acc[i][v] = v + 1 < vecs ? v_load(o) : v_load_n(o, n_last);
        }
    }
    for (size_t j = 0; j < n; j++) {
        v16 x[RT_SUM_VECS];
        UNROLL for (size_t v = 0; v < vecs; v++) {
            const float *row = V + j * ldv + v * RT_LANES;
            x[v] = v + 1 < vecs || n_last == RT_LANES ? v_load(row) : v_load_n(row, n_last);
        }
        UNROLL for (size_t i = 0; i < rows; i++) {
            const v16 p = v_set(P[i * ldp + j]);
            UNROLL for (size_t v = 0; v < vecs; v++) acc[i][v] = v_fma(p, x[v], acc[i][v]);
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t v = 0; v < vecs; v++) {
            float *o = out + i * ldo + v * RT_LANES;
            if (v + 1 < vecs) v_store(o, acc[i][v]);
            else v_store_n(o, n_last, acc[i][v]);
        }
    }
}

RT_KERNEL inline __attribute__((always_inline)) void weighted_columns(size_t m, size_t vecs, size_t n_last, size_t n, const float *P, size_t ldp,
                                                                      const float *V, size_t ldv, float *out, size_t ldo) {
    size_t i = 0;
    for (; i + RT_SUM_ROWS <= m; i += RT_SUM_ROWS) {
        weighted_tile(RT_SUM_ROWS, vecs, n_last, n, P + i * ldp, ldp, V, ldv, out + i * ldo, ldo);
    }
    for (; i < m; i++) weighted_tile(1, vecs, n_last, n, P + i * ldp, ldp, V, ldv, out + i * ldo, ldo);
}

RT_KERNEL void weighted_rows(size_t m, size_t n, size_t n_c, const float *P, size_t ldp, const float *V, size_t ldv, float *out, size_t ldo) {
    size_t c = 0;
    for (; c + RT_SUM_VECS * RT_LANES <= n_c; c += RT_SUM_VECS * RT_LANES) {
        weighted_columns(m, RT_SUM_VECS, RT_LANES, n, P, ldp, V + c, ldv, out + c, ldo);
    }
    for (; c < n_c; c += RT_LANES) {
        const size_t left = n_c - c;
        if (left >= RT_LANES) weighted_columns(m, 1, RT_LANES, n, P, ldp, V + c, ldv, out + c, ldo);
        else weighted_columns(m, 1, left, n, P, ldp, V + c, ldv, out + c, ldo);
    }
}

#define GATHER_VECS 4
#define GATHER_AHEAD 12 /* rows fetched ahead of use: hides the second-level cache's and most of the third's latency */

/* 64 columns at a time, each of them a chain of its own. */
#define DEFINE_GATHER(NAME, TYPE, LOAD, LOAD_N)                                                                                                    \
    RT_KERNEL inline __attribute__((always_inline)) void gather_part_##NAME(size_t vecs, size_t n_last, size_t n, const uint32_t *index,         \
                                                                           const float *p, const TYPE *V, size_t ldv, float *out) {              \
        v16 acc[GATHER_VECS];                                                                                                                      \
        UNROLL for (size_t v = 0; v < vecs; v++) acc[v] = v_zero();                                                                                \
        for (size_t t = 0; t < n; t++) {                                                                                                           \
            const TYPE *row = V + (index != NULL ? index[t] : t) * ldv;                                                                            \
            if (index != NULL && t + GATHER_AHEAD < n) {                                                                                           \
                const char *ahead = (const char *)(V + index[t + GATHER_AHEAD] * ldv);                                                             \
                UNROLL for (size_t b = 0; b < vecs * RT_LANES * sizeof *V; b += 64) __builtin_prefetch(ahead + b);                                 \
            }                                                                                                                                      \
            const v16 w = v_set(p[t]);                                                                                                             \
            UNROLL for (size_t v = 0; v < vecs; v++) {                                                                                             \
                const v16 x = v + 1 < vecs || n_last == RT_LANES ? LOAD(row + v * RT_LANES) : LOAD_N(row + v * RT_LANES, n_last);                  \
                acc[v] = v_fma(w, x, acc[v]);                                                                                                      \
            }                                                                                                                                      \
        }                                                                                                                                          \
        UNROLL for (size_t v = 0; v < vecs; v++) v_store_n(out + v * RT_LANES, v + 1 < vecs ? RT_LANES : n_last, acc[v]);                          \
    }                                                                                                                                              \
    RT_KERNEL void gather_##NAME(size_t n, const uint32_t *index, const float *p, size_t n_c, const void *V, size_t ldv, float *out) {             \
        size_t c = 0;                                                                                                                              \
        for (; c + GATHER_VECS * RT_LANES <= n_c; c += GATHER_VECS * RT_LANES) {                                                                   \
            gather_part_##NAME(GATHER_VECS, RT_LANES, n, index, p, (const TYPE *)V + c, ldv, out + c);                                             \
        }                                                                                                                                          \
        for (; c < n_c; c += RT_LANES) {                                                                                                           \
            gather_part_##NAME(1, n_c - c < RT_LANES ? n_c - c : RT_LANES, n, index, p, (const TYPE *)V + c, ldv, out + c);                        \
        }                                                                                                                                          \
    }

DEFINE_GATHER(f32, float, v_load, v_load_n)
DEFINE_GATHER(f16, uint16_t, v_load_f16, v_load_f16_n)
DEFINE_GATHER(bf16, uint16_t, v_load_bf16, v_load_bf16_n)
DEFINE_GATHER(i8, int8_t, v_load_i8, v_load_i8_n)

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
        .widen = {[RT_F32] = widen_f32, [RT_F16] = widen_f16, [RT_BF16] = widen_bf16, [RT_Q8_0] = rt_widen_q8_0, [RT_Q4_0] = rt_widen_q4_0,  \
                  [RT_Q4_1] = rt_widen_q4_1, [RT_Q5_0] = rt_widen_q5_0, [RT_Q5_1] = rt_widen_q5_1, [RT_I8] = widen_i8},                      \
        .rms_norm = rms_norm, .add = add, .mul = mul, .scale = scale, .activate = activate, .max = max, .argmax = argmax,                    \
        .exp_sum = exp_sum, .count_ge = count_ge, .keep_above = keep_above, .list_above = list_above, .dot_listed = dot_listed,              \
        .dot_indexed = dot_indexed, .quantise = quantise, .estimate_keys = estimate_keys_##kind,                                             \
        .dot_bytes = dot_bytes_##kind, .screen = screen_##kind, .estimate = estimate_##kind,                                                 \
    }

/* The kernels on rows of 8-bit numbers over a vector of 16 lanes, written once; see kernels.h. Included after kernels_vector.h.
 *
 * What differs is how the whole-number products are made. A variant's file defines, for each way `kind` that its instruction set has,
 *   byte_sums_<kind>(m, k, P, ldp, query, Q, U):  U[i, j] = sum over c of P[i, c] Q[c / 4][j][c % 4], for m <= BYTE_ROWS rows and the 64
 *   units of a panel
 * and stamps RT_BYTE_KERNELS(kind). Q is unsigned, 128 too large: the sums are so by 128 times the row's sum, which is subtracted here. Before
 * it includes this file, it defines
 *   v_of_sums(U, s): U[l] - s as f32;  v_store_i8(p, n, r): whole numbers r to the first n bytes of p. */

enum { BYTE_ROWS = 32 }; /* rows at a time: their sums, 8 KiB, stay in the first-level cache */

/* Norms are sums in lanes order, so off by at most (k / 16 + 5) 2^-24 of themselves, which `up` covers twice over. */
static float up(float sum_of_squares, size_t k) { return sqrtf(sum_of_squares) * (1.0f + (float)(k / RT_LANES + 16) * 0x1p-23f); }

RT_KERNEL void quantise(size_t k, const float *x, int8_t *p, rt_screen_query *query) {
    v16 most = v_zero(), square = v_zero(), lost = v_zero(), sum = v_zero();
    uint32_t nan = 0;
    FOR_LANES(k, const v16 v = load(x + i, len); nan |= v_nan(v); most = v_max(most, v_abs(v)););
    float lane[RT_LANES];
    v_store(lane, most);
    const float largest = max(RT_LANES, lane);
    memset(p, 0, (k + 3) / 4 * 4);
    *query = (rt_screen_query){.scale = nan == 0 && largest < RT_SCREEN_MAX ? 0.0f : NAN, .norm = INFINITY, .loss = INFINITY};
    if (nan != 0 || !(largest > RT_SCREEN_MIN && largest < RT_SCREEN_MAX)) return;
    query->scale = largest / 127.0f;
    const v16 inverse = v_set(127.0f / largest), scale = v_set(-query->scale), round = v_set(RT_ROUND);
    FOR_LANES(k, const v16 v = load(x + i, len); const v16 r = v_sub(v_fma(v, inverse, round), round); const v16 e = v_fma(scale, r, v);
              v_store_i8(p + i, len, r); sum = v_add(sum, r); square = v_fma(v, v, square); lost = v_fma(e, e, lost););
    query->sum = (int32_t)v_sum(sum); /* exact: whole numbers below 2^24 for all k below 2^17 */
    query->norm = up(v_sum(square), k);
    query->loss = up(v_sum(lost), k);
}

/* The four vectors of a row's 64 sums as scores. */
RT_KERNEL inline __attribute__((always_inline)) v16 byte_scores(const int32_t *U, const rt_screen_query *query, const float *scale, size_t v) {
    return v_mul(v_mul(v_of_sums(U + RT_LANES * v, 128 * query->sum), v_load(scale + RT_LANES * v)), v_set(query->scale));
}

/* How far these are from the dot kernel's at most (screen.h). */
RT_KERNEL inline __attribute__((always_inline)) v16 byte_bounds(const rt_screen_query *query, const float *alpha, const float *beta, size_t v) {
    return v_fma(v_load(beta + RT_LANES * v), v_set(query->loss), v_mul(v_load(alpha + RT_LANES * v), v_set(query->norm)));
}

enum { BYTE_VECS = RT_SCREEN_PANEL / RT_LANES };

RT_KERNEL inline __attribute__((always_inline)) void dot_bytes_row(size_t n, const int32_t *U, const rt_screen_query *query, const float *scale,
                                                                   float *C) {
    UNROLL for (size_t v = 0; v < BYTE_VECS; v++) {
        const size_t at = RT_LANES * v;
        if (at < n) store(C + at, n - at < RT_LANES ? n - at : RT_LANES, byte_scores(U, query, scale, v));
    }
}

RT_KERNEL inline __attribute__((always_inline)) uint64_t screen_row(const int32_t *U, const rt_screen_query *query, const float *scale,
                                                                    const float *alpha, const float *beta) {
    uint64_t mask = 0;
    UNROLL for (size_t v = 0; v < BYTE_VECS; v++) {
        mask |= (uint64_t)v_nle(v_add(byte_scores(U, query, scale, v), byte_bounds(query, alpha, beta, v)), v_zero()) << (RT_LANES * v);
    }
    return mask;
}

RT_KERNEL inline __attribute__((always_inline)) void estimate_row(const int32_t *U, const rt_screen_query *query, const float *scale,
                                                                  const float *alpha, const float *beta, uint64_t forbidden, float *upper,
                                                                  float *lower) {
    const v16 step = v_set(RT_STEP), infinity = v_set(INFINITY);
    v16 largest = v_set(*lower);
    UNROLL for (size_t v = 0; v < BYTE_VECS; v++) {
        const v16 between = byte_scores(U, query, scale, v), bound = byte_bounds(query, alpha, beta, v);
        const v16 most = v_add(between, bound), least = v_sub(between, bound);
        const v16 above = v_fma(v_abs(most), step, most), below = v_fma(v_neg(v_abs(least)), step, least);
        v_store(upper + RT_LANES * v, v_pick(v_lt(above, infinity), above, infinity));
        largest = v_pick(v_lt(largest, below) & ~(uint32_t)(forbidden >> (RT_LANES * v)) & 0xffff, below, largest);
    }
    float lane[RT_LANES];
    v_store(lane, largest);
    *lower = max(RT_LANES, lane);
}

/* RT_LANES keys, of which the first `len` are there. */
RT_KERNEL inline __attribute__((always_inline)) void estimate_keys_part(size_t len, v16 score, v16 reach, const float *bias, float *upper,
                                                                        float *most) {
    const v16 middle = bias != NULL ? v_add(score, load(bias, len)) : score;
    const v16 above = v_add(middle, reach), below = v_sub(middle, reach);
    v_store(upper, len == RT_LANES ? above : v_pick(lanes_mask(len), above, v_set(-INFINITY)));
    store(most, len, v_max(below, load(most, len))); /* of which v_max gives the second where the first is NaN */
}

RT_KERNEL inline __attribute__((always_inline)) void estimate_keys_row(size_t n, const int32_t *U, const rt_screen_query *query, const float *scale,
                                                                       const float *alpha, const float *beta, const float *bias, float *upper,
                                                                       float *most) {
    if (n == RT_SCREEN_PANEL) {
        UNROLL for (size_t v = 0; v < BYTE_VECS; v++) {
            const size_t at = RT_LANES * v;
            estimate_keys_part(RT_LANES, byte_scores(U, query, scale, v), byte_bounds(query, alpha, beta, v), bias != NULL ? bias + at : NULL,
                               upper + at, most + at);
        }
        return;
    }
    for (size_t v = 0; v < BYTE_VECS; v++) {
        const size_t at = RT_LANES * v, len = at >= n ? 0 : n - at < RT_LANES ? n - at : RT_LANES;
        estimate_keys_part(len, byte_scores(U, query, scale, v), byte_bounds(query, alpha, beta, v), bias != NULL ? bias + at : NULL, upper + at,
                           most + at);
    }
}

/* Sums of BYTE_ROWS rows, then the row kernel: `row` for every row i + r, its sums U[r]. */
#define FOR_BYTE_ROWS(sums, row)                                                                                                             \
    do {                                                                                                                                     \
        _Alignas(64) int32_t U[BYTE_ROWS][RT_SCREEN_PANEL];                                                                                  \
        for (size_t i = 0; i < m; i += BYTE_ROWS) {                                                                                          \
            const size_t rows = m - i < BYTE_ROWS ? m - i : BYTE_ROWS;                                                                       \
            sums(rows, k, P + i * ldp, ldp, query + i, Q, U);                                                                                \
            for (size_t r = 0; r < rows; r++) row;                                                                                           \
        }                                                                                                                                    \
    } while (0)

#define RT_BYTE_KERNELS(kind)                                                                                                                \
    RT_KERNEL void dot_bytes_##kind(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,                 \
                                    const uint8_t *Q, const float *scale, float *C, size_t ldc) {                                            \
        FOR_BYTE_ROWS(byte_sums_##kind, dot_bytes_row(n, U[r], &query[i + r], scale, C + (i + r) * ldc));                                    \
    }                                                                                                                                        \
    RT_KERNEL void screen_##kind(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,            \
                                 const float *scale, const float *alpha, const float *beta, uint64_t *mask) {                                \
        FOR_BYTE_ROWS(byte_sums_##kind, mask[i + r] = screen_row(U[r], &query[i + r], scale, alpha, beta));                                  \
    }                                                                                                                                        \
    RT_KERNEL void estimate_##kind(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,          \
                                   const float *scale, const float *alpha, const float *beta, const uint64_t *forbidden, size_t ldf,         \
                                   float *upper, size_t ldu, float *lower) {                                                                 \
        FOR_BYTE_ROWS(byte_sums_##kind, estimate_row(U[r], &query[i + r], scale, alpha, beta, forbidden[(i + r) * ldf],                      \
                                                     upper + (i + r) * ldu, &lower[i + r]));                                                 \
    }                                                                                                                                        \
    RT_KERNEL void estimate_keys_##kind(size_t m, size_t n, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query,             \
                                        const uint8_t *Q, const float *scale, const float *alpha, const float *beta, const float *bias,      \
                                        float *upper, size_t ldu, float *most, size_t ldm) {                                                 \
        FOR_BYTE_ROWS(byte_sums_##kind, estimate_keys_row(n, U[r], &query[i + r], scale, alpha, beta, bias != NULL ? bias - (i + r) : NULL,  \
                                                          upper + (i + r) * ldu, most + (i + r) * ldm));                                     \
    }

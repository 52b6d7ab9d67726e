/* Weighted sums of rows, in sequence order; part of kernels_vector.h. */

/* vecs vectors of sums, of which the last has n_last lanes. */
RT_KERNEL inline __attribute__((always_inline)) void load_sums(size_t vecs, size_t n_last, const float *out, v16 *acc) {
    UNROLL for (size_t v = 0; v < vecs; v++) {
        acc[v] = v + 1 < vecs || n_last == RT_LANES ? v_load(out + v * RT_LANES) : v_load_n(out + v * RT_LANES, n_last);
    }
}

RT_KERNEL inline __attribute__((always_inline)) void store_sums(size_t vecs, size_t n_last, const v16 *acc, float *out) {
    UNROLL for (size_t v = 0; v < vecs; v++) {
        if (v + 1 < vecs || n_last == RT_LANES) v_store(out + v * RT_LANES, acc[v]);
        else v_store_n(out + v * RT_LANES, n_last, acc[v]);
    }
}

/* rows x vecs accumulators, of which the last vector has n_last lanes. */
RT_KERNEL inline __attribute__((always_inline)) void weighted_tile(size_t rows, size_t vecs, size_t n_last, size_t n, const float *P, size_t ldp,
                                                                   const float *V, size_t ldv, float *out, size_t ldo) {
    v16 acc[RT_SUM_ROWS][RT_SUM_VECS];
    UNROLL for (size_t i = 0; i < rows; i++) load_sums(vecs, n_last, out + i * ldo, acc[i]);
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
    UNROLL for (size_t i = 0; i < rows; i++) store_sums(vecs, n_last, acc[i], out + i * ldo);
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
        store_sums(vecs, n_last, acc, out);                                                                                                        \
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

/* The lists of several rows; 64 columns at a time again. */
#define DEFINE_LISTS(NAME, TYPE, LOAD, LOAD_N)                                                                                                     \
    RT_KERNEL inline __attribute__((always_inline)) size_t lists_part_##NAME(size_t vecs, size_t n_last, size_t m, const uint8_t *count,           \
                                                                            const uint8_t *row, const float *p, const TYPE *V, size_t ldv,         \
                                                                            float *out, size_t ldo) {                                              \
        size_t t = 0;                                                                                                                              \
        for (size_t i = 0; i < m; i++) {                                                                                                           \
            const size_t end = t + count[i];                                                                                                       \
            float *o = out + i * ldo;                                                                                                              \
            v16 acc[GATHER_VECS];                                                                                                                  \
            load_sums(vecs, n_last, o, acc);                                                                                                       \
            for (; t < end; t++) {                                                                                                                 \
                const TYPE *x = V + row[t] * ldv;                                                                                                  \
                const v16 w = v_set(p[t]);                                                                                                         \
                UNROLL for (size_t v = 0; v < vecs; v++) {                                                                                         \
                    acc[v] = v_fma(w, v + 1 < vecs || n_last == RT_LANES ? LOAD(x + v * RT_LANES) : LOAD_N(x + v * RT_LANES, n_last), acc[v]);     \
                }                                                                                                                                  \
            }                                                                                                                                      \
            store_sums(vecs, n_last, acc, o);                                                                                                      \
        }                                                                                                                                          \
        return t;                                                                                                                                  \
    }                                                                                                                                              \
    RT_KERNEL size_t lists_##NAME(size_t m, const uint8_t *count, const uint8_t *row, const float *p, size_t n_c, const void *V, size_t ldv,       \
                                  float *out, size_t ldo) {                                                                                        \
        size_t c = 0, n = 0;                                                                                                                       \
        for (; c + GATHER_VECS * RT_LANES <= n_c; c += GATHER_VECS * RT_LANES) {                                                                   \
            n = lists_part_##NAME(GATHER_VECS, RT_LANES, m, count, row, p, (const TYPE *)V + c, ldv, out + c, ldo);                                \
        }                                                                                                                                          \
        for (; c < n_c; c += RT_LANES) {                                                                                                           \
            const size_t n_last = n_c - c < RT_LANES ? n_c - c : RT_LANES;                                                                         \
            n = lists_part_##NAME(1, n_last, m, count, row, p, (const TYPE *)V + c, ldv, out + c, ldo);                                            \
        }                                                                                                                                          \
        return n;                                                                                                                                  \
    }

DEFINE_LISTS(f32, float, v_load, v_load_n)
DEFINE_LISTS(f16, uint16_t, v_load_f16, v_load_f16_n)
DEFINE_LISTS(bf16, uint16_t, v_load_bf16, v_load_bf16_n)
DEFINE_LISTS(i8, int8_t, v_load_i8, v_load_i8_n)

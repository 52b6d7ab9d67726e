/* Products of rows, in lanes order; part of kernels_vector.h. */

#ifndef RT_OWN_DOT_TILE
/* Columns first .. first + cols - 1 of a tile's accumulators, held in registers over the whole of k. */
RT_KERNEL inline __attribute__((always_inline)) void dot_sums(size_t rows, size_t first, size_t cols, size_t k, const float *A, size_t lda,
                                                              const float *B, size_t ldb, v16 acc[RT_DOT_ROWS][RT_DOT_COLS]) {
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = first; j < first + cols; j++) acc[i][j] = v_zero();
    }
    size_t c = 0;
    for (; c + RT_LANES <= k; c += RT_LANES) {
        v16 a[RT_DOT_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) a[i] = v_load(A + i * lda + c);
        UNROLL for (size_t j = first; j < first + cols; j++) {
            const v16 b = v_load(B + j * ldb + c);
            UNROLL for (size_t i = 0; i < rows; i++) acc[i][j] = v_fma(a[i], b, acc[i][j]);
        }
    }
    if (c < k) {
        v16 a[RT_DOT_ROWS];
        UNROLL for (size_t i = 0; i < rows; i++) a[i] = v_load_n(A + i * lda + c, k - c);
        UNROLL for (size_t j = first; j < first + cols; j++) {
            const v16 b = v_load_n(B + j * ldb + c, k - c);
            /* A lane that has no term keeps its bits: it must not meet 0 * 0, which would turn -0 into +0. */
            UNROLL for (size_t i = 0; i < rows; i++) acc[i][j] = v_fma_n(a[i], b, acc[i][j], k - c);
        }
    }
}

RT_KERNEL inline __attribute__((always_inline)) void dot_tile(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B,
                                                              size_t ldb, float *C, size_t ldc) {
    v16 acc[RT_DOT_ROWS][RT_DOT_COLS];
    dot_sums(rows, 0, cols, k, A, lda, B, ldb, acc);
    v_dot_store(rows, cols, acc, C, ldc);
}

/* The same, one row of B after another. */
RT_KERNEL inline __attribute__((always_inline)) void dot_tile_in_turn(size_t rows, size_t cols, size_t k, const float *A, size_t lda, const float *B,
                                                                      size_t ldb, float *C, size_t ldc) {
    v16 acc[RT_DOT_ROWS][RT_DOT_COLS];
    UNROLL for (size_t j = 0; j < cols; j++) dot_sums(rows, j, 1, k, A, lda, B, ldb, acc);
    v_dot_store(rows, cols, acc, C, ldc);
}
#endif

/* Up to so many rows of A wait for B to come from memory, which is read fastest from end to end, not several rows at once (tests/bench/requests at
 * T5-base's shape: ask 0.93, beam 0.85 of the time). With more rows arithmetic takes longer; and where rows are shorter, the whole model fits the
 * caches, and to add up one row at a time takes longer (that of qa-mini, 128 long: 1.2). */
enum { FEW_ROWS = 8, LONG_ROW = 512 };

/* With up to so many rows of A, B's way from memory is a good part of the time, so its rows for the next tiles are fetched while these are multiplied
 * (questions of 140 tokens with answers of 48 at T5-base's shape, 12 side by side: 0.92 of the time, 24: 0.97). */
enum { SOME_ROWS = 64 };

RT_KERNEL inline __attribute__((always_inline)) bool waits_for_memory(size_t m, size_t k) { return m <= FEW_ROWS && k >= LONG_ROW; }

RT_KERNEL inline __attribute__((always_inline)) void dot_rows(size_t rows, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb,
                                                              float *C, size_t ldc) {
    size_t j = 0;
    for (; j + RT_DOT_COLS <= n; j += RT_DOT_COLS) {
        if (waits_for_memory(rows, k)) dot_tile_in_turn(rows, RT_DOT_COLS, k, A, lda, B + j * ldb, ldb, C + j, ldc);
        else dot_tile(rows, RT_DOT_COLS, k, A, lda, B + j * ldb, ldb, C + j, ldc);
    }
    for (; j < n; j++) dot_tile(rows, 1, k, A, lda, B + j * ldb, ldb, C + j, ldc);
}

/* Asks for part t of n of the cols rows of B behind these, so that they are in the second-level cache when their turn comes. */
static inline void fetch_part(size_t t, size_t n, size_t cols, size_t k, const float *B, size_t ldb) {
    enum { LINE = 64 / sizeof(float) };
    const size_t lines = k / LINE;
    for (size_t j = 0; j < cols; j++) {
        for (size_t line = lines * t / n; line < lines * (t + 1) / n; line++) __builtin_prefetch(B + (cols + j) * ldb + LINE * line, 0, 2);
    }
}

/* A's rows by whole tiles. */
RT_KERNEL inline __attribute__((always_inline)) void dot_tiles(bool in_turn, bool fetches, size_t m, size_t cols, size_t k, const float *A,
                                                               size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    for (size_t i = 0; i < m; i += RT_DOT_ROWS) {
        if (fetches) fetch_part(i / RT_DOT_ROWS, m / RT_DOT_ROWS, cols, k, B, ldb);
        if (in_turn) dot_tile_in_turn(RT_DOT_ROWS, cols, k, A + i * lda, lda, B, ldb, C + i * ldc, ldc);
        else dot_tile(RT_DOT_ROWS, cols, k, A + i * lda, lda, B, ldb, C + i * ldc, ldc);
    }
}

RT_KERNEL void dot(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B, size_t ldb, float *C, size_t ldc) {
    /* Columns outside, rows inside: a tile's rows of B stay in the first-level cache while those of A stream from the second. */
    const size_t full = m - m % RT_DOT_ROWS;
    const bool fetches = !waits_for_memory(m, k) && m <= SOME_ROWS && k >= LONG_ROW;
    size_t j = 0;
    for (; full > 0 && j + RT_DOT_COLS <= n; j += RT_DOT_COLS) {
        if (waits_for_memory(m, k)) dot_tiles(true, false, full, RT_DOT_COLS, k, A, lda, B + j * ldb, ldb, C + j, ldc);
        else dot_tiles(false, fetches && j + 2 * RT_DOT_COLS <= n, full, RT_DOT_COLS, k, A, lda, B + j * ldb, ldb, C + j, ldc);
    }
    for (; full > 0 && j < n; j++) dot_tiles(false, false, full, 1, k, A, lda, B + j * ldb, ldb, C + j, ldc);
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

/* What an instruction set without compression and wide sums does lane by lane; for kernels_vector.h, whose v16, v_store and v_sum are there. */

/* Keeps the lanes of mask: their values and first + lane, packed. */
V size_t v_compress(uint32_t mask, v16 x, uint32_t first_index, uint32_t *index, float *value) {
    if (mask == 0) return 0;
    float lane[16];
    v_store(lane, x);
    size_t n = 0;
    for (; mask != 0; mask &= mask - 1, n++) {
        const uint32_t l = (uint32_t)__builtin_ctz(mask);
        index[n] = first_index + l;
        value[n] = lane[l];
    }
    return n;
}

V size_t v_list(uint32_t mask, uint32_t first_index, uint32_t *index) {
    size_t n = 0;
    for (; mask != 0; mask &= mask - 1, n++) index[n] = first_index + (uint32_t)__builtin_ctz(mask);
    return n;
}

V void v_store_sums(float *out, size_t n, const v16 *acc) {
    for (size_t t = 0; t < n; t++) out[t] = v_sum(acc[t]);
}

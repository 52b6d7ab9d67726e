/* Loops at the processor's limits; see peak.h. Sums stay in registers: the empty asm makes the compiler believe that they are wanted. */
#include "runtime/peak.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Independent sums: at least two units' worth of the operation's latency, at most the registers. */
enum { SUMS = 16, SUMS_AVX2 = 12, STREAMS = 4, WORDS = 32 };

#define UNROLL _Pragma("GCC unroll 16")

static bool is_isa(const rt_kernels *kernels, const char *isa) { return strcmp(kernels->isa, isa) == 0; }

/* ---- multiply-adds ---- */

/* Sums that the compiler could see to be equal would be one. */
#define PEAK_LOOP(n, vector, zero, start, fma, constraint)                      \
    vector sum[n], x = (start);                                                 \
    __asm__ volatile("" : "+" constraint(x));                                   \
    UNROLL for (size_t i = 0; i < (n); i++) {                                   \
        sum[i] = (zero);                                                        \
        __asm__ volatile("" : "+" constraint(sum[i]));                          \
    }                                                                           \
    for (size_t round = 0; round < rounds; round++) {                           \
        UNROLL for (size_t i = 0; i < (n); i++) sum[i] = (fma);                 \
    }                                                                           \
    UNROLL for (size_t i = 0; i < (n); i++) __asm__ volatile("" : : constraint(sum[i]))

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static double fma_avx2(size_t rounds) {
    PEAK_LOOP(SUMS_AVX2, __m256, _mm256_setzero_ps(), _mm256_set1_ps(0.5f), _mm256_fmadd_ps(x, x, sum[i]), "x");
    return 2.0 * 8 * SUMS_AVX2 * (double)rounds;
}

__attribute__((target("avx512f"))) static double fma_avx512(size_t rounds) {
    PEAK_LOOP(SUMS, __m512, _mm512_setzero_ps(), _mm512_set1_ps(0.5f), _mm512_fmadd_ps(x, x, sum[i]), "v");
    return 2.0 * 16 * SUMS * (double)rounds;
}

__attribute__((target("avx512f,avx512vnni"))) static double int8_vnni(size_t rounds) {
    PEAK_LOOP(SUMS, __m512i, _mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_dpbusd_epi32(sum[i], x, x), "v");
    return 2.0 * 64 * SUMS * (double)rounds;
}
#endif

/* The reference's own operation, a call where the compiler may not use the instruction. */
static double fma_plain(size_t rounds) {
    float sum[SUMS] = {0};
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SUMS; i++) sum[i] = fmaf(0.5f, (float)i, sum[i]);
    }
    __asm__ volatile("" : : "m"(sum));
    return 2.0 * SUMS * (double)rounds;
}

double rt_peak_fma(const rt_kernels *kernels, size_t rounds) {
#if defined(__x86_64__)
    if (is_isa(kernels, "avx512")) return fma_avx512(rounds);
    if (is_isa(kernels, "avx2")) return fma_avx2(rounds);
#endif
    return fma_plain(rounds);
}

double rt_peak_int8(const rt_kernels *kernels, size_t rounds) {
#if defined(__x86_64__)
    if (is_isa(kernels, "avx512") && kernels->bytes[0] != '\0') return int8_vnni(rounds);
#endif
    return 0.0 * (double)rounds;
}

/* ---- memory ---- */

/* Several streams at once: one alone leaves the prefetchers short of work. */
static inline __attribute__((always_inline)) uint64_t read_words(size_t n, const uint64_t *words) {
    uint64_t lane[WORDS] = {0}, all = 0;
    const size_t length = n / STREAMS / WORDS * WORDS;
    for (size_t i = 0; i < length; i += WORDS) {
        for (size_t s = 0; s < STREAMS; s++) {
            for (size_t l = 0; l < WORDS; l++) lane[l] ^= words[s * length + i + l];
        }
    }
    for (size_t i = STREAMS * length; i < n; i++) all ^= words[i];
    for (size_t l = 0; l < WORDS; l++) all ^= lane[l];
    return all;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t read_avx2(size_t n, const uint64_t *words) { return read_words(n, words); }
__attribute__((target("avx512f"))) static uint64_t read_avx512(size_t n, const uint64_t *words) { return read_words(n, words); }
#endif

uint64_t rt_peak_read(const rt_kernels *kernels, size_t n, const uint64_t *words) {
#if defined(__x86_64__)
    if (is_isa(kernels, "avx512")) return read_avx512(n, words);
    if (is_isa(kernels, "avx2")) return read_avx2(n, words);
#endif
    return read_words(n, words);
}

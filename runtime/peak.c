/* Loops at the processor's limits; see peak.h. Sums stay in registers: the empty asm makes the compiler believe that they are wanted. */
#include "runtime/peak.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Independent sums: at least two units' worth of the operation's latency (Arm: four units'), at most the registers. */
enum { SUMS = 16, SUMS_AVX2 = 12, SUMS_NEON = 24, STREAMS = 4, WORDS = 32 };

#define UNROLL _Pragma("GCC unroll 24")

static inline bool is_isa(const rt_kernels *kernels, const char *isa) { return strcmp(kernels->isa, isa) == 0; }
static inline bool has_bytes(const rt_kernels *kernels, const char *bytes) { return strcmp(kernels->bytes, bytes) == 0; }

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

__attribute__((target("avxvnni"))) static double int8_avx_vnni(size_t rounds) {
    PEAK_LOOP(SUMS_AVX2, __m256i, _mm256_setzero_si256(), _mm256_set1_epi8(1), _mm256_dpbusd_avx_epi32(sum[i], x, x), "x");
    return 2.0 * 32 * SUMS_AVX2 * (double)rounds;
}

__attribute__((target("avx512f,avx512vnni"))) static double int8_vnni(size_t rounds) {
    PEAK_LOOP(SUMS, __m512i, _mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_dpbusd_epi32(sum[i], x, x), "v");
    return 2.0 * 64 * SUMS * (double)rounds;
}

/* Six tiles of sums, the other two multiplied: [16, 64] by 64 bytes of 16 units. */
__attribute__((target("amx-tile,amx-int8"))) static double int8_amx(size_t rounds) {
    uint8_t shapes[64] = {[0] = 1}; /* palette 1; from byte 16 on the tiles' bytes a row, from byte 48 on their rows */
    for (size_t t = 0; t < 8; t++) shapes[16 + 2 * t] = 64, shapes[48 + t] = 16;
    __asm__ volatile("" : : "m"(shapes)); /* the next line tells some compilers of its first bytes only */
    _tile_loadconfig(shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (size_t round = 0; round < rounds; round++) {
        _tile_dpbsud(0, 6, 7);
        _tile_dpbsud(1, 6, 7);
        _tile_dpbsud(2, 6, 7);
        _tile_dpbsud(3, 6, 7);
        _tile_dpbsud(4, 6, 7);
        _tile_dpbsud(5, 6, 7);
    }
    _tile_release();
    return 2.0 * 16 * 64 * 16 * 6 * (double)rounds;
}
#elif defined(__aarch64__)
static double fma_neon(size_t rounds) {
    PEAK_LOOP(SUMS_NEON, float32x4_t, vdupq_n_f32(0.0f), vdupq_n_f32(0.5f), vfmaq_f32(sum[i], x, x), "w");
    return 2.0 * 4 * SUMS_NEON * (double)rounds;
}

__attribute__((target("arch=armv8.2-a+dotprod"))) static double int8_dotprod(size_t rounds) {
    PEAK_LOOP(SUMS_NEON, int32x4_t, vdupq_n_s32(0), vreinterpretq_s32_s8(vdupq_n_s8(1)),
              vdotq_s32(sum[i], vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(x)), "w");
    return 2.0 * 16 * SUMS_NEON * (double)rounds;
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
#elif defined(__aarch64__)
    if (is_isa(kernels, "neon")) return fma_neon(rounds);
#endif
    return fma_plain(rounds);
}

double rt_peak_int8(const rt_kernels *kernels, size_t rounds) {
#if defined(__x86_64__)
    if (has_bytes(kernels, "amx")) return int8_amx(rounds);
    if (has_bytes(kernels, "vnni")) return is_isa(kernels, "avx512") ? int8_vnni(rounds) : int8_avx_vnni(rounds);
#elif defined(__aarch64__)
    if (has_bytes(kernels, "dotprod")) return int8_dotprod(rounds);
#endif
    (void)kernels, (void)rounds;
    return 0;
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
    (void)kernels;
    return read_words(n, words);
}

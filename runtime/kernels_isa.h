/* The tables of the single variants; used by kernels_select.c alone. */
#ifndef RUNTIME_KERNELS_ISA_H
#define RUNTIME_KERNELS_ISA_H

#include "runtime/kernels.h"

extern const rt_kernels rt_kernels_ref;
#if defined(__x86_64__)
extern const rt_kernels rt_kernels_avx2; /* AVX2, FMA, F16C */
extern const rt_kernels rt_kernels_avx2_vnni;
extern const rt_kernels rt_kernels_avx512; /* AVX-512 F, BW, DQ, VL */
extern const rt_kernels rt_kernels_avx512_vnni;
extern const rt_kernels rt_kernels_avx512_amx; /* and VNNI */

/* The sums of 8-bit products (kernels_bytes.h) that plain AVX2 and plain AVX-512 share. */
void rt_byte_sums_avx2(size_t m, size_t k, const int8_t *P, size_t ldp, const rt_screen_query *query, const uint8_t *Q,
                       int32_t U[][RT_SCREEN_PANEL]);
#elif defined(__aarch64__)
extern const rt_kernels rt_kernels_neon;
extern const rt_kernels rt_kernels_neon_dotprod;
#endif

#endif

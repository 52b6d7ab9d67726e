/* The tables of the single variants; used by kernels_select.c alone. */
#ifndef RUNTIME_KERNELS_ISA_H
#define RUNTIME_KERNELS_ISA_H

#include "runtime/kernels.h"

extern const rt_kernels rt_kernels_ref;
#if defined(__x86_64__)
extern const rt_kernels rt_kernels_avx2;   /* AVX2, FMA, F16C */
extern const rt_kernels rt_kernels_avx512; /* AVX-512 F, BW, DQ, VL */
extern const rt_kernels rt_kernels_avx512_vnni;
#elif defined(__aarch64__)
extern const rt_kernels rt_kernels_neon;
#endif

#endif

/* What the processor can do at most, by loops that do nothing else: the limits that a kernel's speed is a share of. Each loop uses the
 * instructions of the kernels that it is asked about. */
#ifndef RUNTIME_PEAK_H
#define RUNTIME_PEAK_H

#include "runtime/kernels.h"

/* Fused multiply-adds on registers, enough of them independent to hide their latency. Returns the floating-point operations done, two for
 * each; a round is some hundreds. */
double rt_peak_fma(const rt_kernels *kernels, size_t rounds);

/* The same of 8-bit products summed in 32 bits; 0, and nothing is done, where the kernels have no instruction for them. */
double rt_peak_int8(const rt_kernels *kernels, size_t rounds);

/* Reads words [n], each once. Returns a number that depends on all of them. */
uint64_t rt_peak_read(const rt_kernels *kernels, size_t n, const uint64_t *words);

#endif

/* Checked size arithmetic: every sum and product of a number that a file or a user supplied goes through these. */
#ifndef RUNTIME_CHECKED_H
#define RUNTIME_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a + b; false if it does not fit. */
static inline bool rt_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

/* *out = a * b; false if it does not fit. */
static inline bool rt_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

#endif

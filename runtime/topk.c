/* Selection by bisection; see topk.h.
 *
 * The floats are put in the order of unsigned integers (negative: all bits flipped; else: the sign bit), and the k-th largest value is
 * found by at most 32 halvings of that range, each a vector count of x >= t; a few elements of x come first, since the values of a row lie in a
 * small part of it. Then one pass keeps what is above the k-th, and of those equal to it the first. No data-dependent branch in a pass, no second
 * copy of the row. */
#include "runtime/topk.h"

#include <math.h>

#include "runtime/bits.h"

enum { SAMPLES = 4 };

static uint32_t order_of(float x) {
    const uint32_t bits = rt_bits_of(x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float of_order(uint32_t order) { return rt_float_of(order & 0x80000000u ? order & 0x7fffffffu : ~order); }

/* What is known of the k-th largest: count(x >= of_order(low)) >= k, and n_above = count(x >= of_order(high)) < k. */
typedef struct range {
    uint32_t low, high;
    size_t n_above;
} range;

static size_t split(const rt_kernels *kernels, size_t n, const float *x, size_t k, uint32_t at, range *r) {
    const size_t count = kernels->count_ge(n, x, of_order(at));
    if (count >= k) r->low = at;
    else r->high = at, r->n_above = count;
    return count;
}

/* Narrows the range until no number lies inside it, or until k to most of x are not below low, which is true then. */
static bool narrow(const rt_kernels *kernels, size_t n, const float *x, size_t k, size_t most, range *r) {
    for (size_t s = 0; s < SAMPLES; s++) {
        const uint32_t at = order_of(x[(2 * s + 1) * n / (2 * SAMPLES)]);
        if (at <= r->low || at >= r->high) continue;
        const size_t count = split(kernels, n, x, k, at, r);
        if (count >= k && count <= most) return true;
    }
    while (r->high - r->low > 1) {
        const size_t count = split(kernels, n, x, k, r->low + (r->high - r->low) / 2, r);
        if (count >= k && count <= most) return true;
    }
    return false;
}

float rt_topk_bound(const rt_kernels *kernels, size_t n, const float *x, size_t k) {
    range r = {.low = order_of(-INFINITY), .high = order_of(INFINITY) + 1};
    narrow(kernels, n, x, k, k + k / 16, &r);
    return of_order(r.low);
}

size_t rt_topk(const rt_kernels *kernels, size_t n, const float *x, size_t k, uint32_t *index, float *value) {
    const float largest = kernels->max(n, x);
    if (isnan(largest)) return 0;
    if (k >= n) return kernels->keep_above(n, x, -INFINITY, n, index, value);
    range r = {.low = order_of(-INFINITY), .high = order_of(largest) + 1};
    const bool exactly = narrow(kernels, n, x, k, k, &r);
    return kernels->keep_above(n, x, of_order(r.low), exactly ? n : k - r.n_above, index, value);
}

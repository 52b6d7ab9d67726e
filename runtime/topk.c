/* Selection by bisection; see topk.h.
 *
 * The floats are put in the order of unsigned integers (negative: all bits flipped; else: the sign bit), and the k-th largest value is
 * found by at most 32 halvings of that range, each a vector count of x >= t. Then one pass keeps what is above it, and of those equal to it the
 * first. No data-dependent branch in a pass, no second copy of the row. */
#include "runtime/topk.h"

#include <math.h>

#include "runtime/bits.h"

static uint32_t order_of(float x) {
    const uint32_t bits = rt_bits_of(x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float of_order(uint32_t order) { return rt_float_of(order & 0x80000000u ? order & 0x7fffffffu : ~order); }

size_t rt_topk(const rt_kernels *kernels, size_t n, const float *x, size_t k, uint32_t *index, float *value) {
    const float largest = kernels->max(n, x);
    if (isnan(largest)) return 0;
    if (k >= n) return kernels->keep_above(n, x, -INFINITY, n, index, value);
    /* count(x >= of_order(low)) >= k, and n_above = count(x >= of_order(high)) < k. */
    uint32_t low = order_of(-INFINITY), high = order_of(largest) + 1;
    size_t n_above = 0;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        const size_t count = kernels->count_ge(n, x, of_order(middle));
        if (count == k) return kernels->keep_above(n, x, of_order(middle), n, index, value);
        if (count > k) {
            low = middle;
        } else {
            high = middle;
            n_above = count;
        }
    }
    return kernels->keep_above(n, x, of_order(low), k - n_above, index, value);
}

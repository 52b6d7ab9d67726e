/* Certified screening: which of the scores x . w[j] can be positive, from 8-bit copies and a proved bound.
 *
 * w[j] is stored a second time as scale[j] * q[j], x as s * p, with whole numbers |q|, |p| <= 127. With I = q[j] . p, exact in integers,
 *
 *     x . w = scale s I + x . (w - scale q) + (x - s p) . (scale q)
 *     |x . w - scale s I| <= |x| |w - scale q| + |x - s p| |scale q|                    (Cauchy and Schwarz)
 *
 * The dot kernel's f32 result differs from x . w by at most g |x| |w|, g = (k / 16 + 5) 2^-24: no term passes through more than k / 16 fused
 * operations in its lane and 4 additions (and by k 2^-149 where results are subnormal, which alpha covers too). scale s I is itself computed
 * with 3 roundings, so it is off by at most 4 2^-24 |scale q| |s p|, and |s p| <= |x| + |x - s p|. Together, with u = 2^-24,
 *
 *     |dot(x, w[j]) - fl(scale s I)| <= alpha[j] |x| + beta[j] |x - s p|
 *     alpha = |w - scale q| + g |w| + 4 u |scale q|,    beta = (1 + 4 u) |scale q|
 *
 * where every norm is rounded up, as is the bound, by factors that cover their own f32 sums. A score whose estimate plus bound is not above 0
 * is not positive, and ReLU drops it: leaving it out changes no bit. What is not finite is never left out. */
#ifndef RUNTIME_SCREEN_H
#define RUNTIME_SCREEN_H

#include <stdatomic.h>

#include "runtime/arena.h"
#include "runtime/kernels.h"

/* The longest rows whose 8-bit products fit 32 bits, with the 128 that is added to one side: 255 * 127 * 2^16 < 2^31. */
enum { RT_BYTES_MAX_K = 1 << 16 };

/* The 8-bit copy of a static matrix [n, k], by panels of RT_SCREEN_PANEL rows: q [panel][k_padded / 4][RT_SCREEN_PANEL][4], plus 128. */
typedef struct rt_screen {
    size_t n, k, k_padded; /* k_padded: a multiple of 4 */
    uint8_t *q;
    float *scale, *alpha, *beta; /* [n rounded up to whole panels] */
} rt_screen;

/* How many scores were screened, and how many of them had to be computed: what decides whether screening pays. */
typedef struct rt_screen_tally {
    atomic_size_t scores, computed;
} rt_screen_tally;

/* The sizes of the copy of a matrix [n, k], without the copy. */
static inline rt_screen rt_screen_of(size_t n, size_t k) { return (rt_screen){.n = n, .k = k, .k_padded = (k + 3) / 4 * 4}; }

/* Places the copy of W on the arena, to be filled panel by panel. */
void rt_screen_place(rt_arena *arena, const rt_matrix *W, rt_screen *screen);

/* Floats of scratch for rt_screen_fill: a row widened, and its 8 bits. */
static inline size_t rt_screen_fill_scratch(size_t k) { return k + (k + 3) / 4; }

/* Fills one panel. Different panels may be filled by different threads. The same bytes with all kernels. */
void rt_screen_fill(const rt_kernels *kernels, const rt_matrix *W, size_t panel, rt_screen *screen, float *scratch);

static inline size_t rt_screen_panels(const rt_screen *screen) { return (screen->n + RT_SCREEN_PANEL - 1) / RT_SCREEN_PANEL; }

#endif

/* 8-bit copies of weights and queries, and their bounds; see screen.h. */
#include "runtime/screen.h"

#include <math.h>
#include <string.h>

#define UNIT 0x1p-24 /* half a unit in the last place of 1 */

/* What subnormal results can lose: a query's norm is at least RT_SCREEN_MIN = 1e-12, so this is at least 1e-32, and k 2^-149 is far less. */
#define ALPHA_MIN 1e-20

/* Rounds up to f32, with room for what the products and sums of the bound lose themselves (less than 8 roundings). */
static float up(double x) { return nextafterf((float)(x * (1 + 0x1p-20)), INFINITY); }

void rt_screen_place(rt_arena *arena, const rt_matrix *W, rt_screen *screen) {
    *screen = rt_screen_of(W->rows, W->cols);
    const size_t n_padded = rt_screen_panels(screen) * RT_SCREEN_PANEL;
    screen->q = rt_arena_alloc(arena, n_padded * screen->k_padded, 1);
    screen->scale = rt_arena_alloc(arena, n_padded, sizeof(float));
    screen->alpha = rt_arena_alloc(arena, n_padded, sizeof(float));
    screen->beta = rt_arena_alloc(arena, n_padded, sizeof(float));
}

/* One row of weights to 8 bits, its norms in double. Where a number is not finite, q is 0 and the bound infinite. Returns false then. */
static bool quantise(size_t k, const float *x, float *scale, int8_t *q, size_t step, double *norm, double *norm_q, double *loss) {
    float largest = 0.0f;
    double square = 0, square_q = 0, square_loss = 0;
    for (size_t c = 0; c < k; c++) {
        const float a = fabsf(x[c]);
        if (!(a <= largest)) largest = a;
        square += (double)x[c] * (double)x[c];
    }
    const bool finite = isfinite(largest) && isfinite(square);
    *scale = finite ? largest / 127.0f : 0.0f;
    const float inverse = *scale > 0x1p-120f ? 1.0f / *scale : 0.0f, round = 0x1.8p23f; /* adding it rounds to a whole number */
    for (size_t c = 0; c < k; c++) {
        const float r = finite ? (x[c] * inverse + round) - round : 0.0f;
        const double kept = (double)*scale * (double)r, lost = (double)x[c] - kept;
        q[c / 4 * step + c % 4] = (int8_t)r;
        square_q += kept * kept;
        square_loss += lost * lost;
    }
    *norm = sqrt(square), *norm_q = sqrt(square_q), *loss = sqrt(square_loss);
    return finite;
}

void rt_screen_fill(const rt_kernels *kernels, const rt_matrix *W, size_t panel, rt_screen *screen, float *scratch) {
    const size_t first = panel * RT_SCREEN_PANEL;
    uint8_t *q = screen->q + first * screen->k_padded;
    const double n = (double)screen->k / RT_LANES + 5, depth = n * UNIT / (1 - n * UNIT);
    memset(q, 0, RT_SCREEN_PANEL * screen->k_padded);
    for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
        double norm = 0, norm_q = 0, loss = 0;
        bool finite = true;
        screen->scale[first + j] = 0.0f;
        if (first + j < screen->n) {
            kernels->widen[W->dtype](screen->k, rt_matrix_row(W, first + j), scratch);
            finite = quantise(screen->k, scratch, &screen->scale[first + j], (int8_t *)q + 4 * j, RT_SCREEN_PANEL * 4, &norm, &norm_q, &loss);
        }
        screen->alpha[first + j] = finite ? up(loss + depth * norm + 4 * UNIT * norm_q + ALPHA_MIN) : INFINITY;
        screen->beta[first + j] = finite ? up((1 + 4 * UNIT) * norm_q) : INFINITY;
    }
    for (size_t i = 0; i < RT_SCREEN_PANEL * screen->k_padded; i++) q[i] ^= 0x80; /* signed to plus 128 */
}

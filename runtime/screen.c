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

void rt_screen_fill(const rt_kernels *kernels, const rt_matrix *W, size_t panel, rt_screen *screen, float *scratch) {
    const size_t k = screen->k, first = panel * RT_SCREEN_PANEL, step = 4 * RT_SCREEN_PANEL;
    uint8_t *q = screen->q + first * screen->k_padded;
    int8_t *row = (int8_t *)(scratch + k);
    const double n = (double)k / RT_LANES + 5, depth = n * UNIT / (1 - n * UNIT);
    memset(q, 0x80, RT_SCREEN_PANEL * screen->k_padded); /* 0 plus 128 */
    for (size_t j = 0; j < RT_SCREEN_PANEL; j++) {
        rt_screen_query w = {0};
        if (first + j < screen->n) {
            const float *x = rt_matrix_row(W, first + j);
            if (W->dtype != RT_F32) kernels->widen[W->dtype](k, x, scratch), x = scratch;
            kernels->quantise(k, x, row, &w);
            for (size_t c = 0; c < screen->k_padded; c++) row[c] = (int8_t)(row[c] ^ 0x80);
            for (size_t c = 0; c < screen->k_padded; c += 4) memcpy(q + c / 4 * step + 4 * j, row + c, 4);
        }
        /* |scale q| is at most |w| and what was lost together. */
        const double norm = (double)w.norm, loss = (double)w.loss, norm_q = norm + loss;
        screen->scale[first + j] = w.scale;
        screen->alpha[first + j] = up(loss + depth * norm + 4 * UNIT * norm_q + ALPHA_MIN);
        screen->beta[first + j] = up((1 + 4 * UNIT) * norm_q);
    }
}

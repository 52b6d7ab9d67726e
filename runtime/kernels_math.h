/* Constants of exp, GELU and erf, shared by the reference and the vector kernels, so that both do the same arithmetic.
 *
 *   exp(x), x <= 0:  n = round(x log2 e);  r = x - n ln 2 (in two parts);  exp(x) = 2^n p(r), |r| <= ln(2) / 2.
 *                    p is the Taylor series of degree 7, whose first left-out term is below 6e-9.
 *   GELU, tanh form: x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3));  SiLU: x sigmoid(x);
 *                    sigmoid(u) = (u >= 0 ? 1 : e) / (1 + e), e = exp(-|u|), so that exp only sees x <= 0.
 *   GELU, erf form:  x Phi(x), with Phi(-|x|) = 0.5 exp(-z^2) q(t), z = |x| / sqrt 2, t = 1 / (1 + 0.3275911 z)
 *                    (Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7). */
#ifndef RUNTIME_KERNELS_MATH_H
#define RUNTIME_KERNELS_MATH_H

#define RT_EXP_MIN (-87.33654f)      /* ln of the smallest normal f32: below, exp gives 0 */
#define RT_LOG2E 1.44269504f
#define RT_ROUND 12582912.0f         /* 1.5 * 2^23: adding it rounds to a whole number, held in the low bits */
#define RT_LN2_HIGH 0.693359375f     /* 355 / 512: n * this is exact */
#define RT_LN2_LOW (-2.12194440e-4f) /* ln 2 - RT_LN2_HIGH */
#define RT_EXP_C7 (1.0f / 5040)
#define RT_EXP_C6 (1.0f / 720)
#define RT_EXP_C5 (1.0f / 120)
#define RT_EXP_C4 (1.0f / 24)
#define RT_EXP_C3 (1.0f / 6)
#define RT_EXP_C2 0.5f

#define RT_GELU_CUBE 0.044715f
#define RT_GELU_SCALE 1.5957691216f /* 2 sqrt(2 / pi) */

#define RT_SQRT_HALF 0.70710678f
#define RT_ERF_P 0.3275911f
#define RT_ERF_A1 0.254829592f
#define RT_ERF_A2 (-0.284496736f)
#define RT_ERF_A3 1.421413741f
#define RT_ERF_A4 (-1.453152027f)
#define RT_ERF_A5 1.061405429f

/* Between these a row's squares, and those of what 8 bits lose of it, neither vanish nor overflow. */
#define RT_SCREEN_MIN 1e-12f
#define RT_SCREEN_MAX 1e12f

/* An f32 sum moved up by x + |x| RT_STEP in one operation, or down, is beyond what its rounding took: by at least one unit in the last place. */
#define RT_STEP 0x1p-23f

#endif

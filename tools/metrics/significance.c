/* Sign test: with n = better + worse and m the smaller of the two,
 *
 *     p = min(1, 2 · Σ_{i ≤ m} C(n, i) / 2^n)
 *
 * in logarithms, from the largest term downwards. The bootstrap's numbers come from SplitMix64 (Steele, Lea, Flood 2014), an index from the
 * high half of a 128-bit product (Lemire 2019, without the rejection: for n below 2^32 the bias is under 2^-32). */
#include "tools/metrics/significance.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/checked.h"

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t random_below(uint64_t *state, size_t n) { return (size_t)((unsigned __int128)next_random(state) * n >> 64); }

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, between two of them in proportion. */
static double quantile(const double *sorted, size_t n, double q) {
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

rt_status bootstrap_95(const double *scores, size_t n, size_t n_resamples, uint64_t seed, interval *mean, rt_error *err) {
    size_t bytes;
    if (n == 0 || n_resamples == 0) return rt_fail(err, RT_ERR_USAGE, "bootstrap: no scores, or no samples to draw");
    if (!rt_mul_size(n_resamples, sizeof(double), &bytes)) return rt_fail_memory(err, n_resamples, "a bootstrap");
    double *means = malloc(bytes);
    if (means == NULL) return rt_fail_memory(err, bytes, "a bootstrap");
    for (size_t r = 0; r < n_resamples; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += scores[random_below(&seed, n)];
        means[r] = sum / (double)n;
    }
    qsort(means, n_resamples, sizeof *means, by_value);
    *mean = (interval){quantile(means, n_resamples, 0.025), quantile(means, n_resamples, 0.975)};
    free(means);
    return RT_OK;
}

void bootstrap_weights(uint64_t *seed, uint8_t weights[BOOTSTRAP_RESAMPLES]) {
    /* P(X <= k) of a Poisson variable of mean 1, k = 0 .. 7, in units of 2^-32. */
    static const uint32_t below[] = {0x5e2d58d9, 0xbc5ab1b1, 0xeb715e1e, 0xfb239797, 0xff1025f6, 0xffd90f3c, 0xfffa8b72, 0xffff540c};
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r += 2) {
        const uint64_t random = next_random(seed);
        const uint32_t halves[2] = {(uint32_t)random, (uint32_t)(random >> 32)};
        for (size_t i = 0; i < 2; i++) {
            uint8_t times = 0;
            while (times < sizeof below / sizeof *below && halves[i] >= below[times]) times++;
            weights[r + i] = times;
        }
    }
}

void bootstrap_add(bootstrap_mean *mean, const uint8_t weights[BOOTSTRAP_RESAMPLES], double score) {
    mean->n++;
    mean->sum += score;
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        mean->weight[r] += (double)weights[r];
        mean->weighted[r] += (double)weights[r] * score;
    }
}

interval bootstrap_interval(const bootstrap_mean *mean) {
    double means[BOOTSTRAP_RESAMPLES];
    size_t n = 0;
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        if (mean->weight[r] > 0) means[n++] = mean->weighted[r] / mean->weight[r];
    }
    const double whole = mean->n > 0 ? mean->sum / (double)mean->n : 0;
    if (n == 0) return (interval){whole, whole};
    qsort(means, n, sizeof *means, by_value);
    return (interval){quantile(means, n, 0.025), quantile(means, n, 0.975)};
}

double sign_test(size_t n_better, size_t n_worse) {
    const size_t m = n_better < n_worse ? n_better : n_worse, total = n_better + n_worse;
    const double n = (double)total;
    int sign;
    const double log_first = lgamma_r(n + 1, &sign) - lgamma_r((double)m + 1, &sign) - lgamma_r(n - (double)m + 1, &sign) - n * log(2);
    double sum = 1, term = 1; /* in units of the term of m */
    for (size_t i = m; i > 0 && term > 1e-17 * sum; i--) {
        term *= (double)i / (n - (double)i + 1);
        sum += term;
    }
    const double p = 2 * exp(log_first) * sum;
    return p < 1 ? p : 1;
}

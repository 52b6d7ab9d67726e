/* How far a mean can be trusted, and whether one system is better than another. */
#ifndef TOOLS_METRICS_SIGNIFICANCE_H
#define TOOLS_METRICS_SIGNIFICANCE_H

#include <stdint.h>

#include "runtime/status.h"

typedef struct interval {
    double low, high;
} interval;

/* The middle 95 % of the means of n_resamples samples, each of n scores drawn with replacement (percentile bootstrap; Efron 1979). The same
 * seed gives the same interval on every machine. RT_ERR_USAGE if n or n_resamples is 0. */
rt_status bootstrap_95(const double *scores, size_t n, size_t n_resamples, uint64_t seed, interval *mean, rt_error *err);

/* The two-sided sign test over pairs, ties left out: how likely are n_better and n_worse, or what is further apart, if both systems are
 * equally good. 1 where all are ties. */
double sign_test(size_t n_better, size_t n_worse);

#endif

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

/* The same for means over scores that come one after another and are not kept: the Poisson bootstrap (Hanley, MacGibbon 2006). Each score
 * is in each resample as often as a Poisson variable of mean 1 says, which is what drawing n of n tends to for large n. */
enum { BOOTSTRAP_RESAMPLES = 1000 };

typedef struct bootstrap_mean {
    size_t n;
    double sum;
    double weight[BOOTSTRAP_RESAMPLES], weighted[BOOTSTRAP_RESAMPLES]; /* of each resample: scores in it, and their sum */
} bootstrap_mean;

/* How often the next score is in each resample. Means that get the same score's weights are resampled together. */
void bootstrap_weights(uint64_t *seed, uint8_t weights[BOOTSTRAP_RESAMPLES]);
void bootstrap_add(bootstrap_mean *mean, const uint8_t weights[BOOTSTRAP_RESAMPLES], double score);

/* The middle 95 %; both ends are the mean itself where there is none. */
interval bootstrap_interval(const bootstrap_mean *mean);

/* The two-sided sign test over pairs, ties left out: how likely are n_better and n_worse, or what is further apart, if both systems are
 * equally good. 1 where all are ties. */
double sign_test(size_t n_better, size_t n_worse);

#endif

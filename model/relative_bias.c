/* Relative position bias; see relative_bias.h. */
#include "model/relative_bias.h"

#include <math.h>
#include <stdlib.h>

size_t t5_relative_bucket(long distance, bool bidirectional, size_t n_buckets, size_t max_distance) {
    size_t bucket = 0, r;
    if (bidirectional) {
        n_buckets /= 2;
        if (distance > 0) bucket = n_buckets;
        r = (size_t)labs(distance);
    } else {
        r = distance < 0 ? (size_t)-distance : 0;
    }
    const size_t max_exact = n_buckets / 2;
    if (r < max_exact) return bucket + r;
    /* In f32 and truncated, as the reference does it. */
    const float position = logf((float)r / (float)max_exact) / (float)log((double)max_distance / (double)max_exact);
    const size_t large = max_exact + (size_t)(position * (float)(n_buckets - max_exact));
    return bucket + (large < n_buckets - 1 ? large : n_buckets - 1);
}

void t5_relative_bias(const t5_config *config, const float *table, bool bidirectional, size_t first, size_t last, float *strip) {
    const size_t n_heads = config->num_heads, length = first + last + 1;
    for (size_t t = 0; t < length; t++) {
        const size_t bucket = t5_relative_bucket((long)t - (long)first, bidirectional, config->relative_attention_num_buckets,
                                                 config->relative_attention_max_distance);
        for (size_t h = 0; h < n_heads; h++) strip[h * length + t] = table[bucket * n_heads + h];
    }
}

/* T5's relative position bias. It depends on the distance of key and query alone, so it is a vector per head, never a matrix.
 * Source: Raffel et al. 2020, section 2.1; transformers' modeling_t5.py, _relative_position_bucket. */
#ifndef MODEL_RELATIVE_BIAS_H
#define MODEL_RELATIVE_BIAS_H

#include "model/t5.h"

/* The bucket of distance = key position - query position. Encoder (bidirectional): half of the buckets for keys to the right. Decoder: keys
 * to the right share the bucket of distance 0. Within n buckets the first n / 2 hold one distance each, the others grow in size
 * by a logarithm up to max_distance. */
size_t t5_relative_bucket(long distance, bool bidirectional, size_t n_buckets, size_t max_distance);

/* strip[h * (first + last + 1) + first + distance] = table[bucket(distance), h] for distance = -first .. last, of every head.
 * table [n_buckets, n_heads], strip [n_heads, first + last + 1]. */
void t5_relative_bias(const t5_config *config, const float *table, bool bidirectional, size_t first, size_t last, float *strip);

#endif

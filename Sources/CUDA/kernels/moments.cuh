#pragma once
// Sums for group normalisation over a tile of pixels.

#include "element.cuh"

/// Leaves the sum of `count` values and the sum of their squared deviations from their mean. `read` is called twice for each,
/// in order: first for a mean, then for deviations from it, whose sum, nearly zero, corrects both. So squared deviations are
/// right to 4e-6 wherever values lie. Sums are as right as float32 holds them: around 1000 deviations from zero the mean of 64
/// pixels to 3e-5 deviations, and hence the scale to 3e-5 where such means make most of the deviation.
template <int unrolled, class Read> DEVICE void store_moments(float *target, int count, Read read) {
    const float share = 1.0f / (float)count;
    float mean = 0, sum = 0, squares = 0;
#pragma unroll unrolled
    for (int i = 0; i < count; i++) mean += read(i);
    mean *= share;
#pragma unroll unrolled
    for (int i = 0; i < count; i++) {
        const float deviation = read(i) - mean;
        sum += deviation;
        squares = fmaf(deviation, deviation, squares);
    }
    target[0] = fmaf(mean, (float)count, sum);
    target[1] = fmaf(-sum, sum * share, squares);
}

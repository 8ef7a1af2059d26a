#pragma once
// Sums for group normalisation over a tile of pixels.

#include "element.cuh"

/// The sum of values and the sum of their squared deviations from their mean. Differences from the first value are added up:
/// values that differ by much less than their size lose no digits there, a first one far from the others costs some.
class TileMoments {
    float first, sum = 0, squares = 0;

  public:
    __device__ __forceinline__ explicit TileMoments(float first) : first(first) {}

    __device__ __forceinline__ void add(float value) {
        const float difference = value - first;
        sum += difference;
        squares = fmaf(difference, difference, squares);
    }

    __device__ __forceinline__ void store(float *target, int count) const {
        target[0] = fmaf(first, (float)count, sum);
        target[1] = fmaf(-sum, sum / (float)count, squares);
    }
};

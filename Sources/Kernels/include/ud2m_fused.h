#pragma once
#include <stddef.h>

/// @file
/// Sums of products with one rounding, for callers that must have the bits of a fused multiply-add on any processor.

#ifdef __cplusplus
extern "C" {
#endif

/// `sums[i] = fma(factor, values[i], sums[i])` for `count` floats, each rounded once (IEEE 754 fusedMultiplyAdd).
/// The result is the same with every instruction set, so there is no choice to make. The arrays must not overlap.
void ud2m_fused_multiply_add(float factor, const float *values, float *sums, size_t count);

#ifdef __cplusplus
}
#endif

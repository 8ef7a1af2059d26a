#pragma once

/// @file
/// How far a vector tier may be from the definition: the root of the mean squared error over the root of the mean square
/// of what is expected. The reference tier, which adds in double and rounds once, is the definition within 1e-7.

/// Direct convolution: sums of up to 3000 products in float32, in order; the error of a random walk is about
/// 1e-7 · √3000 / √3.
#define UD2M_BOUND_CONV_DIRECT 1.5e-6

/// Winograd F(2x2, 3x3) stays near direct: its transforms only add and halve.
#define UD2M_BOUND_CONV_WINOGRAD2 1.5e-6

/// Winograd F(4x4, 3x3) loses a factor of two or three against direct; few channels are the worst case, because sums
/// average less.
#define UD2M_BOUND_CONV_WINOGRAD4 4e-6

/// A convolution's moments, against the sums over its output, relative to the sum of magnitudes; not a root of a mean:
/// every one must be within. In float32 32 squares are added to a sum at most: 32 times 6e-8 in the worst case, of one large
/// value and many small ones, is what the factor for random shapes allows.
#define UD2M_BOUND_MOMENTS 1e-6

/// Attention whose products are at most a few units. A rounding of a product p changes its weight by p · 6e-8, so the
/// bound grows with the factor of the queries beyond 6.
#define UD2M_BOUND_ATTENTION 1e-6

/// GroupNorm applied as the folded map a·x + b, which rounds three times. A group whose mean is m deviations, m above 1,
/// costs a factor of m by cancellation.
#define UD2M_BOUND_GROUP_NORM 3e-7

/// Pooling of mapped pixels: the error of SiLU.
#define UD2M_BOUND_POOLING 5e-7

/// Fully connected layers.
#define UD2M_BOUND_LINEAR 1e-6

/// Factor of these bounds for random shapes: an image of a few pixels averages little.
#define UD2M_BOUND_FUZZ_SLACK 2.0

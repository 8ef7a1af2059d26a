#pragma once
#include "ud2m_layout.h"

/// @file
/// Two-dimensional convolution (cross-correlation, as PyTorch's Conv2d) with fused input map and epilogue.

#ifdef __cplusplus
extern "C" {
#endif

/// How a convolution is computed.
typedef enum ud2m_conv_algorithm {
    /// Implicit GEMM: every kernel size, stride and padding.
    UD2M_CONV_DIRECT = 0,
    /// Winograd F(2x2, 3x3): 3x3 kernels of stride 1; more accurate than direct, about twice as fast.
    UD2M_CONV_WINOGRAD2 = 1,
    /// Winograd F(4x4, 3x3): 3x3 kernels of stride 1; about twice the rounding error of direct, three times as fast.
    UD2M_CONV_WINOGRAD4 = 2,
} ud2m_conv_algorithm;

/// A 3x3 kernel as checkpoints hold it: `[rows][sum of source_channels][3][3]`. No alignment is needed.
typedef struct ud2m_stored_kernel {
    /// Null if the convolution has packed weights.
    const void *data;
    ud2m_element element;
    /// Output channels; further output slots get zeros.
    int32_t rows;
    /// Channels of each source of the (concatenated) input, in order.
    const int32_t *source_channels;
    int32_t source_count;
} ud2m_stored_kernel;

/// One convolution: `output = activation(conv(upsample(map(input))) + bias) + residual`.
typedef struct ud2m_conv2d {
    /// Images convolved with the same weights, at least 1. All pointers below are those of the first image.
    int32_t images;
    /// Floats from any address of an image (in input, map, residual, output and moments) to the same one of the next.
    /// Even where there are moments. Ignored for one image.
    ptrdiff_t image_stride;
    /// The same for the bias; 0 if the images share it.
    ptrdiff_t bias_stride;
    ud2m_planes input;
    /// Applied to the input before zero padding (padding pixels are 0, not `map(0)`).
    ud2m_input_map map;
    /// 1, or 2 to convolve the nearest-neighbour x2 enlargement of the input without forming it.
    int32_t upsample;
    int32_t kernel_height;
    int32_t kernel_width;
    /// Step in both directions, at least 1.
    int32_t stride;
    /// Rows and columns of zeros around the (enlarged) input.
    int32_t pad_top;
    int32_t pad_left;
    int32_t pad_bottom;
    int32_t pad_right;
    /// From `ud2m_pack_conv_weights`; its input blocks are `input.block_count`, its row blocks `output_blocks`. Null if
    /// the kernel is read where it is stored.
    const float *weights;
    /// For Winograd algorithms without `weights`: read while it is transformed, so that a mapped file is its only home.
    ud2m_stored_kernel stored;
    /// `16 * output_blocks` floats in slot order, or null for none.
    const float *bias;
    /// Applied to convolution plus bias. Padding lanes of the output stay zero when weights and bias are packed.
    /// The sigmoid makes them 1/2, so it is for vectors only.
    ud2m_activation activation;
    /// Of `UD2M_ACTIVATION_LEAKY_RELU`; otherwise ignored.
    float slope;
    /// `output_blocks` blocks added last, or null for none. Must not overlap the output.
    const float *const *residual;
    /// 1 for a residual of the output's size, 2 to add the nearest-neighbour x2 enlargement of a residual of
    /// ceil(output / 2) size. Ignored without a residual.
    int32_t residual_upsample;
    /// `output_blocks` blocks of the size `ud2m_conv2d_output_size` gives.
    float *const *output;
    int32_t output_blocks;
    /// Where the sums that a GroupNorm of the output needs go, `[16 * output_blocks][2]` numbers `{sum of x, sum of x²}`
    /// over all pixels of a slot, taken while the output is in the cache; null for none.
    double *moments;
    ud2m_conv_algorithm algorithm;
} ud2m_conv2d;

/// Height and width of a convolution's output. Reads only sizes, padding, stride, kernel and upsample.
ud2m_status ud2m_conv2d_output_size(const ud2m_conv2d *conv, int32_t *height, int32_t *width);

/// Whether `conv.algorithm` can compute this shape.
bool ud2m_conv2d_supports(const ud2m_conv2d *conv);

/// Bytes of workspace that `ud2m_conv2d_run` needs on a pool of `threads` threads with any tier. Reads no pointer
/// except whether `map.scale`, `residual` and `moments` are null. Fewer images never need more. 0 is a valid answer.
size_t ud2m_conv2d_workspace(const ud2m_conv2d *conv, int32_t threads);

/// Runs a convolution. `workspace` holds `ud2m_conv2d_workspace(conv, ud2m_pool_threads(pool))` bytes. Invalid if there
/// are no weights, or stored ones that do not fit the sizes or go with the direct algorithm.
ud2m_status ud2m_conv2d_run(ud2m_pool *pool, const ud2m_conv2d *conv, void *workspace);

#ifdef __cplusplus
}
#endif

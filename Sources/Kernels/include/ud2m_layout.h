#pragma once
#include "ud2m_pool.h"

/// @file
/// Conversion between file layouts and the kernels' layouts.

#ifdef __cplusplus
extern "C" {
#endif

/// Blocks that hold `channels` channels: ceil(channels / 16).
int32_t ud2m_block_count(int32_t channels);

/// Blocks of a concatenation: the sum of `ud2m_block_count` over its sources.
int32_t ud2m_concat_block_count(const int32_t *source_channels, int32_t source_count);

/// Copies planar `source[channels][height * width]` into blocks, padding lanes zero.
void ud2m_pack_planes(ud2m_pool *pool, const float *source, int32_t channels, int32_t height, int32_t width,
                      float *const *blocks);

/// Copies blocks into planar `destination[channels][height * width]`; padding lanes are dropped.
void ud2m_unpack_planes(ud2m_pool *pool, const float *const *blocks, int32_t channels, int32_t height, int32_t width,
                        float *destination);

/// Interleaves four images of equal blocks, listed one after the other, into one of twice the height and width: pixel
/// (2y + i, 2x + j) comes from pixel (y, x) of image `2 i + j`. A transposed convolution of kernel 2 and stride 2 is a
/// 1x1 convolution to the four images and this.
ud2m_status ud2m_interleave2(ud2m_pool *pool, const ud2m_planes *input, float *const *output);

/// Widens `count` elements to float32. `destination` must not overlap `source`.
void ud2m_convert_to_f32(const void *source, ud2m_element element, size_t count, float *destination);

/// Rounds `count` elements to the nearest float16, ties to even; those of 65520 and more become infinite. Gives the largest
/// finite magnitude among the elements, 0 if there is none. The source needs no alignment.
float ud2m_round_to_f16(ud2m_pool *pool, const void *source, size_t count, uint16_t *destination);

/// Row `row` of a `[rows][width]` table, widened to float32 (an embedding look-up). The caller checks `row`.
void ud2m_embedding_row(const void *table, ud2m_element element, int32_t width, int64_t row, float *destination);

/// Per-channel vector (a bias) in slot order: `packed[i] = source[row_order[i]]`, or 0 where `row_order[i]` is
/// negative; `row_order` null means the identity. Writes `16 * ud2m_block_count(rows)` floats, the tail zero.
void ud2m_pack_vector(const void *source, ud2m_element element, int32_t rows, const int32_t *row_order, float *packed);

/// Shape of a convolution's weights.
typedef struct ud2m_conv_weights {
    /// Rows (output slots used) of the packed weights.
    int32_t rows;
    /// Channels of each source of the (concatenated) input, in order; one entry for a plain input.
    const int32_t *source_channels;
    int32_t source_count;
    int32_t kernel_height;
    int32_t kernel_width;
} ud2m_conv_weights;

/// Floats in the packed form of a convolution's weights; 0 if the shape is invalid or the count does not fit.
size_t ud2m_conv_weights_floats(const ud2m_conv_weights *shape);

/// Packs weights `[rows][sum of source_channels][kernel_height][kernel_width]` (PyTorch's Conv2d layout) for
/// `ud2m_conv2d`: `[row block][input block][kernel row][kernel column][16 input lanes][16 rows]`, padding zero.
/// Packed row `i` is source row `row_order[i]`, or zeros where `row_order[i]` is negative; null means the identity.
/// The packed form is the same for all tiers and algorithms.
ud2m_status ud2m_pack_conv_weights(ud2m_pool *pool, const ud2m_conv_weights *shape, const void *source,
                                   ud2m_element element, const int32_t *row_order, float *packed);

#ifdef __cplusplus
}
#endif

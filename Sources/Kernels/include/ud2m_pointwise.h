#pragma once
#include "ud2m_pool.h"

/// @file
/// Elementwise maps, pooling and resizing.

#ifdef __cplusplus
extern "C" {
#endif

/// `output = map(input)` on blocks. `output[i]` may equal `input.blocks[i]`.
ud2m_status ud2m_map_planes(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map, float *const *output);

/// `output = left + right`, `count` floats. `output` may equal either.
void ud2m_add(ud2m_pool *pool, const float *left, const float *right, float *output, size_t count);

/// `output = activation(input)`, `count` floats; `slope` is that of `UD2M_ACTIVATION_LEAKY_RELU`. `output` may equal
/// `input`.
void ud2m_activate(ud2m_pool *pool, const float *input, float *output, size_t count, ud2m_activation activation,
                   float slope);

/// What a pooling window computes.
typedef enum ud2m_pooling {
    /// Mean over the window; pixels outside the image are left out of sum and count (count_include_pad=False).
    UD2M_POOLING_AVERAGE = 0,
    /// Maximum over the window's pixels inside the image.
    UD2M_POOLING_MAXIMUM = 1,
    /// Mean over windows that divide the image into a given number of rows and columns: row `i` of `n` begins at
    /// `floor(i * height / n)` and ends before `ceil((i + 1) * height / n)` (PyTorch's AdaptiveAvgPool2d).
    UD2M_POOLING_ADAPTIVE_AVERAGE = 2,
} ud2m_pooling;

/// One pooling: `output = pool(map(input))`, square windows, output size
/// `floor((size + 2 * padding - window) / stride) + 1`.
typedef struct ud2m_pool2d {
    ud2m_planes input;
    ud2m_input_map map;
    ud2m_pooling kind;
    /// Side of the windows. This and the next three are ignored by the adaptive kind.
    int32_t window;
    int32_t stride;
    /// Less than `window`, on all four sides.
    int32_t padding;
    /// Whether a last window that begins on the image or its upper or left padding counts although it ends beyond the
    /// lower or right padding.
    bool ceil_mode;
    /// Output size of the adaptive kind; otherwise ignored.
    int32_t adaptive_height;
    int32_t adaptive_width;
    float *const *output;
} ud2m_pool2d;

/// Height and width of a pooling's output. Reads neither blocks nor map.
ud2m_status ud2m_pool2d_output_size(const ud2m_pool2d *pooling, int32_t *height, int32_t *width);

/// Runs a pooling. ADM's downsampling is the average with window 2, stride 2, padding 0.
ud2m_status ud2m_pool2d_run(ud2m_pool *pool, const ud2m_pool2d *pooling);

/// Mean of every channel over all pixels, summed in double. `output` holds one float a channel of the sources
/// `source_channels` (not slots); `workspace` as for `ud2m_group_norm_run`.
ud2m_status ud2m_global_average(ud2m_pool *pool, const ud2m_planes *input, const int32_t *source_channels,
                                int32_t source_count, float *output, void *workspace);

/// Nearest-neighbour enlargement by two in both directions, `out[y][x] = map(in[y / 2][x / 2])`. Output blocks are
/// `[2 * height][2 * width][16]`.
ud2m_status ud2m_upsample_nearest2(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map,
                                   float *const *output);

/// Bilinear resize of planar `[channels][height][width]` with half-pixel centres and no antialiasing (PyTorch's
/// `align_corners=False`), in float32 arithmetic.
ud2m_status ud2m_resize_bilinear(ud2m_pool *pool, const float *input, int32_t channels, int32_t height, int32_t width,
                                 float *output, int32_t output_height, int32_t output_width);

#ifdef __cplusplus
}
#endif

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

/// `output = x · sigmoid(x)`, `count` floats. `output` may equal `input`.
void ud2m_silu(ud2m_pool *pool, const float *input, float *output, size_t count);

/// What a pooling window computes.
typedef enum ud2m_pooling {
    /// Mean over the window; pixels outside the image are left out of sum and count (count_include_pad=False).
    UD2M_POOLING_AVERAGE = 0,
    /// Maximum over the window's pixels inside the image.
    UD2M_POOLING_MAXIMUM = 1,
} ud2m_pooling;

/// One pooling: `output = pool(map(input))`, square windows, output size
/// `floor((size + 2 * padding - window) / stride) + 1`.
typedef struct ud2m_pool2d {
    ud2m_planes input;
    ud2m_input_map map;
    ud2m_pooling kind;
    int32_t window;
    int32_t stride;
    /// Less than `window`, on all four sides.
    int32_t padding;
    float *const *output;
} ud2m_pool2d;

/// Runs a pooling. ADM's downsampling is the average with window 2, stride 2, padding 0.
ud2m_status ud2m_pool2d_run(ud2m_pool *pool, const ud2m_pool2d *pooling);

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

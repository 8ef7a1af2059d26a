#pragma once

#include "ud2m_conv.h"

enum {
    /// Largest kernel height and width.
    CONV_MAXIMUM_KERNEL = 32,
    /// Most input blocks a chunk can have.
    CONV_MAXIMUM_CHUNK = 18,
};

/// How a direct convolution is cut into work items and input patches. Depends on shape and thread count; results do
/// not, because every output adds its products in the same order (input block, kernel row, kernel column, lane)
/// whatever the cut.
///
/// An item is a tile of output pixels times a group of output blocks. For each chunk of input blocks it copies the
/// patch the tile needs into scratch, padded and mapped, then multiplies. Within a patch the columns of a row are
/// stored by phase (column modulo stride), so neighbouring outputs always read neighbouring pixels.
typedef struct conv_plan {
    int32_t output_height;
    int32_t output_width;
    /// Height and width of the (enlarged) input.
    int32_t input_height;
    int32_t input_width;
    /// False if outputs read the input in place: a plain 1x1 kernel (stride 1, no padding, no map, no enlargement) with few
    /// outputs. The rows of every plain one are joined where possible: `output_height` is 1 and `output_width` the pixel
    /// count.
    bool staged;
    int32_t tile_height;
    int32_t tile_width;
    int32_t tiles_down;
    int32_t tiles_across;
    /// Input blocks a chunk.
    int32_t chunk;
    /// Output blocks an item.
    int32_t group;
    int32_t groups;
    int32_t patch_height;
    int32_t patch_width;
    /// Pixels of one phase in a patch row.
    int32_t phase_width;
    size_t patch_floats;
    /// Whether sums are collected in scratch memory and copied to the output when they are finished: if they are added to
    /// more than once, because rows of an image share cache sets, or if the output goes past the caches.
    bool collected;
    /// Whether the output is so large that it is stored past the caches: they would not hold it until it is read.
    bool past_caches;
    /// Scratch floats of a thread of a direct convolution.
    size_t thread_floats;
    /// Parts of an image whose moments are summed on their own: their number and order do not depend on threads.
    int64_t moment_cells;
} conv_plan;

/// Doubles of all images' and cells' moments: `[image][output block][cell][16][2]`; 0 if none are wanted.
static inline size_t moment_doubles(const ud2m_conv2d *conv, const conv_plan *plan) {
    return conv->moments ? (size_t)conv->images * conv->output_blocks * plan->moment_cells * 2 * UD2M_LANES : 0;
}

/// Output size in `int64_t`, unchecked against zero.
bool conv_geometry(const ud2m_conv2d *conv, int64_t *height, int64_t *width);

/// The plan for a pool of `threads` threads; false if the convolution is invalid.
bool conv_plan_make(const ud2m_conv2d *conv, int32_t threads, conv_plan *plan);

/// Whether a map changes anything.
static inline bool map_is_identity(const ud2m_input_map *map) {
    return !map->scale && map->activation == UD2M_ACTIVATION_NONE;
}

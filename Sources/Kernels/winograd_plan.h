#pragma once

#include "conv_plan.h"

enum {
    /// Frequencies of F(4x4, 3x3).
    WINOGRAD_MAXIMUM_FREQUENCIES = 36,
    /// Input blocks per call of the matrix kernel.
    WINOGRAD_CHUNK = 16,
    /// Input blocks whose weights a thread transforms at a time when outputs are shared out: the transformed weights
    /// of two output blocks stay in the L2 cache.
    WINOGRAD_WEIGHT_CHUNK = 4,
    /// Output blocks of an item when outputs are shared out.
    WINOGRAD_GROUP = 2,
};

enum {
    /// Tiles in each direction of a cell of moments; blocks of tiles consist of whole cells.
    WINOGRAD_CELL_SIDE = 4,
};

/// How a Winograd convolution is cut into work items (`kernels.md`, "Design that reached this").
///
/// Large images share out blocks of tiles: all weights are transformed first, then each item transforms the inputs of
/// its tiles, multiplies, and transforms back. Small images share out groups of output blocks: all inputs are
/// transformed first, those of a few images together, then each item transforms its weights chunk by chunk. Sums add
/// input blocks in order either way, so the choice does not change results.
typedef struct winograd_plan {
    /// Output pixels of a tile in each direction: 2 or 4.
    int32_t tile;
    int32_t frequencies;
    int32_t tiles_down;
    int32_t tiles_across;
    /// Tiles of a block; one block covers the image if outputs are shared out.
    int32_t block_height;
    int32_t block_width;
    int32_t blocks_down;
    int32_t blocks_across;
    bool by_outputs;
    /// Images whose tiles are multiplied together with one transform of the weights.
    int32_t images;
    /// Floats from one frequency to the next. 16 more than needed, so that frequencies do not share cache sets.
    size_t weights_stride;
    size_t inputs_stride;
    size_t sums_stride;
    /// Floats all threads share (transformed weights or inputs), and floats of each thread.
    size_t shared_floats;
    size_t thread_floats;
    /// For staging the input of a block of tiles.
    conv_plan staging;
} winograd_plan;

/// The plan for a pool of `threads` threads; false if the convolution is invalid or not 3x3 with stride 1.
bool winograd_plan_make(const ud2m_conv2d *conv, int32_t threads, winograd_plan *plan);

#include "conv_plan.h"

// The harness of the kernels is built with 1 as well, so that small cases take the same path as large ones.
#ifndef UD2M_BYTES_PAST_CACHES
#define UD2M_BYTES_PAST_CACHES (32 << 20)
#endif

enum {
    /// Bound of every extent, so that products of two fit easily.
    MAXIMUM_EXTENT = 1 << 24,
    MAXIMUM_KERNEL = CONV_MAXIMUM_KERNEL,
    MAXIMUM_PADDING = 1 << 10,
    MAXIMUM_IMAGES = 1 << 12,
    /// Output pixels of a tile: their accumulators for all channels should stay in the L2 cache.
    TILE_PIXELS = 384,
    TILE_COLUMNS = 96,
    /// The same for 1x1 kernels: what a chunk reads of its many input blocks should stay there, too.
    POINTWISE_TILE_PIXELS = 128,
    /// Input blocks times taps of a chunk: 16 * 32 weights each stay in the L1 cache.
    CHUNK_STEPS = CONV_MAXIMUM_CHUNK,
    /// Output blocks from which on a 1x1 kernel's input is copied before it is read once for each of them: planes of 2^n
    /// pixels share cache sets, so that their blocks would push each other out of the L2 cache.
    COPIED_FROM_BLOCKS = 4,
    /// Bytes of an image's output from which on it goes past the caches.
    BYTES_PAST_CACHES = UD2M_BYTES_PAST_CACHES,
    /// Items wanted per thread, to balance a busy machine.
    ITEMS_PER_THREAD = 4,
};

static int32_t divided_up(int64_t value, int64_t by) { return (int32_t)((value + by - 1) / by); }

static bool within(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

bool conv_geometry(const ud2m_conv2d *conv, int64_t *height, int64_t *width) {
    if (!within(conv->input.height, 1, MAXIMUM_EXTENT) || !within(conv->input.width, 1, MAXIMUM_EXTENT) ||
        !within(conv->upsample, 1, 2) || !within(conv->kernel_height, 1, MAXIMUM_KERNEL) ||
        !within(conv->kernel_width, 1, MAXIMUM_KERNEL) || !within(conv->stride, 1, MAXIMUM_PADDING) ||
        !within(conv->pad_top, 0, MAXIMUM_PADDING) || !within(conv->pad_bottom, 0, MAXIMUM_PADDING) ||
        !within(conv->pad_left, 0, MAXIMUM_PADDING) || !within(conv->pad_right, 0, MAXIMUM_PADDING))
        return false;
    int64_t rows = (int64_t)conv->input.height * conv->upsample + conv->pad_top + conv->pad_bottom;
    int64_t columns = (int64_t)conv->input.width * conv->upsample + conv->pad_left + conv->pad_right;
    if (rows < conv->kernel_height || columns < conv->kernel_width)
        return false;
    *height = (rows - conv->kernel_height) / conv->stride + 1;
    *width = (columns - conv->kernel_width) / conv->stride + 1;
    return true;
}

/// Whether bytes of all images' inputs, outputs and moments can be counted in 63 bits.
static bool addressable(const ud2m_conv2d *conv, int64_t height, int64_t width) {
    int64_t read = (int64_t)conv->input.height * conv->input.width * conv->upsample * conv->upsample;
    int64_t pixels = height * width > read ? height * width : read;
    int64_t blocks = conv->output_blocks > conv->input.block_count ? conv->output_blocks : conv->input.block_count;
    return pixels <= INT64_MAX / (blocks * conv->images * UD2M_LANES * 2 * (int64_t)sizeof(double));
}

static void choose_tile(conv_plan *plan, int32_t tile_pixels) {
    if (plan->output_height == 1) {
        plan->tile_height = 1;
        plan->tiles_down = 1;
        plan->tiles_across = divided_up(plan->output_width, tile_pixels);
    } else {
        plan->tiles_across = divided_up(plan->output_width, TILE_COLUMNS);
    }
    plan->tile_width = divided_up(plan->output_width, plan->tiles_across);
    plan->tiles_across = divided_up(plan->output_width, plan->tile_width);
    int32_t rows = tile_pixels / plan->tile_width;
    rows = rows < 1 ? 1 : rows;
    plan->tiles_down = divided_up(plan->output_height, rows);
    plan->tile_height = divided_up(plan->output_height, plan->tiles_down);
    plan->tiles_down = divided_up(plan->output_height, plan->tile_height);
}

bool conv_plan_make(const ud2m_conv2d *conv, int32_t threads, conv_plan *plan) {
    int64_t height, width;
    if (!conv_geometry(conv, &height, &width) || !within(conv->input.block_count, 1, INT32_MAX / UD2M_LANES) ||
        !within(conv->output_blocks, 1, INT32_MAX / UD2M_LANES) || threads < 1 ||
        !within(conv->images, 1, MAXIMUM_IMAGES) || !addressable(conv, height, width) ||
        (conv->residual && !within(conv->residual_upsample, 1, 2)))
        return false;
    bool pointwise = conv->kernel_height == 1 && conv->kernel_width == 1 && conv->stride == 1 && conv->upsample == 1 &&
                     !conv->pad_top && !conv->pad_left && !conv->pad_bottom && !conv->pad_right;
    bool plain = pointwise && map_is_identity(&conv->map);
    *plan = (conv_plan){
        .output_height = (int32_t)height,
        .output_width = (int32_t)width,
        .input_height = conv->input.height * conv->upsample,
        .input_width = conv->input.width * conv->upsample,
        .staged = !plain || conv->output_blocks >= COPIED_FROM_BLOCKS,
    };
    bool joined = plain && !(conv->residual && conv->residual_upsample == 2);
    if (joined && height * width <= INT32_MAX / 2) {
        plan->output_height = 1;
        plan->output_width = (int32_t)(height * width);
        plan->input_height = 1;
        plan->input_width = plan->output_width;
    }
    plan->past_caches =
        height * width * conv->output_blocks * UD2M_LANES * (int64_t)sizeof(float) >= BYTES_PAST_CACHES;
    int32_t taps = conv->kernel_height * conv->kernel_width;
    choose_tile(plan, taps == 1 ? POINTWISE_TILE_PIXELS : TILE_PIXELS);

    plan->chunk = CHUNK_STEPS / taps < 1 ? 1 : CHUNK_STEPS / taps;
    if (plan->chunk > conv->input.block_count)
        plan->chunk = conv->input.block_count;

    // Groups of an even number of blocks, because kernels compute two at a time where registers allow.
    int64_t tiles = (int64_t)plan->tiles_down * plan->tiles_across;
    plan->moment_cells = tiles;
    int64_t wanted = divided_up((int64_t)threads * ITEMS_PER_THREAD, tiles * conv->images);
    int32_t pairs = (conv->output_blocks + 1) / 2;
    plan->group = 2 * divided_up(pairs, wanted < pairs ? wanted : pairs);
    plan->groups = divided_up(conv->output_blocks, plan->group);

    if (plan->staged) {
        int64_t patch_height = (int64_t)(plan->tile_height - 1) * conv->stride + conv->kernel_height;
        int64_t patch_width = (int64_t)(plan->tile_width - 1) * conv->stride + conv->kernel_width;
        plan->phase_width = divided_up(patch_width, conv->stride);
        plan->patch_height = (int32_t)patch_height;
        plan->patch_width = (int32_t)patch_width;
        plan->patch_floats = (size_t)patch_height * plan->phase_width * conv->stride * UD2M_LANES;
    }
    plan->collected = plan->past_caches || plan->chunk < conv->input.block_count;
    plan->thread_floats = plan->chunk * plan->patch_floats;
    if (plan->collected)
        plan->thread_floats += (size_t)plan->group * plan->tile_height * plan->tile_width * UD2M_LANES;
    return true;
}

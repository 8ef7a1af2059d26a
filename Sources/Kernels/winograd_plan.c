#include "winograd_plan.h"

enum {
    /// Tiles of a block, and of the largest image whose outputs are shared out.
    BLOCK_SIDE = 8,
    SMALL_IMAGE_TILES = 64,
    SMALLEST_BLOCK_SIDE = WINOGRAD_CELL_SIDE,
    ITEMS_PER_THREAD = 2,
    /// Most tiles that are multiplied together when outputs are shared out: their sums stay near the L2 cache.
    TILES_TOGETHER = 128,
};

static int32_t divided_up(int32_t value, int32_t by) { return (value - 1) / by + 1; }

static void choose_blocks(winograd_plan *plan, int32_t images, int32_t threads) {
    int64_t tiles = (int64_t)plan->tiles_down * plan->tiles_across;
    plan->by_outputs = tiles <= SMALL_IMAGE_TILES;
    plan->images = 1;
    if (plan->by_outputs) {
        plan->images = (int32_t)(TILES_TOGETHER / tiles);
        plan->images = plan->images < images ? plan->images : images;
        plan->block_height = plan->tiles_down;
        plan->block_width = plan->tiles_across;
        plan->blocks_down = plan->blocks_across = 1;
        return;
    }
    for (int32_t side = BLOCK_SIDE;; side /= 2) {
        plan->block_height = plan->tiles_down < side ? plan->tiles_down : side;
        // A flat image gets wide blocks, of whole cells.
        int32_t width = side * side / plan->block_height / WINOGRAD_CELL_SIDE * WINOGRAD_CELL_SIDE;
        plan->block_width = plan->tiles_across < width ? plan->tiles_across : width;
        plan->blocks_down = divided_up(plan->tiles_down, plan->block_height);
        plan->blocks_across = divided_up(plan->tiles_across, plan->block_width);
        int64_t blocks = (int64_t)plan->blocks_down * plan->blocks_across * images;
        if (blocks >= (int64_t)threads * ITEMS_PER_THREAD || side == SMALLEST_BLOCK_SIDE)
            return;
    }
}

bool winograd_plan_make(const ud2m_conv2d *conv, int32_t threads, winograd_plan *plan) {
    *plan = (winograd_plan){.tile = conv->algorithm == UD2M_CONV_WINOGRAD2 ? 2 : 4};
    if (!conv_plan_make(conv, threads, &plan->staging) || conv->kernel_height != 3 || conv->kernel_width != 3 ||
        conv->stride != 1)
        return false;
    int32_t side = plan->tile + 2;
    plan->frequencies = side * side;
    plan->tiles_down = divided_up(plan->staging.output_height, plan->tile);
    plan->tiles_across = divided_up(plan->staging.output_width, plan->tile);
    choose_blocks(plan, conv->images, threads);

    conv_plan *staging = &plan->staging;
    staging->patch_height = plan->block_height * plan->tile + 2;
    staging->patch_width = plan->block_width * plan->tile + 2;
    staging->phase_width = staging->patch_width;
    staging->patch_floats = (size_t)staging->patch_height * staging->patch_width * UD2M_LANES;

    staging->moment_cells = (int64_t)divided_up(plan->tiles_down, WINOGRAD_CELL_SIDE) *
                            divided_up(plan->tiles_across, WINOGRAD_CELL_SIDE);

    size_t tile_floats = (size_t)plan->images * plan->block_height * plan->block_width * UD2M_LANES;
    size_t weight_floats = (size_t)UD2M_LANES * UD2M_LANES;
    size_t frequencies = plan->frequencies;
    plan->inputs_stride = conv->input.block_count * tile_floats + UD2M_LANES;
    if (plan->by_outputs) {
        plan->weights_stride = WINOGRAD_GROUP * WINOGRAD_WEIGHT_CHUNK * weight_floats + UD2M_LANES;
        plan->sums_stride = WINOGRAD_GROUP * tile_floats + UD2M_LANES;
        plan->shared_floats = frequencies * plan->inputs_stride;
        size_t strip_floats = (size_t)plan->tile * plan->block_width * plan->tile * UD2M_LANES;
        size_t multiplying = frequencies * (plan->weights_stride + plan->sums_stride) + strip_floats;
        plan->thread_floats = multiplying > staging->patch_floats ? multiplying : staging->patch_floats;
    } else {
        plan->weights_stride = (size_t)conv->output_blocks * conv->input.block_count * weight_floats + UD2M_LANES;
        plan->sums_stride = conv->output_blocks * tile_floats + UD2M_LANES;
        plan->shared_floats = frequencies * plan->weights_stride;
        plan->thread_floats = frequencies * (plan->inputs_stride + plan->sums_stride) + staging->patch_floats;
    }
    return true;
}

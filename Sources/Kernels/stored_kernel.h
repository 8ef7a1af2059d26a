#pragma once

#include "element.h"
#include "ud2m_conv.h"
#include "ud2m_layout.h"

/// Channels of a stored kernel that one input block holds.
typedef struct block_channels {
    /// Counted over all sources.
    size_t first;
    /// 1 to 16; further lanes are padding.
    int32_t count;
} block_channels;

/// All input channels.
static inline size_t stored_channels(const ud2m_stored_kernel *kernel) {
    size_t channels = 0;
    for (int32_t source = 0; source < kernel->source_count; source++)
        channels += kernel->source_channels[source];
    return channels;
}

/// The channels of input block `block`, which must be one of the sources' blocks.
static inline block_channels stored_block(const ud2m_stored_kernel *kernel, int32_t block) {
    size_t first = 0;
    int32_t source = 0;
    for (;; source++) {
        int32_t blocks = ud2m_block_count(kernel->source_channels[source]);
        if (block < blocks || source == kernel->source_count - 1)
            break;
        block -= blocks;
        first += kernel->source_channels[source];
    }
    int32_t left = kernel->source_channels[source] - block * UD2M_LANES;
    return (block_channels){first + (size_t)block * UD2M_LANES, left < UD2M_LANES ? left : UD2M_LANES};
}

/// The weight of an output row, an input slot and one of the 9 taps; zero in padding.
static inline float stored_weight(const ud2m_stored_kernel *kernel, int64_t row, int64_t slot, int64_t tap) {
    block_channels channels = stored_block(kernel, (int32_t)(slot / UD2M_LANES));
    if (row >= kernel->rows || slot % UD2M_LANES >= channels.count)
        return 0;
    size_t channel = channels.first + slot % UD2M_LANES;
    return element_at(kernel->data, kernel->element, (row * stored_channels(kernel) + channel) * 9 + tap);
}

/// Whether the kernel's sizes are those of the convolution.
static inline bool stored_kernel_fits(const ud2m_conv2d *conv) {
    const ud2m_stored_kernel *kernel = &conv->stored;
    if (!kernel->data || kernel->source_count < 1 || ud2m_block_count(kernel->rows) != conv->output_blocks)
        return false;
    for (int32_t source = 0; source < kernel->source_count; source++)
        if (kernel->source_channels[source] < 1)
            return false;
    return ud2m_concat_block_count(kernel->source_channels, kernel->source_count) == conv->input.block_count;
}

#pragma once

#include "ud2m_attention.h"

enum {
    /// Queries an item computes; a multiple of 4, 6 and 12, the rows of the tiers' matrix kernels.
    ATTENTION_QUERIES = 48,
    /// Key blocks (of 16) visited at a time; the products of one item are 48 KiB.
    ATTENTION_KEY_BLOCKS = 16,
};

/// Sizes of the packed operands of attention. Each head has, one after the other:
/// queries `[channel block][token][16]`, scaled; keys `[token block][channel][16 tokens]`;
/// values `[channel block][token][16]`; channels and tokens padded with zeros to multiples of 16.
typedef struct attention_plan {
    int32_t channel_blocks;
    int32_t token_blocks;
    /// Floats of one of the three operands.
    size_t operand_floats;
    size_t head_floats;
    /// Floats a thread needs: products, results, running maxima and sums.
    size_t scratch_floats;
} attention_plan;

static inline attention_plan attention_plan_make(const ud2m_attention *attention) {
    attention_plan plan;
    plan.channel_blocks = ud2m_block_count(attention->head_channels);
    plan.token_blocks = ud2m_block_count(attention->tokens);
    plan.operand_floats = (size_t)plan.channel_blocks * plan.token_blocks * UD2M_LANES * UD2M_LANES;
    plan.head_floats = 3 * plan.operand_floats;
    plan.scratch_floats =
        (size_t)ATTENTION_QUERIES * UD2M_LANES * (ATTENTION_KEY_BLOCKS + (size_t)plan.channel_blocks + 2);
    return plan;
}

#include "ud2m_kernel_cases.h"

// Short words, so that a case is a row of a table.
enum { CHECKED = UD2M_CASE_CHECKED, TILES = UD2M_CASE_TILES, COUNTED = UD2M_CASE_COUNTED, TIMED = UD2M_CASE_TIMED,
       REFUSED = UD2M_CASE_REFUSED };
enum { NONE = UD2M_ACTIVATION_NONE, SILU = UD2M_ACTIVATION_SILU, RELU = UD2M_ACTIVATION_RELU };
enum { LEGACY = UD2M_CASE_ROWS_LEGACY, NEW = UD2M_CASE_ROWS_NEW, SEPARATE = UD2M_CASE_ROWS_SEPARATE };
enum { MEAN = UD2M_POOLING_AVERAGE, MOST = UD2M_POOLING_MAXIMUM, ADAPTIVE = UD2M_POOLING_ADAPTIVE_AVERAGE };
enum { F32 = UD2M_ELEMENT_F32, F16 = UD2M_ELEMENT_F16, BF16 = UD2M_ELEMENT_BF16 };
enum { no = 0, yes = 1 };

// clang-format off

// use, name, sources, outputs, height, width, kernel, stride, pads (top, left, bottom, right), upsample, mapped,
// activation of the input, activation, bias, residual
static const ud2m_conv_case convolutions[] = {
    {CHECKED, "3x3-rgb", {3}, 32, 9, 7, {3, 3}, 1, {1, 1, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-one-pixel", {16}, 16, 1, 1, {3, 3}, 1, {1, 1, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-mapped", {20}, 6, 13, 31, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, NONE, NONE, yes, 0},
    {CHECKED, "3x3-silu-residual", {32}, 64, 17, 100, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {CHECKED, "3x3-concat", {24, 8}, 48, 8, 8, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 0},
    {CHECKED, "3x3-concat3", {64, 32, 5}, 33, 5, 6, {3, 3}, 1, {1, 1, 1, 1}, 1, no, NONE, NONE, no, 0},
    {CHECKED, "3x3-relu", {10}, 12, 8, 5, {3, 3}, 1, {1, 1, 1, 1}, 1, no, RELU, NONE, yes, 0},
    {CHECKED, "3x3-deep", {320}, 32, 6, 5, {3, 3}, 1, {1, 1, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-enlarged", {32}, 32, 7, 9, {3, 3}, 1, {1, 1, 1, 1}, 2, yes, SILU, NONE, yes, 2},
    {CHECKED, "3x3-stride2", {32}, 32, 16, 15, {3, 3}, 2, {1, 1, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-stride2-asymmetric", {17}, 40, 9, 12, {3, 3}, 2, {0, 0, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-stride3-asymmetric", {12}, 16, 11, 10, {3, 3}, 3, {2, 0, 1, 3}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "3x3-stride2-enlarged", {16}, 16, 3, 50, {3, 3}, 2, {1, 1, 1, 1}, 2, no, NONE, NONE, yes, 0},
    {CHECKED, "1x1-residual", {40}, 24, 6, 11, {1, 1}, 1, {0, 0, 0, 0}, 1, no, NONE, NONE, yes, 1},
    {CHECKED, "1x1-residual-enlarged", {40}, 24, 5, 7, {1, 1}, 1, {0, 0, 0, 0}, 1, no, NONE, NONE, yes, 2},
    {CHECKED, "1x1-concat", {32, 32}, 70, 21, 37, {1, 1}, 1, {0, 0, 0, 0}, 1, yes, NONE, NONE, yes, 0},
    {CHECKED, "1x7", {18}, 20, 9, 9, {1, 7}, 1, {0, 3, 0, 3}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "7x1", {18}, 20, 9, 9, {7, 1}, 1, {3, 0, 3, 0}, 1, no, NONE, NONE, yes, 0},
    {CHECKED, "5x5-relu-residual", {9}, 10, 12, 8, {5, 5}, 1, {2, 2, 2, 2}, 1, no, NONE, RELU, yes, 1},
    {CHECKED, "2x2-stride2-silu", {8}, 16, 10, 6, {2, 2}, 2, {0, 0, 0, 0}, 1, no, NONE, SILU, yes, 0},

    {REFUSED, "3x3-one-pixel-bare", {16}, 16, 1, 1, {3, 3}, 1, {0, 0, 0, 0}, 1, no, NONE, NONE, yes, 0},
    {REFUSED, "1x7-narrow", {18}, 20, 9, 5, {1, 7}, 1, {0, 1, 0, 0}, 1, no, NONE, NONE, yes, 0},

    {TILES, "tiles-mapped", {16}, 18, 37, 70, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, NONE, NONE, yes, 1},
    {TILES, "tiles-flat", {20, 5}, 48, 3, 300, {3, 3}, 1, {0, 2, 1, 0}, 1, no, NONE, NONE, yes, 0},
    {TILES, "tiles-enlarged", {16}, 16, 20, 21, {3, 3}, 1, {1, 1, 1, 1}, 2, yes, SILU, RELU, yes, 2},

    {COUNTED, "3x3-64-64x64", {64}, 64, 64, 64, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {COUNTED, "3x3-256-8x8", {256}, 256, 8, 8, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},

    {TIMED, "3x3-rgb-256x256", {3}, 256, 256, 256, {3, 3}, 1, {1, 1, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {TIMED, "3x3-128-256x256", {128}, 128, 256, 256, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-256-256x256", {256}, 256, 256, 256, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-512-256-256x256", {256, 256}, 256, 256, 256, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 0},
    {TIMED, "3x3-256-128x128", {256}, 256, 128, 128, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-512-64x64", {512}, 512, 64, 64, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-1024-512-64x64", {512, 512}, 512, 64, 64, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 0},
    {TIMED, "3x3-512-32x32", {512}, 512, 32, 32, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-1024-16x16", {1024}, 1024, 16, 16, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-2048-1024-16x16", {1024, 1024}, 1024, 16, 16, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 0},
    {TIMED, "3x3-1024-8x8", {1024}, 1024, 8, 8, {3, 3}, 1, {1, 1, 1, 1}, 1, yes, SILU, NONE, yes, 1},
    {TIMED, "3x3-enlarged-256-64x64", {256}, 256, 64, 64, {3, 3}, 1, {1, 1, 1, 1}, 2, no, NONE, NONE, yes, 0},
    {TIMED, "3x3-stride2-128-256x256", {128}, 128, 256, 256, {3, 3}, 2, {0, 0, 1, 1}, 1, no, NONE, NONE, yes, 0},
    {TIMED, "1x1-512-256-256x256", {256, 256}, 256, 256, 256, {1, 1}, 1, {0, 0, 0, 0}, 1, no, NONE, NONE, yes, 0},
    {TIMED, "1x1-512-1536-32x32", {512}, 1536, 32, 32, {1, 1}, 1, {0, 0, 0, 0}, 1, yes, NONE, NONE, yes, 0},
    {TIMED, "1x7-192-17x17", {192}, 192, 17, 17, {1, 7}, 1, {0, 3, 0, 3}, 1, no, NONE, RELU, yes, 0},
    {TIMED, "7x1-192-17x17", {192}, 192, 17, 17, {7, 1}, 1, {3, 0, 3, 0}, 1, no, NONE, RELU, yes, 0},
    {TIMED, "5x5-48-64-35x35", {48}, 64, 35, 35, {5, 5}, 1, {2, 2, 2, 2}, 1, no, NONE, RELU, yes, 0},
};

// use, name, channels, outputs, height, width
static const ud2m_transposed_case transposed[] = {
    {CHECKED, "transposed-one-pixel", 16, 16, 1, 1},
    {CHECKED, "transposed-odd", 37, 20, 5, 9},
    {TIMED, "transposed-512-256-64x64", 512, 256, 64, 64},
};

// use, name, heads, head channels, tokens, rows, gain
static const ud2m_attention_case attentions[] = {
    {CHECKED, "attention-one-token", 1, 16, 1, LEGACY, 1},
    {CHECKED, "attention-legacy", 2, 64, 64, LEGACY, 1},
    {CHECKED, "attention-legacy-odd", 3, 8, 49, LEGACY, 1},
    {CHECKED, "attention-new", 4, 8, 77, NEW, 1},
    {CHECKED, "attention-new-large", 2, 21, 300, NEW, 20},
    {CHECKED, "attention-separate-large", 1, 40, 270, SEPARATE, 60},
    {CHECKED, "attention-separate-deep", 1, 544, 20, SEPARATE, 1},
    {COUNTED, "attention-2x64-256", 2, 64, 256, LEGACY, 1},
    {TIMED, "attention-8x64-1024", 8, 64, 1024, LEGACY, 1},
    {TIMED, "attention-16x64-256", 16, 64, 256, LEGACY, 1},
    {TIMED, "attention-1x512-256", 1, 512, 256, SEPARATE, 1},
};

// use, name, sources, groups, height, width, offset, modulated, affine
static const ud2m_norm_case norms[] = {
    {CHECKED, "norm-two-pixels", {32}, 32, 1, 2, 0, no, yes},
    {CHECKED, "norm-modulated", {64}, 32, 9, 7, 0, yes, yes},
    {CHECKED, "norm-concat", {40, 24}, 16, 8, 8, 0, yes, yes},
    {CHECKED, "norm-concat3-plain", {20, 12, 4}, 4, 5, 13, 0, no, no},
    {CHECKED, "norm-far-from-zero", {16}, 2, 100, 131, 30, no, yes},
    {CHECKED, "norm-one-pixel", {6}, 3, 1, 1, 0, no, yes},
    {TIMED, "norm-256-256x256", {256}, 32, 256, 256, 0, yes, yes},
};

// use, name, channels, height, width, kind, window, stride, padding, ceil mode, adaptive size, mapped
static const ud2m_pooling_case poolings[] = {
    {CHECKED, "mean-2x2", 21, 9, 12, MEAN, 2, 2, 0, no, {0, 0}, yes},
    {CHECKED, "mean-3x3-stride2", 21, 9, 12, MEAN, 3, 2, 0, no, {0, 0}, yes},
    {CHECKED, "mean-3x3-padded", 21, 9, 12, MEAN, 3, 1, 1, no, {0, 0}, yes},
    {CHECKED, "mean-5x5-stride3", 21, 9, 12, MEAN, 5, 3, 2, no, {0, 0}, yes},
    {CHECKED, "max-2x2", 21, 9, 12, MOST, 2, 2, 0, no, {0, 0}, yes},
    {CHECKED, "max-3x3-stride2", 21, 9, 12, MOST, 3, 2, 0, no, {0, 0}, yes},
    {CHECKED, "max-3x3-padded", 21, 9, 12, MOST, 3, 1, 1, no, {0, 0}, yes},
    {CHECKED, "max-5x5-stride3", 21, 9, 12, MOST, 5, 3, 2, no, {0, 0}, yes},
    {CHECKED, "max-3x3-ceiling", 18, 10, 13, MOST, 3, 2, 0, yes, {0, 0}, no},
    {CHECKED, "adaptive-3x5", 19, 11, 8, ADAPTIVE, 0, 0, 0, no, {3, 5}, yes},
    {TIMED, "mean-2x2-256-256x256", 256, 256, 256, MEAN, 2, 2, 0, no, {0, 0}, no},
};

// use, name, inputs, outputs, element, activation of the input
static const ud2m_linear_case linears[] = {
    {CHECKED, "linear-one", 1, 1, F32, NONE},
    {CHECKED, "linear-40-5", 40, 5, F32, SILU},
    {CHECKED, "linear-16-33-f16", 16, 33, F16, NONE},
    {CHECKED, "linear-1027-70-bf16", 1027, 70, BF16, SILU},
    {CHECKED, "linear-512-128-f16", 512, 128, F16, SILU},
    {CHECKED, "linear-512-128", 512, 128, F32, NONE},
    {TIMED, "linear-1024-2048", 1024, 2048, F32, SILU},
    {TIMED, "linear-1024-2048-f16", 1024, 2048, F16, SILU},
};

// clang-format on

enum {
    CONVOLUTIONS = sizeof convolutions / sizeof convolutions[0],
    TRANSPOSED = sizeof transposed / sizeof transposed[0],
    ATTENTIONS = sizeof attentions / sizeof attentions[0],
    NORMS = sizeof norms / sizeof norms[0],
    POOLINGS = sizeof poolings / sizeof poolings[0],
    LINEARS = sizeof linears / sizeof linears[0],
};

const ud2m_conv_case *ud2m_conv_cases(int32_t *count) {
    *count = CONVOLUTIONS;
    return convolutions;
}

const ud2m_transposed_case *ud2m_transposed_cases(int32_t *count) {
    *count = TRANSPOSED;
    return transposed;
}

const ud2m_attention_case *ud2m_attention_cases(int32_t *count) {
    *count = ATTENTIONS;
    return attentions;
}

const ud2m_norm_case *ud2m_norm_cases(int32_t *count) {
    *count = NORMS;
    return norms;
}

const ud2m_pooling_case *ud2m_pooling_cases(int32_t *count) {
    *count = POOLINGS;
    return poolings;
}

const ud2m_linear_case *ud2m_linear_cases(int32_t *count) {
    *count = LINEARS;
    return linears;
}

int32_t ud2m_case_count(void) { return CONVOLUTIONS + TRANSPOSED + ATTENTIONS + NORMS + POOLINGS + LINEARS; }

/// The case `index` of a table, or the index in the next table.
#define FROM(table, case_kind, member)                                                                                 \
    if (index < (int32_t)(sizeof table / sizeof table[0]))                                                             \
        return (ud2m_case){case_kind, table[index].use, table[index].name, .member = &table[index]};                   \
    index -= (int32_t)(sizeof table / sizeof table[0]);

ud2m_case ud2m_case_at(int32_t index) {
    FROM(convolutions, UD2M_CASE_CONVOLUTION, convolution)
    FROM(transposed, UD2M_CASE_TRANSPOSED, transposed)
    FROM(attentions, UD2M_CASE_ATTENTION, attention)
    FROM(norms, UD2M_CASE_GROUP_NORM, norm)
    FROM(poolings, UD2M_CASE_POOLING, pooling)
    return (ud2m_case){UD2M_CASE_LINEAR, linears[index].use, linears[index].name, .linear = &linears[index]};
}

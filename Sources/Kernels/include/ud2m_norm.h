#pragma once
#include "ud2m_layout.h"

/// @file
/// GroupNorm folded to one affine map a slot.

#ifdef __cplusplus
extern "C" {
#endif

/// One GroupNorm over a (concatenated) image, biased variance over a group's channels and all pixels
/// (`networks.md` §1.3), with the scale-shift of a time embedding folded in.
typedef struct ud2m_group_norm {
    ud2m_planes input;
    /// For every block of the input its moments as a convolution leaves them, `[16][2]`; null to compute them here.
    const double *const *moments;
    /// Channels of each source of the input, in order. Their sum is a multiple of `groups`; groups may span sources.
    const int32_t *source_channels;
    int32_t source_count;
    int32_t groups;
    float epsilon;
    /// Per channel (not slot): weight and bias. Null means 1 and 0.
    const float *gamma;
    const float *beta;
    /// Per channel, or null: the result is `norm(x) * (1 + scale) + shift`.
    const float *scale;
    const float *shift;
    /// Results, `16 * input.block_count` floats each, 0 in padding slots: the normalised image is
    /// `map_scale * x + map_shift`, ready for `ud2m_input_map`.
    float *map_scale;
    float *map_shift;
} ud2m_group_norm;

/// Bytes of workspace that `ud2m_group_norm_run` needs for an input of this size without moments; with them, none.
size_t ud2m_group_norm_workspace(int32_t block_count, int32_t height, int32_t width);

/// Computes the statistics and folds them. Sums are split by image size only, so results do not depend on threads.
ud2m_status ud2m_group_norm_run(ud2m_pool *pool, const ud2m_group_norm *norm, void *workspace);

#ifdef __cplusplus
}
#endif

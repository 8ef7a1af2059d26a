#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// @file
/// Layout and value types shared by every kernel.
///
/// Activations are float32 in *blocks*: an image of C channels is a list of ceil(C/16) block pointers, each to
/// `[height][width][16]` floats (NCHW16c; one pixel of a block is one cache line). A concatenation is the list of its
/// sources' blocks one after the other, so each source starts at a block boundary. Lanes past a source's last channel
/// are padding: every kernel writes zeros there and relies on reading finite values there.
/// The position `block * 16 + lane` is called a *slot*; per-channel vectors of the kernels are indexed by slot unless
/// their documentation says *channel*.
///
/// Kernels take one image, and a batch is the caller's loop; only convolutions take several, which then share the work
/// of transforming weights. Results depend neither on the number of threads nor on the other images. Pointers to
/// blocks, workspaces and packed weights should be 64-byte aligned for speed; 4-byte alignment is enough for
/// correctness, or 8-byte where doubles lie: moments, and workspaces of GroupNorm and of convolutions with moments.
/// Outputs must not overlap inputs except where a function says so.

#ifdef __cplusplus
extern "C" {
#endif

/// Lanes in a block.
#define UD2M_LANES 16

/// Result of a kernel that checks its arguments.
typedef enum ud2m_status {
    UD2M_STATUS_OK = 0,
    /// A size is zero, negative, too large, or inconsistent with another; nothing was written.
    UD2M_STATUS_INVALID = 1,
} ud2m_status;

/// Storage type of weights read from a file. Sources need no alignment; bytes are little-endian.
typedef enum ud2m_element {
    UD2M_ELEMENT_F32 = 0,
    UD2M_ELEMENT_F16 = 1,
    UD2M_ELEMENT_BF16 = 2,
} ud2m_element;

/// Pointwise non-linearity.
typedef enum ud2m_activation {
    UD2M_ACTIVATION_NONE = 0,
    /// x · sigmoid(x).
    UD2M_ACTIVATION_SILU = 1,
    /// max(x, 0).
    UD2M_ACTIVATION_RELU = 2,
    /// x where positive, else slope · x; the slope stands beside the activation.
    UD2M_ACTIVATION_LEAKY_RELU = 3,
    /// 1 / (1 + e^-x).
    UD2M_ACTIVATION_SIGMOID = 4,
} ud2m_activation;

/// Read-only view of one image in blocks.
typedef struct ud2m_planes {
    /// `block_count` pointers to `[height][width][16]` floats.
    const float *const *blocks;
    int32_t block_count;
    int32_t height;
    int32_t width;
} ud2m_planes;

/// Per-slot affine map and non-linearity applied to an input while it is read: `activation(scale * x + shift)`.
/// A folded GroupNorm (`ud2m_group_norm`) has this form. `scale` and `shift` hold `16 * block_count` floats; both null
/// means the identity map (the activation still applies).
typedef struct ud2m_input_map {
    const float *scale;
    const float *shift;
    ud2m_activation activation;
    /// Of `UD2M_ACTIVATION_LEAKY_RELU`; otherwise ignored.
    float slope;
} ud2m_input_map;

#ifdef __cplusplus
}
#endif

#pragma once
#include "ud2m_layout.h"

/// @file
/// Multi-head self-attention over the pixels of an image.

#ifdef __cplusplus
extern "C" {
#endif

/// `output[h][t] = Σ_s softmax_s(scale · q[h][t]·k[h][s]) v[h][s]`, tokens being pixels in row-major order.
/// The query of head `h` lies in `head_channels` slots of `qkv` from `query_offset + h * head_stride` on, key and value
/// likewise; no alignment is required, so both row orders need no permutation (`networks.md` §1.3):
///
/// - legacy, n = head_channels: offsets 0, n, 2n, stride 3n;
/// - new, C = heads * n: offsets 0, C, 2C, stride n;
/// - separate q, k, v images of C channels, blocks listed one after the other: offsets 0, P, 2P with P = C rounded
///   up to a multiple of 16, stride n.
typedef struct ud2m_attention {
    const float *const *qkv;
    int32_t qkv_blocks;
    /// height * width.
    int32_t tokens;
    int32_t heads;
    int32_t head_channels;
    int32_t query_offset;
    int32_t key_offset;
    int32_t value_offset;
    int32_t head_stride;
    /// Factor of the products, usually 1/sqrt(head_channels).
    float scale;
    /// ceil(heads * head_channels / 16) blocks; channel `h * head_channels + c`.
    float *const *output;
} ud2m_attention;

/// Bytes of workspace that `ud2m_attention_run` needs on a pool of `threads` threads; linear in tokens. Reads no
/// pointer.
size_t ud2m_attention_workspace(const ud2m_attention *attention, int32_t threads);

/// Runs self-attention. The weights matrix is never formed: keys are visited in chunks with a running softmax.
ud2m_status ud2m_attention_run(ud2m_pool *pool, const ud2m_attention *attention, void *workspace);

#ifdef __cplusplus
}
#endif

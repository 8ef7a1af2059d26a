#pragma once

// The kernels as they are shipped: PTX, which the driver compiles for its device, and how each kernel is launched.

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ud2m_cuda_module_id {
    UD2M_CUDA_MODULE_ATTENTION_BF16,
    UD2M_CUDA_MODULE_ATTENTION_F16,
    UD2M_CUDA_MODULE_ATTENTION_F32,
    UD2M_CUDA_MODULE_CONV_BF16,
    UD2M_CUDA_MODULE_CONV_F16,
    UD2M_CUDA_MODULE_CONV_F32,
    UD2M_CUDA_MODULE_FFT,
    UD2M_CUDA_MODULE_LAYOUT,
    UD2M_CUDA_MODULE_NOISE,
    UD2M_CUDA_MODULE_NORM,
    UD2M_CUDA_MODULE_POOL,
    UD2M_CUDA_MODULE_REDUCE,
    UD2M_CUDA_MODULE_VECTOR
} ud2m_cuda_module_id;
#define UD2M_CUDA_MODULE_COUNT 13

/// A module's PTX.
typedef struct ud2m_cuda_image {
    /// The name of its source, such as "conv_f16".
    const char *name;
    /// Ends in a zero, as the driver wants it.
    const char *text;
    /// Without the zero.
    size_t length;
} ud2m_cuda_image;

/// How a kernel is launched; the grid is described with its source.
typedef struct ud2m_cuda_kernel {
    const char *name;
    ud2m_cuda_module_id module;
    /// Of a block, all in x.
    int threads;
    /// What a block computes of a map: pixels (positions, images) and channels (outputs); 0 where a block has no tile.
    int tile_pixels, tile_channels;
    /// Dynamic shared memory in bytes; beyond 48 KiB a function must be told of it. For attention what the widest heads
    /// need, and for transforms what 8192 points and lines of one need; their sources tell what others do.
    int shared_bytes;
} ud2m_cuda_kernel;

/// The PTX of a module; null for a number that is none.
const ud2m_cuda_image *ud2m_cuda_image_of(int module);

/// The kernels in order; null beyond the last.
const ud2m_cuda_kernel *ud2m_cuda_kernel_at(int index);

/// The kernel of a name; null when there is none.
const ud2m_cuda_kernel *ud2m_cuda_kernel_named(const char *name);

#ifdef __cplusplus
}
#endif

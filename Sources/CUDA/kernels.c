#include "ud2m_cuda_modules.h"

const ud2m_cuda_kernel ud2m_cuda_kernels[] = {
    // Name, module, threads, tile pixels, tile channels, dynamic shared bytes.
    {"conv_128x128_f16", UD2M_CUDA_MODULE_CONV_F16, 256, 128, 128, 61440},
    {"conv_64x64_f16", UD2M_CUDA_MODULE_CONV_F16, 128, 64, 64, 30720},
    {"conv_128x32_f16", UD2M_CUDA_MODULE_CONV_F16, 128, 128, 32, 38400},
    {"conv_transformed_128x128_f16", UD2M_CUDA_MODULE_CONV_F16, 256, 128, 128, 61440},
    {"conv_transformed_64x64_f16", UD2M_CUDA_MODULE_CONV_F16, 128, 64, 64, 30720},
    {"conv_transformed_128x32_f16", UD2M_CUDA_MODULE_CONV_F16, 128, 128, 32, 38400},
    {"conv_128x128_bf16", UD2M_CUDA_MODULE_CONV_BF16, 256, 128, 128, 61440},
    {"conv_64x64_bf16", UD2M_CUDA_MODULE_CONV_BF16, 128, 64, 64, 30720},
    {"conv_128x32_bf16", UD2M_CUDA_MODULE_CONV_BF16, 128, 128, 32, 38400},
    {"conv_transformed_128x128_bf16", UD2M_CUDA_MODULE_CONV_BF16, 256, 128, 128, 61440},
    {"conv_transformed_64x64_bf16", UD2M_CUDA_MODULE_CONV_BF16, 128, 64, 64, 30720},
    {"conv_transformed_128x32_bf16", UD2M_CUDA_MODULE_CONV_BF16, 128, 128, 32, 38400},
    {"conv_64x64_f32", UD2M_CUDA_MODULE_CONV_F32, 256, 64, 64, 0},
    {"conv_128x128_f32", UD2M_CUDA_MODULE_CONV_F32, 256, 128, 128, 0},
};

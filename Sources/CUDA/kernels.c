#include "ud2m_cuda_modules.h"

#include <string.h>

// C23's, which clang has in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char attention_bf16[] = {
#embed "ptx/attention_bf16.ptx" suffix(, 0)
};
static const char attention_f16[] = {
#embed "ptx/attention_f16.ptx" suffix(, 0)
};
static const char attention_f32[] = {
#embed "ptx/attention_f32.ptx" suffix(, 0)
};
static const char conv_bf16[] = {
#embed "ptx/conv_bf16.ptx" suffix(, 0)
};
static const char conv_f16[] = {
#embed "ptx/conv_f16.ptx" suffix(, 0)
};
static const char conv_f32[] = {
#embed "ptx/conv_f32.ptx" suffix(, 0)
};
static const char fft[] = {
#embed "ptx/fft.ptx" suffix(, 0)
};
static const char layout[] = {
#embed "ptx/layout.ptx" suffix(, 0)
};
static const char noise[] = {
#embed "ptx/noise.ptx" suffix(, 0)
};
static const char norm[] = {
#embed "ptx/norm.ptx" suffix(, 0)
};
static const char pool[] = {
#embed "ptx/pool.ptx" suffix(, 0)
};
static const char reduce[] = {
#embed "ptx/reduce.ptx" suffix(, 0)
};
static const char vector[] = {
#embed "ptx/vector.ptx" suffix(, 0)
};

#define IMAGE(module, array) [UD2M_CUDA_MODULE_##module] = {#array, array, sizeof array - 1}

static const ud2m_cuda_image images[UD2M_CUDA_MODULE_COUNT] = {
    IMAGE(ATTENTION_BF16, attention_bf16),
    IMAGE(ATTENTION_F16, attention_f16),
    IMAGE(ATTENTION_F32, attention_f32),
    IMAGE(CONV_BF16, conv_bf16),
    IMAGE(CONV_F16, conv_f16),
    IMAGE(CONV_F32, conv_f32),
    IMAGE(FFT, fft),
    IMAGE(LAYOUT, layout),
    IMAGE(NOISE, noise),
    IMAGE(NORM, norm),
    IMAGE(POOL, pool),
    IMAGE(REDUCE, reduce),
    IMAGE(VECTOR, vector),
};

static const ud2m_cuda_kernel kernels[] = {
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
    {"conv_finish_f16", UD2M_CUDA_MODULE_CONV_F16, 256, 64, 64, 0},
    {"conv_finish_bf16", UD2M_CUDA_MODULE_CONV_BF16, 256, 64, 64, 0},
    {"conv_epilogue_f16", UD2M_CUDA_MODULE_CONV_F16, 256, 64, 64, 0},
    {"conv_epilogue_bf16", UD2M_CUDA_MODULE_CONV_BF16, 256, 64, 64, 0},
    {"conv_epilogue_f32", UD2M_CUDA_MODULE_CONV_F32, 256, 64, 64, 0},
    {"attention_64_f16", UD2M_CUDA_MODULE_ATTENTION_F16, 128, 64, 64, 94208},
    {"attention_128_f16", UD2M_CUDA_MODULE_ATTENTION_F16, 128, 64, 128, 69632},
    {"attention_plain_f16", UD2M_CUDA_MODULE_ATTENTION_F16, 256, 32, 128, 0},
    {"attention_64_bf16", UD2M_CUDA_MODULE_ATTENTION_BF16, 128, 64, 64, 94208},
    {"attention_128_bf16", UD2M_CUDA_MODULE_ATTENTION_BF16, 128, 64, 128, 69632},
    {"attention_plain_bf16", UD2M_CUDA_MODULE_ATTENTION_BF16, 256, 32, 128, 0},
    {"attention_plain_f32", UD2M_CUDA_MODULE_ATTENTION_F32, 256, 32, 128, 0},
    {"moments_f16", UD2M_CUDA_MODULE_NORM, 128, 64, 128, 0},
    {"moments_bf16", UD2M_CUDA_MODULE_NORM, 128, 64, 128, 0},
    {"moments_f32", UD2M_CUDA_MODULE_NORM, 128, 64, 128, 0},
    {"load_f16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"load_bf16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"load_f32", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"add_f16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"add_bf16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"add_f32", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"pack_f16", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"pack_bf16", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"pack_f32", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"flatten_f16", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"flatten_bf16", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"flatten_f32", UD2M_CUDA_MODULE_LAYOUT, 256, 32, 32, 0},
    {"interleave_f16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"interleave_bf16", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"interleave_f32", UD2M_CUDA_MODULE_LAYOUT, 256, 0, 0, 0},
    {"pool_f16", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"pool_bf16", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"pool_f32", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"global_average_f16", UD2M_CUDA_MODULE_POOL, 256, 0, 32, 0},
    {"global_average_bf16", UD2M_CUDA_MODULE_POOL, 256, 0, 32, 0},
    {"global_average_f32", UD2M_CUDA_MODULE_POOL, 256, 0, 32, 0},
    {"resize_bilinear_f16", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"resize_bilinear_bf16", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"resize_bilinear_f32", UD2M_CUDA_MODULE_POOL, 256, 0, 0, 0},
    {"linear_f16", UD2M_CUDA_MODULE_VECTOR, 128, 4, 4, 0},
    {"linear_bf16", UD2M_CUDA_MODULE_VECTOR, 128, 4, 4, 0},
    {"linear_f32", UD2M_CUDA_MODULE_VECTOR, 128, 4, 4, 0},
    {"norm_coefficients", UD2M_CUDA_MODULE_NORM, 256, 0, 0, 0},
    {"vector_coefficients", UD2M_CUDA_MODULE_NORM, 256, 0, 0, 0},
    {"vector", UD2M_CUDA_MODULE_VECTOR, 256, 0, 0, 0},
    {"timestep_embedding", UD2M_CUDA_MODULE_VECTOR, 256, 0, 0, 0},
    {"class_embedding", UD2M_CUDA_MODULE_VECTOR, 256, 0, 0, 0},
    {"fft_rows", UD2M_CUDA_MODULE_FFT, 512, 0, 0, 65536},
    {"fft_columns", UD2M_CUDA_MODULE_FFT, 512, 0, 0, 65536},
    {"super_resolution", UD2M_CUDA_MODULE_FFT, 256, 0, 0, 0},
    {"noise", UD2M_CUDA_MODULE_NOISE, 256, 0, 0, 0},
    {"reduce", UD2M_CUDA_MODULE_REDUCE, 256, 0, 0, 0},
    {"reduce_finish", UD2M_CUDA_MODULE_REDUCE, 256, 0, 0, 0},
    {"combine", UD2M_CUDA_MODULE_REDUCE, 256, 0, 0, 0},
    {"masked", UD2M_CUDA_MODULE_REDUCE, 256, 0, 0, 0},
};

const ud2m_cuda_image *ud2m_cuda_image_of(int module) {
    return module >= 0 && module < UD2M_CUDA_MODULE_COUNT ? &images[module] : NULL;
}

const ud2m_cuda_kernel *ud2m_cuda_kernel_at(int index) {
    const int count = sizeof kernels / sizeof *kernels;
    return index >= 0 && index < count ? &kernels[index] : NULL;
}

const ud2m_cuda_kernel *ud2m_cuda_kernel_named(const char *name) {
    const ud2m_cuda_kernel *kernel;
    for (int index = 0; (kernel = ud2m_cuda_kernel_at(index)); index++) {
        if (strcmp(kernel->name, name) == 0) return kernel;
    }
    return NULL;
}

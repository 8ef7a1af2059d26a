#include "conv_tensor.cuh"

CONVOLUTION_KERNELS(bfloat16, bf16)

#include "conv_tensor.cuh"

CONVOLUTION_KERNELS(bfloat16, bf16)
EPILOGUE_KERNEL(bfloat16, bf16)

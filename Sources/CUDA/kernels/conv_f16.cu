#include "conv_tensor.cuh"

CONVOLUTION_KERNELS(half16, f16)
EPILOGUE_KERNEL(half16, f16)

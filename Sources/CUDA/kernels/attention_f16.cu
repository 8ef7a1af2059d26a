#include "attention_tensor.cuh"

ATTENTION_KERNELS(half16, f16)

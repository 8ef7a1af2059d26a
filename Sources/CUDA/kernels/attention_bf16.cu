#include "attention_tensor.cuh"

ATTENTION_KERNELS(bfloat16, bf16)

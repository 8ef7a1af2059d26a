#include "attention_plain.cuh"
#include "attention_tensor.cuh"

ATTENTION_KERNELS(bfloat16, bf16)
PLAIN_ATTENTION_KERNEL(bfloat16, bf16, 256)

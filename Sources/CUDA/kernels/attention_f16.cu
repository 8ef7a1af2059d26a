#include "attention_plain.cuh"
#include "attention_tensor.cuh"

ATTENTION_KERNELS(half16, f16)
PLAIN_ATTENTION_KERNEL(half16, f16, 256)

#include "attention_plain.cuh"

PLAIN_ATTENTION_KERNEL(float, f32, 256, 3)

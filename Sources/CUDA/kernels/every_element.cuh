#pragma once
// Names of kernels that exist for every type of elements.

#include "map.cuh"

/// `name_f16`, `_bf16` and `_f32`: kernels of `threads` threads that call `name<Element>` with their structure.
#define FOR_EVERY_ELEMENT(name, structure, threads)                                                                        \
    extern "C" __global__ void __launch_bounds__(threads) name##_f16(const __grid_constant__ structure argument) {         \
        name<half16>(argument);                                                                                            \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(threads) name##_bf16(const __grid_constant__ structure argument) {        \
        name<bfloat16>(argument);                                                                                          \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(threads) name##_f32(const __grid_constant__ structure argument) {         \
        name<float>(argument);                                                                                             \
    }

/// Vectors of eight elements, one a thread in turn, whatever the grid's size.
#define FOR_EVERY_VECTOR(index, count)                                                                                     \
    for (long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x; index < (count);                              \
         index += (long long)gridDim.x * blockDim.x)

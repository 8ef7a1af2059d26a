#pragma once
// Types of elements without NVIDIA's headers: 16-bit floats are their bits, converted by inline PTX.

#include "ud2m_cuda_kernels.h"

#define DEVICE static __device__ __forceinline__

typedef unsigned int u32;
typedef unsigned long long u64;

struct half16 {
    unsigned short bits;
};

struct bfloat16 {
    unsigned short bits;
};

DEVICE float to_float(half16 value) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
    return result;
}

DEVICE float to_float(bfloat16 value) { return __uint_as_float((u32)value.bits << 16); }

DEVICE float to_float(float value) { return value; }

/// To the nearest; what is too large becomes infinite.
DEVICE void round_to(half16 &result, float value) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value)); }

DEVICE void round_to(bfloat16 &result, float value) {
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
}

DEVICE void round_to(float &result, float value) { result = value; }

/// Eight neighbouring elements, the smallest part of a map: 16 bytes, or 32 of f32, read and written at once.
template <class Element> struct Eight {
    uint4 words;

    DEVICE Eight load(const void *address) { return {*(const uint4 *)address}; }

    __device__ __forceinline__ void store(void *address) const { *(uint4 *)address = words; }

    __device__ __forceinline__ void unpack(float *values) const {
        const u32 all[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int i = 0; i < 8; i++) values[i] = to_float(Element{(unsigned short)(all[i / 2] >> i % 2 * 16)});
    }

    DEVICE Eight pack(const float *values) {
        u32 all[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            Element low, high;
            round_to(low, values[2 * i]);
            round_to(high, values[2 * i + 1]);
            all[i] = low.bits | (u32)high.bits << 16;
        }
        return {make_uint4(all[0], all[1], all[2], all[3])};
    }
};

template <> struct Eight<float> {
    float4 low, high;

    DEVICE Eight load(const void *address) { return {((const float4 *)address)[0], ((const float4 *)address)[1]}; }

    __device__ __forceinline__ void store(void *address) const {
        ((float4 *)address)[0] = low;
        ((float4 *)address)[1] = high;
    }

    __device__ __forceinline__ void unpack(float *values) const {
        const float all[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int i = 0; i < 8; i++) values[i] = all[i];
    }

    DEVICE Eight pack(const float *values) {
        return {make_float4(values[0], values[1], values[2], values[3]),
                make_float4(values[4], values[5], values[6], values[7])};
    }
};

/// 1/(1 + e⁻ˣ): with the machine's fast exponential and division where the result is rounded to 16 bits anyway.
template <class Element> DEVICE float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

template <> __device__ __forceinline__ float sigmoid<float>(float x) { return 1.0f / (1.0f + expf(-x)); }

/// One value, of a kind other than none; ReLU has the slope 0.
template <class Element> DEVICE float activate(float x, int kind, float slope) {
    if (kind == UD2M_CUDA_SILU || kind == UD2M_CUDA_SIGMOID) {
        const float gate = sigmoid<Element>(x);
        return kind == UD2M_CUDA_SILU ? x * gate : gate;
    }
    // Unlike a maximum, this keeps what is not a number.
    return x < 0 ? slope * x : x;
}

/// All of an array: the kind is looked at once. `slope` is used where the kind has one.
template <class Element, int count> DEVICE void activate_all(float *values, int kind, float slope) {
    if (kind == UD2M_CUDA_NONE) return;
    const float used_slope = kind == UD2M_CUDA_LEAKY_RELU ? slope : 0.0f;
#pragma unroll
    for (int i = 0; i < count; i++) values[i] = activate<Element>(values[i], kind, used_slope);
}

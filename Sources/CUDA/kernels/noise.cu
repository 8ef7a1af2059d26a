// Standard normal numbers of the Philox 4×32-10 generator, the same as on the CPU.

#include "double_math.cuh"

namespace {

DEVICE uint4 philox(uint4 counter, u32 key_0, u32 key_1) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const u32 first_high = __umulhi(0xd2511f53u, counter.x), first_low = 0xd2511f53u * counter.x;
        const u32 second_high = __umulhi(0xcd9e8d57u, counter.z), second_low = 0xcd9e8d57u * counter.z;
        counter = make_uint4(second_high ^ counter.y ^ key_0, second_low, first_high ^ counter.w ^ key_1, first_low);
        key_0 += 0x9e3779b9u;
        key_1 += 0xbb67ae85u;
    }
    return counter;
}

/// Two normal values from two words, by the Box–Muller transform with the CPU's roundings.
DEVICE float2 polar(u32 radius_word, u32 angle_word) {
    const double radius = sqrt(-2 * logarithm(((double)radius_word + 1) * 0x1p-32));
    const double angle = __dmul_rn(6.283185307179586, (double)angle_word * 0x1p-32);
    double sine, cosine;
    sine_and_cosine(angle, sine, cosine);
    return make_float2((float)(radius * cosine), (float)(radius * sine));
}

} // namespace

/// Grid: x = any; a thread computes blocks of four values.
extern "C" __global__ void __launch_bounds__(256) noise(const __grid_constant__ ud2m_cuda_noise task) {
    const int blocks = (task.count - 1) / 4 + 1;
    for (int block = blockIdx.x * 256 + threadIdx.x; block < blocks; block += gridDim.x * 256) {
        const uint4 words =
            philox(make_uint4((u32)block, task.position, task.kind, task.sample), task.key[0], task.key[1]);
        const float2 first = polar(words.x, words.y), second = polar(words.z, words.w);
        const float values[4] = {first.x, first.y, second.x, second.y};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const long long index = 4ll * block + i;
            if (index >= task.count) break;
            double value = __dmul_rn(task.noise_scale, (double)values[i]);
            if (task.input) value = __dadd_rn(__dmul_rn(task.input_scale, (double)task.input[index]), value);
            task.output[index] = (float)value;
        }
    }
}

// Vectors: fully connected layers, sums, embeddings.

#include "every_element.cuh"
#include "double_math.cuh"

DEVICE float activated(float value, int kind, float slope) {
    activate_all<float, 1>(&value, kind, slope);
    return value;
}

/// A warp computes one output of up to four images, so a weight is read once for all of them. Grid: x = ⌈outputs / 4⌉,
/// y = ⌈images / 4⌉.
template <class Element> DEVICE void linear(const ud2m_cuda_linear &task) {
    const int lane = threadIdx.x % 32, output = blockIdx.x * 4 + threadIdx.x / 32, first = blockIdx.y * 4;
    if (output >= task.outputs) return;
    const Element *weights = (const Element *)task.weights + (long long)output * task.inputs;
    const float *inputs[4];
#pragma unroll
    for (int i = 0; i < 4; i++) inputs[i] = task.input + (long long)min(first + i, task.images - 1) * task.input_stride;
    float sums[4] = {};
    for (int index = lane; index < task.inputs; index += 32) {
        const float weight = to_float(weights[index]);
#pragma unroll
        for (int i = 0; i < 4; i++) sums[i] = fmaf(weight, inputs[i][index], sums[i]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        for (int step = 16; step > 0; step /= 2) sums[i] += __shfl_xor_sync(0xffffffff, sums[i], step);
        if (lane == 0 && first + i < task.images) {
            const float value = sums[i] + (task.bias ? task.bias[output] : 0.0f);
            task.output[(long long)(first + i) * task.output_stride + output] =
                activated(value, task.activation, task.slope);
        }
    }
}

FOR_EVERY_ELEMENT(linear, ud2m_cuda_linear, 128)

/// Grid: x = any, y = images.
extern "C" __global__ void __launch_bounds__(256) vector(const __grid_constant__ ud2m_cuda_vector task) {
    const long long image = blockIdx.y;
    for (int index = blockIdx.x * 256 + threadIdx.x; index < task.count; index += gridDim.x * 256) {
        float value = task.left[image * task.left_stride + index];
        if (task.right) value += task.right[image * task.right_stride + index];
        task.output[image * task.output_stride + index] = activated(value, task.activation, task.slope);
    }
}

/// The roundings of the network's definition, as on the CPU: elementary functions in double precision, rounded once.
/// Grid: x = images.
extern "C" __global__ void __launch_bounds__(256) timestep_embedding(const __grid_constant__ ud2m_cuda_timestep task) {
    const int half = task.width / 2, image = blockIdx.x;
    const double log_period = 9.210340371976184;
    float *output = task.output + (long long)image * task.output_stride;
    for (int index = threadIdx.x; index < half; index += 256) {
        const float exponent =
            task.frequency_shift == 0
                ? __fdiv_rn(__fmul_rn(-(float)log_period, (float)index), (float)half)
                : __fmul_rn((float)index, -(float)(log_period / (half - task.frequency_shift)));
        const float angle = __fmul_rn(task.timesteps[image], (float)exp((double)exponent));
        double sine, cosine;
        sine_and_cosine((double)angle, sine, cosine);
        output[task.cosine_first ? index : half + index] = (float)cosine;
        output[task.cosine_first ? half + index : index] = (float)sine;
    }
    if (task.width % 2 != 0 && threadIdx.x == 0) output[task.width - 1] = 0;
}

/// Grid: x = images.
extern "C" __global__ void __launch_bounds__(256) class_embedding(const __grid_constant__ ud2m_cuda_class_embedding task) {
    const long long image = blockIdx.x, row = (long long)task.labels[image];
    for (int index = threadIdx.x; index < task.width; index += 256) {
        task.output[image * task.output_stride + index] = task.table[row * task.width + index];
    }
}

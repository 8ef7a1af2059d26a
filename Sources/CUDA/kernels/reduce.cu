// Sums over images, and the sampler's arithmetic between them. Products and sums of doubles are rounded one by one, as on
// the CPU.

#include "element.cuh"

namespace {

DEVICE double weighted(double left_scale, float left, double right_scale, const float *right, long long index) {
    const double value = __dmul_rn(left_scale, (double)left);
    return right ? __dadd_rn(value, __dmul_rn(right_scale, (double)right[index])) : value;
}

DEVICE double joined(int kind, double total, double value) {
    if (kind != UD2M_CUDA_LARGEST) return total + value;
    return value > total || value != value ? value : total;
}

/// The block's total, in the order of a tree; valid in thread 0. `totals` is shared by the block's 256 threads.
DEVICE double block_total(int kind, double own, double *totals) {
    totals[threadIdx.x] = own;
    for (int step = 128; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.x < step) {
            totals[threadIdx.x] = joined(kind, totals[threadIdx.x], totals[threadIdx.x + step]);
        }
    }
    return totals[0];
}

} // namespace

/// Grid: x = blocks, y = groups.
extern "C" __global__ void __launch_bounds__(256) reduce(const __grid_constant__ ud2m_cuda_reduce task) {
    __shared__ double totals[256];
    const long long first = (long long)blockIdx.y * task.count;
    double total = 0;
    for (int index = blockIdx.x * 256 + threadIdx.x; index < task.count; index += task.blocks * 256) {
        const double left = task.left[first + index];
        double value = left;
        switch (task.kind) {
        case UD2M_CUDA_SQUARES: value = left * left; break;
        case UD2M_CUDA_DOT: value = left * task.right[first + index]; break;
        case UD2M_CUDA_SQUARED_DIFFERENCES: {
            const double difference = left - task.right[first + index];
            value = difference * difference;
            break;
        }
        case UD2M_CUDA_LARGEST: value = fabs(left); break;
        default: break;
        }
        total = joined(task.kind, total, value);
    }
    total = block_total(task.kind, total, totals);
    if (threadIdx.x == 0) task.partials[(long long)blockIdx.y * task.blocks + blockIdx.x] = total;
}

/// Grid: x = groups.
extern "C" __global__ void __launch_bounds__(256) reduce_finish(const __grid_constant__ ud2m_cuda_reduce task) {
    __shared__ double totals[256];
    double total = 0;
    for (int index = threadIdx.x; index < task.blocks; index += 256) {
        total = joined(task.kind, total, task.partials[(long long)blockIdx.x * task.blocks + index]);
    }
    total = block_total(task.kind, total, totals);
    if (threadIdx.x == 0) task.output[blockIdx.x] = total;
}

/// Grid: x = any.
extern "C" __global__ void __launch_bounds__(256) combine(const __grid_constant__ ud2m_cuda_combine task) {
    for (int index = blockIdx.x * 256 + threadIdx.x; index < task.count; index += gridDim.x * 256) {
        float value =
            (float)weighted(task.left_scale, task.left[index], task.right_scale, task.right, index);
        if (task.is_clamped) value = value < -1 ? -1.0f : value > 1 ? 1.0f : value;
        task.output[index] = value;
    }
}

/// Grid: x = any, y = planes.
extern "C" __global__ void __launch_bounds__(256) masked(const __grid_constant__ ud2m_cuda_masked task) {
    for (int pixel = blockIdx.x * 256 + threadIdx.x; pixel < task.pixels; pixel += gridDim.x * 256) {
        const long long index = (long long)blockIdx.y * task.pixels + pixel;
        const bool is_observed = !task.mask || task.mask[pixel] != 0;
        if (task.kind == 1) {
            task.output[index] = is_observed ? task.observed[index] : task.first[index];
            continue;
        }
        double value = weighted(task.first_weight, task.first[index], task.second_weight, task.second, index);
        if (is_observed) {
            value = __dadd_rn((double)task.observed[index], __dmul_rn(task.weight, value)) / (1 + task.weight);
        }
        task.output[index] = (float)value;
    }
}

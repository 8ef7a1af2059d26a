// Group normalisation as coefficients: sums of maps that no convolution left, and scale and shift of every slot.

#include "every_element.cuh"
#include "moments.cuh"

/// Grid: x = moment tiles, y = images, z = ⌈stride / 128⌉; a thread adds up one slot of a tile's pixels, in order.
template <class Element> DEVICE void moments(const ud2m_cuda_moments &task) {
    const int slot = blockIdx.z * 128 + threadIdx.x, tile = blockIdx.x, image = blockIdx.y;
    if (slot >= task.part.stride) return;
    const int first = tile * UD2M_CUDA_MOMENT_PIXELS, count = min(task.pixels - first, UD2M_CUDA_MOMENT_PIXELS);
    const Element *source =
        (const Element *)task.part.data + ((long long)image * task.pixels + first) * task.part.stride + slot;
    store_moments<4>(
        task.moments + (((long long)image * task.moment_tiles + tile) * task.part.stride + slot) * 2, count,
        [&](int pixel) { return to_float(source[(long long)pixel * task.part.stride]); });
}

FOR_EVERY_ELEMENT(moments, ud2m_cuda_moments, 128)

/// A channel's part and its place there.
template <class Task> DEVICE int part_of_channel(const Task &task, int channel, int &slot, int &local) {
    int part = 0;
    slot = 0;
    while (part + 1 < task.part_count && channel >= task.channels[part]) {
        channel -= task.channels[part];
        slot += task.strides[part];
        part++;
    }
    local = channel;
    slot += channel;
    return part;
}

/// Clears the coefficients of padding.
template <class Task> DEVICE void clear_padding(const Task &task, float *output) {
    int first = 0;
    for (int part = 0; part < task.part_count; part++) {
        for (int slot = task.channels[part] + threadIdx.x; slot < task.strides[part]; slot += blockDim.x) {
            output[first + slot] = 0;
            output[task.slots + first + slot] = 0;
        }
        first += task.strides[part];
    }
}

/// Grid: x = groups, y = images.
extern "C" __global__ void __launch_bounds__(256) norm_coefficients(const __grid_constant__ ud2m_cuda_norm task) {
    __shared__ double sums[256], squares[256];
    const int group = blockIdx.x, image = blockIdx.y, thread = threadIdx.x;
    int channels = 0;
    for (int part = 0; part < task.part_count; part++) channels += task.channels[part];
    const int size = channels / task.groups, first = group * size;
    float *output = task.output + (long long)image * 2 * task.slots;

    double sum = 0, square = 0;
    // One over the pixels of the last tile, in two steps of Newton's method: a division of doubles more would spill registers.
    const int last = task.pixels - (task.moment_tiles - 1) * UD2M_CUDA_MOMENT_PIXELS;
    double last_share = 1.0f / (float)last;
    for (int step = 0; step < 2; step++) last_share *= 2 - last * last_share;
    for (long long item = thread; item < (long long)task.moment_tiles * size; item += 256) {
        const int tile = (int)(item / size);
        int slot, local;
        const int part = part_of_channel(task, first + (int)(item - (long long)tile * size), slot, local);
        const float *source =
            task.moments[part] + (((long long)image * task.moment_tiles + tile) * task.strides[part] + local) * 2;
        const double total = source[0];
        sum += total;
        square += source[1] + total * total * (tile + 1 < task.moment_tiles ? 1.0 / UD2M_CUDA_MOMENT_PIXELS : last_share);
    }
    sums[thread] = sum;
    squares[thread] = square;
    for (int step = 128; step > 0; step /= 2) {
        __syncthreads();
        if (thread < step) {
            sums[thread] += sums[thread + step];
            squares[thread] += squares[thread + step];
        }
    }
    __syncthreads();
    const double count = (double)size * task.pixels, mean = sums[0] / count;
    const double variance = squares[0] / count - mean * mean;
    const float deviation = (float)(1 / sqrt((variance > 0 ? variance : variance == variance ? 0 : variance) + task.epsilon));
    for (int index = thread; index < size; index += 256) {
        const int channel = first + index;
        int slot, local;
        part_of_channel(task, channel, slot, local);
        float scale = deviation * (task.weight ? task.weight[channel] : 1.0f);
        float shift = (float)((double)(task.bias ? task.bias[channel] : 0.0f) - mean * scale);
        if (task.modulation) {
            const float *modulation = task.modulation + (long long)image * task.modulation_stride;
            const float factor = 1.0f + modulation[channel];
            scale *= factor;
            shift = fmaf(shift, factor, modulation[channels + channel]);
        }
        output[slot] = scale;
        output[task.slots + slot] = shift;
    }
    if (group == 0) clear_padding(task, output);
}

/// Grid: x = images.
extern "C" __global__ void __launch_bounds__(256)
    vector_coefficients(const __grid_constant__ ud2m_cuda_vector_coefficients task) {
    const int image = blockIdx.x;
    int channels = 0;
    for (int part = 0; part < task.part_count; part++) channels += task.channels[part];
    float *output = task.output + (long long)image * 2 * task.slots;
    const float *vector = task.vector + (long long)image * task.vector_stride;
    for (int channel = threadIdx.x; channel < channels; channel += 256) {
        int slot, local;
        part_of_channel(task, channel, slot, local);
        output[slot] = task.kind == 0 ? 1.0f + vector[channel] : task.kind == 1 ? 1.0f : vector[0];
        output[task.slots + slot] = task.kind == 0 ? vector[channels + channel] : task.kind == 1 ? vector[channel] : 0.0f;
    }
    clear_padding(task, output);
}

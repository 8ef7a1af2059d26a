// Windows of pixels to one: pooling, means of whole images, bilinear resizing.

#include "every_element.cuh"

/// Grid: x = any, y = parts.
template <class Element> DEVICE void pool(const ud2m_cuda_pool &task) {
    const int index = blockIdx.y;
    const ud2m_cuda_part &part = task.input.parts[index], &output = task.outputs[index];
    const int height = map_height(task.input), width = map_width(task.input), vectors = part.stride / 8;
    const int first_slot = slots_before(task.input, index);
    FOR_EVERY_VECTOR(item, (long long)task.images * task.output_height * task.output_width * vectors) {
        const long long pixel = item / vectors, line = pixel / task.output_width;
        const int channel = (int)(item - pixel * vectors) * 8;
        const int x = (int)(pixel - line * task.output_width), y = (int)(line % task.output_height);
        const int image = (int)(line / task.output_height);
        int top = y * task.step - task.padding, left = x * task.step - task.padding;
        int bottom = top + task.window, right = left + task.window;
        if (task.kind == 2) {
            // From the rounded down start to the rounded up end of an even division.
            top = (int)((long long)y * height / task.output_height);
            bottom = (int)(((long long)(y + 1) * height + task.output_height - 1) / task.output_height);
            left = (int)((long long)x * width / task.output_width);
            right = (int)(((long long)(x + 1) * width + task.output_width - 1) / task.output_width);
        }
        top = max(top, 0);
        left = max(left, 0);
        bottom = min(bottom, height);
        right = min(right, width);
        float result[8];
#pragma unroll
        for (int i = 0; i < 8; i++) result[i] = task.kind == 0 ? __int_as_float(0xff800000) : 0.0f;
        for (int row = top; row < bottom; row++) {
            for (int column = left; column < right; column++) {
                float values[8];
                map_values<Element>(values, task.input, part, channel, first_slot + channel, image, row, column);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    // What is not a number wins, as in PyTorch.
                    result[i] = task.kind != 0                            ? result[i] + values[i]
                                : values[i] > result[i] || values[i] != values[i] ? values[i]
                                                                          : result[i];
                }
            }
        }
        const float count = (float)((bottom - top) * (right - left));
#pragma unroll
        for (int i = 0; i < 8; i++) {
            if (task.kind != 0) result[i] /= count;
        }
        Eight<Element>::pack(result).store((Element *)output.data + pixel * output.stride + channel);
    }
}

FOR_EVERY_ELEMENT(pool, ud2m_cuda_pool, 256)

/// A block adds up 32 slots of an image: eight warps take every eighth pixel each. Sums of 64 pixels in f32 are collected
/// in double precision. Grid: x = ⌈slots / 32⌉, y = images.
template <class Element> DEVICE void global_average(const ud2m_cuda_global_average &task) {
    __shared__ double sums[8][32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, image = blockIdx.y;
    const int slot = blockIdx.x * 32 + lane;
    const int width = map_width(task.input), pixels = map_height(task.input) * width;
    const PartSlot place = part_of(task.input, slot);
    const bool is_channel = slot < task.input.slots && place.channel < task.input.parts[place.part].channels;
    double total = 0;
    if (is_channel) {
        for (int first = warp; first < pixels; first += 8 * 64) {
            float sum = 0;
            for (int pixel = first; pixel < min(first + 8 * 64, pixels); pixel += 8) {
                sum += map_value<Element>(task.input, place, slot, image, pixel / width, pixel % width);
            }
            total += sum;
        }
    }
    sums[warp][lane] = total;
    __syncthreads();
    if (warp > 0 || !is_channel) return;
    for (int i = 1; i < 8; i++) total += sums[i][lane];
    task.output[(long long)image * task.output_stride + place.first_channel + place.channel] = (float)(total / pixels);
}

FOR_EVERY_ELEMENT(global_average, ud2m_cuda_global_average, 256)

/// Where an output coordinate lies between two of the input.
struct Between {
    int low, high;
    float weight;
};

DEVICE Between between(int index, int count, int target) {
    const float position = fmaxf((index + 0.5f) * ((float)count / target) - 0.5f, 0.0f);
    const int low = min((int)position, count - 1);
    return {low, min(low + 1, count - 1), position - low};
}

/// Grid: x = any.
template <class Element> DEVICE void resize_bilinear(const ud2m_cuda_resize &task) {
    const int vectors = task.input.stride / 8;
    FOR_EVERY_VECTOR(item, (long long)task.images * task.output_height * task.output_width * vectors) {
        const long long pixel = item / vectors, line = pixel / task.output_width;
        const int channel = (int)(item - pixel * vectors) * 8;
        const Between x = between((int)(pixel - line * task.output_width), task.width, task.output_width);
        const Between y = between((int)(line % task.output_height), task.height, task.output_height);
        const Element *source = (const Element *)task.input.data +
                                line / task.output_height * task.height * task.width * task.input.stride + channel;
        float result[8];
#pragma unroll
        for (int corner = 0; corner < 4; corner++) {
            const int row = corner / 2 ? y.high : y.low, column = corner % 2 ? x.high : x.low;
            const float weight = (corner / 2 ? y.weight : 1 - y.weight) * (corner % 2 ? x.weight : 1 - x.weight);
            float values[8];
            Eight<Element>::load(source + ((long long)row * task.width + column) * task.input.stride).unpack(values);
#pragma unroll
            for (int i = 0; i < 8; i++) result[i] = corner ? fmaf(weight, values[i], result[i]) : weight * values[i];
        }
        Eight<Element>::pack(result).store((Element *)task.output.data + pixel * task.output.stride + channel);
    }
}

FOR_EVERY_ELEMENT(resize_bilinear, ud2m_cuda_resize, 256)

// Copies, sums and changes of layout.

#include "every_element.cuh"

/// Grid: x = any, y = parts.
template <class Element> DEVICE void load(const ud2m_cuda_load &task) {
    const int index = blockIdx.y;
    const ud2m_cuda_part &part = task.input.parts[index], &output = task.outputs[index];
    const int height = map_height(task.input), width = map_width(task.input), vectors = part.stride / 8;
    const int first_slot = slots_before(task.input, index);
    FOR_EVERY_VECTOR(item, (long long)task.images * height * width * vectors) {
        const long long pixel = item / vectors;
        const int channel = (int)(item - pixel * vectors) * 8;
        const int image = (int)(pixel / (height * width)), place = (int)(pixel - (long long)image * height * width);
        float values[8];
        map_values<Element>(
            values, task.input, part, channel, first_slot + channel, image, place / width, place % width);
        Eight<Element>::pack(values).store((Element *)output.data + pixel * output.stride + channel);
    }
}

FOR_EVERY_ELEMENT(load, ud2m_cuda_load, 256)

/// Grid: x = any.
template <class Element> DEVICE void add(const ud2m_cuda_add &task) {
    const int vectors = task.left.stride / 8;
    FOR_EVERY_VECTOR(item, (long long)task.images * task.pixels * vectors) {
        const long long pixel = item / vectors;
        const int channel = (int)(item - pixel * vectors) * 8;
        float values[8], others[8];
        Eight<Element>::load((const Element *)task.left.data + pixel * task.left.stride + channel).unpack(values);
        if (task.right.data) {
            Eight<Element>::load((const Element *)task.right.data + pixel * task.right.stride + channel).unpack(others);
        } else {
            const float *vector = task.vector + pixel / task.pixels * task.vector_stride;
#pragma unroll
            for (int i = 0; i < 8; i++) others[i] = channel + i < task.left.channels ? vector[channel + i] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < 8; i++) values[i] += others[i];
        Eight<Element>::pack(values).store((Element *)task.output.data + pixel * task.output.stride + channel);
    }
}

FOR_EVERY_ELEMENT(add, ud2m_cuda_add, 256)

/// 32 pixels × 32 channels go through shared memory, so that both sides are read and written along their rows; a row there
/// has 33 values, which puts a column's into different banks. Grid: x = ⌈pixels / 32⌉, y = ⌈stride / 32⌉, z = images.
template <class Element> DEVICE void pack(const ud2m_cuda_pack &task) {
    __shared__ float tile[32][33];
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32, image = blockIdx.z;
    const int first_pixel = blockIdx.x * 32, first_channel = blockIdx.y * 32;
    for (int i = row; i < 32; i += 8) {
        const int channel = first_channel + i, pixel = first_pixel + lane;
        const bool is_inside = channel < task.output.channels && pixel < task.pixels;
        tile[i][lane] =
            is_inside ? task.input[((long long)image * task.output.channels + channel) * task.pixels + pixel] : 0.0f;
    }
    __syncthreads();
    for (int i = row; i < 32; i += 8) {
        const int channel = first_channel + lane, pixel = first_pixel + i;
        if (channel >= task.output.stride || pixel >= task.pixels) continue;
        Element *target =
            (Element *)task.output.data + ((long long)image * task.pixels + pixel) * task.output.stride + channel;
        round_to(*target, tile[lane][i]);
    }
}

FOR_EVERY_ELEMENT(pack, ud2m_cuda_pack, 256)

/// Grid: x = ⌈pixels of the map as it is read / 32⌉, y = ⌈slots / 32⌉, z = images.
template <class Element> DEVICE void flatten(const ud2m_cuda_flatten &task) {
    __shared__ float tile[32][33];
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32, image = blockIdx.z;
    const int width = map_width(task.input), pixels = map_height(task.input) * width;
    const int first_pixel = blockIdx.x * 32, first_slot = blockIdx.y * 32;
    const PartSlot place = part_of(task.input, first_slot + lane);
    const bool is_channel =
        first_slot + lane < task.input.slots && place.channel < task.input.parts[place.part].channels;
    for (int i = row; i < 32; i += 8) {
        const int pixel = first_pixel + i;
        if (is_channel && pixel < pixels) {
            tile[i][lane] =
                map_value<Element>(task.input, place, first_slot + lane, image, pixel / width, pixel % width);
        }
    }
    __syncthreads();
    for (int i = row; i < 32; i += 8) {
        const int slot = first_slot + i, pixel = first_pixel + lane;
        if (slot >= task.input.slots || pixel >= pixels) continue;
        const PartSlot own = part_of(task.input, slot);
        if (own.channel >= task.input.parts[own.part].channels) continue;
        task.output[(long long)image * task.output_stride + (long long)(own.first_channel + own.channel) * pixels + pixel] =
            tile[lane][i];
    }
}

FOR_EVERY_ELEMENT(flatten, ud2m_cuda_flatten, 256)

/// Grid: x = any.
template <class Element> DEVICE void interleave(const ud2m_cuda_interleave &task) {
    const int vectors = task.output.stride / 8, width = 2 * task.width, height = 2 * task.height;
    FOR_EVERY_VECTOR(item, (long long)task.images * height * width * vectors) {
        const long long pixel = item / vectors;
        const int channel = (int)(item - pixel * vectors) * 8;
        const long long line = pixel / width;
        const int x = (int)(pixel - line * width), y = (int)(line % height);
        const long long source = (line / height * task.height + y / 2) * task.width + x / 2;
        const int run = (y % 2 * 2 + x % 2) * task.output.stride;
        Eight<Element>::load((const Element *)task.input.data + source * task.input.stride + run + channel)
            .store((Element *)task.output.data + pixel * task.output.stride + channel);
    }
}

FOR_EVERY_ELEMENT(interleave, ud2m_cuda_interleave, 256)

#pragma once
// What the convolutions share: the matrix product's K dimension, walked through without forming it.

#include "map.cuh"

/// A place in the K dimension: kernel positions row by row, and of each all slots of the map, part after part.
struct Walk {
    int kernel_y, kernel_x;
    int part;
    /// Within the part.
    int channel;
    /// Over all parts.
    int slot;
    const void *data;
    int stride;

    __device__ __forceinline__ Walk(const ud2m_cuda_conv &conv, int start) {
        kernel_y = kernel_x = part = slot = channel = 0;
        data = conv.input.parts[0].data;
        stride = conv.input.parts[0].stride;
        advance(conv, start);
    }

    /// Goes on by some slots, over parts and kernel positions; `is_over` tells when the end has been passed.
    __device__ __forceinline__ void advance(const ud2m_cuda_conv &conv, int count) {
        channel += count;
        slot += count;
        while (channel >= stride) {
            channel -= stride;
            if (++part == conv.input.part_count) {
                part = 0;
                slot -= conv.input.slots;
                if (++kernel_x == conv.kernel_width) {
                    kernel_x = 0;
                    kernel_y++;
                }
            }
            data = conv.input.parts[part].data;
            stride = conv.input.parts[part].stride;
        }
    }

    __device__ __forceinline__ bool is_over(const ud2m_cuda_conv &conv) const { return kernel_y >= conv.kernel_height; }
};

/// One output pixel: the place of its window in the map as it is read.
struct Window {
    int y, x;
};

/// A pixel beyond the image's last gets a window that lies outside everywhere.
DEVICE Window window_of(const ud2m_cuda_conv &conv, int pixel) {
    const int row = pixel / conv.output_width;
    return {
        row < conv.output_height ? row * conv.step - conv.pad_top : -(1 << 29),
        (pixel - row * conv.output_width) * conv.step - conv.pad_left};
}

/// The element that a window has at a place in K, or null in zero padding.
template <class Element>
DEVICE const Element *window_address(const ud2m_cuda_conv &conv, const Walk &walk, Window window, int image) {
    const int y = window.y + walk.kernel_y, x = window.x + walk.kernel_x;
    const bool is_inside = (unsigned)y < (unsigned)map_height(conv.input) && (unsigned)x < (unsigned)map_width(conv.input);
    if (!is_inside || walk.is_over(conv)) return nullptr;
    return (const Element *)walk.data + pixel_index(conv.input, image, y, x) * walk.stride + walk.channel;
}

/// Elements of one row of weights.
DEVICE int weights_length(const ud2m_cuda_conv &conv) {
    return conv.kernel_height * conv.kernel_width * conv.input.slots;
}

DEVICE int weights_rows(const ud2m_cuda_conv &conv) {
    return (conv.output.channels + UD2M_CUDA_CHANNELS - 1) / UD2M_CUDA_CHANNELS * UD2M_CUDA_CHANNELS;
}

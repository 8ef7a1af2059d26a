#pragma once
// What every convolution does with its sums: bias, residual, activation, rounding, moments.

#include "map.cuh"
#include "moments.cuh"

/// The index in the residual's buffer of an output pixel.
DEVICE long long residual_pixel(const ud2m_cuda_conv &conv, int image, int pixel) {
    if (!conv.residual_upsampled) return (long long)image * conv.output_height * conv.output_width + pixel;
    const int y = pixel / conv.output_width, x = pixel % conv.output_width;
    return ((long long)image * (conv.output_height / 2) + y / 2) * (conv.output_width / 2) + x / 2;
}

/// Where a tile of outputs lies.
struct OutputTile {
    int image, first_pixel, first_channel;
};

/// Finishes 64 pixels × `Channels` of a tile, whose sums lie in shared memory, `row_length` a pixel, and leaves the moments
/// of the rounded values: a thread adds up one channel of the 64 pixels, in order, `unrolled` pixels a turn. All threads of
/// the block take part.
template <class Element, int Channels, int row_length, int unrolled = 4>
DEVICE void finish_rows(const ud2m_cuda_conv &conv, float *sums, OutputTile tile, int thread, int threads) {
    const int pixels = conv.output_height * conv.output_width;
    const int rows = min(pixels - tile.first_pixel, UD2M_CUDA_MOMENT_PIXELS);
    const float *bias = conv.bias ? conv.bias + (long long)tile.image * conv.bias_stride : nullptr;
#pragma unroll 1
    for (int item = thread; item < rows * (Channels / 8); item += threads) {
        const int row = item / (Channels / 8), column = item % (Channels / 8) * 8;
        const int pixel = tile.first_pixel + row, channel = tile.first_channel + column;
        if (channel >= conv.output.stride) continue;
        float *source = sums + row * row_length + column;
        float values[8];
        Eight<float>::load(source).unpack(values);
        if (bias) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                if (channel + i < conv.output.channels) values[i] += bias[channel + i];
            }
        }
        if (conv.residual.data && channel < conv.residual.stride) {
            float added[8];
            Eight<Element>::load(
                (const Element *)conv.residual.data +
                residual_pixel(conv, tile.image, pixel) * conv.residual.stride + channel)
                .unpack(added);
#pragma unroll
            for (int i = 0; i < 8; i++) values[i] += added[i];
        }
        activate_all<Element, 8>(values, conv.activation, conv.slope);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            if (channel + i >= conv.output.channels) values[i] = 0;
        }
        const Eight<Element> rounded = Eight<Element>::pack(values);
        rounded.store((Element *)conv.output.data + ((long long)tile.image * pixels + pixel) * conv.output.stride + channel);
        if (conv.moments) {
            rounded.unpack(values);
            Eight<float>::pack(values).store(source);
        }
    }
    if (!conv.moments) return;
    __syncthreads();
    const long long moment_tile =
        (long long)tile.image * conv.moment_tiles + tile.first_pixel / UD2M_CUDA_MOMENT_PIXELS;
    for (int column = thread; column < Channels && rows > 0; column += threads) {
        if (tile.first_channel + column >= conv.output.stride) break;
        store_moments<unrolled>(
            conv.moments + (moment_tile * conv.output.stride + tile.first_channel + column) * 2, rows,
            [=](int row) { return sums[row * row_length + column]; });
    }
}

/// Finishes a product in the maps' type, which a library left in `partials`. Grid as of `finish_convolution`.
template <class Element> DEVICE void finish_product(const ud2m_cuda_conv &conv) {
    constexpr int side = 64, row_length = side + 8;
    __shared__ __align__(16) float sums[side * row_length];
    const int pixels = conv.output_height * conv.output_width, tiles = (pixels + side - 1) / side;
    const int image = blockIdx.x / tiles, first_pixel = (blockIdx.x - image * tiles) * side;
    const int first_channel = blockIdx.y * side;
    for (int item = threadIdx.x; item < side * side / 8; item += 256) {
        const int row = item / (side / 8), column = item % (side / 8) * 8;
        const int pixel = first_pixel + row, channel = first_channel + column;
        if (pixel >= pixels || channel >= conv.output.stride) continue;
        float values[8];
        Eight<Element>::load(
            (const Element *)conv.partials + ((long long)image * pixels + pixel) * conv.output.stride + channel)
            .unpack(values);
        Eight<float>::pack(values).store(sums + row * row_length + column);
    }
    __syncthreads();
    // With more pixels a turn, fewer blocks would fit a multiprocessor.
    finish_rows<Element, side, row_length, 1>(conv, sums, {image, first_pixel, first_channel}, (int)threadIdx.x, 256);
}

#define EPILOGUE_KERNEL(Element, suffix)                                                                                   \
    extern "C" __global__ void __launch_bounds__(256) conv_epilogue_##suffix(const __grid_constant__ ud2m_cuda_conv conv) { \
        finish_product<Element>(conv);                                                                                     \
    }

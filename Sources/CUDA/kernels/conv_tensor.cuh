#pragma once
// Convolution of 16-bit maps on tensor cores: an implicit matrix product, output pixels × output channels, whose K runs
// over kernel positions and slots in chunks of 32.
//
// A block computes `Pixels` consecutive pixels of one image × `Channels` channels. Chunks of both operands wait in a ring
// of three stages in shared memory; rows there are 80 bytes apart, so the eight rows that a fragment's load reads lie in
// different banks. Plain maps, enlarged ones among them, are copied there asynchronously. Values of maps with
// coefficients or an activation go through registers: they are read before a chunk is multiplied and transformed and
// stored after it, so the reading is hidden behind the products.
//
// Grid: x = images · ⌈output pixels of an image / Pixels⌉, y = ⌈output.stride / Channels⌉, z = splits or 1. `conv_finish`:
// the same of 64 pixels × 64 channels, z = 1.

#include "conv_finish.cuh"
#include "conv_walk.cuh"
#include "tensor_core.cuh"

template <class Element, int Pixels, int Channels, int WarpPixels, int WarpChannels, bool transforms>
struct ConvolutionTile {
    static constexpr int stages = 3;
    static constexpr int chunk = 32;
    static constexpr int row_length = chunk + 8;
    static constexpr int threads = Pixels / WarpPixels * (Channels / WarpChannels) * 32;
    /// Each thread fetches one of a chunk's four vectors of eight slots in every `row_step`-th row.
    static constexpr int row_step = threads / 4;
    static constexpr int pixel_rows = Pixels / row_step;
    static constexpr int channel_rows = Channels / row_step;
    static constexpr int stage_elements = (Pixels + Channels) * row_length;
    static constexpr int pixel_blocks = WarpPixels / 16;
    static constexpr int channel_blocks = WarpChannels / 8;
    static constexpr int output_row_length = Channels + 8;
    static_assert(64 * output_row_length * 2 <= stages * stage_elements, "sums of 64 pixels reuse the stages");

    /// Values on their way through registers.
    struct Fetched {
        uint4 words[pixel_rows];
        float4 coefficients[4];
        bool is_inside[pixel_rows];
    };

    static __device__ __forceinline__ void run(const ud2m_cuda_conv &conv, Element *memory) {
        const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
        const int pixels = conv.output_height * conv.output_width;
        const int tiles = (pixels + Pixels - 1) / Pixels;
        const int image = blockIdx.x / tiles;
        const int first_pixel = (blockIdx.x - image * tiles) * Pixels, first_channel = blockIdx.y * Channels;
        const int length = weights_length(conv), all_chunks = (length + chunk - 1) / chunk;
        // This block's share of K.
        const int share = (all_chunks + gridDim.z - 1) / gridDim.z, first_chunk = share * blockIdx.z;
        const int chunks = max(min(all_chunks - first_chunk, share), 0);
        const int row = thread / 4, vector = thread % 4 * 8;
        const u32 base = shared_address(memory);

        Walk walk(conv, first_chunk * chunk + vector);
        Window windows[pixel_rows];
#pragma unroll
        for (int i = 0; i < pixel_rows; i++) windows[i] = window_of(conv, first_pixel + row + i * row_step);
        const Element *weights = (const Element *)conv.weights + (long long)(first_channel + row) * length;
        int weights_column = first_chunk * chunk + vector;
        const int rows_left = weights_rows(conv) - first_channel - row;

        auto fetch_weights = [&](int stage) {
#pragma unroll
            for (int i = 0; i < channel_rows; i++) {
                const bool is_valid = weights_column < length && i * row_step < rows_left;
                const Element *source =
                    is_valid ? weights + (long long)i * row_step * length + weights_column : (const Element *)conv.weights;
                copy_async(
                    base + (stage * stage_elements + (Pixels + row + i * row_step) * row_length + vector) * 2, source,
                    is_valid);
            }
            weights_column += chunk;
        };
        auto fetch_pixels = [&](int stage, Fetched &fetched) {
            if (transforms && conv.input.scale && !walk.is_over(conv)) {
                const long long index = (long long)image * conv.input.coefficient_stride + walk.slot;
                const float4 *scale = (const float4 *)(conv.input.scale + index);
                const float4 *shift = (const float4 *)(conv.input.shift + index);
                fetched.coefficients[0] = scale[0];
                fetched.coefficients[1] = scale[1];
                fetched.coefficients[2] = shift[0];
                fetched.coefficients[3] = shift[1];
            }
#pragma unroll
            for (int i = 0; i < pixel_rows; i++) {
                const Element *source = window_address<Element>(conv, walk, windows[i], image);
                if (transforms) {
                    fetched.is_inside[i] = source != nullptr;
                    fetched.words[i] = source ? *(const uint4 *)source : make_uint4(0, 0, 0, 0);
                } else {
                    copy_async(
                        base + (stage * stage_elements + (row + i * row_step) * row_length + vector) * 2,
                        source ? source : conv.weights, source != nullptr);
                }
            }
            walk.advance(conv, chunk);
        };
        auto store_pixels = [&](int stage, const Fetched &fetched) {
            if constexpr (transforms) {
#pragma unroll
                for (int i = 0; i < pixel_rows; i++) {
                    uint4 words = make_uint4(0, 0, 0, 0);
                    if (fetched.is_inside[i]) words = transformed(conv, fetched.words[i], fetched.coefficients);
                    *(uint4 *)(memory + stage * stage_elements + (row + i * row_step) * row_length + vector) = words;
                }
            }
        };

        float sums[pixel_blocks][channel_blocks][4] = {};
        const int warp_pixel = warp % (Pixels / WarpPixels) * WarpPixels;
        const int warp_channel = warp / (Pixels / WarpPixels) * WarpChannels;

        Fetched fetched;
        int stage = 0, next_stage = 0;
        // The first turns only fill the ring.
#pragma unroll 1
        for (int index = 1 - stages; index < chunks; index++) {
            if (index >= 0) {
                wait_for_copies<stages - 2>();
                // Everyone's copies of this chunk have arrived, and everyone is done with the stage that is filled next.
                __syncthreads();
            }
            const bool has_next = index + stages - 1 < chunks;
            if (has_next) {
                fetch_pixels(next_stage, fetched);
                fetch_weights(next_stage);
            }
            commit_copies();
            if (index >= 0) {
                const u32 left = base + stage * stage_elements * 2;
                multiply(
                    sums, left + warp_pixel * row_length * 2, left + (Pixels + warp_channel) * row_length * 2, lane);
                stage = stage + 1 == stages ? 0 : stage + 1;
            }
            if (has_next) store_pixels(next_stage, fetched);
            next_stage = next_stage + 1 == stages ? 0 : next_stage + 1;
        }
        if (conv.partials) {
            const long long row_of_partials = ((long long)blockIdx.z * conv.images + image) * pixels;
            store_partials(
                conv, conv.partials + row_of_partials * conv.output.stride, sums, first_pixel + warp_pixel,
                first_channel + warp_channel, pixels, lane);
            return;
        }
        wait_for_copies<0>();
        float *rows = (float *)memory;
#pragma unroll 1
        for (int first = 0; first < Pixels; first += 64) {
            __syncthreads();
            if (warp_pixel / 64 * 64 == first) {
                store_sums(rows + warp_pixel % 64 * output_row_length + warp_channel, sums, lane);
            }
            __syncthreads();
            finish_rows<Element, Channels, output_row_length>(
                conv, rows, {image, first_pixel + first, first_channel}, thread, threads);
        }
    }

  private:
    DEVICE uint4 transformed(const ud2m_cuda_conv &conv, uint4 words, const float4 *coefficients) {
        float values[8];
        Eight<Element>{words}.unpack(values);
        if (conv.input.scale) {
            float scales[8], shifts[8];
            Eight<float>{coefficients[0], coefficients[1]}.unpack(scales);
            Eight<float>{coefficients[2], coefficients[3]}.unpack(shifts);
#pragma unroll
            for (int i = 0; i < 8; i++) values[i] = scales[i] * values[i] + shifts[i];
        }
        activate_all<Element, 8>(values, conv.input.activation, conv.input.slope);
        return Eight<Element>::pack(values).words;
    }

    /// Adds one chunk's products to a warp's sums; `left` and `right` are the addresses of the warp's first rows.
    DEVICE void multiply(float sums[][channel_blocks][4], u32 left, u32 right, int lane) {
#pragma unroll
        for (int k = 0; k < chunk; k += 16) {
            u32 pixel_fragments[pixel_blocks][4], channel_fragments[channel_blocks / 2][4];
#pragma unroll
            for (int i = 0; i < pixel_blocks; i++) {
                load_matrices(
                    pixel_fragments[i], left + ((i * 16 + lane % 16) * row_length + k + lane / 16 * 8) * 2);
            }
#pragma unroll
            for (int j = 0; j < channel_blocks / 2; j++) {
                load_matrices(
                    channel_fragments[j],
                    right + ((j * 16 + lane / 16 * 8 + lane % 8) * row_length + k + lane / 8 % 2 * 8) * 2);
            }
#pragma unroll
            for (int i = 0; i < pixel_blocks; i++) {
#pragma unroll
                for (int j = 0; j < channel_blocks; j++) {
                    multiply_add<Element>(sums[i][j], pixel_fragments[i], channel_fragments[j / 2] + j % 2 * 2);
                }
            }
        }
    }

    /// Leaves a warp's sums for `conv_finish`.
    DEVICE void store_partials(
        const ud2m_cuda_conv &conv, float *target, const float sums[][channel_blocks][4], int first_pixel,
        int first_channel, int pixels, int lane
    ) {
#pragma unroll
        for (int i = 0; i < pixel_blocks; i++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int pixel = first_pixel + i * 16 + half * 8 + lane / 4;
#pragma unroll
                for (int j = 0; j < channel_blocks; j++) {
                    const int channel = first_channel + j * 8 + lane % 4 * 2;
                    if (pixel >= pixels || channel >= conv.output.stride) continue;
                    *(float2 *)(target + (long long)pixel * conv.output.stride + channel) =
                        make_float2(sums[i][j][2 * half], sums[i][j][2 * half + 1]);
                }
            }
        }
    }

    /// Puts a warp's sums where `finish_rows` reads them.
    DEVICE void store_sums(float *target, const float sums[][channel_blocks][4], int lane) {
#pragma unroll
        for (int i = 0; i < pixel_blocks; i++) {
#pragma unroll
            for (int j = 0; j < channel_blocks; j++) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    *(float2 *)(target + (i * 16 + half * 8 + lane / 4) * output_row_length + j * 8 + lane % 4 * 2) =
                        make_float2(sums[i][j][2 * half], sums[i][j][2 * half + 1]);
                }
            }
        }
    }
};

/// Adds up what the blocks that shared a tile's K left, in order, and finishes the tile.
template <class Element> DEVICE void finish_convolution(const ud2m_cuda_conv &conv) {
    constexpr int side = 64, row_length = side + 8;
    __shared__ __align__(16) float sums[side * row_length];
    const int pixels = conv.output_height * conv.output_width, tiles = (pixels + side - 1) / side;
    const int image = blockIdx.x / tiles, first_pixel = (blockIdx.x - image * tiles) * side;
    const int first_channel = blockIdx.y * side;
    const long long step = (long long)conv.images * pixels * conv.output.stride;
    for (int item = threadIdx.x; item < side * side / 4; item += 256) {
        const int row = item / (side / 4), column = item % (side / 4) * 4;
        const int pixel = first_pixel + row, channel = first_channel + column;
        if (pixel >= pixels || channel >= conv.output.stride) continue;
        const float *source = conv.partials + ((long long)image * pixels + pixel) * conv.output.stride + channel;
        float4 total = *(const float4 *)source;
        for (int split = 1; split < conv.splits; split++) {
            const float4 more = *(const float4 *)(source + split * step);
            total = make_float4(total.x + more.x, total.y + more.y, total.z + more.z, total.w + more.w);
        }
        *(float4 *)(sums + row * row_length + column) = total;
    }
    __syncthreads();
    // More than one pixel a turn would spill registers here.
    finish_rows<Element, side, row_length, 1>(conv, sums, {image, first_pixel, first_channel}, (int)threadIdx.x, 256);
}

#define CONVOLUTION_KERNEL(name, Element, pixels, channels, warp_pixels, warp_channels, transforms)                         \
    extern "C" __global__ void __launch_bounds__(pixels / warp_pixels * (channels / warp_channels) * 32)                    \
        name(const __grid_constant__ ud2m_cuda_conv conv) {                                                                \
        extern __shared__ __align__(16) Element memory[];                                                                  \
        ConvolutionTile<Element, pixels, channels, warp_pixels, warp_channels, transforms>::run(conv, memory);              \
    }

// 128×128 for large maps; 64×64 where that would leave multiprocessors without a block; 128×32 for few output channels.
// Those named `transformed` are for maps with coefficients or an activation.
#define CONVOLUTION_KERNELS(Element, suffix)                                                                               \
    CONVOLUTION_KERNEL(conv_128x128_##suffix, Element, 128, 128, 64, 32, false)                                             \
    CONVOLUTION_KERNEL(conv_64x64_##suffix, Element, 64, 64, 32, 32, false)                                                 \
    CONVOLUTION_KERNEL(conv_128x32_##suffix, Element, 128, 32, 32, 32, false)                                               \
    CONVOLUTION_KERNEL(conv_transformed_128x128_##suffix, Element, 128, 128, 64, 32, true)                                  \
    CONVOLUTION_KERNEL(conv_transformed_64x64_##suffix, Element, 64, 64, 32, 32, true)                                      \
    CONVOLUTION_KERNEL(conv_transformed_128x32_##suffix, Element, 128, 32, 32, 32, true)                              \
    extern "C" __global__ void __launch_bounds__(256) conv_finish_##suffix(const __grid_constant__ ud2m_cuda_conv conv) { \
        finish_convolution<Element>(conv);                                                                                 \
    }

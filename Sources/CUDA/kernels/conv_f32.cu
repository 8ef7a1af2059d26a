// Convolution of f32 maps: the same implicit matrix product as on tensor cores, with fused multiply-adds in the order of
// K, so that a value does not depend on the tile that computes it.
//
// 256 threads compute 64×64 or 128×128 pixels × channels, 4×4 or 8×8 each; K goes in chunks of 16, double-buffered. Every
// chunk goes through registers, where the map's transforms are applied.
//
// Grid: x = images · ⌈output pixels of an image / tile⌉, y = ⌈output.stride / tile⌉.

#include "conv_finish.cuh"
#include "conv_walk.cuh"

template <int Side> struct ConvolutionTile {
    static constexpr int threads = 256;
    static constexpr int chunk = 16;
    /// Sixteen threads a dimension, each with groups of four rows 64 apart.
    static constexpr int groups = Side / 64;
    static constexpr int own = 4 * groups;
    static constexpr int row_length = Side + 4;
    static constexpr int buffer = 2 * chunk * row_length;
    static constexpr int memory = 2 * buffer;
    static_assert(64 * row_length <= memory, "sums of 64 pixels reuse the buffers");

    static __device__ __forceinline__ void run(const ud2m_cuda_conv &conv, float *shared) {
        const int thread = threadIdx.x;
        const int pixels = conv.output_height * conv.output_width;
        const int tiles = (pixels + Side - 1) / Side;
        const int image = blockIdx.x / tiles;
        const int first_pixel = (blockIdx.x - image * tiles) * Side, first_channel = blockIdx.y * Side;
        const int length = weights_length(conv), chunks = (length + chunk - 1) / chunk;
        const int row = thread / 4, vector = thread % 4 * 4;
        const int own_pixel = thread / 16 * 4, own_channel = thread % 16 * 4;

        Walk walk(conv, vector);
        int weights_column = vector;
        Window windows[groups];
#pragma unroll
        for (int i = 0; i < groups; i++) windows[i] = window_of(conv, first_pixel + row + i * 64);
        float4 pixel_values[groups], channel_values[groups];
        auto fetch = [&] {
            float4 scale, shift;
            const bool has_scale = conv.input.scale && !walk.is_over(conv);
            if (has_scale) {
                const long long index = (long long)image * conv.input.coefficient_stride + walk.slot;
                scale = *(const float4 *)(conv.input.scale + index);
                shift = *(const float4 *)(conv.input.shift + index);
            }
#pragma unroll
            for (int i = 0; i < groups; i++) {
                const float *source = window_address<float>(conv, walk, windows[i], image);
                float4 values = make_float4(0, 0, 0, 0);
                if (source) {
                    values = *(const float4 *)source;
                    float all[4] = {values.x, values.y, values.z, values.w};
                    if (has_scale) {
                        all[0] = scale.x * all[0] + shift.x;
                        all[1] = scale.y * all[1] + shift.y;
                        all[2] = scale.z * all[2] + shift.z;
                        all[3] = scale.w * all[3] + shift.w;
                    }
                    activate_all<float, 4>(all, conv.input.activation, conv.input.slope);
                    values = make_float4(all[0], all[1], all[2], all[3]);
                }
                pixel_values[i] = values;
                const int channel = first_channel + row + i * 64;
                const bool is_valid = weights_column < length && channel < weights_rows(conv);
                channel_values[i] =
                    is_valid ? *(const float4 *)((const float *)conv.weights + (long long)channel * length + weights_column)
                             : make_float4(0, 0, 0, 0);
            }
            walk.advance(conv, chunk);
            weights_column += chunk;
        };
        auto store = [&](float *target) {
#pragma unroll
            for (int i = 0; i < groups; i++) {
                store_column(target + vector * row_length + row + i * 64, pixel_values[i]);
                store_column(target + (chunk + vector) * row_length + row + i * 64, channel_values[i]);
            }
        };

        float sums[own][own] = {};
        // The first turn only fills a buffer.
#pragma unroll 1
        for (int index = -1; index < chunks; index++) {
            const bool has_next = index + 1 < chunks;
            if (has_next) fetch();
            if (index >= 0) multiply(sums, shared + index % 2 * buffer, own_pixel, own_channel);
            // The other buffer was last read before the barrier that ended the previous turn.
            if (has_next) store(shared + (index + 1) % 2 * buffer);
            __syncthreads();
        }
#pragma unroll
        for (int group = 0; group < groups; group++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < groups; j++) {
                    const float *values = sums[group * 4 + i] + 4 * j;
                    *(float4 *)(shared + (own_pixel + i) * row_length + j * 64 + own_channel) =
                        make_float4(values[0], values[1], values[2], values[3]);
                }
            }
            __syncthreads();
            finish_rows<float, Side, row_length>(
                conv, shared, {image, first_pixel + group * 64, first_channel}, thread, threads);
            __syncthreads();
        }
    }

  private:
    DEVICE void store_column(float *target, float4 values) {
        target[0] = values.x;
        target[row_length] = values.y;
        target[2 * row_length] = values.z;
        target[3 * row_length] = values.w;
    }

    DEVICE void multiply(float sums[][own], const float *buffer, int own_pixel, int own_channel) {
#pragma unroll
        for (int k = 0; k < chunk; k++) {
            float left[own], right[own];
#pragma unroll
            for (int i = 0; i < groups; i++) {
                *(float4 *)(left + 4 * i) = *(const float4 *)(buffer + k * row_length + i * 64 + own_pixel);
                *(float4 *)(right + 4 * i) = *(const float4 *)(buffer + (chunk + k) * row_length + i * 64 + own_channel);
            }
#pragma unroll
            for (int i = 0; i < own; i++) {
#pragma unroll
                for (int j = 0; j < own; j++) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
            }
        }
    }
};

extern "C" __global__ void __launch_bounds__(256) conv_64x64_f32(const __grid_constant__ ud2m_cuda_conv conv) {
    __shared__ __align__(16) float memory[ConvolutionTile<64>::memory];
    ConvolutionTile<64>::run(conv, memory);
}

extern "C" __global__ void __launch_bounds__(256) conv_128x128_f32(const __grid_constant__ ud2m_cuda_conv conv) {
    __shared__ __align__(16) float memory[ConvolutionTile<128>::memory];
    ConvolutionTile<128>::run(conv, memory);
}

EPILOGUE_KERNEL(float, f32)

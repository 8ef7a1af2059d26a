#pragma once
// Attention with an online softmax without tensor cores, in f32 throughout: of f32 maps, and of 16-bit ones with heads that
// attention_tensor.cuh does not take. A head may have any number of channels.
//
// A block of eight warps computes 32 queries of one head, four a warp, for 128 of the head's channels; heads with more
// take several blocks. Keys come in tiles of 32, one a lane, their channels in chunks of 64; for the values' sums a lane
// holds every 32nd channel.
//
// Grid: x = ⌈positions / 32⌉, y = heads · ⌈channels of a head / 128⌉, z = images.

#include "attention_source.cuh"

template <class Element> struct PlainAttention {
    static constexpr int slice = 128, chunk = 64, rows = 32, own = 4;
    /// In f32 an exponent's products are added up in eights first: a sum of all in turn rounds each at the size of the whole.
    static constexpr bool in_eights = sizeof(Element) == 4;
    static constexpr int unrolled = in_eights ? 8 : 4;

    struct Memory {
        float queries[rows][chunk];
        /// A row has an odd length, so that a column's values lie in different banks.
        float keys[rows][chunk + 1];
        float values[rows][slice];
    };

    using Source = AttentionSource<Element>;

    template <int columns, int row_length>
    DEVICE void fetch(float *target, Source from, const ud2m_cuda_attention &task, int first_row, int first_channel) {
        for (int item = threadIdx.x; item < rows * columns; item += 256) {
            const int row = item / columns, channel = item % columns;
            const bool is_valid = first_row + row < task.positions && first_channel + channel < task.head_channels;
            target[row * row_length + channel] =
                is_valid ? to_float(from.data[(long long)(first_row + row) * from.stride + first_channel + channel])
                         : 0.0f;
        }
    }

    static __device__ __forceinline__ void run(const ud2m_cuda_attention &task, Memory &memory) {
        const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        const int slices = (task.head_channels + slice - 1) / slice, head = blockIdx.y / slices;
        const int first_query = blockIdx.x * rows, first_channel = (blockIdx.y - head * slices) * slice;
        const Source queries = Source::of(task.queries, task.query_offset, task, head);
        const Source keys = Source::of(task.keys, task.key_offset, task, head);
        const Source values = Source::of(task.values, task.value_offset, task, head);
        const float scale = 1.0f / sqrtf((float)task.head_channels);
        float outputs[own][slice / 32] = {}, largest[own], totals[own] = {};
#pragma unroll
        for (int i = 0; i < own; i++) largest[i] = __int_as_float(0xff800000);

        for (int first_key = 0; first_key < task.positions; first_key += rows) {
            float scores[own] = {};
            for (int channel = 0; channel < task.head_channels; channel += chunk) {
                __syncthreads();
                fetch<chunk, chunk>(&memory.queries[0][0], queries, task, first_query, channel);
                fetch<chunk, chunk + 1>(&memory.keys[0][0], keys, task, first_key, channel);
                if (channel == 0) fetch<slice, slice>(&memory.values[0][0], values, task, first_key, first_channel);
                __syncthreads();
                float sums[own] = {};
#pragma unroll unrolled
                for (int k = 0; k < chunk; k++) {
                    const float key = memory.keys[lane][k];
#pragma unroll
                    for (int i = 0; i < own; i++) {
                        float &sum = in_eights ? sums[i] : scores[i];
                        sum = fmaf(memory.queries[warp * own + i][k], key, sum);
                        if (in_eights && k % 8 == 7) {
                            scores[i] += sum;
                            sum = 0;
                        }
                    }
                }
            }
            float probabilities[own];
#pragma unroll
            for (int i = 0; i < own; i++) {
                const float score = first_key + lane < task.positions ? scores[i] : __int_as_float(0xff800000);
                float peak = fmaxf(largest[i], score * scale);
                for (int step = 16; step > 0; step /= 2) peak = fmaxf(peak, __shfl_xor_sync(0xffffffff, peak, step));
                const float factor = expf(largest[i] - peak);
                largest[i] = peak;
                // The exponent is rounded once, as a difference.
                probabilities[i] = expf(fmaf(score, scale, -peak));
                totals[i] = totals[i] * factor + probabilities[i];
#pragma unroll
                for (int n = 0; n < slice / 32; n++) outputs[i][n] *= factor;
            }
#pragma unroll 2
            for (int key = 0; key < rows; key++) {
                float row[slice / 32];
#pragma unroll
                for (int n = 0; n < slice / 32; n++) row[n] = memory.values[key][n * 32 + lane];
#pragma unroll
                for (int i = 0; i < own; i++) {
                    const float probability = __shfl_sync(0xffffffff, probabilities[i], key);
#pragma unroll
                    for (int n = 0; n < slice / 32; n++) outputs[i][n] = fmaf(probability, row[n], outputs[i][n]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < own; i++) {
            for (int step = 16; step > 0; step /= 2) totals[i] += __shfl_xor_sync(0xffffffff, totals[i], step);
            const int query = first_query + warp * own + i;
            if (query >= task.positions) continue;
            Element *target = (Element *)task.output.data +
                              ((long long)blockIdx.z * task.positions + query) * task.output.stride +
                              head * task.head_channels;
#pragma unroll
            for (int n = 0; n < slice / 32; n++) {
                const int channel = first_channel + n * 32 + lane;
                if (channel < task.head_channels) round_to(target[channel], outputs[i][n] / totals[i]);
            }
            // A pixel ends in zeros, so that it has a multiple of 8 elements.
            const int channels = task.heads * task.head_channels;
            if (head + 1 == task.heads && first_channel == 0 && channels + lane < (channels + 7) / 8 * 8) {
                round_to(target[task.head_channels + lane], 0.0f);
            }
        }
    }
};

/// After the suffix: threads and, where registers are to be limited, blocks that a multiprocessor is to hold.
#define PLAIN_ATTENTION_KERNEL(Element, suffix, ...)                                                                       \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__)                                                              \
        attention_plain_##suffix(const __grid_constant__ ud2m_cuda_attention task) {                                       \
        __shared__ PlainAttention<Element>::Memory memory;                                                                 \
        PlainAttention<Element>::run(task, memory);                                                                        \
    }

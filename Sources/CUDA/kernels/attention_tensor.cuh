#pragma once
// Attention of 16-bit maps on tensor cores with an online softmax: scores are never stored.
//
// A block of four warps computes 64 queries of one head, 16 a warp, for `Slice` of the head's channels; heads with more
// channels take several blocks, which compute the scores anew. Keys come in tiles of 64, their channels in chunks of 64;
// chunk and values are fetched while the ones before are multiplied. Queries stay in shared memory.
//
// Shared memory, in elements: queries 64 · (channels rounded up to 64, + 8), two chunks of keys 64 · 72 each, values
// 64 · (Slice + 8). Grid: x = ⌈positions / 64⌉, y = heads · ⌈channels of a head / Slice⌉, z = images.

#include "attention_source.cuh"
#include "tensor_core.cuh"

template <class Element, int Slice> struct AttentionTile {
    static constexpr int threads = 128;
    static constexpr int tile = 64;
    static constexpr int chunk = 64;
    static constexpr int key_row = chunk + 8;
    static constexpr int value_row = Slice + 8;
    static constexpr int output_blocks = Slice / 8;

    using Source = AttentionSource<Element>;

    /// Fetches 64 rows of `columns` channels from `first_channel` on; what lies beyond positions or channels is zero.
    template <int columns>
    DEVICE void fetch(
        Source from, const ud2m_cuda_attention &task, int first_row, int first_channel, u32 target, int row_length
    ) {
#pragma unroll
        for (int item = threadIdx.x; item < tile * columns / 8; item += threads) {
            const int row = item / (columns / 8), channel = item % (columns / 8) * 8;
            const bool is_valid = first_row + row < task.positions && first_channel + channel < task.head_channels;
            const Element *source = from.data;
            if (is_valid) source += (long long)(first_row + row) * from.stride + first_channel + channel;
            copy_async(target + (row * row_length + channel) * 2, source, is_valid);
        }
    }

    static __device__ __forceinline__ void run(const ud2m_cuda_attention &task, Element *memory) {
        const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
        const int slices = (task.head_channels + Slice - 1) / Slice, head = blockIdx.y / slices;
        const int first_query = blockIdx.x * tile, first_channel = (blockIdx.y - head * slices) * Slice;
        const int chunks = (task.head_channels + chunk - 1) / chunk, query_row = chunks * chunk + 8;
        const int key_tiles = (task.positions + tile - 1) / tile;
        const Source queries = Source::of(task.queries, task.query_offset, task, head);
        const Source keys = Source::of(task.keys, task.key_offset, task, head);
        const Source values = Source::of(task.values, task.value_offset, task, head);
        const u32 query_memory = shared_address(memory);
        const u32 key_memory = query_memory + tile * query_row * 2;
        const u32 value_memory = key_memory + 2 * tile * key_row * 2;

        for (int index = 0; index < chunks; index++) {
            fetch<chunk>(queries, task, first_query, index * chunk, query_memory + index * chunk * 2, query_row);
        }
        fetch<chunk>(keys, task, 0, 0, key_memory, key_row);
        commit_copies();

        // Scores are taken to base 2, so that exp2 is enough.
        const float scale = 1.4426950408889634f * rsqrtf((float)task.head_channels);
        float outputs[output_blocks][4] = {};
        float largest[2] = {__int_as_float(0xff800000), __int_as_float(0xff800000)}, totals[2] = {};
        int buffer = 0;
#pragma unroll 1
        for (int key_tile = 0; key_tile < key_tiles; key_tile++) {
            float scores[8][4] = {};
#pragma unroll 1
            for (int index = 0; index < chunks; index++) {
                wait_for_copies<0>();
                // The chunk has arrived, and the other buffer and, at the first chunk, the values have been used.
                __syncthreads();
                if (index == 0) {
                    fetch<Slice>(values, task, key_tile * tile, first_channel, value_memory, value_row);
                    commit_copies();
                }
                const bool is_last = index + 1 == chunks;
                if (!is_last || key_tile + 1 < key_tiles) {
                    fetch<chunk>(
                        keys, task, (is_last ? key_tile + 1 : key_tile) * tile, is_last ? 0 : (index + 1) * chunk,
                        key_memory + (1 - buffer) * tile * key_row * 2, key_row);
                }
                commit_copies();
                multiply_scores(
                    scores, query_memory + (warp * 16 * query_row + index * chunk) * 2, query_row,
                    key_memory + buffer * tile * key_row * 2, lane);
                buffer = 1 - buffer;
            }
            // Only the next chunk of keys may still be on its way.
            wait_for_copies<1>();
            u32 probabilities[8][2];
            soften(scores, probabilities, outputs, largest, totals, task.positions - key_tile * tile, scale, lane);
            __syncthreads();
            multiply_values(outputs, probabilities, value_memory, lane);
        }
        store(task, outputs, totals, head, first_query + warp * 16, first_channel, lane);
    }

  private:
    DEVICE void multiply_scores(float scores[][4], u32 queries, int query_row, u32 keys, int lane) {
#pragma unroll
        for (int k = 0; k < chunk; k += 16) {
            u32 left[4];
            load_matrices(left, queries + (lane % 16 * query_row + k + lane / 16 * 8) * 2);
#pragma unroll
            for (int j = 0; j < 8; j += 2) {
                u32 right[4];
                load_matrices(right, keys + ((j * 8 + lane / 16 * 8 + lane % 8) * key_row + k + lane / 8 % 2 * 8) * 2);
                multiply_add<Element>(scores[j], left, right);
                multiply_add<Element>(scores[j + 1], left, right + 2);
            }
        }
    }

    DEVICE float power_of_two(float x) {
        float result;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
        return result;
    }

    /// Scores to probabilities relative to the largest score so far; what was summed up before is brought to the same.
    /// A lane holds two rows, 8 apart, of which three others hold the rest.
    DEVICE void soften(
        float scores[][4], u32 probabilities[][2], float outputs[][4], float *largest, float *totals, int keys, float scale,
        int lane
    ) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float peak = largest[half];
#pragma unroll
            for (int j = 0; j < 8; j++) {
#pragma unroll
                for (int n = 0; n < 2; n++) {
                    float &score = scores[j][2 * half + n];
                    score = j * 8 + lane % 4 * 2 + n < keys ? score * scale : __int_as_float(0xff800000);
                    peak = fmaxf(peak, score);
                }
            }
            peak = fmaxf(peak, __shfl_xor_sync(0xffffffff, peak, 1));
            peak = fmaxf(peak, __shfl_xor_sync(0xffffffff, peak, 2));
            const float factor = power_of_two(largest[half] - peak);
            largest[half] = peak;
            float total = 0;
#pragma unroll
            for (int j = 0; j < 8; j++) {
                const float first = power_of_two(scores[j][2 * half] - peak);
                const float second = power_of_two(scores[j][2 * half + 1] - peak);
                probabilities[j][half] = pair<Element>(first, second);
                total += first + second;
            }
            totals[half] = totals[half] * factor + total;
#pragma unroll
            for (int j = 0; j < output_blocks; j++) {
                outputs[j][2 * half] *= factor;
                outputs[j][2 * half + 1] *= factor;
            }
        }
    }

    /// The scores' fragments are, pair by pair, those of a left operand.
    DEVICE void multiply_values(float outputs[][4], const u32 probabilities[][2], u32 values, int lane) {
#pragma unroll
        for (int k = 0; k < 8; k += 2) {
            const u32 left[4] = {
                probabilities[k][0], probabilities[k][1], probabilities[k + 1][0], probabilities[k + 1][1]};
#pragma unroll
            for (int j = 0; j < output_blocks; j += 2) {
                u32 right[4];
                load_transposed_matrices(
                    right, values + ((k * 8 + lane % 16) * value_row + j * 8 + lane / 16 * 8) * 2);
                multiply_add<Element>(outputs[j], left, right);
                multiply_add<Element>(outputs[j + 1], left, right + 2);
            }
        }
    }

    DEVICE void store(
        const ud2m_cuda_attention &task, const float outputs[][4], const float *totals, int head, int first_query,
        int first_channel, int lane
    ) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float total = totals[half];
            total += __shfl_xor_sync(0xffffffff, total, 1);
            total += __shfl_xor_sync(0xffffffff, total, 2);
            const float inverse = 1.0f / total;
            const int query = first_query + half * 8 + lane / 4;
            if (query >= task.positions) continue;
            Element *target = (Element *)task.output.data +
                              ((long long)blockIdx.z * task.positions + query) * task.output.stride +
                              head * task.head_channels;
#pragma unroll
            for (int j = 0; j < output_blocks; j++) {
                const int channel = first_channel + j * 8 + lane % 4 * 2;
                if (channel >= task.head_channels) continue;
                *(u32 *)(target + channel) =
                    pair<Element>(outputs[j][2 * half] * inverse, outputs[j][2 * half + 1] * inverse);
            }
        }
    }
};

#define ATTENTION_KERNEL(name, Element, slice)                                                                             \
    extern "C" __global__ void __launch_bounds__(128) name(const __grid_constant__ ud2m_cuda_attention task) {             \
        extern __shared__ __align__(16) Element memory[];                                                                  \
        AttentionTile<Element, slice>::run(task, memory);                                                                  \
    }

// For heads of up to 64 channels, and for wider ones.
#define ATTENTION_KERNELS(Element, suffix)                                                                                 \
    ATTENTION_KERNEL(attention_64_##suffix, Element, 64)                                                                   \
    ATTENTION_KERNEL(attention_128_##suffix, Element, 128)

// Sums of a block, a transform, and small kernels with one mistake each.

// The sum of `count` values by one block of 256 threads; `barrier` false leaves out what the sums of warps need.
template <bool barrier> static __device__ void sum(const float *input, float *output, int count) {
    __shared__ float sums[8];
    float total = 0;
    for (int i = threadIdx.x; i < count; i += 256) total += input[i];
    for (int step = 16; step; step >>= 1) total += __shfl_xor_sync(~0u, total, step);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = total;
    if (barrier) __syncthreads();
    if (threadIdx.x < 8) {
        total = sums[threadIdx.x];
        for (int step = 4; step; step >>= 1) total += __shfl_down_sync(255, total, step);
        if (threadIdx.x == 0) *output = total;
    }
}
extern "C" __global__ __launch_bounds__(256) void sum_block(const float *input, float *output, int count) {
    sum<true>(input, output, count);
}
extern "C" __global__ __launch_bounds__(256) void sum_missing_barrier(const float *input, float *output, int count) {
    sum<false>(input, output, count);
}

// Stockham's transform of 256 complex numbers a block of 128 threads; twiddles are cos and sin of -2πi/256.
extern "C" __global__ __launch_bounds__(128) void transform(const float2 *input, const float2 *twiddles, float2 *output) {
    __shared__ float2 buffers[2][256];
    const int thread = threadIdx.x;
    const float2 *from = input + blockIdx.x * 256;
    buffers[0][thread] = from[thread];
    buffers[0][thread + 128] = from[thread + 128];
    int now = 0;
    for (int span = 1; span < 256; span *= 2) {
        __syncthreads();
        const int low = thread & (span - 1), high = thread / span, half = 128 / span;
        const float2 a = buffers[now][low + span * high], b = buffers[now][low + span * (high + half)];
        const float2 w = twiddles[high * span], d = make_float2(a.x - b.x, a.y - b.y);
        buffers[now ^ 1][low + span * 2 * high] = make_float2(a.x + b.x, a.y + b.y);
        buffers[now ^ 1][low + span * (2 * high + 1)] = make_float2(d.x * w.x - d.y * w.y, d.x * w.y + d.y * w.x);
        now ^= 1;
    }
    __syncthreads();
    output[blockIdx.x * 256 + thread] = buffers[now][thread];
    output[blockIdx.x * 256 + thread + 128] = buffers[now][thread + 128];
}

// A histogram with atomics in shared and device memory.
extern "C" __global__ void histogram(const unsigned char *input, unsigned *counts, int count) {
    __shared__ unsigned own[16];
    if (threadIdx.x < 16) own[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) atomicAdd(&own[input[i] & 15], 1);
    __syncthreads();
    if (threadIdx.x < 16) atomicAdd(&counts[threadIdx.x], own[threadIdx.x]);
}

// y = 2x + 1 of every element; `offset` moves the read, `shift` the write.
extern "C" __global__ void affine(const float *input, float *output, int count, int offset, int shift) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i + shift] = 2 * input[i + offset] + 1;
}

// Writes of two warps to one place.
extern "C" __global__ void two_writers(int *output) {
    __shared__ int place;
    place = threadIdx.x >> 5;
    __syncthreads();
    if (threadIdx.x == 0) *output = place;
}

// A barrier that a part of a warp, or one of two warps, reaches.
extern "C" __global__ void divergent_barrier(int *output, int threads) {
    __shared__ int values[64];
    values[threadIdx.x] = threadIdx.x;
    if (threadIdx.x < threads) __syncthreads();
    else output[threadIdx.x] = 1;
    __syncthreads();
    if (threadIdx.x < threads) output[threadIdx.x] = values[63 - threadIdx.x];
}

// A shuffle that names lanes which do not run it.
extern "C" __global__ void partial_shuffle(int *output) {
    int value = threadIdx.x;
    if (threadIdx.x < 16) value = __shfl_xor_sync(~0u, value, 1);
    output[threadIdx.x] = value;
}

// Shared memory that nothing wrote.
extern "C" __global__ void unwritten_shared(int *output) {
    __shared__ int values[64];
    if (threadIdx.x < 31) values[threadIdx.x] = 7;
    __syncthreads();
    output[threadIdx.x] = values[threadIdx.x];
}

// Lanes that take different ways, in loops of different lengths, with an early end.
extern "C" __global__ void divergence(const int *input, int *output) {
    const int i = threadIdx.x;
    if (i == 5) return;
    int n = input[i], steps = 0;
    while (n != 1) {
        if (n & 1) n = 3 * n + 1;
        else n /= 2;
        if (++steps > 1000) break;
    }
    switch (steps & 7) {
    case 0: steps += 1000; break;
    case 1: steps *= 3; break;
    case 2: steps -= 7; break;
    case 3: steps ^= 0x55; break;
    case 4: steps <<= 2; break;
    case 5: steps = -steps; break;
    case 6: steps += n; break;
    default: steps = 1;
    }
    output[i] = steps;
}

// An array that is indexed at run time, so in local memory, and a table of constants.
__constant__ int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
extern "C" __global__ void local_array(const int *input, int *output) {
    int values[8];
    for (int i = 0; i < 8; i++) values[i] = input[i] * table[i];
    int total = 0;
    for (int i = 0; i < 8; i++) total += values[input[threadIdx.x & 7] & 7] << i;
    output[threadIdx.x] = total;
}

// How many threads of the block have a value, whether all, whether any; the last needs no other memory.
extern "C" __global__ void votes(const int *input, int *output) {
    const int value = input[threadIdx.x];
    const int count = __syncthreads_count(value > 2), all = __syncthreads_and(value > 0), any = __syncthreads_or(value > 9);
    output[threadIdx.x] = count * 100 + all * 10 + any + (__ballot_sync(~0u, value & 1) ? 1000 : 0);
}

// Many instructions in double precision, with calls that are not inlined.
static __device__ __noinline__ double series(double x, int terms) {
    double sum = 1, term = 1;
    for (int i = 1; i < terms; i++) {
        term *= x / i;
        sum += term;
    }
    return sum;
}
extern "C" __global__ void doubles(const double *input, double *output) {
    const double x = input[threadIdx.x];
    output[threadIdx.x] = series(x, 30) + sqrt(x) + exp(-x) + log(x + 1) + pow(x + 0.5, 1.5);
}

// Lanes of a warp that read what others wrote, or write over it, with or without waiting for each other.
extern "C" __global__ void lanes(const int *input, int *output, int wait) {
    __shared__ int values[32];
    const int lane = threadIdx.x;
    values[lane] = input[lane];
    if (wait & 1) __syncwarp();
    const int other = values[lane ^ 1];
    if (wait & 2) __syncwarp();
    values[lane] = other + 1;
    output[lane] = values[lane];
}

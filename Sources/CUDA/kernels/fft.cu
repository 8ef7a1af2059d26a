// Fourier transforms of batches of complex images, row by row and column by column, and what the proximal steps do between.
//
// A block of 512 threads transforms one line, or as many short ones as make 2048 points, in shared memory: radix 4, with a
// pass of radix 2 first where the points are an odd power of two. A pass reads its inputs into registers before any output
// is written, so one buffer is enough. Lengths that are no powers of two are convolutions with a chirp (Bluestein).

#include "element.cuh"

namespace {

constexpr int threads = 512, block_points = 2048, most_points = 8192;
constexpr int own = most_points / threads;

DEVICE float2 add(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }

DEVICE float2 subtract(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }

DEVICE float2 multiply(float2 a, float2 b) { return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

DEVICE float2 conjugate(float2 a) { return make_float2(a.x, -a.y); }

DEVICE float2 scaled(float2 a, float scale) { return make_float2(scale * a.x, scale * a.y); }

DEVICE float size(float2 a) { return a.x * a.x + a.y * a.y; }

DEVICE int lines_of(const ud2m_cuda_fft_tables &tables) { return max(block_points / tables.points, 1); }

/// How far lines are apart in shared memory: an odd number, so that neighbouring columns lie in different banks.
DEVICE int pitch_of(const ud2m_cuda_fft_tables &tables) {
    return tables.points < block_points ? tables.points + 1 : tables.points;
}

/// One pass over all lines of the block; `done` points of each are transforms already.
template <int radix>
DEVICE void pass(float2 *memory, const ud2m_cuda_fft_tables &tables, int done) {
    const int quarter = tables.points / radix, shift = 31 - __clz(quarter), total = lines_of(tables) * quarter;
    const int pitch = pitch_of(tables), step = quarter >> (31 - __clz(done));
    const float2 *twiddles = (const float2 *)tables.twiddles;
    float2 values[own / radix][radix];
#pragma unroll
    for (int n = 0; n < own / radix; n++) {
        const int item = threadIdx.x + n * threads;
        if (item >= total) break;
        const int line = item >> shift, index = item & (quarter - 1), turn = (index & (done - 1)) * step;
        const float2 *source = memory + line * pitch + index;
#pragma unroll
        for (int r = 0; r < radix; r++) {
            const float2 value = source[r * quarter];
            values[n][r] = r == 0 || turn == 0 ? value : multiply(value, twiddles[r * turn]);
        }
    }
    __syncthreads();
#pragma unroll
    for (int n = 0; n < own / radix; n++) {
        const int item = threadIdx.x + n * threads;
        if (item >= total) break;
        const int line = item >> shift, index = item & (quarter - 1), within = index & (done - 1);
        float2 *target = memory + line * pitch + (index - within) * radix + within;
        const float2 *x = values[n];
        if constexpr (radix == 2) {
            target[0] = add(x[0], x[1]);
            target[done] = subtract(x[0], x[1]);
        } else {
            const float2 a = add(x[0], x[2]), b = subtract(x[0], x[2]), c = add(x[1], x[3]), d = subtract(x[1], x[3]);
            const float2 turned = make_float2(d.y, -d.x);
            target[0] = add(a, c);
            target[done] = add(b, turned);
            target[2 * done] = subtract(a, c);
            target[3 * done] = subtract(b, turned);
        }
    }
    __syncthreads();
}

/// The forward transform of `points` numbers of every line; ready for all threads before and after.
DEVICE void power_of_two_transform(float2 *memory, const ud2m_cuda_fft_tables &tables) {
    int done = 1;
    if (31 - __clz(tables.points) & 1) {
        pass<2>(memory, tables, 1);
        done = 2;
    }
#pragma unroll 1
    for (; done < tables.points; done *= 4) pass<4>(memory, tables, done);
}

/// Calls with line, index and number of every point of the block's lines.
template <class Body> DEVICE void for_all_points(float2 *memory, const ud2m_cuda_fft_tables &tables, Body body) {
    const int total = lines_of(tables) * tables.points, pitch = pitch_of(tables);
#pragma unroll 1
    for (int item = threadIdx.x; item < total; item += threads) {
        const int line = item >> (31 - __clz(tables.points)), index = item & (tables.points - 1);
        body(index, memory[line * pitch + index]);
    }
    __syncthreads();
}

/// The transform of the first `length` numbers of every line, in place. The inverse is what is between two conjugations.
DEVICE void transform(float2 *memory, const ud2m_cuda_fft_tables &tables) {
    if (!tables.chirp) {
        power_of_two_transform(memory, tables);
        return;
    }
    const float2 *chirp = (const float2 *)tables.chirp, *spectrum = (const float2 *)tables.chirp_spectrum;
#pragma unroll 1
    for (int turn = 0; turn < 2; turn++) {
        for_all_points(memory, tables, [&](int index, float2 &value) {
            if (turn == 1) {
                value = conjugate(multiply(value, spectrum[index]));
            } else {
                value = index < tables.length ? multiply(value, chirp[index]) : make_float2(0, 0);
            }
        });
        power_of_two_transform(memory, tables);
    }
    for_all_points(memory, tables, [&](int index, float2 &value) {
        if (index < tables.length) value = multiply(conjugate(value), chirp[index]);
    });
}

/// Calls with line, index and number of what the block has of `count` lines; rows are walked through point by point,
/// columns line by line, in the order of memory. With `clears`, all other points of the block become zero.
template <bool columns, bool clears, class Body>
DEVICE void for_all_numbers(float2 *memory, const ud2m_cuda_fft_tables &tables, int count, Body body) {
    const int lines = lines_of(tables), first = blockIdx.x * lines, pitch = pitch_of(tables);
#pragma unroll 1
    for (int item = threadIdx.x; item < lines * tables.points; item += threads) {
        // Both numbers are powers of two.
        const int line = columns ? item & (lines - 1) : item >> (31 - __clz(tables.points));
        const int index = columns ? item >> (31 - __clz(lines)) : item & (tables.points - 1);
        float2 &value = memory[line * pitch + index];
        if (first + line < count && index < tables.length) {
            body(first + line, index, value);
        } else if (clears) {
            value = make_float2(0, 0);
        }
    }
    __syncthreads();
}

DEVICE float2 filtered(int kind, float2 mean, float2 transfer, float2 observed, float weight) {
    switch (kind) {
    case UD2M_CUDA_BLUR: return multiply(transfer, mean);
    case UD2M_CUDA_ADJOINT: return multiply(conjugate(transfer), mean);
    case UD2M_CUDA_POWER: return scaled(mean, size(transfer));
    case UD2M_CUDA_TIKHONOV: {
        const float2 residual = subtract(observed, multiply(transfer, mean));
        return add(mean, scaled(multiply(conjugate(transfer), residual), 1 / (size(transfer) + weight)));
    }
    default: {
        const float2 square = multiply(transfer, transfer), divisor = make_float2(square.x + weight, square.y);
        const float2 above = add(multiply(conjugate(transfer), observed), scaled(mean, weight));
        return scaled(multiply(above, conjugate(divisor)), 1 / size(divisor));
    }
    }
}

} // namespace

/// Grid: x = ⌈height / lines a block⌉, y = complex images.
extern "C" __global__ void __launch_bounds__(512) fft_rows(const __grid_constant__ ud2m_cuda_fft_rows task) {
    extern __shared__ __align__(16) float2 memory[];
    const int width = task.tables.length, pairs = (task.channels + 1) / 2;
    const int image = blockIdx.y / pairs, channel = (blockIdx.y - image * pairs) * 2;
    const bool has_second = channel + 1 < task.channels;
    const long long plane = (long long)task.height * width, first = (image * (long long)task.channels + channel) * plane;
    float2 *spectrum = (float2 *)task.spectrum + blockIdx.y * plane;
    auto read = [&](long long index) {
        double value = task.first_weight * task.first[index];
        if (task.second) value += task.second_weight * task.second[index];
        return (float)value;
    };
    for_all_numbers<false, true>(memory, task.tables, task.height, [&](int row, int column, float2 &value) {
        const long long index = (long long)row * width + column;
        value = task.inverse ? conjugate(spectrum[index])
                             : make_float2(read(first + index), has_second ? read(first + plane + index) : 0.0f);
    });
    transform(memory, task.tables);
    for_all_numbers<false, false>(memory, task.tables, task.height, [&](int row, int column, float2 &value) {
        const long long index = (long long)row * width + column;
        if (!task.inverse) {
            spectrum[index] = value;
            return;
        }
        task.planes[first + index] = task.scale * value.x;
        if (has_second) task.planes[first + plane + index] = -task.scale * value.y;
    });
}

/// Grid: x = ⌈width / lines a block⌉, y = complex images.
extern "C" __global__ void __launch_bounds__(512) fft_columns(const __grid_constant__ ud2m_cuda_fft_columns task) {
    extern __shared__ __align__(16) float2 memory[];
    const int width = task.width;
    const long long first = (long long)blockIdx.y * task.tables.length * width;
    float2 *spectrum = (float2 *)task.spectrum + first;
    for_all_numbers<true, true>(memory, task.tables, width, [&](int column, int row, float2 &value) {
        const float2 read = spectrum[(long long)row * width + column];
        value = task.inverse ? conjugate(read) : read;
    });
    const bool goes_back = task.filter != UD2M_CUDA_KEEP;
#pragma unroll 1
    for (int turn = 0; turn <= goes_back; turn++) {
        transform(memory, task.tables);
        if (!goes_back || turn == 1) break;
        for_all_numbers<true, false>(memory, task.tables, width, [&](int column, int row, float2 &value) {
            const long long index = (long long)row * width + column;
            const float2 observed =
                task.observed ? ((const float2 *)task.observed)[first + index] : make_float2(0, 0);
            value = conjugate(
                filtered(task.filter, value, ((const float2 *)task.transfer)[index], observed, task.weight));
        });
    }
    for_all_numbers<true, false>(memory, task.tables, width, [&](int column, int row, float2 &value) {
        spectrum[(long long)row * width + column] = task.inverse || goes_back ? conjugate(value) : value;
    });
}

/// A thread does all aliases of one frequency of the observation. Grid: x = any, y = complex images.
extern "C" __global__ void __launch_bounds__(256)
    super_resolution(const __grid_constant__ ud2m_cuda_super_resolution task) {
    const int pixels = task.height * task.width, width = task.width * task.factor;
    float2 *spectrum = (float2 *)task.spectrum + (long long)blockIdx.y * pixels * task.factor * task.factor;
    const float2 *transfer = (const float2 *)task.transfer;
    for (int item = blockIdx.x * 256 + threadIdx.x; item < pixels; item += gridDim.x * 256) {
        const int row = item / task.width, column = item % task.width;
        auto alias = [&](int n) {
            return (long long)(row + n / task.factor * task.height) * width + column + n % task.factor * task.width;
        };
        const int aliases = task.factor * task.factor;
        float2 folded = make_float2(0, 0);
        float power = 0;
        for (int n = 0; n < aliases; n++) {
            const float2 value = transfer[alias(n)];
            folded = add(folded, multiply(value, spectrum[alias(n)]));
            power += size(value);
        }
        const float mean = 1.0f / aliases;
        const float2 observed = ((const float2 *)task.observed)[(long long)blockIdx.y * pixels + item];
        const float2 correction =
            scaled(subtract(observed, scaled(folded, mean)), 1 / (mean * power + task.weight));
        for (int n = 0; n < aliases; n++) {
            spectrum[alias(n)] = add(spectrum[alias(n)], multiply(conjugate(transfer[alias(n)]), correction));
        }
    }
}

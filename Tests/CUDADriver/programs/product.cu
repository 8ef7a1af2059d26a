// A convolution of 3×3 as a matrix product in tensor cores: cp.async in two stages, ldmatrix, mma. One block of 64 threads
// makes 32 pixels × 32 channels, so each warp 16 × 32. Beside the right kernel there are some with one mistake each.

typedef unsigned short u16;
typedef unsigned u32;

enum Mistake { none, missing_barrier, swapped_fragments, early_read };

struct Product {
    const u16 *input;    // [height][width][channels], f16 or bf16
    const u16 *weights;  // [outputs][3][3][channels]
    float *output;       // [height · width][outputs]
    int height, width, channels, outputs;
};

constexpr int row_step = 40;   // elements: 32 and 8 that keep rows in different banks

static __device__ __forceinline__ void copy16(u32 to, const void *from, bool inside) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(inside ? 16 : 0));
}
static __device__ __forceinline__ void matrices4(u32 *r, u32 at) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at));
}
template <bool brain> static __device__ __forceinline__ void product(float *d, const u32 *a, u32 b0, u32 b1) {
    if (brain)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    else
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <bool brain, Mistake mistake> static __device__ void convolve(const Product &p) {
    extern __shared__ __align__(16) u16 memory[];  // two stages of 32 rows of pixels and 32 of outputs
    const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    const int pixels = p.height * p.width, first_pixel = blockIdx.x * 32, first_output = blockIdx.y * 32;
    const u32 base = (u32)__cvta_generic_to_shared(memory);
    const int slices = p.channels / 32, steps = 9 * slices;

    auto load = [&](int step) {
        const int tap = step / slices, channel = (step - tap * slices) * 32;
        const u32 stage = base + (step & 1) * 2 * 32 * row_step * 2;
        for (int i = thread; i < 128; i += 64) {
            const int row = i >> 2, part = (i & 3) * 8;
            const int pixel = first_pixel + row, y = pixel / p.width + tap / 3 - 1, x = pixel % p.width + tap % 3 - 1;
            const bool inside = pixel < pixels && y >= 0 && y < p.height && x >= 0 && x < p.width;
            copy16(stage + (row * row_step + part) * 2,
                   p.input + (inside ? (size_t)(y * p.width + x) * p.channels + channel + part : 0), inside);
            const int output = first_output + row;
            const bool used = output < p.outputs;
            copy16(stage + ((32 + row) * row_step + part) * 2,
                   p.weights + (used ? ((size_t)output * 9 + tap) * p.channels + channel + part : 0), used);
        }
        asm volatile("cp.async.commit_group;");
    };

    float sums[4][4] = {};
    load(0);
    for (int step = 0; step < steps; step++) {
        if (step + 1 < steps) {
            load(step + 1);
            if (mistake == early_read) asm volatile("cp.async.wait_group 2;");
            else asm volatile("cp.async.wait_group 1;");
        } else {
            asm volatile("cp.async.wait_group 0;");
        }
        __syncthreads();
        const u32 left = base + (step & 1) * 2 * 32 * row_step * 2, right = left + 32 * row_step * 2;
        for (int k = 0; k < 32; k += 16) {
            u32 a[4], b[2][4];
            matrices4(a, left + ((warp * 16 + (lane & 15)) * row_step + k + (lane >> 4) * 8) * 2);
            for (int j = 0; j < 2; j++)
                matrices4(b[j], right + ((j * 16 + (lane & 7) + (lane >> 4) * 8) * row_step + k + ((lane >> 3) & 1) * 8) * 2);
            if (mistake == swapped_fragments) {
                u32 kept = a[1];
                a[1] = a[2];
                a[2] = kept;
            }
            for (int j = 0; j < 4; j++) product<brain>(sums[j], a, b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
        if (mistake != missing_barrier) __syncthreads();
    }
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++) {
            const int pixel = first_pixel + warp * 16 + (lane >> 2) + i / 2 * 8;
            const int output = first_output + j * 8 + (lane & 3) * 2 + i % 2;
            if (pixel < pixels && output < p.outputs) p.output[(size_t)pixel * p.outputs + output] = sums[j][i];
        }
}

extern "C" __global__ __launch_bounds__(64) void product_f16(Product p) { convolve<false, none>(p); }
extern "C" __global__ __launch_bounds__(64) void product_bf16(Product p) { convolve<true, none>(p); }
extern "C" __global__ __launch_bounds__(64) void product_missing_barrier(Product p) { convolve<false, missing_barrier>(p); }
extern "C" __global__ __launch_bounds__(64) void product_swapped_fragments(Product p) { convolve<false, swapped_fragments>(p); }
extern "C" __global__ __launch_bounds__(64) void product_early_read(Product p) { convolve<false, early_read>(p); }

// One 16×8×8 product of tf32: d = a · b + c, all row by row, b as [n][k].
extern "C" __global__ void product_tf32(const float *a, const float *b, float *d) {
    const int row = threadIdx.x >> 2, column = threadIdx.x & 3;
    u32 left[4], right[2];
    for (int i = 0; i < 4; i++) {
        float value = a[(row + i % 2 * 8) * 8 + column + i / 2 * 4];
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(left[i]) : "f"(value));
    }
    for (int i = 0; i < 2; i++) {
        float value = b[row * 8 + column + i * 4];
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(right[i]) : "f"(value));
    }
    float sums[4] = {1, 2, 3, 4};
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
    for (int i = 0; i < 4; i++) d[(row + i / 2 * 8) * 8 + column * 2 + i % 2] = sums[i];
}

// The transpose of an 8×8 matrix of 16 bits, through ldmatrix.trans.
extern "C" __global__ void transpose(const u16 *input, u16 *output) {
    __shared__ __align__(16) u16 memory[64];
    const int lane = threadIdx.x;
    memory[lane] = input[lane];
    memory[lane + 32] = input[lane + 32];
    __syncwarp();
    u32 pair, at = (u32)__cvta_generic_to_shared(memory + (lane & 7) * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(pair) : "r"(at));
    output[lane * 2] = (u16)pair;
    output[lane * 2 + 1] = (u16)(pair >> 16);
}

#pragma once
// The machine's instructions for 16-bit matrix products: asynchronous copies to shared memory, fragments, products.

#include "element.cuh"

/// An address in shared memory as the instructions below take it.
DEVICE u32 shared_address(const void *pointer) { return (u32)__cvta_generic_to_shared(pointer); }

/// Starts to copy 16 bytes to shared memory, or zeros unless `is_valid`; the address must be one that can be read.
DEVICE void copy_async(u32 target, const void *source, bool is_valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(__cvta_generic_to_global(source)),
                 "r"(is_valid ? 16 : 0)
                 : "memory");
}

DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most the last `pending` groups of copies of this thread are unfinished.
template <int pending> DEVICE void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/// Four 8×8 matrices; lane l gives the address of row l % 8 of matrix l / 8.
DEVICE void load_matrices(u32 *fragment, u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(address)
                 : "memory");
}

/// The same, each matrix transposed.
DEVICE void load_transposed_matrices(u32 *fragment, u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(address)
                 : "memory");
}

/// Adds a 16×16 by 16×8 product to f32 sums.
template <class Element> DEVICE void multiply_add(float *sums, const u32 *left, const u32 *right);

template <> __device__ __forceinline__ void multiply_add<half16>(float *sums, const u32 *left, const u32 *right) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}

template <> __device__ __forceinline__ void multiply_add<bfloat16>(float *sums, const u32 *left, const u32 *right) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}

/// Two rounded values in one register, the first in the low half.
template <class Element> DEVICE u32 pair(float first, float second) {
    Element low, high;
    round_to(low, first);
    round_to(high, second);
    return low.bits | (u32)high.bits << 16;
}

// Programs with a planted mistake: each must be found.
#include "product.h"
#include <cmath>

namespace check {

static void synchronisation() {
    test("missing barrier around stages", [] {
        ProductCase one(false);
        auto result = one.run("product_missing_barrier", 1);
        // Which warp is first is drawn: a copy over what another warp reads, or a read of what is copied.
        std::string text = ud2m_testdriver_fault();
        expect(result == UD2M_CUDA_ERROR_LAUNCH_FAILED, "product_missing_barrier returned " + std::to_string(result));
        expect(text.find("race in shared memory") != std::string::npos ||
                   text.find("not waited for") != std::string::npos,
               text);
        expect(cuda.cuCtxSynchronize() == UD2M_CUDA_ERROR_LAUNCH_FAILED, "the error stays");
    });
    test("missing barrier of a sum", [] {
        auto output = allocate(4);
        auto result = run(kernel("sums", "sum_missing_barrier"), 1, 256, 0, upload(noise(256, 1)), output, 256);
        // Which of the two comes first is drawn: a read of nothing, or of what another warp wrote.
        std::string text = ud2m_testdriver_fault();
        expect(result == UD2M_CUDA_ERROR_LAUNCH_FAILED, "sum_missing_barrier returned " + std::to_string(result));
        expect(text.find("race") != std::string::npos || text.find("never written") != std::string::npos, text);
    });
    test("early read of a cp.async", [] {
        ProductCase one(false);
        expect_fault(one.run("product_early_read", 1), UD2M_CUDA_ERROR_LAUNCH_FAILED, {"not waited for", "ldmatrix"},
                     "product_early_read");
    });
    test("swapped fragments", [] {
        ProductCase one(false);
        must(one.run("product_swapped_fragments", 1), "product_swapped_fragments");
        expect(one.error() > 0.1, "the result is right");
    });
    test("lanes that wait for each other, or not", [] {
        auto lanes = [](int wait) {
            return run(kernel("sums", "lanes"), 1, 32, 0, upload(std::vector<int>(32, 3)), allocate(128), wait);
        };
        must(lanes(3), "lanes");
        expect_fault(lanes(2), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"between lanes", "read of byte 4 by thread (0,0,0)", "lane 1 wrote"}, "lanes");
    });
    test("lanes that write over what others read", [] {
        expect_fault(run(kernel("sums", "lanes"), 1, 32, 0, upload(std::vector<int>(32, 3)), allocate(128), 1),
                     UD2M_CUDA_ERROR_LAUNCH_FAILED, {"between lanes", "write", "read since"}, "lanes");
    });
    test("two writers", [] {
        expect_fault(run(kernel("sums", "two_writers"), 1, 64, 0, allocate(4)), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"race in shared memory", "wrote"}, "two_writers");
    });
    test("a barrier for a part of a warp", [] {
        expect_fault(run(kernel("sums", "divergent_barrier"), 1, 64, 0, allocate(256), 40),
                     UD2M_CUDA_ERROR_LAUNCH_FAILED, {"divergent barrier"}, "divergent_barrier");
    });
    test("a barrier for one of two warps", [] {
        expect_fault(run(kernel("sums", "divergent_barrier"), 1, 64, 0, allocate(256), 32),
                     UD2M_CUDA_ERROR_LAUNCH_FAILED, {"divergent barrier"}, "divergent_barrier");
    });
    test("a shuffle of half a warp", [] {
        expect_fault(run(kernel("sums", "partial_shuffle"), 1, 32, 0, allocate(128)), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"the mask of lanes names thread (16,0,0)", "shfl"}, "partial_shuffle");
    });
}

static void memory() {
    auto affine = [](int offset, int shift, size_t written) {
        auto input = allocate(100 * 4), output = allocate(100 * 4);
        must(cuda.cuMemcpyHtoD(input, noise(100, 1).data(), written * 4), "cuMemcpyHtoD");
        return run(kernel("sums", "affine"), 2, 64, 0, input, output, 100, offset, shift);
    };
    test("nothing wrong", [&] { must(affine(0, 0, 100), "affine"); });
    test("read out of bounds", [&] {
        expect_fault(affine(1, 0, 100), UD2M_CUDA_ERROR_ILLEGAL_ADDRESS,
                     {"read of 4 bytes at offset 400", "thread (35,0,0)", "affine", "line "}, "affine");
    });
    test("write out of bounds", [&] {
        expect_fault(affine(0, 1, 100), UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, {"write of 4 bytes at offset 400"}, "affine");
    });
    test("read before the start",
         [&] { expect_fault(affine(-1, 0, 100), UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, {"read of 4 bytes"}, "affine"); });
    test("unwritten device memory", [&] {
        expect_fault(affine(0, 0, 99), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"never written", "byte 396, by thread (35,0,0)", "ld.global"}, "affine");
    });
    test("memory that is poisoned again", [] {
        auto input = upload(noise(100, 1)), output = allocate(400);
        must(ud2m_testdriver_poison(input + 40, 4), "poison");
        expect_fault(run(kernel("sums", "affine"), 2, 64, 0, input, output, 100, 0, 0), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"never written", "byte 40,"}, "affine");
    });
    test("unwritten shared memory", [] {
        expect_fault(run(kernel("sums", "unwritten_shared"), 1, 32, 0, allocate(128)), UD2M_CUDA_ERROR_LAUNCH_FAILED,
                     {"never written", "shared memory, byte 124, by thread (31,0,0)"}, "unwritten_shared");
    });
    test("freed memory", [] {
        auto input = upload(noise(100, 1)), output = allocate(400);
        must(cuda.cuMemFree(input), "cuMemFree");
        expect_fault(run(kernel("sums", "affine"), 2, 64, 0, input, output, 100, 0, 0), UD2M_CUDA_ERROR_ILLEGAL_ADDRESS,
                     {"no allocation"}, "affine");
    });
    test("an address that is not aligned", [] {
        auto input = upload(noise(100, 1)), output = allocate(404);
        expect_fault(run(kernel("sums", "affine"), 1, 64, 0, input, output + 2, 64, 0, 0),
                     UD2M_CUDA_ERROR_MISALIGNED_ADDRESS, {"not aligned"}, "affine");
    });
    test("reading back what was never written", [] {
        float value;
        expect_fault(cuda.cuMemcpyDtoH(&value, allocate(4), 4), UD2M_CUDA_ERROR_LAUNCH_FAILED, {"never written"},
                     "cuMemcpyDtoH");
    });
}

static void launches() {
    test("launches that are refused", [] {
        auto output = allocate(1024);
        auto sum = kernel("sums", "sum_block"), product = kernel("product", "product_f16");
        expect_fault(run(sum, 1, 512, 0, output, output, 0), UD2M_CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, {"512 threads"},
                     "too wide");
        expect_fault(run(sum, 0, 256, 0, output, output, 0), UD2M_CUDA_ERROR_INVALID_VALUE, {"size of 0"}, "no grid");
        Product none{};
        expect_fault(run(product, 1, 64, 50000, none), UD2M_CUDA_ERROR_INVALID_VALUE, {"attribute"},
                     "much shared memory");
        must(cuda.cuFuncSetAttribute(product, UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE, 100000),
             "cuFuncSetAttribute");
        expect(cuda.cuFuncSetAttribute(product, UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE, 300000) ==
                   UD2M_CUDA_ERROR_INVALID_VALUE,
               "more shared memory than there is");
        expect(run(ud2m_cuda_function(&none), 1, 1, 0, 0) == UD2M_CUDA_ERROR_INVALID_HANDLE, "a function that is none");
    });
}

void mistake_tests() {
    synchronisation();
    memory();
    launches();
}

} // namespace check

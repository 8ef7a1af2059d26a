#pragma once
// What the driver's own tests share: calls that must work or must fail, and buffers.
#include "ud2m_cuda_driver.h"
#include "ud2m_testdriver.h"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace check {

extern ud2m_cuda_driver cuda;
extern std::string programs;

/// Counts a failure and prints it.
void fail(const std::string &text);
void expect(bool good, const std::string &text);
/// A call that must work: throws otherwise, which ends the test.
void must(ud2m_cuda_result result, const char *what);
/// A failure of a test that cannot go on.
struct Stop {};

/// Runs a test in a fresh context.
void test(const char *name, const std::function<void()> &body);

std::string read_file(const std::string &path);
ud2m_cuda_module load(const std::string &ptx);
/// A kernel of one of the programs.
ud2m_cuda_function kernel(const char *program, const char *name);

/// Device memory, freed with the context.
ud2m_cuda_address allocate(size_t bytes);
template <class T> ud2m_cuda_address upload(const std::vector<T> &values) {
    ud2m_cuda_address address = allocate(values.size() * sizeof(T));
    must(cuda.cuMemcpyHtoD(address, values.data(), values.size() * sizeof(T)), "cuMemcpyHtoD");
    return address;
}
template <class T> std::vector<T> download(ud2m_cuda_address address, size_t count) {
    std::vector<T> values(count);
    must(cuda.cuMemcpyDtoH(values.data(), address, count * sizeof(T)), "cuMemcpyDtoH");
    return values;
}

template <class... Arguments>
ud2m_cuda_result launch(ud2m_cuda_function function, unsigned grid, unsigned block, unsigned shared,
                        ud2m_cuda_stream stream, Arguments... arguments) {
    void *pointers[] = {&arguments...};
    return cuda.cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared, stream, pointers, nullptr);
}
/// Launches, waits and returns the first error.
template <class... Arguments>
ud2m_cuda_result run(ud2m_cuda_function function, unsigned grid, unsigned block, unsigned shared,
                     Arguments... arguments) {
    ud2m_cuda_result result = launch(function, grid, block, shared, nullptr, arguments...);
    return result ? result : cuda.cuCtxSynchronize();
}

/// The result must be the code, and the text of the fault contain all the words.
void expect_fault(ud2m_cuda_result result, ud2m_cuda_result code, std::initializer_list<const char *> words,
                  const char *what);

/// Values from -1 to 1, the same for the same seed.
std::vector<float> noise(size_t count, unsigned seed);
uint16_t half(float value);
uint16_t brain(float value);

void kernel_tests();
void mistake_tests();
void stream_tests();
void language_tests();
void instruction_tests();
void product_tests();

} // namespace check

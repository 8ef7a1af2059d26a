#pragma once
// A CUDA driver for tests: it runs PTX on the CPU, slowly and strictly. Linked into a test it is used through
// `ud2m_testdriver_resolve`; as a shared library (scripts/cuda-test-driver.sh) through UD2M_CUDA_DRIVER.
//
// Work in streams is deferred: it runs only when something waits for it, and then as late as events and streams allow,
// so that a missing wait shows. These stop a launch with an error of CUDA's and a text, after which the context is
// unusable as it would be on a device: accesses out of bounds, not aligned, of memory that was never written, or of
// what a cp.async has not delivered; races in shared memory; barriers that not all threads reach; instructions of a
// warp that some of its lanes do not run; integer division by zero.
//
// Environment: UD2M_TESTDRIVER_CAPABILITY (8.0), UD2M_TESTDRIVER_DEVICES (1), UD2M_TESTDRIVER_MEMORY (bytes, 8 GiB),
// UD2M_TESTDRIVER_SEED (1: chooses the order of warps, streams and nodes of graphs), UD2M_TESTDRIVER_THREADS (1: how
// many run the blocks of a launch; with more than one, which fault is found first is not the same every time).

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A function of the driver by its name in the library ("cuMemAlloc_v2"), or null.
void *ud2m_testdriver_resolve(const char *name);

/// A function of cuBLASLt or cuDNN by its name in the library ("cublasLtMatmul"), or null: those that UD2M calls, computed
/// by plain loops, and an error for whatever they would not be called with. "wrong cublasLtMatmul" and "wrong
/// cudnnConvolutionForward" are the same functions with a wrong last row. As a shared library it is all three, for
/// UD2M_CUBLASLT and UD2M_CUDNN as well.
void *ud2m_testdriver_resolve_product(const char *name);

/// What the last fault or error in PTX was, "" before the first. Valid until the calling thread asks again.
const char *ud2m_testdriver_fault(void);

/// Ends every context as if the process had: the way on after a fault. Other threads must not be using the driver.
void ud2m_testdriver_reset(void);

/// Takes what was written to a range of device memory back, so that reading it is a fault: for parts of a larger
/// allocation whose content is over. It does not wait for work that is pending. Returns a CUresult.
int ud2m_testdriver_poison(uint64_t address, uint64_t bytes);

/// How many kernels ran in this process.
uint64_t ud2m_testdriver_launches(void);

#ifdef __cplusplus
}
#endif

// Names of errors, and of the driver's functions.
#include "ud2m_cuda_driver.h"
#include "ud2m_testdriver.h"
#include <cstring>

#define EXPORT extern "C" __attribute__((visibility("default")))

#define DECLARE(name, symbol, parameters) extern "C" ud2m_cuda_result symbol parameters;
UD2M_CUDA_DRIVER_FUNCTIONS(DECLARE)
#undef DECLARE

static const struct {
    ud2m_cuda_result code;
    const char *name, *text;
} errors[] = {
    {UD2M_CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {UD2M_CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {UD2M_CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {UD2M_CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {UD2M_CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {UD2M_CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {UD2M_CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {UD2M_CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UD2M_CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {UD2M_CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {UD2M_CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {UD2M_CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {UD2M_CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {UD2M_CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {UD2M_CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {UD2M_CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {902, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "operation would result in a merge of separate capture sequences"},
    {UD2M_CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {UD2M_CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
     "capturing stream has unjoined work"},
    {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"},
    {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {UD2M_CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
};

EXPORT ud2m_cuda_result cuGetErrorName(ud2m_cuda_result error, const char **text) {
    for (auto &each : errors)
        if (each.code == error) {
            *text = each.name;
            return UD2M_CUDA_SUCCESS;
        }
    *text = nullptr;
    return UD2M_CUDA_ERROR_INVALID_VALUE;
}

EXPORT ud2m_cuda_result cuGetErrorString(ud2m_cuda_result error, const char **text) {
    for (auto &each : errors)
        if (each.code == error) {
            *text = each.text;
            return UD2M_CUDA_SUCCESS;
        }
    *text = nullptr;
    return UD2M_CUDA_ERROR_INVALID_VALUE;
}

EXPORT void *ud2m_testdriver_resolve(const char *name) {
#define FIND(field, symbol, parameters)                                                                                \
    if (strcmp(name, #symbol) == 0)                                                                                    \
        return reinterpret_cast<void *>(&symbol);
    UD2M_CUDA_DRIVER_FUNCTIONS(FIND)
#undef FIND
    return nullptr;
}

#pragma once
// The CUDA driver API as far as UD2M uses it: declarations of its ABI and a table of its functions that is filled at
// run time. So nothing of NVIDIA's is needed to build, and a machine without a GPU gets an error instead of a program
// that does not start. Names of types and values are those of the CUDA driver API reference with a prefix; fields of
// the table are named as the reference names the functions.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int ud2m_cuda_result;
typedef int ud2m_cuda_device;
/// An address in device memory, CUdeviceptr.
typedef uint64_t ud2m_cuda_address;
typedef struct ud2m_cuda_context_s *ud2m_cuda_context;
typedef struct ud2m_cuda_module_s *ud2m_cuda_module;
typedef struct ud2m_cuda_function_s *ud2m_cuda_function;
typedef struct ud2m_cuda_stream_s *ud2m_cuda_stream;
typedef struct ud2m_cuda_event_s *ud2m_cuda_event;
typedef struct ud2m_cuda_graph_s *ud2m_cuda_graph;
typedef struct ud2m_cuda_graph_exec_s *ud2m_cuda_graph_exec;
typedef struct ud2m_cuda_uuid {
    uint8_t bytes[16];
} ud2m_cuda_uuid;

/// Those of CUresult that are told apart.
enum {
    UD2M_CUDA_SUCCESS = 0,
    UD2M_CUDA_ERROR_INVALID_VALUE = 1,
    UD2M_CUDA_ERROR_OUT_OF_MEMORY = 2,
    UD2M_CUDA_ERROR_NOT_INITIALIZED = 3,
    UD2M_CUDA_ERROR_NO_DEVICE = 100,
    UD2M_CUDA_ERROR_INVALID_DEVICE = 101,
    UD2M_CUDA_ERROR_INVALID_CONTEXT = 201,
    UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
    UD2M_CUDA_ERROR_INVALID_PTX = 218,
    UD2M_CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
    UD2M_CUDA_ERROR_INVALID_HANDLE = 400,
    UD2M_CUDA_ERROR_NOT_FOUND = 500,
    UD2M_CUDA_ERROR_NOT_READY = 600,
    UD2M_CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    UD2M_CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
    UD2M_CUDA_ERROR_MISALIGNED_ADDRESS = 716,
    UD2M_CUDA_ERROR_LAUNCH_FAILED = 719,
    UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
    UD2M_CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
    UD2M_CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
    UD2M_CUDA_ERROR_STREAM_CAPTURE_UNJOINED = 904,
    UD2M_CUDA_ERROR_CAPTURED_EVENT = 907,
};

/// CUdevice_attribute.
enum {
    UD2M_CUDA_MAX_THREADS_PER_BLOCK = 1,
    UD2M_CUDA_MAX_SHARED_MEMORY_PER_BLOCK = 8,
    UD2M_CUDA_WARP_SIZE = 10,
    UD2M_CUDA_CLOCK_RATE = 13,
    UD2M_CUDA_MULTIPROCESSOR_COUNT = 16,
    UD2M_CUDA_INTEGRATED = 18,
    UD2M_CUDA_MEMORY_CLOCK_RATE = 36,
    UD2M_CUDA_MEMORY_BUS_WIDTH = 37,
    UD2M_CUDA_L2_CACHE_SIZE = 38,
    UD2M_CUDA_MAX_THREADS_PER_MULTIPROCESSOR = 39,
    UD2M_CUDA_COMPUTE_CAPABILITY_MAJOR = 75,
    UD2M_CUDA_COMPUTE_CAPABILITY_MINOR = 76,
    UD2M_CUDA_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
    UD2M_CUDA_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
};

/// CUfunction_attribute.
enum {
    UD2M_CUDA_FUNCTION_MAX_THREADS_PER_BLOCK = 0,
    UD2M_CUDA_FUNCTION_SHARED_SIZE = 1,
    UD2M_CUDA_FUNCTION_LOCAL_SIZE = 3,
    UD2M_CUDA_FUNCTION_REGISTERS = 4,
    UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE = 8,
};

/// CUjit_option: sizes are passed as the values of pointers.
enum {
    UD2M_CUDA_JIT_INFO_LOG_BUFFER = 3,
    UD2M_CUDA_JIT_INFO_LOG_BUFFER_SIZE = 4,
    UD2M_CUDA_JIT_ERROR_LOG_BUFFER = 5,
    UD2M_CUDA_JIT_ERROR_LOG_BUFFER_SIZE = 6,
};

/// Flags of streams, events and pinned memory, and CUstreamCaptureMode.
enum {
    UD2M_CUDA_STREAM_NON_BLOCKING = 1,
    UD2M_CUDA_EVENT_DISABLE_TIMING = 2,
    UD2M_CUDA_HOST_ALLOC_PORTABLE = 1,
    UD2M_CUDA_CAPTURE_GLOBAL = 0,
    UD2M_CUDA_CAPTURE_THREAD_LOCAL = 1,
    UD2M_CUDA_CAPTURE_RELAXED = 2,
};

/// X(name in the reference, name in the library, parameters). The two names differ where the ABI has versions: there
/// the plain name is an old function with other types.
#define UD2M_CUDA_DRIVER_FUNCTIONS(X)                                                                                  \
    X(cuInit, cuInit, (unsigned flags))                                                                                \
    X(cuDriverGetVersion, cuDriverGetVersion, (int *version))                                                          \
    X(cuGetErrorName, cuGetErrorName, (ud2m_cuda_result error, const char **text))                                     \
    X(cuGetErrorString, cuGetErrorString, (ud2m_cuda_result error, const char **text))                                 \
    X(cuDeviceGetCount, cuDeviceGetCount, (int *count))                                                                \
    X(cuDeviceGet, cuDeviceGet, (ud2m_cuda_device * device, int ordinal))                                              \
    X(cuDeviceGetName, cuDeviceGetName, (char *name, int size, ud2m_cuda_device device))                               \
    X(cuDeviceGetUuid, cuDeviceGetUuid_v2, (ud2m_cuda_uuid * uuid, ud2m_cuda_device device))                           \
    X(cuDeviceGetAttribute, cuDeviceGetAttribute, (int *value, int attribute, ud2m_cuda_device device))                \
    X(cuDeviceTotalMem, cuDeviceTotalMem_v2, (size_t *bytes, ud2m_cuda_device device))                                 \
    X(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (ud2m_cuda_context * context, ud2m_cuda_device device))      \
    X(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (ud2m_cuda_device device))                              \
    X(cuCtxSetCurrent, cuCtxSetCurrent, (ud2m_cuda_context context))                                                   \
    X(cuCtxSynchronize, cuCtxSynchronize, (void))                                                                      \
    X(cuModuleLoadDataEx, cuModuleLoadDataEx,                                                                          \
      (ud2m_cuda_module * module, const void *image, unsigned option_count, int *options, void **values))              \
    X(cuModuleUnload, cuModuleUnload, (ud2m_cuda_module module))                                                       \
    X(cuModuleGetFunction, cuModuleGetFunction,                                                                        \
      (ud2m_cuda_function * function, ud2m_cuda_module module, const char *name))                                      \
    X(cuFuncGetAttribute, cuFuncGetAttribute, (int *value, int attribute, ud2m_cuda_function function))                \
    X(cuFuncSetAttribute, cuFuncSetAttribute, (ud2m_cuda_function function, int attribute, int value))                 \
    X(cuMemAlloc, cuMemAlloc_v2, (ud2m_cuda_address * address, size_t bytes))                                          \
    X(cuMemFree, cuMemFree_v2, (ud2m_cuda_address address))                                                            \
    X(cuMemGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total))                                                    \
    X(cuMemHostAlloc, cuMemHostAlloc, (void **pointer, size_t bytes, unsigned flags))                                  \
    X(cuMemFreeHost, cuMemFreeHost, (void *pointer))                                                                   \
    X(cuMemcpyHtoD, cuMemcpyHtoD_v2, (ud2m_cuda_address to, const void *from, size_t bytes))                           \
    X(cuMemcpyDtoH, cuMemcpyDtoH_v2, (void *to, ud2m_cuda_address from, size_t bytes))                                 \
    X(cuMemcpyDtoD, cuMemcpyDtoD_v2, (ud2m_cuda_address to, ud2m_cuda_address from, size_t bytes))                     \
    X(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                                                         \
      (ud2m_cuda_address to, const void *from, size_t bytes, ud2m_cuda_stream stream))                                 \
    X(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                                                                         \
      (void *to, ud2m_cuda_address from, size_t bytes, ud2m_cuda_stream stream))                                       \
    X(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                                                         \
      (ud2m_cuda_address to, ud2m_cuda_address from, size_t bytes, ud2m_cuda_stream stream))                           \
    X(cuMemsetD8Async, cuMemsetD8Async,                                                                                \
      (ud2m_cuda_address to, unsigned char value, size_t count, ud2m_cuda_stream stream))                              \
    X(cuMemsetD32Async, cuMemsetD32Async,                                                                              \
      (ud2m_cuda_address to, unsigned value, size_t count, ud2m_cuda_stream stream))                                   \
    X(cuStreamCreate, cuStreamCreate, (ud2m_cuda_stream * stream, unsigned flags))                                     \
    X(cuStreamDestroy, cuStreamDestroy_v2, (ud2m_cuda_stream stream))                                                  \
    X(cuStreamSynchronize, cuStreamSynchronize, (ud2m_cuda_stream stream))                                             \
    X(cuStreamWaitEvent, cuStreamWaitEvent, (ud2m_cuda_stream stream, ud2m_cuda_event event, unsigned flags))          \
    X(cuEventCreate, cuEventCreate, (ud2m_cuda_event * event, unsigned flags))                                         \
    X(cuEventDestroy, cuEventDestroy_v2, (ud2m_cuda_event event))                                                      \
    X(cuEventRecord, cuEventRecord, (ud2m_cuda_event event, ud2m_cuda_stream stream))                                  \
    X(cuEventQuery, cuEventQuery, (ud2m_cuda_event event))                                                             \
    X(cuEventSynchronize, cuEventSynchronize, (ud2m_cuda_event event))                                                 \
    X(cuEventElapsedTime, cuEventElapsedTime, (float *milliseconds, ud2m_cuda_event start, ud2m_cuda_event end))       \
    X(cuLaunchKernel, cuLaunchKernel,                                                                                  \
      (ud2m_cuda_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,               \
       unsigned block_y, unsigned block_z, unsigned shared_bytes, ud2m_cuda_stream stream, void **parameters,          \
       void **extra))                                                                                                  \
    X(cuStreamBeginCapture, cuStreamBeginCapture_v2, (ud2m_cuda_stream stream, int mode))                              \
    X(cuStreamEndCapture, cuStreamEndCapture, (ud2m_cuda_stream stream, ud2m_cuda_graph * graph))                      \
    X(cuGraphInstantiate, cuGraphInstantiateWithFlags,                                                                 \
      (ud2m_cuda_graph_exec * exec, ud2m_cuda_graph graph, unsigned long long flags))                                  \
    X(cuGraphLaunch, cuGraphLaunch, (ud2m_cuda_graph_exec exec, ud2m_cuda_stream stream))                              \
    X(cuGraphExecDestroy, cuGraphExecDestroy, (ud2m_cuda_graph_exec exec))                                             \
    X(cuGraphDestroy, cuGraphDestroy, (ud2m_cuda_graph graph))

#define UD2M_CUDA_DRIVER_FIELD(name, symbol, parameters) ud2m_cuda_result(*name) parameters;
/// Every field is set once it was opened.
typedef struct ud2m_cuda_driver {
    UD2M_CUDA_DRIVER_FUNCTIONS(UD2M_CUDA_DRIVER_FIELD)
} ud2m_cuda_driver;
#undef UD2M_CUDA_DRIVER_FIELD

typedef enum ud2m_cuda_open_result {
    UD2M_CUDA_OPENED = 0,
    /// No library could be loaded; the text is the loader's.
    UD2M_CUDA_NO_LIBRARY = 1,
    /// A library without a function that is needed, so too old or not CUDA's; the text names it.
    UD2M_CUDA_NO_FUNCTION = 2,
} ud2m_cuda_open_result;

/// Loads the driver's library and fills the table. With `path` null it is the library that the environment variable
/// UD2M_CUDA_DRIVER names or, where that is not set or empty, libcuda.so.1, then libcuda.so. The library stays loaded
/// for the life of the process. `error` gets a text, cut to `error_size` bytes with a final 0; it is empty on success.
ud2m_cuda_open_result ud2m_cuda_open(const char *path, ud2m_cuda_driver *driver, char *error, size_t error_size);

/// Returns a function of the driver by its name in the library, or null.
typedef void *(*ud2m_cuda_resolver)(const char *name, void *context);

/// Fills the table with what `resolver` returns, for a driver that is linked into the program.
ud2m_cuda_open_result ud2m_cuda_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cuda_driver *driver,
                                        char *error, size_t error_size);

#ifdef __cplusplus
}
#endif

// The driver's calls about devices, contexts, modules, functions and memory.
#include "context.h"
#include "parser.h"
#include "ud2m_testdriver.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace testdriver {

Driver &driver() {
    static Driver *one = new Driver;
    return *one;
}

static thread_local int current_device = -1;

Context &current() {
    Driver &all = driver();
    if (!all.initialised)
        throw Fault(UD2M_CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
    if (current_device < 0 || current_device >= int(all.devices.size()) || !all.devices[size_t(current_device)].context)
        throw Fault(UD2M_CUDA_ERROR_INVALID_CONTEXT, "the thread has no context");
    Context &context = *all.devices[size_t(current_device)].context;
    if (context.broken)
        throw Fault(context.broken, "");
    return context;
}

ud2m_cuda_result call(const std::function<ud2m_cuda_result()> &body) {
    std::lock_guard<std::recursive_mutex> lock(driver().lock);
    try {
        return body();
    } catch (const Fault &fault) {
        if (*fault.what())
            driver().fault = fault.what();
        return fault.code;
    } catch (const std::bad_alloc &) {
        return UD2M_CUDA_ERROR_OUT_OF_MEMORY;
    }
}

void perform(Context &context, const Action &action) {
    try {
        action();
    } catch (const Fault &fault) {
        context.broken = fault.code;
        context.streams.abandon();
        throw;
    }
}

static Device &device_of(ud2m_cuda_device device) {
    Driver &all = driver();
    if (!all.initialised)
        throw Fault(UD2M_CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
    if (device < 0 || device >= int(all.devices.size()))
        throw Fault(UD2M_CUDA_ERROR_INVALID_DEVICE, "no such device");
    return all.devices[size_t(device)];
}

static Kernel &kernel_of(Context &context, ud2m_cuda_function function) {
    if (!context.functions.count(function))
        throw Fault(UD2M_CUDA_ERROR_INVALID_HANDLE, "no such function");
    return *reinterpret_cast<Kernel *>(function);
}

/// Leaves text where the caller of cuModuleLoadDataEx wants it.
static void write_log(unsigned count, const int *options, void **values, const std::string &text) {
    char *buffer = nullptr;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == UD2M_CUDA_JIT_ERROR_LOG_BUFFER)
            buffer = static_cast<char *>(values[i]);
        if (options[i] == UD2M_CUDA_JIT_ERROR_LOG_BUFFER_SIZE)
            size = reinterpret_cast<uintptr_t>(values[i]);
    }
    if (buffer && size)
        snprintf(buffer, size, "%s", text.c_str());
}

static ud2m_cuda_result load_module(Context &context, ud2m_cuda_module *module, const char *image, unsigned count,
                                    int *options, void **values) {
    context.streams.refuse_global_capture();
    std::vector<uint64_t> allocated;
    std::unique_ptr<Module> parsed;
    try {
        if (strncmp(image, "\177ELF", 4) == 0)
            throw Fault(UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU, "this driver takes PTX alone");
        parsed = parse(image, [&](uint64_t size, bool constant) {
            uint64_t address = context.memory.allocate(size, constant);
            if (!address)
                throw Fault(UD2M_CUDA_ERROR_OUT_OF_MEMORY, "no memory for the variables of a module");
            allocated.push_back(address);
            return address;
        });
        const Settings &settings = driver().settings;
        if (parsed->target > unsigned(settings.major * 10 + settings.minor))
            throw Fault(UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU,
                        "the module is for sm_" + std::to_string(parsed->target) + ", newer than the device");
    } catch (const Fault &fault) {
        for (uint64_t address : allocated)
            context.memory.release(address);
        write_log(count, options, values, fault.what());
        throw;
    }
    for (auto &each : parsed->variables) {
        Variable &variable = each.second;
        context.memory.copy_in(variable.address, variable.content.data(), variable.size);
        variable.content.clear();
    }
    *module = reinterpret_cast<ud2m_cuda_module>(parsed.get());
    context.modules[*module] = std::move(parsed);
    return UD2M_CUDA_SUCCESS;
}

} // namespace testdriver

using namespace testdriver;

EXPORT ud2m_cuda_result cuInit(unsigned flags) {
    return call([&] {
        if (flags)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
#if defined(__x86_64__)
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
            throw Fault(UD2M_CUDA_ERROR_NO_DEVICE, "the interpreter needs a processor with AVX2 and FMA");
#endif
        Driver &all = driver();
        if (all.settings.devices < 1)
            return UD2M_CUDA_ERROR_NO_DEVICE;
        if (!all.initialised)
            all.devices.resize(size_t(all.settings.devices));
        all.initialised = true;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDriverGetVersion(int *version) {
    *version = 12000;
    return UD2M_CUDA_SUCCESS;
}

EXPORT ud2m_cuda_result cuDeviceGetCount(int *count) {
    return call([&] {
        if (!driver().initialised)
            return UD2M_CUDA_ERROR_NOT_INITIALIZED;
        *count = int(driver().devices.size());
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDeviceGet(ud2m_cuda_device *device, int ordinal) {
    return call([&] {
        device_of(ordinal);
        *device = ordinal;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDeviceGetName(char *name, int size, ud2m_cuda_device device) {
    return call([&] {
        device_of(device);
        if (size < 1)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        snprintf(name, size_t(size), "UD2M interpreter");
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDeviceGetUuid_v2(ud2m_cuda_uuid *uuid, ud2m_cuda_device device) {
    return call([&] {
        device_of(device);
        for (int i = 0; i < 16; i++)
            uuid->bytes[i] = uint8_t(i == 15 ? device : "UD2M interpreter"[i]);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDeviceGetAttribute(int *value, int attribute, ud2m_cuda_device device) {
    return call([&] {
        device_of(device);
        const Settings &settings = driver().settings;
        switch (attribute) {
        case UD2M_CUDA_MAX_THREADS_PER_BLOCK:
            *value = 1024;
            break;
        case UD2M_CUDA_MAX_SHARED_MEMORY_PER_BLOCK:
            *value = 48 * 1024;
            break;
        case UD2M_CUDA_WARP_SIZE:
            *value = 32;
            break;
        case UD2M_CUDA_CLOCK_RATE:
            *value = 1000000;
            break;
        case UD2M_CUDA_MULTIPROCESSOR_COUNT:
            *value = 4;
            break;
        case UD2M_CUDA_INTEGRATED:
            *value = 0;
            break;
        case UD2M_CUDA_MEMORY_CLOCK_RATE:
            *value = 1000000;
            break;
        case UD2M_CUDA_MEMORY_BUS_WIDTH:
            *value = 128;
            break;
        case UD2M_CUDA_L2_CACHE_SIZE:
            *value = 4 << 20;
            break;
        case UD2M_CUDA_MAX_THREADS_PER_MULTIPROCESSOR:
            *value = 2048;
            break;
        case UD2M_CUDA_COMPUTE_CAPABILITY_MAJOR:
            *value = settings.major;
            break;
        case UD2M_CUDA_COMPUTE_CAPABILITY_MINOR:
            *value = settings.minor;
            break;
        case UD2M_CUDA_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
            *value = settings.shared_limit() + 1024;
            break;
        case UD2M_CUDA_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
            *value = settings.shared_limit();
            break;
        default:
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        }
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDeviceTotalMem_v2(size_t *bytes, ud2m_cuda_device device) {
    return call([&] {
        device_of(device);
        *bytes = driver().settings.memory;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDevicePrimaryCtxRetain(ud2m_cuda_context *context, ud2m_cuda_device device) {
    return call([&] {
        Device &at = device_of(device);
        const Settings &settings = driver().settings;
        if (!at.context)
            at.context = std::make_unique<Context>(settings.memory, settings.seed);
        at.retained++;
        *context = reinterpret_cast<ud2m_cuda_context>(uintptr_t(device) + 1);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuDevicePrimaryCtxRelease_v2(ud2m_cuda_device device) {
    return call([&] {
        Device &at = device_of(device);
        if (at.retained == 0)
            return UD2M_CUDA_ERROR_INVALID_CONTEXT;
        if (--at.retained == 0)
            at.context = nullptr;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuCtxSetCurrent(ud2m_cuda_context context) {
    return call([&] {
        current_device = int(reinterpret_cast<uintptr_t>(context)) - 1;
        if (current_device >= 0 && !device_of(current_device).context)
            return UD2M_CUDA_ERROR_INVALID_CONTEXT;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuModuleLoadDataEx(ud2m_cuda_module *module, const void *image, unsigned count, int *options,
                                           void **values) {
    return call(
        [&] { return load_module(current(), module, static_cast<const char *>(image), count, options, values); });
}

EXPORT ud2m_cuda_result cuModuleUnload(ud2m_cuda_module module) {
    return call([&] {
        Context &context = current();
        auto found = context.modules.find(module);
        if (found == context.modules.end())
            return UD2M_CUDA_ERROR_INVALID_HANDLE;
        perform(context, [&] { context.streams.run_all(); });
        for (auto &each : found->second->kernels)
            context.functions.erase(each.second.get());
        for (auto &each : found->second->variables)
            context.memory.release(each.second.address);
        context.modules.erase(found);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuModuleGetFunction(ud2m_cuda_function *function, ud2m_cuda_module module, const char *name) {
    return call([&] {
        Context &context = current();
        auto found = context.modules.find(module);
        if (found == context.modules.end())
            return UD2M_CUDA_ERROR_INVALID_HANDLE;
        auto kernel = found->second->kernels.find(name);
        if (kernel == found->second->kernels.end())
            throw Fault(UD2M_CUDA_ERROR_NOT_FOUND, std::string("the module has no kernel ") + name);
        *function = reinterpret_cast<ud2m_cuda_function>(kernel->second.get());
        context.functions.insert(*function);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuFuncGetAttribute(int *value, int attribute, ud2m_cuda_function function) {
    return call([&] {
        const Kernel &kernel = kernel_of(current(), function);
        switch (attribute) {
        case UD2M_CUDA_FUNCTION_MAX_THREADS_PER_BLOCK:
            *value = int(kernel.max_threads);
            break;
        case UD2M_CUDA_FUNCTION_SHARED_SIZE:
            *value = int(kernel.static_shared);
            break;
        case UD2M_CUDA_FUNCTION_LOCAL_SIZE:
            *value = int(kernel.local_bytes);
            break;
        case UD2M_CUDA_FUNCTION_REGISTERS:
            *value = 255;
            break;
        case UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE:
            *value = int(kernel.max_dynamic_shared);
            break;
        default:
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        }
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuFuncSetAttribute(ud2m_cuda_function function, int attribute, int value) {
    return call([&] {
        Kernel &kernel = kernel_of(current(), function);
        if (attribute != UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        int most = driver().settings.shared_limit() - int(kernel.static_shared);
        if (value < 0 || value > most)
            throw Fault(UD2M_CUDA_ERROR_INVALID_VALUE, std::to_string(value) + " bytes of dynamic shared memory; " +
                                                           kernel.name + " may have " + std::to_string(most));
        kernel.max_dynamic_shared = uint32_t(value);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuMemAlloc_v2(ud2m_cuda_address *address, size_t bytes) {
    return call([&] {
        Context &context = current();
        context.streams.refuse_global_capture();
        if (bytes == 0)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        *address = context.memory.allocate(bytes);
        return *address ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_OUT_OF_MEMORY;
    });
}

EXPORT ud2m_cuda_result cuMemFree_v2(ud2m_cuda_address address) {
    return call([&] {
        Context &context = current();
        context.streams.refuse_global_capture();
        if (address == 0)
            return UD2M_CUDA_SUCCESS;
        perform(context, [&] { context.streams.run_all(); });
        return context.memory.release(address) ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_INVALID_VALUE;
    });
}

EXPORT ud2m_cuda_result cuMemGetInfo_v2(size_t *free, size_t *total) {
    return call([&] {
        Context &context = current();
        *total = context.memory.capacity();
        *free = *total - context.memory.used();
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
    return call([&] {
        Context &context = current();
        if (bytes == 0)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        *pointer = malloc(bytes);
        if (!*pointer)
            return UD2M_CUDA_ERROR_OUT_OF_MEMORY;
        memset(*pointer, 0xa5, bytes);
        context.pinned.insert(*pointer);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuMemFreeHost(void *pointer) {
    return call([&] {
        Context &context = current();
        if (!context.pinned.count(pointer))
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        perform(context, [&] { context.streams.run_all(); });
        context.pinned.erase(pointer);
        free(pointer);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT const char *ud2m_testdriver_fault(void) {
    static thread_local std::string text;
    std::lock_guard<std::recursive_mutex> lock(driver().lock);
    text = driver().fault;
    return text.c_str();
}

EXPORT void ud2m_testdriver_reset(void) {
    std::lock_guard<std::recursive_mutex> lock(driver().lock);
    for (Device &device : driver().devices) {
        device.context = nullptr;
        device.retained = 0;
    }
    driver().fault.clear();
}

EXPORT int ud2m_testdriver_poison(uint64_t address, uint64_t bytes) {
    return call([&] {
        current().memory.poison(address, bytes);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT uint64_t ud2m_testdriver_launches(void) {
    return driver().launches;
}

// PTX that is not known is refused, with its line and text; and the driver's functions are found or named.
#include "check.h"
#include <cstring>

namespace check {

static const char *const head = ".version 8.0\n.target sm_80\n.address_size 64\n";

static void expect_refused(const std::string &ptx, ud2m_cuda_result code, std::initializer_list<const char *> words) {
    ud2m_cuda_module module;
    char log[400] = "";
    int options[] = {UD2M_CUDA_JIT_ERROR_LOG_BUFFER, UD2M_CUDA_JIT_ERROR_LOG_BUFFER_SIZE};
    void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
    auto result = cuda.cuModuleLoadDataEx(&module, ptx.c_str(), 2, options, values);
    expect_fault(result, code, words, ptx.c_str());
    expect(ud2m_testdriver_fault() == std::string(log), "the log differs");
}

static std::string body(const std::string &text) {
    return std::string(head) +
           ".visible .entry k(.param .u64 p)\n{\n.reg .pred %p<2>;\n.reg .b32 %r<4>;\n.reg .f32 %f<4>;\n"
           ".reg .b64 %rd<4>;\n" +
           text + "\nret;\n}\n";
}

static void *without_alloc(const char *name, void *) {
    return strcmp(name, "cuMemAlloc_v2") ? ud2m_testdriver_resolve(name) : nullptr;
}

void language_tests() {
    test("PTX that is refused", [] {
        const int bad = UD2M_CUDA_ERROR_INVALID_PTX;
        expect_refused(body("frobnicate.u32 %r0, %r1;"), bad, {"line 10", "frobnicate.u32 %r0, %r1", "not known"});
        expect_refused(body("add.u32.wobble %r0, %r1, %r2;"), bad, {"line 10", "wobble"});
        expect_refused(body("add.u32 %r0, %r1;"), bad, {"line 10", "operands"});
        expect_refused(body("add.u64 %rd0, %rd1, %r2;"), bad, {"width"});
        expect_refused(body("add.f32 %f0, %f1, 1;"), bad, {"integer"});
        expect_refused(body("mov.u32 %r9, 1;"), bad, {"%r9"});
        expect_refused(body("bra $nowhere;"), bad, {"$nowhere"});
        expect_refused(body("cvt.f16x2.f32 %r0, %f1, %f2;"), bad, {"not known"});
        expect_refused(body("cvt.s32.f32 %r0, %f1;"), bad, {"rounding"});
        expect_refused(
            body("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0}, {%r1}, {%f0,%f1,%f2,%f3};"),
            bad, {"mma"});
        expect_refused(body("ld.global.v4.f64 {%rd0,%rd1,%rd2,%rd3}, [%rd0];"), bad, {"type"});
        expect_refused(std::string(head) + ".visible .entry k()\n{\n", bad, {"no }"});
        expect_refused(std::string(head) + "/* open", bad, {"line 4", "comment"});
        expect_refused(std::string(head) + ".shovel x;", bad, {".shovel"});
        expect_refused(".version 8.4\n.target sm_80\n", UD2M_CUDA_ERROR_UNSUPPORTED_PTX_VERSION, {"8.4"});
        expect_refused(".version 8.0\n.target sm_90\n", UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU, {"sm_90"});
        expect_refused("\177ELF", UD2M_CUDA_ERROR_NO_BINARY_FOR_GPU, {"PTX"});
    });
    test("PTX cut short is refused or read", [] {
        std::string whole = read_file(programs + "/sums.ptx");
        ud2m_cuda_module module;
        for (size_t size = 0; size < whole.size(); size += 97) {
            std::string part = whole.substr(0, size);
            if (cuda.cuModuleLoadDataEx(&module, part.c_str(), 0, nullptr, nullptr) == 0)
                must(cuda.cuModuleUnload(module), "unload");
        }
    });
    test("opening", [] {
        ud2m_cuda_driver table;
        char error[300];
        expect(ud2m_cuda_resolve(without_alloc, nullptr, &table, error, sizeof error) == UD2M_CUDA_NO_FUNCTION,
               "a missing function");
        expect(strstr(error, "cuMemAlloc_v2") != nullptr, error);
        expect(ud2m_cuda_open("/nonexistent/libcuda.so.1", &table, error, sizeof error) == UD2M_CUDA_NO_LIBRARY,
               "a missing library");
        expect(strstr(error, "/nonexistent/libcuda.so.1") != nullptr, error);
        expect(ud2m_cuda_open("/nonexistent/libcuda.so.1", &table, nullptr, 0) == UD2M_CUDA_NO_LIBRARY,
               "no room for text");
    });
    test("the device", [] {
        char name[100];
        int version, major, count;
        size_t total;
        must(cuda.cuDeviceGetName(name, sizeof name, 0), "cuDeviceGetName");
        must(cuda.cuDriverGetVersion(&version), "cuDriverGetVersion");
        must(cuda.cuDeviceGetAttribute(&major, UD2M_CUDA_COMPUTE_CAPABILITY_MAJOR, 0), "cuDeviceGetAttribute");
        must(cuda.cuDeviceGetCount(&count), "cuDeviceGetCount");
        must(cuda.cuDeviceTotalMem(&total, 0), "cuDeviceTotalMem");
        expect(!strcmp(name, "UD2M interpreter") && version == 12000 && major == 8 && count == 1, "its properties");
        ud2m_cuda_address address;
        expect(cuda.cuMemAlloc(&address, total + 1) == UD2M_CUDA_ERROR_OUT_OF_MEMORY, "more memory than there is");
        const char *text = nullptr;
        must(cuda.cuGetErrorName(700, &text), "cuGetErrorName");
        expect(!strcmp(text, "CUDA_ERROR_ILLEGAL_ADDRESS"), text);
        must(cuda.cuCtxSetCurrent(nullptr), "cuCtxSetCurrent");
        expect(cuda.cuCtxSynchronize() == UD2M_CUDA_ERROR_INVALID_CONTEXT, "a thread without context");
    });
}

} // namespace check

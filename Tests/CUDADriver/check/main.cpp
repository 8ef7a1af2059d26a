#include "check.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

namespace check {

ud2m_cuda_driver cuda;
std::string programs;
static int failures = 0, tests = 0;
static const char *current_test = "";

void fail(const std::string &text) {
    failures++;
    printf("FAILED %s: %s\n", current_test, text.c_str());
}

void expect(bool good, const std::string &text) {
    if (!good)
        fail(text);
}

void must(ud2m_cuda_result result, const char *what) {
    if (result == UD2M_CUDA_SUCCESS)
        return;
    fail(std::string(what) + " returned " + std::to_string(result) + ": " + ud2m_testdriver_fault());
    throw Stop();
}

void test(const char *name, const std::function<void()> &body) {
    current_test = name;
    tests++;
    ud2m_testdriver_reset();
    try {
        ud2m_cuda_context context;
        must(cuda.cuInit(0), "cuInit");
        must(cuda.cuDevicePrimaryCtxRetain(&context, 0), "cuDevicePrimaryCtxRetain");
        must(cuda.cuCtxSetCurrent(context), "cuCtxSetCurrent");
        body();
    } catch (const Stop &) {
    }
}

std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        fail("cannot read " + path);
        throw Stop();
    }
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

ud2m_cuda_module load(const std::string &ptx) {
    ud2m_cuda_module module;
    must(cuda.cuModuleLoadDataEx(&module, ptx.c_str(), 0, nullptr, nullptr), "cuModuleLoadDataEx");
    return module;
}

ud2m_cuda_function kernel(const char *program, const char *name) {
    ud2m_cuda_function function;
    must(cuda.cuModuleGetFunction(&function, load(read_file(programs + "/" + program + ".ptx")), name), name);
    return function;
}

ud2m_cuda_address allocate(size_t bytes) {
    ud2m_cuda_address address;
    must(cuda.cuMemAlloc(&address, bytes), "cuMemAlloc");
    return address;
}

void expect_fault(ud2m_cuda_result result, ud2m_cuda_result code, std::initializer_list<const char *> words,
                  const char *what) {
    std::string text = ud2m_testdriver_fault();
    if (result != code)
        fail(std::string(what) + " returned " + std::to_string(result) + ", not " + std::to_string(code) + ": " + text);
    for (const char *word : words)
        if (text.find(word) == std::string::npos)
            fail(std::string(what) + ": no \"" + word + "\" in \"" + text + "\"");
    if (getenv("VERBOSE"))
        printf("  %s: %s\n", what, text.c_str());
}

std::vector<float> noise(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> between(-1, 1);
    std::vector<float> values(count);
    for (auto &each : values)
        each = between(random);
    return values;
}

uint16_t half(float value) {
    _Float16 rounded = _Float16(value);
    uint16_t bits;
    memcpy(&bits, &rounded, 2);
    return bits;
}

uint16_t brain(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void *resolve(const char *name, void *) {
    return ud2m_testdriver_resolve(name);
}

/// Says of each file whether it can be loaded.
static int load_files(int count, char **paths) {
    int bad = 0;
    for (int i = 0; i < count; i++)
        test(paths[i], [&] {
            ud2m_cuda_module module;
            std::string text = read_file(paths[i]);
            if (cuda.cuModuleLoadDataEx(&module, text.c_str(), 0, nullptr, nullptr)) {
                printf("%s: %s\n", paths[i], ud2m_testdriver_fault());
                bad++;
            }
        });
    return bad || failures ? 1 : 0;
}

static int main(int count, char **arguments) {
    char error[300];
    if (ud2m_cuda_resolve(resolve, nullptr, &cuda, error, sizeof error) != UD2M_CUDA_OPENED) {
        printf("the driver cannot be opened: %s\n", error);
        return 1;
    }
    if (count > 1 && !strcmp(arguments[1], "load"))
        return load_files(count - 2, arguments + 2);
    programs = count > 1 ? arguments[1] : "Tests/CUDADriver/programs";
    language_tests();
    instruction_tests();
    product_tests();
    kernel_tests();
    mistake_tests();
    stream_tests();
    printf("%d tests, %d failures, %llu launches\n", tests, failures, (unsigned long long)ud2m_testdriver_launches());
    return failures ? 1 : 0;
}

} // namespace check

int main(int count, char **arguments) {
    return check::main(count, arguments);
}

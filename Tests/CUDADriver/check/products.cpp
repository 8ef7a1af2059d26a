// The libraries of products, through the code that calls the real ones.
#include "check.h"
#include "ud2m_cuda_products.h"
#include <cmath>
#include <cstring>

namespace check {

static void *resolve(const char *name, void *context) {
    const char *missing = static_cast<const char *>(context);
    return missing && strcmp(name, missing) == 0 ? nullptr : ud2m_testdriver_resolve_product(name);
}

/// Values as the device holds them, rounded in place.
static ud2m_cuda_address upload_elements(std::vector<float> &values, ud2m_cuda_element element) {
    if (element == UD2M_CUDA_F32)
        return upload(values);
    std::vector<uint16_t> bits;
    for (float &value : values) {
        uint16_t rounded = element == UD2M_CUDA_F16 ? half(value) : brain(value);
        bits.push_back(rounded);
        if (element == UD2M_CUDA_F16) {
            _Float16 wide;
            memcpy(&wide, &rounded, 2);
            value = float(wide);
        } else {
            uint32_t wide = uint32_t(rounded) << 16;
            memcpy(&value, &wide, 4);
        }
    }
    return upload(bits);
}

static void expect_close(float found, double wanted, double bound, size_t index) {
    expect(std::fabs(double(found) - wanted) <= bound, "value " + std::to_string(index));
}

/// Two matrices one after the other into the same output, with gaps between rows; captured and run as a graph.
static void multiply(ud2m_cuda_element element) {
    ud2m_cublaslt library;
    char error[256];
    expect(ud2m_cublaslt_resolve(resolve, nullptr, &library, error, sizeof error) == UD2M_CUDA_OPENED, error);
    void *handle;
    expect(library.create(&handle) == 0, "cublasLtCreate");
    ud2m_product_shape shape{};
    shape.element = element;
    shape.images = 2, shape.height = 3, shape.width = 1;
    shape.inputs = 8, shape.input_step = 16, shape.outputs = 24, shape.output_step = 32, shape.weight_step = 40;
    auto x = noise(6 * 16, 1), w = noise(24 * 40, 2);
    auto input = upload_elements(x, element), weights = upload_elements(w, element);
    auto output = upload(std::vector<float>(6 * 32, 7)), workspace = allocate(1 << 16);
    expect(!ud2m_cublaslt_product(&library, handle, &shape, 16, error, sizeof error) && *error, "too little workspace");
    ud2m_product *product = ud2m_cublaslt_product(&library, handle, &shape, 1 << 16, error, sizeof error);
    expect(product != nullptr, error);
    if (!product)
        throw Stop();
    const unsigned size = element == UD2M_CUDA_F32 ? 4 : 2;
    ud2m_cuda_stream stream;
    ud2m_cuda_graph graph;
    ud2m_cuda_graph_exec executable;
    must(cuda.cuStreamCreate(&stream, UD2M_CUDA_STREAM_NON_BLOCKING), "cuStreamCreate");
    must(cuda.cuStreamBeginCapture(stream, UD2M_CUDA_CAPTURE_THREAD_LOCAL), "cuStreamBeginCapture");
    for (int adds = 0; adds < 2; adds++)
        expect(ud2m_product_start(product, input, weights + uint64_t(adds) * 16 * size, output, adds, workspace, 1 << 16,
                                  stream, error, sizeof error) == 0,
               error);
    must(cuda.cuStreamEndCapture(stream, &graph), "cuStreamEndCapture");
    must(cuda.cuGraphInstantiate(&executable, graph, 0), "cuGraphInstantiate");
    must(cuda.cuGraphLaunch(executable, stream), "cuGraphLaunch");
    must(cuda.cuStreamSynchronize(stream), "cuStreamSynchronize");
    auto found = download<float>(output, 6 * 32);
    for (size_t p = 0; p < 6; p++)
        for (size_t k = 0; k < 32; k++) {
            double sum = 0;
            for (size_t c = 0; c < 8; c++)
                sum += double(x[p * 16 + c]) * double(w[k * 40 % (24 * 40) + c] + w[k * 40 % (24 * 40) + 16 + c]);
            expect_close(found[p * 32 + k], k < 24 ? sum : 7, 1e-6, p * 32 + k);
        }
    expect(ud2m_product_start(product, input, weights, output, 0, workspace, 16, stream, error, sizeof error) != 0,
           "a workspace that is too small is refused");
    ud2m_product_destroy(product);
    expect(library.destroy(handle) == 0, "cublasLtDestroy");
}

static void convolve(ud2m_cuda_element element) {
    ud2m_cudnn library;
    char error[256];
    expect(ud2m_cudnn_resolve(resolve, nullptr, &library, error, sizeof error) == UD2M_CUDA_OPENED, error);
    void *handle;
    expect(library.create(&handle) == 0, "cudnnCreate");
    ud2m_product_shape shape{};
    shape.element = element;
    shape.images = 2, shape.height = 5, shape.width = 4, shape.inputs = shape.input_step = 8;
    shape.outputs = shape.output_step = 16, shape.weight_step = 9 * 8;
    shape.kernel_height = shape.kernel_width = 3, shape.step = 2, shape.pad_top = shape.pad_left = 1;
    shape.output_height = 3, shape.output_width = 2;
    auto x = noise(2 * 20 * 8, 1), w = noise(16 * 72, 2);
    auto input = upload_elements(x, element), weights = upload_elements(w, element);
    const size_t count = 2 * 6 * 16;
    auto output = allocate(4 * count), workspace = allocate(1 << 16);
    expect(!ud2m_cudnn_product(&library, handle, &shape, 16, error, sizeof error) && *error, "too little workspace");
    ud2m_product *product = ud2m_cudnn_product(&library, handle, &shape, 1 << 16, error, sizeof error);
    expect(product != nullptr, error);
    if (!product)
        throw Stop();
    expect(ud2m_product_start(product, input, weights, output, 0, workspace, 1 << 16, nullptr, error, sizeof error) == 0,
           error);
    must(cuda.cuCtxSynchronize(), "cuCtxSynchronize");
    std::vector<float> found(count);
    if (element == UD2M_CUDA_F32) {
        found = download<float>(output, count);
    } else {
        auto bits = download<uint16_t>(output, count);
        for (size_t i = 0; i < count; i++) {
            _Float16 wide;
            memcpy(&wide, &bits[i], 2);
            uint32_t brain_bits = uint32_t(bits[i]) << 16;
            if (element == UD2M_CUDA_F16)
                found[i] = float(wide);
            else
                memcpy(&found[i], &brain_bits, 4);
        }
    }
    for (int n = 0; n < 2; n++)
        for (int row = 0; row < 3; row++)
            for (int column = 0; column < 2; column++)
                for (int k = 0; k < 16; k++) {
                    double sum = 0;
                    for (int tap = 0; tap < 9; tap++) {
                        int i = 2 * row + tap / 3 - 1, j = 2 * column + tap % 3 - 1;
                        for (int c = 0; c < 8 && i >= 0 && i < 5 && j >= 0 && j < 4; c++)
                            sum += double(x[size_t(((n * 5 + i) * 4 + j) * 8 + c)]) *
                                   double(w[size_t((k * 9 + tap) * 8 + c)]);
                    }
                    size_t at = size_t(((n * 3 + row) * 2 + column) * 16 + k);
                    expect_close(found[at], sum, element == UD2M_CUDA_F32 ? 1e-5 : 5e-2, at);
                }
    ud2m_product_destroy(product);
    // Padding that is not what the output's size says.
    shape.output_height = 2;
    expect(!ud2m_cudnn_product(&library, handle, &shape, 1 << 16, error, sizeof error) && *error, "another size");
    expect(library.destroy(handle) == 0, "cudnnDestroy");
}

void product_tests() {
    for (ud2m_cuda_element element : {UD2M_CUDA_F32, UD2M_CUDA_F16, UD2M_CUDA_BF16}) {
        test("cuBLASLt", [=] { multiply(element); });
        test("cuDNN", [=] { convolve(element); });
    }
    test("a function that is missing", [] {
        char error[256];
        ud2m_cublaslt one;
        ud2m_cudnn other;
        char first[] = "cublasLtMatmul", second[] = "cudnnSetStream";
        expect(ud2m_cublaslt_resolve(resolve, first, &one, error, sizeof error) == UD2M_CUDA_NO_FUNCTION && !one.version &&
                   strstr(error, first),
               error);
        expect(ud2m_cudnn_resolve(resolve, second, &other, error, sizeof error) == UD2M_CUDA_NO_FUNCTION &&
                   !other.version && strstr(error, second),
               error);
    });
}

} // namespace check

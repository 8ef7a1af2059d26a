// cuDNN as far as UD2M calls it, on the memory and the streams of this driver.
#include "products.h"
#include "ud2m_testdriver.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

#define DECLARE(field, symbol, result, parameters) extern "C" result symbol parameters;
UD2M_CUBLASLT_FUNCTIONS(DECLARE)
UD2M_CUDNN_FUNCTIONS(DECLARE)
#undef DECLARE

namespace testdriver {

extern "C" ud2m_cuda_status ud2m_testdriver_wrong_multiply(void *, void *, const void *, const void *, void *,
                                                           const void *, void *, const void *, const void *, void *,
                                                           void *, void *, const ud2m_cublaslt_algorithm *, void *,
                                                           size_t, ud2m_cuda_stream);

namespace {

constexpr ud2m_cuda_status bad = UD2M_CUDNN_STATUS_BAD_PARAM, unsupported = UD2M_CUDNN_STATUS_NOT_SUPPORTED;

struct Handle {
    ud2m_cuda_stream stream = nullptr;
};

/// Of maps N, C, H, W and filters K, C, R, S, channels last; the type is -1 before it is set.
struct Tensor {
    int type = -1, sizes[4] = {};
    size_t count() const { return size_t(sizes[0]) * size_t(sizes[1]) * size_t(sizes[2]) * size_t(sizes[3]); }
    Elements elements() const {
        return type == UD2M_CUDNN_DATA_FLOAT  ? Elements::single
               : type == UD2M_CUDNN_DATA_HALF ? Elements::half
                                              : Elements::brain;
    }
};

struct Filter : Tensor {};

struct Convolution {
    int pad_h = 0, pad_w = 0, step_h = 0, step_w = 0, math = 0;
};

Descriptors<Handle> handles;
Descriptors<Tensor> tensors;
Descriptors<Filter> filters;
Descriptors<Convolution> convolutions;

/// The algorithm that this library has for every convolution, and one that is not deterministic.
constexpr int algorithm = 1, other_algorithm = 0;
constexpr size_t workspace_bytes = 2048;

bool set(Tensor *tensor, int format, int type, int a, int b, int c, int d) {
    if (!tensor || format != UD2M_CUDNN_TENSOR_NHWC || a < 1 || b < 1 || c < 1 || d < 1)
        return false;
    if (type != UD2M_CUDNN_DATA_FLOAT && type != UD2M_CUDNN_DATA_HALF && type != UD2M_CUDNN_DATA_BFLOAT16)
        return false;
    const int sizes[4] = {a, b, c, d};
    tensor->type = type;
    memcpy(tensor->sizes, sizes, sizeof sizes);
    return true;
}

bool fits(const Tensor *x, const Filter *w, const Convolution *conv, const Tensor *y) {
    if (!x || !w || !conv || !y || x->type < 0 || w->type != x->type || y->type != x->type || conv->step_h < 1)
        return false;
    return x->sizes[1] == w->sizes[1] && y->sizes[1] == w->sizes[0] && y->sizes[0] == x->sizes[0] &&
           y->sizes[2] == (x->sizes[2] + 2 * conv->pad_h - w->sizes[2]) / conv->step_h + 1 &&
           y->sizes[3] == (x->sizes[3] + 2 * conv->pad_w - w->sizes[3]) / conv->step_w + 1;
}

/// Tensor cores are not for float32, and all else is.
bool is_math_allowed(const Tensor &x, const Convolution &conv) {
    return conv.math == (x.type == UD2M_CUDNN_DATA_FLOAT ? UD2M_CUDNN_FMA_MATH : UD2M_CUDNN_TENSOR_OP_MATH);
}

std::vector<double> convolved(const std::vector<double> &x, const Tensor &xt, const std::vector<double> &w,
                              const Filter &wt, const Convolution &conv, const Tensor &yt) {
    std::vector<double> y;
    const int channels = xt.sizes[1], height = xt.sizes[2], width = xt.sizes[3];
    for (int n = 0; n < yt.sizes[0]; n++)
        for (int row = 0; row < yt.sizes[2]; row++)
            for (int column = 0; column < yt.sizes[3]; column++)
                for (int k = 0; k < yt.sizes[1]; k++) {
                    double sum = 0;
                    for (int r = 0; r < wt.sizes[2]; r++)
                        for (int s = 0; s < wt.sizes[3]; s++) {
                            const int i = row * conv.step_h + r - conv.pad_h, j = column * conv.step_w + s - conv.pad_w;
                            if (i < 0 || i >= height || j < 0 || j >= width)
                                continue;
                            const double *pixel = &x[size_t((n * height + i) * width + j) * size_t(channels)];
                            const double *tap = &w[size_t((k * wt.sizes[2] + r) * wt.sizes[3] + s) * size_t(channels)];
                            for (int c = 0; c < channels; c++)
                                sum += pixel[c] * tap[c];
                        }
                    y.push_back(sum);
                }
    return y;
}

ud2m_cuda_status convolve(void *handle, const void *alpha, void *x_tensor, const void *x, void *filter,
                          const void *weights, void *convolution, int which, void *workspace, size_t bytes,
                          const void *beta, void *y_tensor, void *y, bool is_wrong) {
    Handle *own = handles.find(handle);
    Tensor *xt = tensors.find(x_tensor), *yt = tensors.find(y_tensor);
    Filter *wt = filters.find(filter);
    Convolution *conv = convolutions.find(convolution);
    if (!own || !alpha || !beta || !x || !weights || !y || !fits(xt, wt, conv, yt) || which != algorithm ||
        !workspace || bytes < workspace_bytes)
        return bad;
    if (*static_cast<const float *>(alpha) != 1 || *static_cast<const float *>(beta) != 0 ||
        !is_math_allowed(*xt, *conv))
        return unsupported;
    const Tensor sx = *xt, sy = *yt;
    const Filter sw = *wt;
    const Convolution sc = *conv;
    const uint64_t at = address_of(x), bt = address_of(weights), dt = address_of(y), st = address_of(workspace);
    ud2m_cuda_result result = later(own->stream, [=](Context &context) {
        context.memory.fill(st, 0xa5, 1, workspace_bytes);
        auto values = convolved(read_elements(context, at, sx.count(), sx.elements()), sx,
                                read_elements(context, bt, sw.count(), sw.elements()), sw, sc, sy);
        for (size_t i = 0; is_wrong && i < size_t(sy.sizes[1]); i++)
            values[values.size() - 1 - i] *= 1.5;
        write_elements(context, dt, values, sy.elements());
    });
    return result ? UD2M_CUDNN_STATUS_EXECUTION_FAILED : 0;
}

ud2m_cuda_status wrong_convolve(void *handle, const void *alpha, void *x_tensor, const void *x, void *filter,
                                const void *weights, void *convolution, int which, void *workspace, size_t bytes,
                                const void *beta, void *y_tensor, void *y) {
    return convolve(handle, alpha, x_tensor, x, filter, weights, convolution, which, workspace, bytes, beta, y_tensor,
                    y, true);
}

} // namespace
} // namespace testdriver

using namespace testdriver;

EXPORT size_t cudnnGetVersion(void) {
    return 8907;
}

EXPORT const char *cudnnGetErrorString(ud2m_cuda_status status) {
    switch (status) {
    case 0:
        return "CUDNN_STATUS_SUCCESS";
    case UD2M_CUDNN_STATUS_BAD_PARAM:
        return "CUDNN_STATUS_BAD_PARAM";
    case UD2M_CUDNN_STATUS_EXECUTION_FAILED:
        return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
        return "CUDNN_STATUS_NOT_SUPPORTED";
    }
}

EXPORT ud2m_cuda_status cudnnCreate(void **handle) {
    ud2m_cuda_result result = call([] {
        current();
        return UD2M_CUDA_SUCCESS;
    });
    if (result)
        return 1001; // CUDNN_STATUS_NOT_INITIALIZED
    *handle = handles.create();
    return 0;
}

EXPORT ud2m_cuda_status cudnnDestroy(void *handle) {
    return handles.destroy(handle) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnSetStream(void *handle, ud2m_cuda_stream stream) {
    Handle *found = handles.find(handle);
    if (!found)
        return bad;
    found->stream = stream;
    return 0;
}

EXPORT ud2m_cuda_status cudnnCreateTensorDescriptor(void **tensor) {
    *tensor = tensors.create();
    return 0;
}

EXPORT ud2m_cuda_status cudnnSetTensor4dDescriptor(void *tensor, int format, int type, int n, int c, int h, int w) {
    return set(tensors.find(tensor), format, type, n, c, h, w) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnDestroyTensorDescriptor(void *tensor) {
    return tensors.destroy(tensor) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnCreateFilterDescriptor(void **filter) {
    *filter = filters.create();
    return 0;
}

EXPORT ud2m_cuda_status cudnnSetFilter4dDescriptor(void *filter, int type, int format, int k, int c, int h, int w) {
    return set(filters.find(filter), format, type, k, c, h, w) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnDestroyFilterDescriptor(void *filter) {
    return filters.destroy(filter) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnCreateConvolutionDescriptor(void **convolution) {
    *convolution = convolutions.create();
    return 0;
}

EXPORT ud2m_cuda_status cudnnSetConvolution2dDescriptor(void *convolution, int pad_h, int pad_w, int step_h, int step_w,
                                                        int dilation_h, int dilation_w, int mode, int compute) {
    Convolution *found = convolutions.find(convolution);
    if (!found || pad_h < 0 || pad_w < 0 || step_h < 1 || step_w < 1 || dilation_h != 1 || dilation_w != 1 ||
        mode != UD2M_CUDNN_CROSS_CORRELATION || compute != UD2M_CUDNN_DATA_FLOAT)
        return bad;
    *found = Convolution{pad_h, pad_w, step_h, step_w, found->math};
    return 0;
}

EXPORT ud2m_cuda_status cudnnSetConvolutionMathType(void *convolution, int math) {
    Convolution *found = convolutions.find(convolution);
    if (!found || math < 0 || math > 3)
        return bad;
    found->math = math;
    return 0;
}

EXPORT ud2m_cuda_status cudnnDestroyConvolutionDescriptor(void *convolution) {
    return convolutions.destroy(convolution) ? 0 : bad;
}

EXPORT ud2m_cuda_status cudnnGetConvolutionForwardAlgorithm_v7(void *handle, void *x, void *filter, void *convolution,
                                                               void *y, int wanted, int *count,
                                                               ud2m_cudnn_performance *results) {
    Tensor *xt = tensors.find(x);
    Convolution *conv = convolutions.find(convolution);
    if (!handles.find(handle) || !fits(xt, filters.find(filter), conv, tensors.find(y)) || wanted < 2)
        return bad;
    if (!is_math_allowed(*xt, *conv))
        return unsupported;
    // The first fails, and the second gives other results every time.
    results[0] = results[1] = {};
    results[0].status = unsupported;
    results[1].algorithm = other_algorithm;
    results[1].math = conv->math;
    *count = 2;
    if (wanted > 2) {
        results[2] = {algorithm, 0, 0, workspace_bytes, UD2M_CUDNN_DETERMINISTIC, conv->math, {}};
        *count = 3;
    }
    return 0;
}

EXPORT ud2m_cuda_status cudnnGetConvolutionForwardWorkspaceSize(void *handle, void *x, void *filter, void *convolution,
                                                                void *y, int which, size_t *bytes) {
    if (!handles.find(handle) || which != algorithm ||
        !fits(tensors.find(x), filters.find(filter), convolutions.find(convolution), tensors.find(y)))
        return bad;
    *bytes = workspace_bytes;
    return 0;
}

EXPORT ud2m_cuda_status cudnnConvolutionForward(void *handle, const void *alpha, void *x_tensor, const void *x,
                                                void *filter, const void *weights, void *convolution, int which,
                                                void *workspace, size_t bytes, const void *beta, void *y_tensor,
                                                void *y) {
    return convolve(handle, alpha, x_tensor, x, filter, weights, convolution, which, workspace, bytes, beta, y_tensor,
                    y, false);
}

EXPORT void *ud2m_testdriver_resolve_product(const char *name) {
#define FIND(field, symbol, result, parameters)                                                                        \
    if (strcmp(name, #symbol) == 0)                                                                                    \
        return reinterpret_cast<void *>(&symbol);
    UD2M_CUBLASLT_FUNCTIONS(FIND)
    UD2M_CUDNN_FUNCTIONS(FIND)
#undef FIND
    if (strcmp(name, "wrong cublasLtMatmul") == 0)
        return reinterpret_cast<void *>(&ud2m_testdriver_wrong_multiply);
    if (strcmp(name, "wrong cudnnConvolutionForward") == 0)
        return reinterpret_cast<void *>(&wrong_convolve);
    return nullptr;
}

// cuBLASLt as far as UD2M calls it, on the memory and the streams of this driver.
#include "products.h"
#include "ud2m_testdriver.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

#define DECLARE(field, symbol, result, parameters) extern "C" result symbol parameters;
UD2M_CUBLASLT_FUNCTIONS(DECLARE)
#undef DECLARE

namespace testdriver {
namespace {

constexpr ud2m_cuda_status invalid = UD2M_CUBLASLT_STATUS_INVALID_VALUE,
                           unsupported = UD2M_CUBLASLT_STATUS_NOT_SUPPORTED;

struct Handle {};

struct Operation {
    int transposes[2] = {UD2M_CUBLASLT_OP_N, UD2M_CUBLASLT_OP_N};
};

struct Layout {
    Elements type;
    uint64_t rows, columns;
    int64_t step;
};

struct Preference {
    uint64_t workspace = 0;
    uint32_t alignments[4] = {256, 256, 256, 256};
};

Descriptors<Handle> handles;
Descriptors<Operation> operations;
Descriptors<Layout> layouts;
Descriptors<Preference> preferences;

/// Stands in an algorithm, with the bytes of its workspace after it.
constexpr uint64_t mark = 0x756432'6d616c67;
constexpr size_t workspace_bytes = 4096;

/// Whether the layouts are those of d = aᵀ·b with a type that the library multiplies.
bool fits(const Operation &operation, const Layout &a, const Layout &b, const Layout &c, const Layout &d) {
    return operation.transposes[0] == UD2M_CUBLASLT_OP_T && operation.transposes[1] == UD2M_CUBLASLT_OP_N &&
           a.type == b.type && c.type == Elements::single && d.type == Elements::single && a.rows == b.rows &&
           a.columns == d.rows && b.columns == d.columns && c.rows == d.rows && c.columns == d.columns;
}

/// Starts d = aᵀ·b + beta·d; the last column is wrong where that is asked for.
ud2m_cuda_status multiply(void *handle, void *operation, const void *alpha, const void *a, void *a_layout,
                          const void *b, void *b_layout, const void *beta, const void *c, void *c_layout, void *d,
                          void *d_layout, const ud2m_cublaslt_algorithm *algorithm, void *workspace, size_t bytes,
                          ud2m_cuda_stream stream, bool is_wrong) {
    Layout *la = layouts.find(a_layout), *lb = layouts.find(b_layout), *lc = layouts.find(c_layout),
           *ld = layouts.find(d_layout);
    Operation *op = operations.find(operation);
    if (!handles.find(handle) || !op || !la || !lb || !lc || !ld || !algorithm || !a || !b || c != d || !d || !alpha ||
        !beta)
        return invalid;
    if (!fits(*op, *la, *lb, *lc, *ld) || algorithm->data[0] != mark || bytes < algorithm->data[1] || !workspace)
        return invalid;
    for (const void *pointer : {a, b, static_cast<const void *>(d)})
        if (address_of(pointer) % 16)
            return invalid;
    const float scale = *static_cast<const float *>(alpha), addition = *static_cast<const float *>(beta);
    const Layout sa = *la, sb = *lb, sd = *ld;
    const uint64_t at = address_of(a), bt = address_of(b), dt = address_of(d), wt = address_of(workspace);
    ud2m_cuda_result result = later(stream, [=](Context &context) {
        context.memory.fill(wt, 0xa5, 1, workspace_bytes);
        for (uint64_t column = 0; column < sd.columns; column++) {
            auto right = read_elements(context, bt + column * uint64_t(sb.step) * size_of(sb.type), sb.rows, sb.type);
            const uint64_t target = dt + column * uint64_t(sd.step) * 4;
            std::vector<double> sums(sd.rows);
            if (addition != 0) {
                sums = read_elements(context, target, sd.rows, Elements::single);
                for (double &sum : sums)
                    sum *= double(addition);
            }
            for (uint64_t row = 0; row < sd.rows; row++) {
                auto left = read_elements(context, at + row * uint64_t(sa.step) * size_of(sa.type), sa.rows, sa.type);
                double sum = 0;
                for (uint64_t k = 0; k < sa.rows; k++)
                    sum += left[k] * right[k];
                sums[row] += double(scale) * sum * (is_wrong && column + 1 == sd.columns ? 1.5 : 1);
            }
            write_elements(context, target, sums, Elements::single);
        }
    });
    return result ? UD2M_CUBLASLT_STATUS_EXECUTION_FAILED : 0;
}

} // namespace

extern "C" ud2m_cuda_status ud2m_testdriver_wrong_multiply(
    void *handle, void *operation, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout,
    const void *beta, const void *c, void *c_layout, void *d, void *d_layout, const ud2m_cublaslt_algorithm *algorithm,
    void *workspace, size_t bytes, ud2m_cuda_stream stream) {
    return multiply(handle, operation, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d, d_layout, algorithm,
                    workspace, bytes, stream, true);
}

} // namespace testdriver

using namespace testdriver;

EXPORT size_t cublasLtGetVersion(void) {
    return 120003;
}

EXPORT const char *cublasLtGetStatusString(ud2m_cuda_status status) {
    switch (status) {
    case 0:
        return "success";
    case UD2M_CUBLASLT_STATUS_INVALID_VALUE:
        return "an unsupported value or parameter was passed to the function";
    case UD2M_CUBLASLT_STATUS_EXECUTION_FAILED:
        return "the function failed to launch on the GPU";
    default:
        return "the function is not supported";
    }
}

EXPORT ud2m_cuda_status cublasLtCreate(void **handle) {
    ud2m_cuda_result result = call([] {
        current();
        return UD2M_CUDA_SUCCESS;
    });
    if (result)
        return 1; // CUBLAS_STATUS_NOT_INITIALIZED
    *handle = handles.create();
    return 0;
}

EXPORT ud2m_cuda_status cublasLtDestroy(void *handle) {
    return handles.destroy(handle) ? 0 : invalid;
}

EXPORT ud2m_cuda_status cublasLtMatmulDescCreate(void **operation, int compute, int scale) {
    if (compute != UD2M_CUBLASLT_COMPUTE_32F || scale != UD2M_CUBLASLT_R_32F)
        return unsupported;
    *operation = operations.create();
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatmulDescSetAttribute(void *operation, int attribute, const void *value,
                                                       size_t bytes) {
    Operation *found = operations.find(operation);
    if (!found || bytes != 4 ||
        (attribute != UD2M_CUBLASLT_DESC_TRANSA && attribute != UD2M_CUBLASLT_DESC_TRANSB))
        return invalid;
    memcpy(&found->transposes[attribute - UD2M_CUBLASLT_DESC_TRANSA], value, bytes);
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatmulDescDestroy(void *operation) {
    return operations.destroy(operation) ? 0 : invalid;
}

EXPORT ud2m_cuda_status cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows, uint64_t columns,
                                                   int64_t step) {
    if (rows == 0 || columns == 0 || step < int64_t(rows))
        return invalid;
    Elements elements;
    if (type == UD2M_CUBLASLT_R_32F)
        elements = Elements::single;
    else if (type == UD2M_CUBLASLT_R_16F)
        elements = Elements::half;
    else if (type == UD2M_CUBLASLT_R_16BF)
        elements = Elements::brain;
    else
        return unsupported;
    *layout = layouts.create();
    *layouts.find(*layout) = Layout{elements, rows, columns, step};
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatrixLayoutDestroy(void *layout) {
    return layouts.destroy(layout) ? 0 : invalid;
}

EXPORT ud2m_cuda_status cublasLtMatmulPreferenceCreate(void **preference) {
    *preference = preferences.create();
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatmulPreferenceSetAttribute(void *preference, int attribute, const void *value,
                                                             size_t bytes) {
    Preference *found = preferences.find(preference);
    if (!found)
        return invalid;
    if (attribute == UD2M_CUBLASLT_PREF_MAX_WORKSPACE_BYTES && bytes == 8) {
        memcpy(&found->workspace, value, bytes);
        return 0;
    }
    if (attribute < UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES || attribute > UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES ||
        bytes != 4)
        return invalid;
    memcpy(&found->alignments[attribute - UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatmulPreferenceDestroy(void *preference) {
    return preferences.destroy(preference) ? 0 : invalid;
}

EXPORT ud2m_cuda_status cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c,
                                                       void *d, void *preference, int wanted,
                                                       ud2m_cublaslt_heuristic *results, int *count) {
    Layout *la = layouts.find(a), *lb = layouts.find(b), *lc = layouts.find(c), *ld = layouts.find(d);
    Operation *op = operations.find(operation);
    Preference *wish = preferences.find(preference);
    if (!handles.find(handle) || !op || !la || !lb || !lc || !ld || !wish || wanted < 1)
        return invalid;
    *count = 0;
    if (!fits(*op, *la, *lb, *lc, *ld) || wish->workspace < workspace_bytes)
        return unsupported;
    for (uint32_t alignment : wish->alignments)
        if (alignment > 16)
            return unsupported; // the maps promise no more
    results[0] = {};
    results[0].algorithm.data[0] = mark;
    results[0].algorithm.data[1] = results[0].workspace_bytes = workspace_bytes;
    *count = 1;
    return 0;
}

EXPORT ud2m_cuda_status cublasLtMatmul(void *handle, void *operation, const void *alpha, const void *a, void *a_layout,
                                       const void *b, void *b_layout, const void *beta, const void *c, void *c_layout,
                                       void *d, void *d_layout, const ud2m_cublaslt_algorithm *algorithm,
                                       void *workspace, size_t bytes, ud2m_cuda_stream stream) {
    return multiply(handle, operation, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d, d_layout, algorithm,
                    workspace, bytes, stream, false);
}

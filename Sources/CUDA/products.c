#include "ud2m_cuda_products.h"

#include "library.h"

#include <stdlib.h>
#include <string.h>

ud2m_cuda_open_result ud2m_cublaslt_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cublaslt *table,
                                            char *error, size_t error_size) {
    memset(table, 0, sizeof *table);
    ud2m_cuda_say(error, error_size, "%s", "");
    UD2M_CUBLASLT_FUNCTIONS(UD2M_CUDA_FILL)
    return UD2M_CUDA_OPENED;
}

ud2m_cuda_open_result ud2m_cudnn_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cudnn *table, char *error,
                                         size_t error_size) {
    memset(table, 0, sizeof *table);
    ud2m_cuda_say(error, error_size, "%s", "");
    UD2M_CUDNN_FUNCTIONS(UD2M_CUDA_FILL)
    return UD2M_CUDA_OPENED;
}

/// Loads the library that an environment variable names, or else the first of two.
static void *load(const char *variable, const char *newer, const char *older, const char **loaded, char *error,
                  size_t error_size) {
    const char *names[] = {getenv(variable), NULL, NULL};
    if (!names[0] || !*names[0]) {
        names[0] = newer;
        names[1] = older;
    }
    return ud2m_cuda_library(names, loaded, error, error_size);
}

ud2m_cuda_open_result ud2m_cublaslt_open(ud2m_cublaslt *table, char *error, size_t error_size) {
    const char *loaded;
    void *library = load("UD2M_CUBLASLT", "libcublasLt.so.13", "libcublasLt.so.12", &loaded, error, error_size);
    if (!library)
        return UD2M_CUDA_NO_LIBRARY;
    ud2m_cuda_open_result result = ud2m_cublaslt_resolve(ud2m_cuda_symbol, library, table, error, error_size);
    if (result == UD2M_CUDA_NO_FUNCTION)
        ud2m_cuda_blame(loaded, error, error_size);
    return result;
}

ud2m_cuda_open_result ud2m_cudnn_open(ud2m_cudnn *table, char *error, size_t error_size) {
    const char *loaded;
    void *library = load("UD2M_CUDNN", "libcudnn.so.9", "libcudnn.so.8", &loaded, error, error_size);
    if (!library)
        return UD2M_CUDA_NO_LIBRARY;
    ud2m_cuda_open_result result = ud2m_cudnn_resolve(ud2m_cuda_symbol, library, table, error, error_size);
    if (result == UD2M_CUDA_NO_FUNCTION)
        ud2m_cuda_blame(loaded, error, error_size);
    return result;
}

/// One library's table is set, and its descriptors.
struct ud2m_product {
    const ud2m_cublaslt *cublaslt;
    const ud2m_cudnn *cudnn;
    void *handle;
    /// cuBLASLt's operation and layouts, or cuDNN's convolution, filter and tensors.
    void *operation, *weights, *input, *output;
    ud2m_cublaslt_algorithm matrix_algorithm;
    int convolution_algorithm;
    size_t workspace_bytes;
};

void ud2m_product_destroy(ud2m_product *product) {
    if (!product)
        return;
    if (product->cublaslt) {
        const ud2m_cublaslt *library = product->cublaslt;
        if (product->operation) library->operation_destroy(product->operation);
        if (product->weights) library->layout_destroy(product->weights);
        if (product->input) library->layout_destroy(product->input);
        if (product->output) library->layout_destroy(product->output);
    } else {
        const ud2m_cudnn *library = product->cudnn;
        if (product->operation) library->convolution_destroy(product->operation);
        if (product->weights) library->filter_destroy(product->weights);
        if (product->input) library->tensor_destroy(product->input);
        if (product->output) library->tensor_destroy(product->output);
    }
    free(product);
}

/// Gives a product up, with the reason.
static ud2m_product *refuse(ud2m_product *product, const char *what, const char *reason, char *error,
                            size_t error_size) {
    ud2m_cuda_say(error, error_size, "%s: %s", what, reason ? reason : "an unknown error");
    ud2m_product_destroy(product);
    return NULL;
}

/// Makes a product from the calls of a library that follow in a function; a failing one ends that.
#define TRY(call)                                                                                                      \
    {                                                                                                                  \
        ud2m_cuda_status status = call;                                                                                \
        if (status)                                                                                                    \
            return refuse(product, #call, library->text(status), error, error_size);                                   \
    }

/// The best algorithm for a product, whose pointers are aligned to sixteen bytes.
static ud2m_cuda_status find_matrix_algorithm(ud2m_product *product, size_t workspace_limit, int *count) {
    const ud2m_cublaslt *library = product->cublaslt;
    void *preference = NULL;
    ud2m_cuda_status status = library->preference(&preference);
    if (status)
        return status;
    const uint64_t limit = workspace_limit;
    status = library->preference_set(preference, UD2M_CUBLASLT_PREF_MAX_WORKSPACE_BYTES, &limit, sizeof limit);
    const uint32_t alignment = 16;
    for (int matrix = UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES;
         !status && matrix <= UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES; matrix++)
        status = library->preference_set(preference, matrix, &alignment, sizeof alignment);
    ud2m_cublaslt_heuristic found;
    memset(&found, 0, sizeof found);
    if (!status)
        status = library->heuristic(product->handle, product->operation, product->weights, product->input,
                                    product->output, product->output, preference, 1, &found, count);
    library->preference_destroy(preference);
    if (status || *count < 1)
        return status;
    product->matrix_algorithm = found.algorithm;
    product->workspace_bytes = found.workspace_bytes;
    return found.state;
}

// To cuBLASLt, whose matrices are columns one after the other, rows of ours are columns: the weights are inputs × outputs and
// are transposed, the input is inputs × pixels, and the output is outputs × pixels.
ud2m_product *ud2m_cublaslt_product(const ud2m_cublaslt *library, void *handle, const ud2m_product_shape *shape,
                                    size_t workspace_limit, char *error, size_t error_size) {
    ud2m_product *product = calloc(1, sizeof *product);
    if (!product)
        return NULL;
    product->cublaslt = library;
    product->handle = handle;
    const int type = shape->element == UD2M_CUDA_F32    ? UD2M_CUBLASLT_R_32F
                     : shape->element == UD2M_CUDA_BF16 ? UD2M_CUBLASLT_R_16BF
                                                        : UD2M_CUBLASLT_R_16F;
    const int transposed = UD2M_CUBLASLT_OP_T, plain = UD2M_CUBLASLT_OP_N;
    const uint64_t pixels = (uint64_t)shape->images * (uint64_t)shape->height * (uint64_t)shape->width;
    const uint64_t inputs = (uint64_t)shape->inputs, outputs = (uint64_t)shape->outputs;
    TRY(library->operation(&product->operation, UD2M_CUBLASLT_COMPUTE_32F, UD2M_CUBLASLT_R_32F))
    TRY(library->operation_set(product->operation, UD2M_CUBLASLT_DESC_TRANSA, &transposed, sizeof transposed))
    TRY(library->operation_set(product->operation, UD2M_CUBLASLT_DESC_TRANSB, &plain, sizeof plain))
    TRY(library->layout(&product->weights, type, inputs, outputs, shape->weight_step))
    TRY(library->layout(&product->input, type, inputs, pixels, shape->input_step))
    TRY(library->layout(&product->output, UD2M_CUBLASLT_R_32F, outputs, pixels, shape->output_step))
    int count = 0;
    TRY(find_matrix_algorithm(product, workspace_limit, &count))
    if (count < 1)
        return refuse(product, "cublasLtMatmulAlgoGetHeuristic", "it has no algorithm", error, error_size);
    return product;
}

ud2m_product *ud2m_cudnn_product(const ud2m_cudnn *library, void *handle, const ud2m_product_shape *shape,
                                 size_t workspace_limit, char *error, size_t error_size) {
    ud2m_product *product = calloc(1, sizeof *product);
    if (!product)
        return NULL;
    product->cudnn = library;
    product->handle = handle;
    const int type = shape->element == UD2M_CUDA_F32    ? UD2M_CUDNN_DATA_FLOAT
                     : shape->element == UD2M_CUDA_BF16 ? UD2M_CUDNN_DATA_BFLOAT16
                                                        : UD2M_CUDNN_DATA_HALF;
    const int math = shape->element == UD2M_CUDA_F32 ? UD2M_CUDNN_FMA_MATH : UD2M_CUDNN_TENSOR_OP_MATH;
    TRY(library->tensor(&product->input))
    TRY(library->tensor_set(product->input, UD2M_CUDNN_TENSOR_NHWC, type, shape->images, shape->inputs, shape->height,
                            shape->width))
    TRY(library->filter(&product->weights))
    TRY(library->filter_set(product->weights, type, UD2M_CUDNN_TENSOR_NHWC, shape->outputs, shape->inputs,
                            shape->kernel_height, shape->kernel_width))
    TRY(library->tensor(&product->output))
    TRY(library->tensor_set(product->output, UD2M_CUDNN_TENSOR_NHWC, type, shape->images, shape->outputs,
                            shape->output_height, shape->output_width))
    TRY(library->convolution(&product->operation))
    TRY(library->convolution_set(product->operation, shape->pad_top, shape->pad_left, shape->step, shape->step, 1, 1,
                                 UD2M_CUDNN_CROSS_CORRELATION, UD2M_CUDNN_DATA_FLOAT))
    TRY(library->convolution_math(product->operation, math))
    ud2m_cudnn_performance found[16];
    memset(found, 0, sizeof found);
    int count = 0;
    TRY(library->heuristic(handle, product->input, product->weights, product->operation, product->output, 16, &count,
                           found))
    for (int i = 0; i < count && i < 16; i++) {
        if (found[i].status || found[i].determinism != UD2M_CUDNN_DETERMINISTIC)
            continue;
        // The descriptor's mode decides how an algorithm computes: that which it was ranked for, but never TF32.
        const int mode = shape->element == UD2M_CUDA_F32 ? math : found[i].math;
        TRY(library->convolution_math(product->operation, mode))
        size_t bytes = 0;
        if (library->workspace(handle, product->input, product->weights, product->operation, product->output,
                               found[i].algorithm, &bytes) ||
            bytes > workspace_limit)
            continue;
        product->convolution_algorithm = found[i].algorithm;
        product->workspace_bytes = bytes;
        return product;
    }
    return refuse(product, "cudnnGetConvolutionForwardAlgorithm_v7", "it has no deterministic algorithm", error,
                  error_size);
}

static void *pointer(ud2m_cuda_address address) {
    return (void *)(uintptr_t)address;
}

ud2m_cuda_status ud2m_product_start(const ud2m_product *product, ud2m_cuda_address input, ud2m_cuda_address weights,
                                    ud2m_cuda_address output, int adds, ud2m_cuda_address workspace,
                                    size_t workspace_bytes, ud2m_cuda_stream stream, char *error, size_t error_size) {
    const float one = 1, before = adds ? 1 : 0;
    if (product->workspace_bytes < workspace_bytes)
        workspace_bytes = product->workspace_bytes;
    ud2m_cuda_status status;
    const char *text = NULL;
    if (product->cublaslt) {
        status = product->cublaslt->multiply(product->handle, product->operation, &one, pointer(weights),
                                             product->weights, pointer(input), product->input, &before,
                                             pointer(output), product->output, pointer(output), product->output,
                                             &product->matrix_algorithm, pointer(workspace), workspace_bytes, stream);
        if (status)
            text = product->cublaslt->text(status);
    } else {
        status = product->cudnn->stream(product->handle, stream);
        if (!status)
            status = product->cudnn->convolve(product->handle, &one, product->input, pointer(input), product->weights,
                                              pointer(weights), product->operation, product->convolution_algorithm,
                                              pointer(workspace), workspace_bytes, &before, product->output,
                                              pointer(output));
        if (status)
            text = product->cudnn->text(status);
    }
    if (status)
        ud2m_cuda_say(error, error_size, "%s", text ? text : "an unknown error");
    return status;
}

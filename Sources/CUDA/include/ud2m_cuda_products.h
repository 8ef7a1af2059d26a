#pragma once
// Products of layers by NVIDIA's libraries, where a machine has them: cuBLASLt multiplies matrices, cuDNN convolves. Each
// is loaded when it is asked for, from its own declarations below, so nothing of them is needed to build.
//
// Facts are those of the public references, "cuBLAS 12.0" (the cuBLASLt API) and "cuDNN 8.9 API", and have been compared
// with cuBLAS 13.4 and cuDNN 9.26, whose interfaces are the same here. cuDNN 9 calls these functions deprecated in favour of
// its graphs, and has them still.
//
// Functions that make handles or products need a current CUDA context, the one that runs them.

#include "ud2m_cuda_driver.h"
#include "ud2m_cuda_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// cublasStatus_t and cudnnStatus_t; 0 is success in both.
typedef int ud2m_cuda_status;

/// cudaDataType_t, cublasComputeType_t, cublasOperation_t, and attributes of cublasLtMatmulDesc_t and
/// cublasLtMatmulPreference_t.
enum {
    UD2M_CUBLASLT_R_32F = 0,
    UD2M_CUBLASLT_R_16F = 2,
    UD2M_CUBLASLT_R_16BF = 14,
    /// Sums in float32; TF32 would be CUBLAS_COMPUTE_32F_FAST_TF32, 77.
    UD2M_CUBLASLT_COMPUTE_32F = 68,
    UD2M_CUBLASLT_OP_N = 0,
    UD2M_CUBLASLT_OP_T = 1,
    UD2M_CUBLASLT_DESC_TRANSA = 3,
    UD2M_CUBLASLT_DESC_TRANSB = 4,
    UD2M_CUBLASLT_PREF_MAX_WORKSPACE_BYTES = 1,
    UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES = 5,
    UD2M_CUBLASLT_PREF_MIN_ALIGNMENT_D_BYTES = 8,
    UD2M_CUBLASLT_STATUS_INVALID_VALUE = 7,
    UD2M_CUBLASLT_STATUS_EXECUTION_FAILED = 13,
    UD2M_CUBLASLT_STATUS_NOT_SUPPORTED = 15,
};

/// cublasLtMatmulAlgo_t.
typedef struct ud2m_cublaslt_algorithm {
    uint64_t data[8];
} ud2m_cublaslt_algorithm;

/// cublasLtMatmulHeuristicResult_t.
typedef struct ud2m_cublaslt_heuristic {
    ud2m_cublaslt_algorithm algorithm;
    size_t workspace_bytes;
    ud2m_cuda_status state;
    float waves;
    int reserved[4];
} ud2m_cublaslt_heuristic;

/// cudnnTensorFormat_t, cudnnDataType_t, cudnnConvolutionMode_t, cudnnMathType_t and cudnnDeterminism_t.
enum {
    UD2M_CUDNN_TENSOR_NHWC = 1,
    UD2M_CUDNN_DATA_FLOAT = 0,
    UD2M_CUDNN_DATA_HALF = 2,
    UD2M_CUDNN_DATA_BFLOAT16 = 9,
    UD2M_CUDNN_CROSS_CORRELATION = 1,
    UD2M_CUDNN_TENSOR_OP_MATH = 1,
    /// No tensor cores, so no TF32.
    UD2M_CUDNN_FMA_MATH = 3,
    UD2M_CUDNN_DETERMINISTIC = 1,
    UD2M_CUDNN_STATUS_BAD_PARAM = 2000,
    UD2M_CUDNN_STATUS_NOT_SUPPORTED = 3000,
    UD2M_CUDNN_STATUS_EXECUTION_FAILED = 5000,
};

/// cudnnConvolutionFwdAlgoPerf_t.
typedef struct ud2m_cudnn_performance {
    int algorithm;
    ud2m_cuda_status status;
    float milliseconds;
    size_t workspace_bytes;
    int determinism;
    int math;
    int reserved[3];
} ud2m_cudnn_performance;

/// X(field, name in the library, result, parameters).
#define UD2M_CUBLASLT_FUNCTIONS(X)                                                                                     \
    X(version, cublasLtGetVersion, size_t, (void))                                                                     \
    X(text, cublasLtGetStatusString, const char *, (ud2m_cuda_status status))                                          \
    X(create, cublasLtCreate, ud2m_cuda_status, (void **handle))                                                       \
    X(destroy, cublasLtDestroy, ud2m_cuda_status, (void *handle))                                                      \
    X(operation, cublasLtMatmulDescCreate, ud2m_cuda_status, (void **operation, int compute, int scale))               \
    X(operation_set, cublasLtMatmulDescSetAttribute, ud2m_cuda_status,                                                 \
      (void *operation, int attribute, const void *value, size_t bytes))                                               \
    X(operation_destroy, cublasLtMatmulDescDestroy, ud2m_cuda_status, (void *operation))                               \
    X(layout, cublasLtMatrixLayoutCreate, ud2m_cuda_status,                                                            \
      (void **layout, int type, uint64_t rows, uint64_t columns, int64_t column_step))                                 \
    X(layout_destroy, cublasLtMatrixLayoutDestroy, ud2m_cuda_status, (void *layout))                                   \
    X(preference, cublasLtMatmulPreferenceCreate, ud2m_cuda_status, (void **preference))                               \
    X(preference_set, cublasLtMatmulPreferenceSetAttribute, ud2m_cuda_status,                                          \
      (void *preference, int attribute, const void *value, size_t bytes))                                              \
    X(preference_destroy, cublasLtMatmulPreferenceDestroy, ud2m_cuda_status, (void *preference))                       \
    X(heuristic, cublasLtMatmulAlgoGetHeuristic, ud2m_cuda_status,                                                     \
      (void *handle, void *operation, void *a, void *b, void *c, void *d, void *preference, int wanted,                \
       ud2m_cublaslt_heuristic *results, int *count))                                                                  \
    X(multiply, cublasLtMatmul, ud2m_cuda_status,                                                                      \
      (void *handle, void *operation, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout, \
       const void *beta, const void *c, void *c_layout, void *d, void *d_layout,                                       \
       const ud2m_cublaslt_algorithm *algorithm, void *workspace, size_t workspace_bytes, ud2m_cuda_stream stream))

#define UD2M_CUDNN_FUNCTIONS(X)                                                                                        \
    X(version, cudnnGetVersion, size_t, (void))                                                                        \
    X(text, cudnnGetErrorString, const char *, (ud2m_cuda_status status))                                              \
    X(create, cudnnCreate, ud2m_cuda_status, (void **handle))                                                          \
    X(destroy, cudnnDestroy, ud2m_cuda_status, (void *handle))                                                         \
    X(stream, cudnnSetStream, ud2m_cuda_status, (void *handle, ud2m_cuda_stream stream))                               \
    X(tensor, cudnnCreateTensorDescriptor, ud2m_cuda_status, (void **tensor))                                          \
    X(tensor_set, cudnnSetTensor4dDescriptor, ud2m_cuda_status,                                                        \
      (void *tensor, int format, int type, int n, int c, int h, int w))                                                \
    X(tensor_destroy, cudnnDestroyTensorDescriptor, ud2m_cuda_status, (void *tensor))                                  \
    X(filter, cudnnCreateFilterDescriptor, ud2m_cuda_status, (void **filter))                                          \
    X(filter_set, cudnnSetFilter4dDescriptor, ud2m_cuda_status,                                                        \
      (void *filter, int type, int format, int k, int c, int h, int w))                                                \
    X(filter_destroy, cudnnDestroyFilterDescriptor, ud2m_cuda_status, (void *filter))                                  \
    X(convolution, cudnnCreateConvolutionDescriptor, ud2m_cuda_status, (void **convolution))                           \
    X(convolution_set, cudnnSetConvolution2dDescriptor, ud2m_cuda_status,                                              \
      (void *convolution, int pad_h, int pad_w, int step_h, int step_w, int dilation_h, int dilation_w, int mode,      \
       int compute))                                                                                                   \
    X(convolution_math, cudnnSetConvolutionMathType, ud2m_cuda_status, (void *convolution, int math))                  \
    X(convolution_destroy, cudnnDestroyConvolutionDescriptor, ud2m_cuda_status, (void *convolution))                   \
    X(heuristic, cudnnGetConvolutionForwardAlgorithm_v7, ud2m_cuda_status,                                             \
      (void *handle, void *x, void *filter, void *convolution, void *y, int wanted, int *count,                        \
       ud2m_cudnn_performance *results))                                                                               \
    X(workspace, cudnnGetConvolutionForwardWorkspaceSize, ud2m_cuda_status,                                            \
      (void *handle, void *x, void *filter, void *convolution, void *y, int algorithm, size_t *bytes))                 \
    X(convolve, cudnnConvolutionForward, ud2m_cuda_status,                                                             \
      (void *handle, const void *alpha, void *x_tensor, const void *x, void *filter, const void *weights,              \
       void *convolution, int algorithm, void *workspace, size_t workspace_bytes, const void *beta, void *y_tensor,    \
       void *y))

#define UD2M_CUDA_FIELD(field, symbol, result, parameters) result(*field) parameters;
/// Every field is set once it was opened.
typedef struct ud2m_cublaslt {
    UD2M_CUBLASLT_FUNCTIONS(UD2M_CUDA_FIELD)
} ud2m_cublaslt;
typedef struct ud2m_cudnn {
    UD2M_CUDNN_FUNCTIONS(UD2M_CUDA_FIELD)
} ud2m_cudnn;
#undef UD2M_CUDA_FIELD

/// Loads a library and fills its table, as `ud2m_cuda_open`: the library that the environment variable UD2M_CUBLASLT names
/// or else libcublasLt.so.13 or .12, and UD2M_CUDNN or libcudnn.so.9 or .8.
ud2m_cuda_open_result ud2m_cublaslt_open(ud2m_cublaslt *table, char *error, size_t error_size);
ud2m_cuda_open_result ud2m_cudnn_open(ud2m_cudnn *table, char *error, size_t error_size);

/// Fills a table from a resolver, for a library that is linked into the program.
ud2m_cuda_open_result ud2m_cublaslt_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cublaslt *table,
                                            char *error, size_t error_size);
ud2m_cuda_open_result ud2m_cudnn_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cudnn *table, char *error,
                                         size_t error_size);

/// What a product is of.
typedef struct ud2m_product_shape {
    ud2m_cuda_element element;
    int images, height, width;
    /// Elements of a pixel of the input that are multiplied, and from one pixel to the next.
    int inputs, input_step;
    /// Output channels, and elements from one output pixel to the next.
    int outputs, output_step;
    /// Elements from the weights of one output to those of the next.
    int weight_step;
    /// The rest is of convolutions by cuDNN.
    int kernel_height, kernel_width, step, pad_top, pad_left, output_height, output_width;
} ud2m_product_shape;

/// A product that a library has an algorithm for.
typedef struct ud2m_product ud2m_product;

/// Pixels' vectors times a matrix by cuBLASLt: output[p][k] = Σ weights[k][c]·input[p][c], of images · height · width
/// pixels. Products of 16-bit elements are left in float32.
/// Returns null where the library has no algorithm, with the reason.
ud2m_product *ud2m_cublaslt_product(const ud2m_cublaslt *library, void *handle, const ud2m_product_shape *shape,
                                    size_t workspace_limit, char *error, size_t error_size);

/// A convolution by cuDNN, deterministic and left in the elements' type; input, weights and outputs lie without gaps.
ud2m_product *ud2m_cudnn_product(const ud2m_cudnn *library, void *handle, const ud2m_product_shape *shape,
                                 size_t workspace_limit, char *error, size_t error_size);

/// Starts a product; with `adds`, it is added to what the output holds. Returns the library's status, and its text if that is
/// no success.
ud2m_cuda_status ud2m_product_start(const ud2m_product *product, ud2m_cuda_address input, ud2m_cuda_address weights,
                                    ud2m_cuda_address output, int adds, ud2m_cuda_address workspace,
                                    size_t workspace_bytes, ud2m_cuda_stream stream, char *error, size_t error_size);

void ud2m_product_destroy(ud2m_product *product);

#ifdef __cplusplus
}
#endif

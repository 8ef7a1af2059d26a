#pragma once
#include "ud2m_kernels.h"

/// @file
/// The one list of kernel cases: the tests in Swift, `scripts/kernels.sh`, its benchmarks and the self-test of GPUs all run it.

#ifdef __cplusplus
extern "C" {
#endif

/// What a case is for.
typedef enum ud2m_case_use {
    /// Compared with the definition, by every algorithm that supports it.
    UD2M_CASE_CHECKED = 0,
    /// Likewise, larger than a block of Winograd tiles.
    UD2M_CASE_TILES = 1,
    /// Checked and timed, and small enough to count its instructions.
    UD2M_CASE_COUNTED = 2,
    /// Timed only: layers of real networks, far too large for the reference tier.
    UD2M_CASE_TIMED = 3,
    /// A convolution that every algorithm must refuse, because the kernel is larger than the padded image.
    UD2M_CASE_REFUSED = 4,
} ud2m_case_use;

enum {
    /// Most sources of a concatenation; 0 marks an absent one.
    UD2M_CASE_SOURCES = 3,
};

typedef struct ud2m_conv_case {
    ud2m_case_use use;
    const char *name;
    int32_t sources[UD2M_CASE_SOURCES];
    int32_t outputs;
    int32_t height;
    int32_t width;
    /// Height, width.
    int32_t kernel[2];
    int32_t stride;
    /// Top, left, bottom, right.
    int32_t pads[4];
    int32_t upsample;
    /// Whether the input passes a scale and a shift.
    bool mapped;
    ud2m_activation input_activation;
    ud2m_activation activation;
    bool bias;
    /// 0 for none, else how much the residual is enlarged.
    int32_t residual;
} ud2m_conv_case;

/// A transposed convolution of kernel 2 and stride 2, which is a 1x1 convolution to four images and an interleaving.
typedef struct ud2m_transposed_case {
    ud2m_case_use use;
    const char *name;
    int32_t channels;
    int32_t outputs;
    int32_t height;
    int32_t width;
} ud2m_transposed_case;

/// Where queries, keys and values lie (`ud2m_attention`).
typedef enum ud2m_case_rows {
    /// Head by head.
    UD2M_CASE_ROWS_LEGACY = 0,
    /// All queries, all keys, all values.
    UD2M_CASE_ROWS_NEW = 1,
    /// Three images.
    UD2M_CASE_ROWS_SEPARATE = 2,
} ud2m_case_rows;

typedef struct ud2m_attention_case {
    ud2m_case_use use;
    const char *name;
    int32_t heads;
    int32_t head_channels;
    int32_t tokens;
    ud2m_case_rows rows;
    /// Factor of the queries: large products test the running maximum.
    float gain;
} ud2m_attention_case;

typedef struct ud2m_norm_case {
    ud2m_case_use use;
    const char *name;
    int32_t sources[UD2M_CASE_SOURCES];
    int32_t groups;
    int32_t height;
    int32_t width;
    /// Added to every input: a mean far from zero loses digits in careless sums.
    float offset;
    /// Whether a time embedding scales and shifts the result.
    bool modulated;
    /// Whether channels have weights and biases.
    bool affine;
} ud2m_norm_case;

typedef struct ud2m_pooling_case {
    ud2m_case_use use;
    const char *name;
    int32_t channels;
    int32_t height;
    int32_t width;
    ud2m_pooling kind;
    int32_t window;
    int32_t stride;
    int32_t padding;
    bool ceil_mode;
    /// Output size of the adaptive kind.
    int32_t adaptive[2];
    /// Whether the input passes scale, shift and SiLU.
    bool mapped;
} ud2m_pooling_case;

typedef struct ud2m_linear_case {
    ud2m_case_use use;
    const char *name;
    int32_t inputs;
    int32_t outputs;
    ud2m_element element;
    ud2m_activation input_activation;
} ud2m_linear_case;

/// The cases of one operation. They live as long as the program.
const ud2m_conv_case *ud2m_conv_cases(int32_t *count);
const ud2m_transposed_case *ud2m_transposed_cases(int32_t *count);
const ud2m_attention_case *ud2m_attention_cases(int32_t *count);
const ud2m_norm_case *ud2m_norm_cases(int32_t *count);
const ud2m_pooling_case *ud2m_pooling_cases(int32_t *count);
const ud2m_linear_case *ud2m_linear_cases(int32_t *count);

/// Which operation a case is of.
typedef enum ud2m_case_kind {
    UD2M_CASE_CONVOLUTION = 0,
    UD2M_CASE_TRANSPOSED = 1,
    UD2M_CASE_ATTENTION = 2,
    UD2M_CASE_GROUP_NORM = 3,
    UD2M_CASE_POOLING = 4,
    UD2M_CASE_LINEAR = 5,
} ud2m_case_kind;

/// A case of any operation.
typedef struct ud2m_case {
    ud2m_case_kind kind;
    ud2m_case_use use;
    const char *name;
    union {
        const ud2m_conv_case *convolution;
        const ud2m_transposed_case *transposed;
        const ud2m_attention_case *attention;
        const ud2m_norm_case *norm;
        const ud2m_pooling_case *pooling;
        const ud2m_linear_case *linear;
    };
} ud2m_case;

/// The cases of all operations, one after the other.
int32_t ud2m_case_count(void);
ud2m_case ud2m_case_at(int32_t index);

#ifdef __cplusplus
}
#endif

#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a call of this module reports.
typedef enum {
    UD2M_FFT_OK = 0,
    /// A size is zero, or rows · columns overflows.
    UD2M_FFT_BAD_SIZE = 1,
    UD2M_FFT_OUT_OF_MEMORY = 2,
    /// Any other failure inside the library.
    UD2M_FFT_FAILED = 3
} ud2m_fft_status;

/// Tables for transforms of one size in both directions; immutable, so any number of threads may share one.
typedef struct ud2m_fft_plan ud2m_fft_plan;

/// Creates a plan for images of `rows` × `columns`. On failure `*plan` is NULL.
ud2m_fft_status ud2m_fft_plan_create(size_t rows, size_t columns, ud2m_fft_plan **plan);

/// Frees a plan; NULL is allowed.
void ud2m_fft_plan_destroy(ud2m_fft_plan *plan);

/// Transforms one image in place, without scaling: forward then inverse multiplies by rows · columns.
///
/// `image` holds 2 · rows · columns doubles, row-major, real and imaginary parts interleaved.
ud2m_fft_status ud2m_fft_execute(const ud2m_fft_plan *plan, double *image, bool inverse);

#ifdef __cplusplus
}
#endif

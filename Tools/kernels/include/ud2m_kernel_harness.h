#pragma once
#include "ud2m_kernel_bounds.h"
#include "ud2m_kernel_cases.h"

/// @file
/// Checks, fuzzing and timing of the kernels. Test code: it prints what fails to standard error, and ends the process when
/// memory runs out.

#ifdef __cplusplus
extern "C" {
#endif

/// How a case is run, where there is a choice: convolutions only.
typedef struct ud2m_variant {
    ud2m_conv_algorithm algorithm;
    /// Storage type of the weights.
    ud2m_element element;
    /// Whether they are read where they are stored instead of packed.
    bool stored;
    /// Whether the sums that a GroupNorm needs are left too.
    bool moments;
} ud2m_variant;

typedef struct ud2m_check_options {
    /// Of inputs and weights. Convolutions leave moments if it is odd.
    uint64_t seed;
    /// Factor of the error bounds.
    double slack;
    /// Whether errors beyond the bounds are counted without a word.
    bool silent;
    /// Whether buffers start 4 bytes past a cache line (8 where they hold doubles), the least the kernels ask for.
    bool misaligned;
    /// Whether to print a line for every tier and variant, not only for failures.
    bool verbose;
} ud2m_check_options;

/// Runs a case on every vector tier of this machine, by every variant that supports it, with 1 to 3 threads; gives the
/// number of failures. Results must be within the bounds of the reference tier's, equal to the bit for any number of
/// threads, zero in padding lanes, and inside their buffers. A case of which nothing ran has failed, unless it is one to be
/// refused and is.
int32_t ud2m_check_case(const ud2m_case *a_case, const ud2m_check_options *options);

/// Checks random shapes: number `i` is made from `seed + i`, so a failure is repeated alone by its own seed. Ends after
/// `runs` shapes, or after `seconds` if that is positive. Gives the number of shapes that failed.
int64_t ud2m_fuzz(uint64_t seed, int64_t runs, double seconds);

typedef struct ud2m_timing {
    /// Seconds a run, after one to warm up.
    double median;
    double least;
    int32_t repeats;
    /// Floating-point operations by the definition of the operation: multiplications and additions of a direct
    /// convolution whatever the algorithm. 0 where memory is what counts.
    double operations;
    /// Bytes of inputs and outputs.
    double bytes;
} ud2m_timing;

/// Times a case; `repeats` 0 if it cannot run.
ud2m_timing ud2m_time_case(const ud2m_case *a_case, ud2m_variant variant, ud2m_pool *pool);

/// Runs a case once on one thread, the kernel inside the function `ud2m_counted_run`, where callgrind counts.
ud2m_status ud2m_run_once(const ud2m_case *a_case, ud2m_variant variant);

/// Variants of a case for weights of a storage type; `variants` has room for 5. None if the shape is invalid.
int32_t ud2m_case_variants(const ud2m_case *a_case, ud2m_element element, ud2m_variant *variants);

/// A case or a variant in words, for messages.
void ud2m_case_describe(const ud2m_case *a_case, char *text, size_t size);
void ud2m_variant_describe(const ud2m_case *a_case, ud2m_variant variant, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#pragma once
#include "ud2m_types.h"

/// @file
/// Choice of the instruction set the kernels run with.

#ifdef __cplusplus
extern "C" {
#endif

/// Implementation tier. Tiers agree to rounding (see the tests for bounds), not bit for bit.
typedef enum ud2m_isa {
    /// Plain loops with double accumulators: the oracle the others are tested against. Slow.
    UD2M_ISA_REFERENCE = 0,
    /// Vector code for the baseline of the target (SSE2, NEON).
    UD2M_ISA_GENERIC = 1,
    /// AVX2, FMA and F16C.
    UD2M_ISA_AVX2 = 2,
    /// AVX-512 F, BW, DQ and VL.
    UD2M_ISA_AVX512 = 3,
} ud2m_isa;

/// Whether this build and this machine (processor and operating system) can run a tier.
bool ud2m_isa_available(ud2m_isa isa);

/// The tier in use. Until `ud2m_isa_select` is called it is the one named by the environment variable `UD2M_ISA`
/// (`reference`, `generic`, `avx2`, `avx512`), if it is set and available, else the fastest available.
ud2m_isa ud2m_isa_current(void);

/// Makes every later kernel call of the process use a tier; false, and no change, if it is not available.
/// Do not call while a kernel runs.
bool ud2m_isa_select(ud2m_isa isa);

/// Lower-case name of a tier, as `UD2M_ISA` spells it; "unknown" for other values.
const char *ud2m_isa_name(ud2m_isa isa);

#ifdef __cplusplus
}
#endif

#pragma once
#include "ud2m_types.h"

/// @file
/// Choice of the instruction set the kernels run with. A pool carries its choice (`ud2m_pool_select_isa`), so there is
/// no process-wide switch.

#ifdef __cplusplus
extern "C" {
#endif

/// Implementation tier. Tiers agree to rounding (see the tests for bounds), not bit for bit.
typedef enum ud2m_isa {
    /// Plain loops with double accumulators: the oracle the others are tested against. Slow.
    UD2M_ISA_REFERENCE = 0,
    /// Vector code for the baseline of any target (SSE2 on x86-64).
    UD2M_ISA_GENERIC = 1,
    /// AVX2, FMA and F16C.
    UD2M_ISA_AVX2 = 2,
    /// AVX-512 F, BW, DQ and VL.
    UD2M_ISA_AVX512 = 3,
    /// NEON of arm64: the baseline there, with its 32 registers put to use.
    UD2M_ISA_NEON = 4,
} ud2m_isa;

/// Whether this build and this machine (processor and operating system) can run a tier.
bool ud2m_isa_available(ud2m_isa isa);

/// The tier new pools use, and calls without a pool: the one named by the environment variable `UD2M_ISA`
/// (`reference`, `generic`, `avx2`, `avx512`, `neon`), if it is set and available when first asked, else the fastest
/// available.
ud2m_isa ud2m_isa_default(void);

/// What `UD2M_ISA` says; null if it is not set, or empty.
const char *ud2m_isa_wanted(void);

/// Whether what `UD2M_ISA` says can be had. A caller who wants more than the fastest tier in its place asks this first.
bool ud2m_isa_wanted_available(void);

/// Lower-case name of a tier, as `UD2M_ISA` spells it; "unknown" for other values.
const char *ud2m_isa_name(ud2m_isa isa);

#ifdef __cplusplus
}
#endif

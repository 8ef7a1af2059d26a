#include "operators.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ISA_COUNT = UD2M_ISA_NEON + 1, UNDECIDED = -1 };

static const char *const names[ISA_COUNT] = {"reference", "generic", "avx2", "avx512", "neon"};

/// The only mutable global of the module, and it changes once.
static _Atomic int cached_default = UNDECIDED;

bool ud2m_isa_available(ud2m_isa isa) {
    switch (isa) {
    case UD2M_ISA_REFERENCE:
    case UD2M_ISA_GENERIC:
        return true;
#if defined(__x86_64__)
    // The built-in also checks that the operating system saves the wide registers.
    case UD2M_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case UD2M_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    case UD2M_ISA_NEON:
        return true;
#endif
    default:
        return false;
    }
}

const char *ud2m_isa_wanted(void) {
    const char *wanted = getenv("UD2M_ISA");
    return wanted && *wanted ? wanted : NULL;
}

bool ud2m_isa_wanted_available(void) {
    const char *wanted = ud2m_isa_wanted();
    for (int isa = 0; wanted && isa < ISA_COUNT; isa++)
        if (strcmp(wanted, names[isa]) == 0)
            return ud2m_isa_available((ud2m_isa)isa);
    return !wanted;
}

static ud2m_isa preferred(void) {
    const char *wanted = ud2m_isa_wanted();
    ud2m_isa best = UD2M_ISA_GENERIC;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!ud2m_isa_available((ud2m_isa)isa))
            continue;
        if (wanted && strcmp(wanted, names[isa]) == 0)
            return (ud2m_isa)isa;
        if (isa > (int)best)
            best = (ud2m_isa)isa;
    }
    return best;
}

ud2m_isa ud2m_isa_default(void) {
    int isa = atomic_load_explicit(&cached_default, memory_order_relaxed);
    if (isa == UNDECIDED) {
        // A race is harmless: every thread finds the same answer.
        isa = (int)preferred();
        atomic_store_explicit(&cached_default, isa, memory_order_relaxed);
    }
    return (ud2m_isa)isa;
}

const char *ud2m_isa_name(ud2m_isa isa) { return (unsigned)isa < ISA_COUNT ? names[isa] : "unknown"; }

const operator_table *operators_of(const ud2m_pool *pool) {
    switch (ud2m_pool_isa(pool)) {
    case UD2M_ISA_REFERENCE:
        return &operators_reference;
#if defined(__x86_64__)
    case UD2M_ISA_AVX2:
        return &operators_avx2;
    case UD2M_ISA_AVX512:
        return &operators_avx512;
#elif defined(__aarch64__)
    case UD2M_ISA_NEON:
        return &operators_neon;
#endif
    default:
        return &operators_generic;
    }
}

#include "ud2m_fused.h"
#include "ud2m_isa.h"

#include <math.h>

#if defined(__x86_64__)
/// The same loop where the processor has the instruction; without it, every fmaf is a call.
__attribute__((target("avx2,fma"))) static void with_instruction(float factor, const float *restrict values,
                                                                 float *restrict sums, size_t count) {
    for (size_t i = 0; i < count; i++)
        sums[i] = fmaf(factor, values[i], sums[i]);
}
#endif

void ud2m_fused_multiply_add(float factor, const float *restrict values, float *restrict sums, size_t count) {
#if defined(__x86_64__)
    if (ud2m_isa_available(UD2M_ISA_AVX2)) {
        with_instruction(factor, values, sums, count);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++)
        sums[i] = fmaf(factor, values[i], sums[i]);
}

#include "tier.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"))),              \
                             apply_to = function)
// 24 of 32 registers of 16 hold sums.
#define TIER_ROWS 12
#define TIER_PANELS 2
#define TIER_WIDTH 16
#define TIER_UNROLL 4
#define TIER_TABLE operators_avx512
#include "tier.inc"
#pragma clang attribute pop
#endif

#include "tier.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
// 12 of 16 registers of 8 hold sums.
#define TIER_ROWS 6
#define TIER_PANELS 1
#define TIER_WIDTH 8
#define TIER_UNROLL 4
#define TIER_TABLE operators_avx2
#include "tier.inc"
#pragma clang attribute pop
#endif

#include "tier.h"

#if defined(__aarch64__)
// NEON with fused multiply-adds is the baseline of arm64. 24 of 32 registers of 4 hold sums.
#define TIER_ROWS 6
#define TIER_PANELS 1
#define TIER_WIDTH 4
// More lanes at a time would need more than 32 registers.
#define TIER_UNROLL 1
#define TIER_TABLE operators_neon
#include "tier.inc"
#endif

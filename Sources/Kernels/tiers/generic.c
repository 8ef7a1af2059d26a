#include "tier.h"

// The baseline of any target, 16 registers of 4 at least: SSE2 on x86-64. 8 of them hold sums.
#define TIER_ROWS 2
#define TIER_PANELS 1
#define TIER_WIDTH 4
#define TIER_UNROLL 4
#define TIER_TABLE operators_generic
#include "tier.inc"

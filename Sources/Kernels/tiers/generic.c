#include "tier.h"

// The baseline of the target: SSE2 on x86-64 (16 registers of 4), NEON on arm64 (32 registers of 4).
#if defined(__aarch64__)
#define TIER_ROWS 6
#else
#define TIER_ROWS 2
#endif
#define TIER_PANELS 1
#define TIER_WIDTH 4
#define TIER_TABLE operators_generic
#include "tier.inc"

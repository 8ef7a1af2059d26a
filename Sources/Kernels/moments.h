#pragma once

#include <stdint.h>

/// Pixels a partial sum of a GroupNorm covers. Fixed, so that results depend on the image alone.
enum { MOMENT_PIXELS = 4096 };

static inline int64_t moment_parts(int64_t pixels) { return (pixels + MOMENT_PIXELS - 1) / MOMENT_PIXELS; }

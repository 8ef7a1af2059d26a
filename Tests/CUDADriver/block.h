#pragma once
#include "warp.h"

namespace testdriver {

/// Runs a kernel over its grid, blocks shared out among threads. Throws a Fault with the kernel, the place in the PTX
/// and the block in its text.
void run(const Launch &launch, unsigned threads);

} // namespace testdriver

#pragma once
#include "warp.h"

namespace testdriver {

/// Runs a kernel over its grid. Throws a Fault with the kernel, the place in the PTX and the block in its text.
void run(const Launch &launch);

} // namespace testdriver

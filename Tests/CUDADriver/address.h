#pragma once
// What instructions that access memory have in common when they are decoded.
#include "access.h"
#include "builder.h"

namespace testdriver {

/// The address: its constant part in `immediate`, its register in o[15], the register's width in `a`, the space in `b`.
void decode_address(Decoding &decoding, const Operand &address, Space space);
Space take_space(Decoding &decoding);
void take_hints(Decoding &decoding);

} // namespace testdriver

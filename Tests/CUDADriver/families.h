#pragma once
// The families of instructions. Each decodes the opcodes it knows and returns false for others.
#include "builder.h"

namespace testdriver {

bool decode_integer(Decoding &decoding);
bool decode_bits(Decoding &decoding);
bool decode_float(Decoding &decoding);
bool decode_half(Decoding &decoding);
bool decode_compare(Decoding &decoding);
bool decode_move(Decoding &decoding);
bool decode_convert(Decoding &decoding);
bool decode_memory(Decoding &decoding);
bool decode_atomic(Decoding &decoding);
bool decode_async(Decoding &decoding);
bool decode_matrix(Decoding &decoding);
bool decode_warp(Decoding &decoding);
bool decode_control(Decoding &decoding);

} // namespace testdriver

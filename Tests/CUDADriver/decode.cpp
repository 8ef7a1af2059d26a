#include "families.h"

namespace testdriver {

void decode(Decoding &decoding) {
    // Floats before integers, which they share opcodes with: a family looks at the types.
    static bool (*const families[])(Decoding &) = {
        decode_half,   decode_float,  decode_integer, decode_bits,   decode_compare, decode_move,   decode_convert,
        decode_memory, decode_atomic, decode_async,   decode_matrix, decode_warp,    decode_control};
    for (auto family : families)
        if (family(decoding))
            return;
    decoding.fail("the instruction is not known");
}

} // namespace testdriver

// Logic, shifts and fields of bits (ISA sections 9.7.1.15 to 9.7.1.22, 9.7.7 and 9.7.8.7).
#include "families.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

struct And {
    template <class T> static T apply(T a, T b) { return T(a & b); }
};
struct Or {
    template <class T> static T apply(T a, T b) { return T(a | b); }
};
struct Xor {
    template <class T> static T apply(T a, T b) { return T(a ^ b); }
};
struct Not {
    template <class T> static T apply(T a) { return T(~a); }
};
struct LogicalNot {
    template <class T> static T apply(T a) { return T(a == 0); }
};
/// Shifts by more than the width give what shifting bit by bit would.
struct ShiftLeft {
    template <class T> static T apply(T a, uint32_t by) {
        return by >= 8 * sizeof(T) ? T(0) : T(uint64_t(a) << (by & 63));
    }
};
struct ShiftRight {
    template <class T> static T apply(T a, uint32_t by) {
        constexpr uint32_t most = 8 * sizeof(T) - 1;
        if (T(-1) > T(0))
            return by > most ? T(0) : T(a >> (by & most));
        return T(a >> (by > most ? most : by));
    }
};
template <bool left, bool wrap> struct FunnelShift {
    static uint32_t apply(uint32_t low, uint32_t high, uint32_t by) {
        uint64_t both = uint64_t(high) << 32 | low;
        uint32_t n = wrap ? by & 31 : by > 32 ? 32 : by;
        return left ? uint32_t(both << n >> 32) : uint32_t(both >> n);
    }
};
struct ReverseBits {
    template <class T> static T apply(T a) {
        T result = 0;
        for (unsigned bit = 0; bit < 8 * sizeof(T); bit++)
            result = T(result << 1 | (a >> bit & 1));
        return result;
    }
};
struct CountLeadingZeros {
    static uint32_t apply(uint32_t a) { return a ? uint32_t(__builtin_clz(a)) : 32; }
    static uint32_t apply(uint64_t a) { return a ? uint32_t(__builtin_clzll(a)) : 64; }
};
struct CountOnes {
    static uint32_t apply(uint32_t a) { return uint32_t(__builtin_popcount(a)); }
    static uint32_t apply(uint64_t a) { return uint32_t(__builtin_popcountll(a)); }
};
/// bfind: the highest bit that differs from the sign; all ones if there is none.
struct FindHighest {
    template <class T> static uint32_t apply(T a) {
        uint64_t bits = T(-1) < T(0) ? uint64_t(a < 0 ? T(~a) : a) : uint64_t(a);
        return bits ? 63 - uint32_t(__builtin_clzll(bits)) : ~0u;
    }
};
/// bfe: the field is cut at the top of the value, and the sign is that of its last bit that exists.
struct ExtractField {
    template <class T> static T apply(T a, uint32_t position, uint32_t length) {
        constexpr uint32_t width = 8 * sizeof(T);
        position &= 255;
        length &= 255;
        if (length == 0)
            return 0;
        bool is_signed = T(-1) < T(0);
        uint32_t top = position + length - 1 < width - 1 ? position + length - 1 : width - 1;
        bool sign = is_signed && (uint64_t(a) >> top & 1);
        uint64_t bits = 0;
        for (uint32_t bit = 0; bit < width; bit++) {
            bool set = bit < length && position + bit < width ? uint64_t(a) >> (position + bit) & 1 : sign;
            bits |= uint64_t(set) << bit;
        }
        return T(bits);
    }
};
template <class T> void run_insert(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *a = warp.lanes<T>(i.o[1]), *b = warp.lanes<T>(i.o[2]);
    const Lanes<uint32_t> *position = warp.lanes<uint32_t>(i.o[3]), *length = warp.lanes<uint32_t>(i.o[4]);
    T result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        uint32_t from = position[lane] & 255, bits = length[lane] & 255;
        T field = bits >= 8 * sizeof(T) ? T(~T(0)) : T((T(1) << bits) - 1);
        field = ShiftLeft::apply(field, from);
        result[lane] = T((b[lane] & T(~field)) | (ShiftLeft::apply(T(a[lane]), from) & field));
    }
    put<T>(warp, i.o[0], mask, result);
}

/// prmt without a mode: bytes of {b, a}, each chosen by 4 bits; the top one repeats the sign.
struct PermuteBytes {
    static uint32_t apply(uint32_t a, uint32_t b, uint32_t selector) {
        uint64_t both = uint64_t(b) << 32 | a;
        uint32_t result = 0;
        for (unsigned byte = 0; byte < 4; byte++) {
            uint32_t which = selector >> 4 * byte & 15;
            uint32_t value = uint32_t(both >> 8 * (which & 7)) & 255;
            if (which & 8)
                value = value & 128 ? 255 : 0;
            result |= value << 8 * byte;
        }
        return result;
    }
};

/// lop3: bit i of the table is the result where the bits of a, b and c make the number i.
void run_lop3(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<uint32_t> *a = warp.lanes<uint32_t>(i.o[1]), *b = warp.lanes<uint32_t>(i.o[2]),
                          *c = warp.lanes<uint32_t>(i.o[3]);
    uint32_t result[warp_size] = {};
    for (unsigned entry = 0; entry < 8; entry++) {
        if (!(i.immediate >> entry & 1))
            continue;
        uint32_t flip_a = entry & 4 ? 0 : ~0u, flip_b = entry & 2 ? 0 : ~0u, flip_c = entry & 1 ? 0 : ~0u;
        for (unsigned lane = 0; lane < warp_size; lane++)
            result[lane] |= (a[lane] ^ flip_a) & (b[lane] ^ flip_b) & (c[lane] ^ flip_c);
    }
    put<uint32_t>(warp, i.o[0], mask, result);
}

struct Dot4 {
    template <class A, class B, class C> static C sum(uint32_t a, uint32_t b, C c) {
        for (unsigned byte = 0; byte < 4; byte++)
            c = C(uint32_t(c) + uint32_t(A(a >> 8 * byte) * B(b >> 8 * byte)));
        return c;
    }
    static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) { return sum<uint8_t, uint8_t>(a, b, c); }
    static int32_t apply(uint32_t a, uint32_t b, int32_t c) { return sum<int8_t, int8_t>(a, b, c); }
};

template <class Op> Run logic(unsigned width) {
    switch (width) {
    case 2:
        return run_binary<uint16_t, uint16_t, uint16_t, Op>;
    case 4:
        return run_binary<uint32_t, uint32_t, uint32_t, Op>;
    default:
        return run_binary<uint64_t, uint64_t, uint64_t, Op>;
    }
}
template <class Op> Run logic_unary(unsigned width) {
    switch (width) {
    case 2:
        return run_unary<uint16_t, uint16_t, Op>;
    case 4:
        return run_unary<uint32_t, uint32_t, Op>;
    default:
        return run_unary<uint64_t, uint64_t, Op>;
    }
}
template <class Op> Run count(unsigned width) {
    return width == 4 ? Run(run_unary<uint32_t, uint32_t, Op>) : Run(run_unary<uint32_t, uint64_t, Op>);
}

template <class Op> void run_predicates(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t b = i.count == 2 ? warp.predicate(i.o[2]) : 0;
    uint32_t result = Op::apply(warp.predicate(i.o[1]), b), &to = warp.predicate(i.o[0]);
    to = (to & ~mask) | (result & mask);
}
struct NotFirst {
    static uint32_t apply(uint32_t a, uint32_t) { return ~a; }
};

Run shift_right(Type type) {
    switch (type) {
    case Type::s16:
        return run_binary<int16_t, int16_t, uint32_t, ShiftRight>;
    case Type::s32:
        return run_binary<int32_t, int32_t, uint32_t, ShiftRight>;
    case Type::s64:
        return run_binary<int64_t, int64_t, uint32_t, ShiftRight>;
    default:
        switch (width_of(type)) {
        case 2:
            return run_binary<uint16_t, uint16_t, uint32_t, ShiftRight>;
        case 4:
            return run_binary<uint32_t, uint32_t, uint32_t, ShiftRight>;
        default:
            return run_binary<uint64_t, uint64_t, uint32_t, ShiftRight>;
        }
    }
}

Run extract(Type type) {
    switch (type) {
    case Type::u32:
        return run_ternary<uint32_t, uint32_t, uint32_t, uint32_t, ExtractField>;
    case Type::s32:
        return run_ternary<int32_t, int32_t, uint32_t, uint32_t, ExtractField>;
    case Type::u64:
        return run_ternary<uint64_t, uint64_t, uint32_t, uint32_t, ExtractField>;
    case Type::s64:
        return run_ternary<int64_t, int64_t, uint32_t, uint32_t, ExtractField>;
    default:
        return nullptr;
    }
}

Run find_highest(Type type) {
    switch (type) {
    case Type::u32:
        return run_unary<uint32_t, uint32_t, FindHighest>;
    case Type::s32:
        return run_unary<uint32_t, int32_t, FindHighest>;
    case Type::u64:
        return run_unary<uint32_t, uint64_t, FindHighest>;
    case Type::s64:
        return run_unary<uint32_t, int64_t, FindHighest>;
    default:
        return nullptr;
    }
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static bool decode_logic(Decoding &d, const std::string &name) {
    Type type = d.take_type();
    bool unary = name == "not" || name == "cnot";
    d.operands(unary ? 2 : 3);
    if (type == Type::pred) {
        d.result.count = unary ? 1 : 2;
        d.result.o[0] = d.predicate(0);
        d.result.o[1] = d.predicate(1);
        if (!unary)
            d.result.o[2] = d.predicate(2);
        if (name == "and")
            d.result.run = run_predicates<And>;
        if (name == "or")
            d.result.run = run_predicates<Or>;
        if (name == "xor")
            d.result.run = run_predicates<Xor>;
        if (name == "not")
            d.result.run = run_predicates<NotFirst>;
        return true;
    }
    unsigned width = width_of(type);
    if (type != Type::b16 && type != Type::b32 && type != Type::b64)
        d.fail("this type is not known here");
    d.result.o[0] = d.destination(0, type);
    d.result.o[1] = d.source(1, type);
    if (!unary)
        d.result.o[2] = d.source(2, type);
    if (name == "and")
        d.result.run = logic<And>(width);
    if (name == "or")
        d.result.run = logic<Or>(width);
    if (name == "xor")
        d.result.run = logic<Xor>(width);
    if (name == "not")
        d.result.run = logic_unary<Not>(width);
    if (name == "cnot")
        d.result.run = logic_unary<LogicalNot>(width);
    return true;
}

static bool decode_shift(Decoding &d, const std::string &name) {
    if (name == "shf") {
        bool left = d.take("l");
        if (!left)
            d.need("r");
        bool wrap = d.take("wrap");
        if (!wrap)
            d.need("clamp");
        d.need("b32");
        d.operands(4);
        d.result.o[0] = d.destination(0, Type::b32);
        for (unsigned i = 1; i < 4; i++)
            d.result.o[i] = d.source(i, Type::b32);
        using U = uint32_t;
        d.result.run = left ? (wrap ? run_ternary<U, U, U, U, FunnelShift<true, true>>
                                    : run_ternary<U, U, U, U, FunnelShift<true, false>>)
                            : (wrap ? run_ternary<U, U, U, U, FunnelShift<false, true>>
                                    : run_ternary<U, U, U, U, FunnelShift<false, false>>);
        return true;
    }
    Type type = d.take_type();
    d.operands(3);
    d.result.o[0] = d.destination(0, type);
    d.result.o[1] = d.source(1, type);
    d.result.o[2] = d.source(2, Type::u32);
    if (is_float(type) || width_of(type) < 2)
        d.fail("this type is not known here");
    if (name == "shr") {
        d.result.run = shift_right(type);
    } else {
        switch (width_of(type)) {
        case 2:
            d.result.run = run_binary<uint16_t, uint16_t, uint32_t, ShiftLeft>;
            break;
        case 4:
            d.result.run = run_binary<uint32_t, uint32_t, uint32_t, ShiftLeft>;
            break;
        default:
            d.result.run = run_binary<uint64_t, uint64_t, uint32_t, ShiftLeft>;
        }
    }
    return true;
}

bool decode_bits(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "and" || name == "or" || name == "xor" || name == "not" || name == "cnot")
        return decode_logic(d, name);
    if (name == "shl" || name == "shr" || name == "shf")
        return decode_shift(d, name);
    if (name == "brev" || name == "clz" || name == "popc" || name == "bfind") {
        Type type = d.take_type();
        unsigned width = width_of(type);
        if (width < 4 || (name != "bfind" && type != Type::b32 && type != Type::b64))
            d.fail("this type is not known here");
        d.operands(2);
        d.result.o[0] = d.destination(0, name == "brev" ? type : Type::u32);
        d.result.o[1] = d.source(1, type);
        if (name == "brev")
            d.result.run = logic_unary<ReverseBits>(width);
        if (name == "clz")
            d.result.run = count<CountLeadingZeros>(width);
        if (name == "popc")
            d.result.run = count<CountOnes>(width);
        if (name == "bfind")
            d.result.run = find_highest(type);
        return true;
    }
    if (name == "bfe" || name == "bfi") {
        Type type = d.take_type();
        bool insert = name == "bfi";
        d.operands(insert ? 5 : 4);
        d.result.o[0] = d.destination(0, type);
        d.result.o[1] = d.source(1, type);
        if (insert)
            d.result.o[2] = d.source(2, type);
        for (unsigned i = insert ? 3 : 2; i < (insert ? 5u : 4u); i++)
            d.result.o[i] = d.source(i, Type::u32);
        if (!insert)
            d.result.run = extract(type);
        else if (type == Type::b32)
            d.result.run = run_insert<uint32_t>;
        else if (type == Type::b64)
            d.result.run = run_insert<uint64_t>;
        return true;
    }
    if (name == "prmt" || name == "lop3") {
        d.need("b32");
        d.operands(name == "prmt" ? 4 : 5);
        d.result.o[0] = d.destination(0, Type::b32);
        for (unsigned i = 1; i < 4; i++)
            d.result.o[i] = d.source(i, Type::b32);
        if (name == "lop3")
            d.result.immediate = int64_t(d.number(4));
        d.result.run = name == "lop3" ? run_lop3 : run_ternary<uint32_t, uint32_t, uint32_t, uint32_t, PermuteBytes>;
        return true;
    }
    if (name == "dp4a") {
        Type first = d.take_type(), second = d.take_type();
        d.operands(4);
        d.result.o[0] = d.destination(0, Type::b32);
        for (unsigned i = 1; i < 4; i++)
            d.result.o[i] = d.source(i, Type::b32);
        if (first == Type::u32 && second == Type::u32)
            d.result.run = run_ternary<uint32_t, uint32_t, uint32_t, uint32_t, Dot4>;
        if (first == Type::s32 && second == Type::s32)
            d.result.run = run_ternary<int32_t, uint32_t, uint32_t, int32_t, Dot4>;
        return true;
    }
    return false;
}

} // namespace testdriver

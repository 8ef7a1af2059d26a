// Integer arithmetic (ISA section 9.7.1) without the instructions on bits.
#include "families.h"
#include "lanes.h"
#include <type_traits>

LANES_BEGIN
namespace testdriver {
namespace {

template <class T> using Unsigned = std::make_unsigned_t<T>;

struct Add {
    template <class T> static T apply(T a, T b) { return T(Unsigned<T>(a) + Unsigned<T>(b)); }
};
struct Subtract {
    template <class T> static T apply(T a, T b) { return T(Unsigned<T>(a) - Unsigned<T>(b)); }
};
struct MultiplyLow {
    template <class T> static T apply(T a, T b) { return T(uint64_t(a) * uint64_t(b)); }
};
struct MultiplyHigh {
    template <class T> static T apply(T a, T b) {
        if constexpr (sizeof(T) == 8) {
            using Double = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
            return T(Double(a) * Double(b) >> 64);
        } else {
            using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
            return T(Wide(a) * Wide(b) >> 8 * sizeof(T));
        }
    }
};
struct MultiplyAddLow {
    template <class T> static T apply(T a, T b, T c) { return T(uint64_t(a) * uint64_t(b) + uint64_t(c)); }
};
struct MultiplyAddHigh {
    template <class T> static T apply(T a, T b, T c) { return Add::apply(MultiplyHigh::apply(a, b), c); }
};
template <class Wide> struct MultiplyWide {
    template <class T> static Wide apply(T a, T b) { return Wide(uint64_t(Wide(a)) * uint64_t(Wide(b))); }
};
template <class Wide> struct MultiplyAddWide {
    template <class T> static Wide apply(T a, T b, Wide c) {
        return Wide(uint64_t(Wide(a)) * uint64_t(Wide(b)) + uint64_t(c));
    }
};
struct Multiply24 {
    static uint32_t apply(uint32_t a, uint32_t b) { return (a & 0xffffff) * (b & 0xffffff); }
    static int32_t apply(int32_t a, int32_t b) {
        return int32_t(int64_t(int32_t(uint32_t(a) << 8) >> 8) * (int32_t(uint32_t(b) << 8) >> 8));
    }
};
struct Minimum {
    template <class T> static T apply(T a, T b) { return a < b ? a : b; }
};
struct Maximum {
    template <class T> static T apply(T a, T b) { return a > b ? a : b; }
};
struct Negate {
    template <class T> static T apply(T a) { return T(0 - Unsigned<T>(a)); }
};
struct Absolute {
    template <class T> static T apply(T a) { return a < 0 ? T(0 - Unsigned<T>(a)) : a; }
};
struct SumOfAbsolute {
    template <class T> static T apply(T a, T b, T c) {
        return T(Unsigned<T>(c) + (a < b ? Unsigned<T>(b) - Unsigned<T>(a) : Unsigned<T>(a) - Unsigned<T>(b)));
    }
};

/// Division by zero gives a value that the ISA does not say: it is a fault.
template <class T, bool remainder> void run_divide(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *a = warp.lanes<T>(i.o[1]), *b = warp.lanes<T>(i.o[2]);
    T result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        T divisor = b[lane];
        result[lane] = 0;
        if (!(mask >> lane & 1))
            continue;
        if (divisor == 0)
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "integer division by zero");
        // The most negative number by -1 overflows; hardware wraps.
        if (std::is_signed_v<T> && divisor == T(-1))
            result[lane] = remainder ? T(0) : Negate::apply(T(a[lane]));
        else
            result[lane] = remainder ? T(a[lane] % divisor) : T(a[lane] / divisor);
    }
    put<T>(warp, i.o[0], mask, result);
}

/// add.cc and its relatives keep the carry in a register of their own: o[3] comes in, o[4] goes out.
template <class T, bool subtract> void run_carry(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *a = warp.lanes<T>(i.o[1]), *b = warp.lanes<T>(i.o[2]);
    uint32_t in = i.a ? warp.predicate(i.o[3]) : 0, out = 0;
    T result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        unsigned carry = in >> lane & 1;
        unsigned __int128 wide =
            subtract ? (unsigned __int128)a[lane] - b[lane] - carry : (unsigned __int128)a[lane] + b[lane] + carry;
        result[lane] = T(wide);
        out |= uint32_t(wide >> 8 * sizeof(T) & 1) << lane;
    }
    put<T>(warp, i.o[0], mask, result);
    if (i.b) {
        uint32_t &flag = warp.predicate(i.o[4]);
        flag = (flag & ~mask) | (out & mask);
    }
}

template <class Op> Run binary(Type type) {
    switch (type) {
    case Type::u16:
        return run_binary<uint16_t, uint16_t, uint16_t, Op>;
    case Type::s16:
        return run_binary<int16_t, int16_t, int16_t, Op>;
    case Type::u32:
        return run_binary<uint32_t, uint32_t, uint32_t, Op>;
    case Type::s32:
        return run_binary<int32_t, int32_t, int32_t, Op>;
    case Type::u64:
        return run_binary<uint64_t, uint64_t, uint64_t, Op>;
    case Type::s64:
        return run_binary<int64_t, int64_t, int64_t, Op>;
    default:
        return nullptr;
    }
}
template <class Op> Run ternary(Type type) {
    switch (type) {
    case Type::u16:
        return run_ternary<uint16_t, uint16_t, uint16_t, uint16_t, Op>;
    case Type::s16:
        return run_ternary<int16_t, int16_t, int16_t, int16_t, Op>;
    case Type::u32:
        return run_ternary<uint32_t, uint32_t, uint32_t, uint32_t, Op>;
    case Type::s32:
        return run_ternary<int32_t, int32_t, int32_t, int32_t, Op>;
    case Type::u64:
        return run_ternary<uint64_t, uint64_t, uint64_t, uint64_t, Op>;
    case Type::s64:
        return run_ternary<int64_t, int64_t, int64_t, int64_t, Op>;
    default:
        return nullptr;
    }
}
template <class Op> Run signed_unary(Type type) {
    switch (type) {
    case Type::s16:
        return run_unary<int16_t, int16_t, Op>;
    case Type::s32:
        return run_unary<int32_t, int32_t, Op>;
    case Type::s64:
        return run_unary<int64_t, int64_t, Op>;
    default:
        return nullptr;
    }
}
template <bool remainder> Run divide(Type type) {
    switch (type) {
    case Type::u16:
        return run_divide<uint16_t, remainder>;
    case Type::s16:
        return run_divide<int16_t, remainder>;
    case Type::u32:
        return run_divide<uint32_t, remainder>;
    case Type::s32:
        return run_divide<int32_t, remainder>;
    case Type::u64:
        return run_divide<uint64_t, remainder>;
    case Type::s64:
        return run_divide<int64_t, remainder>;
    default:
        return nullptr;
    }
}

Type wider(Type type) {
    switch (type) {
    case Type::u16:
        return Type::u32;
    case Type::s16:
        return Type::s32;
    case Type::u32:
        return Type::u64;
    case Type::s32:
        return Type::s64;
    default:
        return Type::none;
    }
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static void operands_of(Decoding &d, Type type, unsigned sources) {
    d.operands(sources + 1);
    d.result.o[0] = d.destination(0, type);
    for (unsigned i = 1; i <= sources; i++)
        d.result.o[i] = d.source(i, type);
}

static bool decode_multiply(Decoding &d, Type type, bool add) {
    if (d.take("wide")) {
        Type wide = wider(type);
        if (wide == Type::none)
            d.fail("no type is wider");
        d.operands(add ? 4 : 3);
        d.result.o[0] = d.destination(0, wide);
        d.result.o[1] = d.source(1, type);
        d.result.o[2] = d.source(2, type);
        if (add)
            d.result.o[3] = d.source(3, wide);
        switch (type) {
        case Type::u16:
            d.result.run = add ? run_ternary<uint32_t, uint16_t, uint16_t, uint32_t, MultiplyAddWide<uint32_t>>
                               : run_binary<uint32_t, uint16_t, uint16_t, MultiplyWide<uint32_t>>;
            break;
        case Type::s16:
            d.result.run = add ? run_ternary<int32_t, int16_t, int16_t, int32_t, MultiplyAddWide<int32_t>>
                               : run_binary<int32_t, int16_t, int16_t, MultiplyWide<int32_t>>;
            break;
        case Type::u32:
            d.result.run = add ? run_ternary<uint64_t, uint32_t, uint32_t, uint64_t, MultiplyAddWide<uint64_t>>
                               : run_binary<uint64_t, uint32_t, uint32_t, MultiplyWide<uint64_t>>;
            break;
        default:
            d.result.run = add ? run_ternary<int64_t, int32_t, int32_t, int64_t, MultiplyAddWide<int64_t>>
                               : run_binary<int64_t, int32_t, int32_t, MultiplyWide<int64_t>>;
        }
        return true;
    }
    operands_of(d, type, add ? 3 : 2);
    if (d.take("hi")) {
        d.result.run = add ? ternary<MultiplyAddHigh>(type) : binary<MultiplyHigh>(type);
    } else {
        d.need("lo");
        d.result.run = add ? ternary<MultiplyAddLow>(type) : binary<MultiplyLow>(type);
    }
    return true;
}

/// add.cc, addc, sub.cc, subc: on 32 and 64 bits. One carry for the whole kernel, as in hardware.
static bool decode_carry(Decoding &d, Type type, bool subtract, bool in, bool out) {
    operands_of(d, type, 2);
    Register &carry = d.builder.carry;
    if (carry.type == Type::none)
        carry = d.builder.new_register(Type::pred);
    d.result.o[3] = d.result.o[4] = carry.offset;
    d.result.a = in;
    d.result.b = out;
    if (width_of(type) == 4)
        d.result.run = subtract ? run_carry<uint32_t, true> : run_carry<uint32_t, false>;
    else if (width_of(type) == 8)
        d.result.run = subtract ? run_carry<uint64_t, true> : run_carry<uint64_t, false>;
    return true;
}

bool decode_integer(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "addc" || name == "subc") {
        bool out = d.take("cc");
        return decode_carry(d, d.take_type(), name == "subc", true, out);
    }
    static const char *const known[] = {"add", "sub", "mul", "mad", "div", "rem",
                                        "min", "max", "neg", "abs", "sad", "mul24"};
    bool found = false;
    for (auto each : known)
        found = found || name == each;
    if (!found)
        return false;
    bool carry = d.take("cc");
    Type type = d.take_type();
    if (is_float(type) || type == Type::pred)
        d.fail("this form is not known");
    if (carry) {
        if (name != "add" && name != "sub")
            d.fail("this form is not known");
        return decode_carry(d, type, name == "sub", false, true);
    }
    if (name == "mul")
        return decode_multiply(d, type, false);
    if (name == "mad")
        return decode_multiply(d, type, true);
    if (name == "neg" || name == "abs") {
        operands_of(d, type, 1);
        d.result.run = name == "neg" ? signed_unary<Negate>(type) : signed_unary<Absolute>(type);
        return true;
    }
    if (name == "sad") {
        operands_of(d, type, 3);
        d.result.run = ternary<SumOfAbsolute>(type);
        return true;
    }
    operands_of(d, type, 2);
    if (name == "add")
        d.result.run = binary<Add>(type);
    if (name == "sub")
        d.result.run = binary<Subtract>(type);
    if (name == "min")
        d.result.run = binary<Minimum>(type);
    if (name == "max")
        d.result.run = binary<Maximum>(type);
    if (name == "div")
        d.result.run = divide<false>(type);
    if (name == "rem")
        d.result.run = divide<true>(type);
    if (name == "mul24") {
        d.need("lo");
        if (type == Type::u32)
            d.result.run = run_binary<uint32_t, uint32_t, uint32_t, Multiply24>;
        if (type == Type::s32)
            d.result.run = run_binary<int32_t, int32_t, int32_t, Multiply24>;
    }
    return true;
}

} // namespace testdriver

// cvt (ISA section 9.7.8.21): between all integers and floats, with rounding and saturation.
#include "families.h"
#include "floats.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

enum Flags : uint8_t { saturate = 1, flush_subnormal = 2, rectify = 4, integral = 8 };

struct ToFloat {
    template <class T> static float apply(T a) { return float(a); }
};
struct Widen {
    template <class T> static double apply(T a) { return double(a); }
};
template <class R> struct Cut {
    template <class T> static R apply(T a) { return R(a); }
};
template <class Kind> struct FromSmall {
    static float apply(uint16_t a) { return Kind::value(a); }
};
template <class Kind> struct ToSmall {
    static uint16_t apply(float a) { return Kind::rounded(a); }
};
/// Floats beyond the range give its end, NaN gives 0 (ISA section 9.7.8.21: "the result is clamped").
struct Truncate {
    static int32_t apply(float a) {
        return a != a ? 0 : a >= 0x1p31f ? INT32_MAX : a <= -0x1p31f ? INT32_MIN : int32_t(a);
    }
};

/// A value of any type on its way to another. Every float type is exact in double precision.
struct Value {
    bool is_float;
    double real;
    __int128 whole;
};

Value fetch(const uint8_t *from, Type type) {
    uint64_t bits = 0;
    unsigned width = width_of(type);
    memcpy(&bits, from, width);
    switch (type) {
    case Type::f16:
        return {true, Half::value(uint16_t(bits)), 0};
    case Type::bf16:
        return {true, Brain::value(uint16_t(bits)), 0};
    case Type::f32:
        return {true, bits_as<float>(uint32_t(bits)), 0};
    case Type::f64:
        return {true, bits_as<double>(bits), 0};
    default:
        break;
    }
    if (is_signed(type))
        return {false, 0, int64_t(bits << (64 - 8 * width)) >> (64 - 8 * width)};
    return {false, 0, __int128(bits)};
}

uint64_t to_integer(Value value, Type type, Rounding rounding, uint8_t flags) {
    unsigned bits = 8 * width_of(type);
    __int128 most = is_signed(type) ? ((__int128)1 << (bits - 1)) - 1 : ((__int128)1 << bits) - 1;
    __int128 least = is_signed(type) ? -most - 1 : 0;
    __int128 whole = value.whole;
    if (value.is_float) {
        if (value.real != value.real)
            return 0;
        double real = round_integral(value.real, rounding);
        whole = real >= 0x1p100 ? most : real <= -0x1p100 ? least : __int128(real);
    }
    if (value.is_float || flags & saturate)
        whole = whole > most ? most : whole < least ? least : whole;
    return uint64_t(whole);
}

uint64_t to_float(Value value, Type type, Rounding rounding, uint8_t flags) {
    double real = value.real;
    if (!value.is_float) {
        // Integers of 64 bits may have more bits than a double: round once, through long arithmetic.
        if (type == Type::f64)
            return bits_as<uint64_t>(double(value.whole));
        if (type == Type::f32 && rounding == Rounding::nearest)
            return bits_as<uint32_t>(float(value.whole));
        real = double(value.whole);
        // Sticky: what double precision lost must not look like a tie.
        if (__int128(real) != value.whole) {
            bool low = __int128(real) > value.whole;
            real = std::nextafter(real, low ? -HUGE_VAL : HUGE_VAL);
        }
    }
    if (flags & integral)
        real = round_integral(real, rounding);
    if (flags & flush_subnormal && std::fabs(real) < 0x1p-126)
        real = std::copysign(0.0, real);
    if (flags & saturate)
        real = real > 0 ? (real < 1 ? real : 1.0) : 0.0;
    if (flags & rectify)
        real = real > 0 || real != real ? real : 0.0;
    switch (type) {
    case Type::f64:
        return bits_as<uint64_t>(real);
    case Type::f32: {
        float single = float(round_to(real, single_format, rounding));
        if (flags & flush_subnormal)
            single = flush(single);
        return bits_as<uint32_t>(single);
    }
    case Type::tf32:
        return bits_as<uint32_t>(float(round_to(real, tensor_format, rounding)));
    case Type::f16:
        return Half::rounded(float(round_to(real, half_format, rounding)));
    default:
        return Brain::rounded(float(round_to(real, brain_format, rounding)));
    }
}

/// a: the type it has, b: the type it gets, c: flags; count: the rounding; o[2] and o[3]: widths of the registers,
/// which may be wider than the types.
void run_any(Warp &warp, const Instruction &i, uint32_t mask) {
    Type from = Type(i.a), to = Type(i.b);
    uint32_t from_width = i.o[2], to_width = i.o[3];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        Value value = fetch(warp.registers + i.o[1] + lane * from_width, from);
        if (i.c & flush_subnormal && from == Type::f32)
            value.real = flush(float(value.real));
        uint64_t bits =
            is_float(to) ? to_float(value, to, Rounding(i.count), i.c) : to_integer(value, to, Rounding(i.count), i.c);
        // Into a wider register, with its sign.
        unsigned unused = 64 - 8 * width_of(to);
        if (is_signed(to))
            bits = uint64_t(int64_t(bits << unused) >> unused);
        else
            bits = bits << unused >> unused;
        memcpy(warp.registers + i.o[0] + lane * to_width, &bits, to_width);
    }
}

/// The first source goes to the upper half.
template <class Kind> void run_pair(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<float> *high = warp.lanes<float>(i.o[1]), *low = warp.lanes<float>(i.o[2]);
    uint32_t result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = uint32_t(Kind::rounded(high[lane])) << 16 | Kind::rounded(low[lane]);
    put<uint32_t>(warp, i.o[0], mask, result);
}
void run_any_pair(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<float> *high = warp.lanes<float>(i.o[1]), *low = warp.lanes<float>(i.o[2]);
    Type type = Type(i.b);
    uint32_t result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = uint32_t(to_float({true, high[lane], 0}, type, Rounding(i.count), i.c) << 16 |
                                to_float({true, low[lane], 0}, type, Rounding(i.count), i.c));
    put<uint32_t>(warp, i.o[0], mask, result);
}

/// Frequent conversions between registers of the types' own width.
constexpr struct {
    Type to, from;
    Rounding rounding;
    Run run;
} fast[] = {
    {Type::f32, Type::s32, Rounding::nearest, run_unary<float, int32_t, ToFloat>},
    {Type::f32, Type::u32, Rounding::nearest, run_unary<float, uint32_t, ToFloat>},
    {Type::s32, Type::f32, Rounding::zero, run_unary<int32_t, float, Truncate>},
    {Type::f32, Type::f16, Rounding::nearest, run_unary<float, uint16_t, FromSmall<Half>>},
    {Type::f32, Type::bf16, Rounding::nearest, run_unary<float, uint16_t, FromSmall<Brain>>},
    {Type::f16, Type::f32, Rounding::nearest, run_unary<uint16_t, float, ToSmall<Half>>},
    {Type::bf16, Type::f32, Rounding::nearest, run_unary<uint16_t, float, ToSmall<Brain>>},
    {Type::f64, Type::f32, Rounding::nearest, run_unary<double, float, Widen>},
    {Type::f32, Type::f64, Rounding::nearest, run_unary<float, double, ToFloat>},
    {Type::u64, Type::u32, Rounding::nearest, run_unary<uint64_t, uint32_t, Cut<uint64_t>>},
    {Type::s64, Type::s32, Rounding::nearest, run_unary<int64_t, int32_t, Cut<int64_t>>},
    {Type::u32, Type::u64, Rounding::nearest, run_unary<uint32_t, uint64_t, Cut<uint32_t>>},
    {Type::s32, Type::s64, Rounding::nearest, run_unary<int32_t, int64_t, Cut<int32_t>>},
    {Type::u32, Type::u16, Rounding::nearest, run_unary<uint32_t, uint16_t, Cut<uint32_t>>},
    {Type::u16, Type::u32, Rounding::nearest, run_unary<uint16_t, uint32_t, Cut<uint16_t>>},
};

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

/// The register of an operand that may be wider than the type, and its width.
static std::pair<uint32_t, uint32_t> loose(Decoding &d, size_t i, Type type) {
    const Operand &at = d.operand(i);
    if (at.kind != Operand::in_register)
        return {d.source(i, type), width_of(type)};
    unsigned width = width_of(at.reg.type);
    if (at.reg.type == Type::pred || width < width_of(type))
        d.fail("a register that is too small for its type");
    return {at.reg.offset, width};
}

bool decode_convert(Decoding &d) {
    if (d.statement.opcode[0] != "cvt")
        return false;
    Instruction &r = d.result;
    bool rounds_to_integral = false, rounded = false;
    Rounding rounding = Rounding::nearest;
    static const struct {
        const char *name;
        Rounding rounding;
        bool integral;
    } roundings[] = {
        {"rn", Rounding::nearest, false}, {"rz", Rounding::zero, false},          {"rm", Rounding::down, false},
        {"rp", Rounding::up, false},      {"rna", Rounding::nearest_away, false}, {"rni", Rounding::nearest, true},
        {"rzi", Rounding::zero, true},    {"rmi", Rounding::down, true},          {"rpi", Rounding::up, true}};
    for (auto &each : roundings)
        if (d.take(each.name)) {
            rounding = each.rounding;
            rounds_to_integral = each.integral;
            rounded = true;
        }
    r.c = uint8_t((d.take("sat") ? saturate : 0) | (d.take("ftz") ? flush_subnormal : 0) |
                  (d.take("relu") ? rectify : 0) | (rounds_to_integral ? integral : 0));
    Type to = d.take_type(), from = d.take_type();
    r.a = uint8_t(from);
    r.b = uint8_t(to);
    r.count = uint8_t(rounding);
    if (to == Type::f16x2 || to == Type::bf16x2) {
        if (from != Type::f32 || !rounded || rounds_to_integral)
            d.fail("this form is not known");
        d.operands(3);
        r.o[0] = d.destination(0, to);
        r.o[1] = d.source(1, from);
        r.o[2] = d.source(2, from);
        r.b = uint8_t(to == Type::f16x2 ? Type::f16 : Type::bf16);
        bool plain = r.c == 0 && rounding == Rounding::nearest;
        r.run = !plain ? run_any_pair : to == Type::f16x2 ? run_pair<Half> : run_pair<Brain>;
        return true;
    }
    if (to == Type::tf32 && (from != Type::f32 || rounding != Rounding::nearest_away))
        d.fail("this form is not known");
    bool narrows = is_float(to) && (!is_float(from) || width_of(to) < width_of(from) ||
                                    (is_float(from) && to != from && width_of(to) == 2));
    if (narrows && (!rounded || rounds_to_integral) && to != Type::tf32)
        d.fail("the rounding is missing");
    if (!is_float(to) && is_float(from) && !rounds_to_integral)
        d.fail("the rounding is missing");
    if (from == Type::pred || to == Type::pred || from == Type::f16x2 || from == Type::bf16x2)
        d.fail("this form is not known");
    d.operands(2);
    auto destination = loose(d, 0, to);
    if (d.operand(0).kind != Operand::in_register)
        d.fail("the result is no register");
    auto source = loose(d, 1, from);
    r.o[0] = destination.first;
    r.o[1] = source.first;
    r.o[2] = source.second;
    r.o[3] = destination.second;
    r.run = run_any;
    bool own_width = source.second == width_of(from) && destination.second == width_of(to);
    bool plain = (r.c & ~integral) == 0 && (rounds_to_integral == (!is_float(to) && is_float(from)));
    for (auto &each : fast)
        if (own_width && plain && each.to == to && each.from == from && each.rounding == rounding)
            r.run = each.run;
    return true;
}

} // namespace testdriver

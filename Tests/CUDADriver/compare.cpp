// Comparison and choice (ISA sections 9.7.5, 9.7.6 and testp of 9.7.3).
#include "families.h"
#include "floats.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

struct Equal {
    template <class T> static bool apply(T a, T b) { return a == b; }
};
struct NotEqual {
    template <class T> static bool apply(T a, T b) { return a < b || a > b; }
};
struct Less {
    template <class T> static bool apply(T a, T b) { return a < b; }
};
struct LessEqual {
    template <class T> static bool apply(T a, T b) { return a <= b; }
};
struct Greater {
    template <class T> static bool apply(T a, T b) { return a > b; }
};
struct GreaterEqual {
    template <class T> static bool apply(T a, T b) { return a >= b; }
};
struct IsNumber {
    template <class T> static bool apply(T a, T b) { return a == a && b == b; }
};
struct IsNotNumber {
    template <class T> static bool apply(T a, T b) { return a != a || b != b; }
};
/// The comparison with "u" is true for NaN.
template <class Op> struct OrUnordered {
    template <class T> static bool apply(T a, T b) { return a != a || b != b || Op::apply(a, b); }
};

using Compare = uint32_t (*)(Warp &, uint32_t, uint32_t, bool);

template <class T, class Op> uint32_t compare(Warp &warp, uint32_t first, uint32_t second, bool ftz) {
    const Lanes<T> *a = warp.lanes<T>(first), *b = warp.lanes<T>(second);
    uint32_t bits = 0;
    if constexpr (std::is_same_v<T, float>) {
        if (ftz) {
            for (unsigned lane = 0; lane < warp_size; lane++)
                bits |= Op::apply(flush(a[lane]), flush(b[lane])) ? 1u << lane : 0;
            return bits;
        }
    }
    for (unsigned lane = 0; lane < warp_size; lane++)
        bits |= Op::apply(T(a[lane]), T(b[lane])) ? 1u << lane : 0;
    return bits;
}
template <class Kind, class Op> uint32_t compare_halves(Warp &warp, uint32_t first, uint32_t second, bool) {
    const Lanes<uint16_t> *a = warp.lanes<uint16_t>(first), *b = warp.lanes<uint16_t>(second);
    uint32_t bits = 0;
    for (unsigned lane = 0; lane < warp_size; lane++)
        bits |= Op::apply(Kind::value(a[lane]), Kind::value(b[lane])) ? 1u << lane : 0;
    return bits;
}

template <class Op> Compare of_float(Type type) {
    switch (type) {
    case Type::f16:
        return compare_halves<Half, Op>;
    case Type::bf16:
        return compare_halves<Brain, Op>;
    case Type::f32:
        return compare<float, Op>;
    case Type::f64:
        return compare<double, Op>;
    default:
        return nullptr;
    }
}
template <class Op> Compare of_any(Type type) {
    switch (type) {
    case Type::b16:
    case Type::u16:
        return compare<uint16_t, Op>;
    case Type::s16:
        return compare<int16_t, Op>;
    case Type::b32:
    case Type::u32:
        return compare<uint32_t, Op>;
    case Type::s32:
        return compare<int32_t, Op>;
    case Type::b64:
    case Type::u64:
        return compare<uint64_t, Op>;
    case Type::s64:
        return compare<int64_t, Op>;
    default:
        return of_float<Op>(type);
    }
}

constexpr struct {
    const char *name;
    Compare (*of)(Type);
} comparisons[] = {{"eq", of_any<Equal>},
                   {"ne", of_any<NotEqual>},
                   {"lt", of_any<Less>},
                   {"le", of_any<LessEqual>},
                   {"gt", of_any<Greater>},
                   {"ge", of_any<GreaterEqual>},
                   {"lo", of_any<Less>},
                   {"ls", of_any<LessEqual>},
                   {"hi", of_any<Greater>},
                   {"hs", of_any<GreaterEqual>},
                   {"equ", of_float<OrUnordered<Equal>>},
                   {"neu", of_float<OrUnordered<NotEqual>>},
                   {"ltu", of_float<OrUnordered<Less>>},
                   {"leu", of_float<OrUnordered<LessEqual>>},
                   {"gtu", of_float<OrUnordered<Greater>>},
                   {"geu", of_float<OrUnordered<GreaterEqual>>},
                   {"num", of_float<IsNumber>},
                   {"nan", of_float<IsNotNumber>}};

enum Combine : uint8_t { alone, with_and, with_or, with_xor };

uint32_t combined(Warp &warp, const Instruction &i, uint32_t bits) {
    if (i.a == alone)
        return bits;
    uint32_t other = warp.predicate(i.o[4]);
    if (i.b)
        other = ~other;
    return i.a == with_and ? bits & other : i.a == with_or ? bits | other : bits ^ other;
}

void run_setp(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t bits = Compare(i.immediate)(warp, i.o[2], i.o[3], i.c & 1);
    // Both results are made before either is written: one may be the predicate that is read.
    uint32_t first = combined(warp, i, bits), second = combined(warp, i, ~bits);
    uint32_t &to = warp.predicate(i.o[0]);
    to = (to & ~mask) | (first & mask);
    if (i.count == 2) {
        uint32_t &other = warp.predicate(i.o[1]);
        other = (other & ~mask) | (second & mask);
    }
}

/// set: all ones, or 1.0, instead of a predicate.
void run_set(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t bits = combined(warp, i, Compare(i.immediate)(warp, i.o[2], i.o[3], i.c & 1));
    uint32_t yes = i.c & 2 ? 0x3f800000 : ~0u, result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = bits >> lane & 1 ? yes : 0;
    put<uint32_t>(warp, i.o[0], mask, result);
}

template <class T> void run_selp(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *a = warp.lanes<T>(i.o[1]), *b = warp.lanes<T>(i.o[2]);
    uint32_t which = i.a ? ~warp.predicate(i.o[3]) : warp.predicate(i.o[3]);
    T result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = which >> lane & 1 ? a[lane] : b[lane];
    put<T>(warp, i.o[0], mask, result);
}

template <class C> struct SelectByValue {
    template <class T> static T apply(T a, T b, C c) { return c >= 0 ? a : b; }
};

enum Test : uint8_t { finite, infinite, number, not_number, normal, subnormal };

template <class T> void run_testp(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *a = warp.lanes<T>(i.o[1]);
    uint32_t bits = 0;
    for (unsigned lane = 0; lane < warp_size; lane++) {
        int kind = std::fpclassify(T(a[lane]));
        bool yes = false;
        switch (i.a) {
        case finite:
            yes = kind != FP_INFINITE && kind != FP_NAN;
            break;
        case infinite:
            yes = kind == FP_INFINITE;
            break;
        case number:
            yes = kind != FP_NAN;
            break;
        case not_number:
            yes = kind == FP_NAN;
            break;
        case normal:
            yes = kind == FP_NORMAL;
            break;
        case subnormal:
            yes = kind == FP_SUBNORMAL;
            break;
        }
        bits |= uint32_t(yes) << lane;
    }
    uint32_t &to = warp.predicate(i.o[0]);
    to = (to & ~mask) | (bits & mask);
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static void decode_comparison(Decoding &d, bool set) {
    std::string name = d.take_any();
    d.result.a = d.take("and") ? with_and : d.take("or") ? with_or : d.take("xor") ? with_xor : alone;
    d.result.c = d.take("ftz");
    Type wide = Type::none;
    if (set) {
        wide = d.take_type();
        if (wide != Type::u32 && wide != Type::s32 && wide != Type::f32)
            d.fail("this type is not known here");
        if (wide == Type::f32)
            d.result.c |= 2;
    }
    Type type = d.take_type();
    Compare compare = nullptr;
    for (auto &each : comparisons)
        if (name == each.name)
            compare = each.of(type);
    if (!compare)
        d.fail("this comparison is not known");
    d.result.immediate = int64_t(compare);
    // Operands: d, or d and its opposite; a, b; and the predicate to combine with.
    size_t results = 1;
    if (!set && d.operand_count() > (d.result.a ? 4u : 3u))
        results = 2;
    d.operands(results + 2 + (d.result.a ? 1 : 0));
    if (set) {
        d.result.o[0] = d.destination(0, wide);
    } else {
        d.result.o[0] = d.predicate(0);
        if (results == 2)
            d.result.o[1] = d.predicate(1);
        d.result.count = uint8_t(results);
    }
    d.result.o[2] = d.source(results, type);
    d.result.o[3] = d.source(results + 1, type);
    if (d.result.a) {
        bool negated = false;
        d.result.o[4] = d.predicate(results + 2, &negated);
        d.result.b = negated;
    }
    d.result.run = set ? run_set : run_setp;
}

bool decode_compare(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "setp" || name == "set") {
        decode_comparison(d, name == "set");
        return true;
    }
    if (name == "selp") {
        Type type = d.take_type();
        d.operands(4);
        d.result.o[0] = d.destination(0, type);
        d.result.o[1] = d.source(1, type);
        d.result.o[2] = d.source(2, type);
        bool negated = false;
        d.result.o[3] = d.predicate(3, &negated);
        d.result.a = negated;
        switch (width_of(type)) {
        case 2:
            d.result.run = run_selp<uint16_t>;
            break;
        case 4:
            d.result.run = run_selp<uint32_t>;
            break;
        case 8:
            d.result.run = run_selp<uint64_t>;
            break;
        }
        return true;
    }
    if (name == "slct") {
        Type type = d.take_type(), by = d.take_type();
        d.operands(4);
        d.result.o[0] = d.destination(0, type);
        d.result.o[1] = d.source(1, type);
        d.result.o[2] = d.source(2, type);
        d.result.o[3] = d.source(3, by);
        using U4 = uint32_t;
        using U8 = uint64_t;
        if (by == Type::s32)
            d.result.run = width_of(type) == 8 ? Run(run_ternary<U8, U8, U8, int32_t, SelectByValue<int32_t>>)
                                               : Run(run_ternary<U4, U4, U4, int32_t, SelectByValue<int32_t>>);
        if (by == Type::f32)
            d.result.run = width_of(type) == 8 ? Run(run_ternary<U8, U8, U8, float, SelectByValue<float>>)
                                               : Run(run_ternary<U4, U4, U4, float, SelectByValue<float>>);
        if (width_of(type) < 4)
            d.fail("this type is not known here");
        return true;
    }
    if (name == "testp") {
        std::string test = d.take_any();
        Type type = d.take_type();
        d.operands(2);
        d.result.o[0] = d.predicate(0);
        d.result.o[1] = d.source(1, type);
        static const char *const tests[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
        bool found = false;
        for (uint8_t each = 0; each < 6; each++)
            if (test == tests[each]) {
                d.result.a = each;
                found = true;
            }
        if (!found)
            d.fail("this test is not known");
        d.result.run = type == Type::f32 ? run_testp<float> : type == Type::f64 ? run_testp<double> : nullptr;
        return true;
    }
    return false;
}

} // namespace testdriver

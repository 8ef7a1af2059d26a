// Arithmetic of f16 and bf16 and their pairs (ISA section 9.7.4). Sums and products are rounded once from f32, which
// has more than twice the bits and so gives what rounding the exact result would.
#include "families.h"
#include "floats.h"
#include "lanes.h"

#pragma STDC FP_CONTRACT OFF

LANES_BEGIN
namespace testdriver {
namespace {

struct Add {
    static float apply(float a, float b, float) { return a + b; }
};
struct Subtract {
    static float apply(float a, float b, float) { return a - b; }
};
struct Multiply {
    static float apply(float a, float b, float) { return a * b; }
};
struct Minimum {
    static float apply(float a, float b, float) {
        return a != a ? b : b != b ? a : a < b || (a == b && std::signbit(a)) ? a : b;
    }
};
struct Maximum {
    static float apply(float a, float b, float) {
        return a != a ? b : b != b ? a : a > b || (a == b && std::signbit(b)) ? a : b;
    }
};
struct Negate {
    static float apply(float a, float, float) { return -a; }
};
struct Absolute {
    static float apply(float a, float, float) { return std::fabs(a); }
};
struct Exponential {
    static float apply(float a, float, float) { return std::exp2(a); }
};
struct HyperbolicTangent {
    static float apply(float a, float, float) { return std::tanh(a); }
};
/// Rounding the sum to f32 first could differ in the last bit.
struct MultiplyAdd {};

template <class Kind, class Op> struct OnHalves {
    static uint16_t apply(uint16_t a, uint16_t b, uint16_t c) {
        if constexpr (std::is_same_v<Op, MultiplyAdd>) {
            double sum = sum_to_odd(double(Kind::value(a)) * double(Kind::value(b)), Kind::value(c));
            return Kind::rounded(
                float(round_to(sum, std::is_same_v<Kind, Half> ? half_format : brain_format, Rounding::nearest)));
        } else {
            return Kind::rounded(Op::apply(Kind::value(a), Kind::value(b), Kind::value(c)));
        }
    }
};
template <class One> struct OnPairs {
    static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
        return One::apply(uint16_t(a), uint16_t(b), uint16_t(c)) |
               uint32_t(One::apply(uint16_t(a >> 16), uint16_t(b >> 16), uint16_t(c >> 16))) << 16;
    }
};

template <class Op> Run halves(Type type) {
    using H = uint16_t;
    using P = uint32_t;
    switch (type) {
    case Type::f16:
        return run_ternary<H, H, H, H, OnHalves<Half, Op>>;
    case Type::bf16:
        return run_ternary<H, H, H, H, OnHalves<Brain, Op>>;
    case Type::f16x2:
        return run_ternary<P, P, P, P, OnPairs<OnHalves<Half, Op>>>;
    default:
        return run_ternary<P, P, P, P, OnPairs<OnHalves<Brain, Op>>>;
    }
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

bool decode_half(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    static const struct {
        const char *name;
        unsigned sources;
        Run (*run)(Type);
    } known[] = {{"add", 2, halves<Add>},         {"sub", 2, halves<Subtract>},
                 {"mul", 2, halves<Multiply>},    {"min", 2, halves<Minimum>},
                 {"max", 2, halves<Maximum>},     {"neg", 1, halves<Negate>},
                 {"abs", 1, halves<Absolute>},    {"fma", 3, halves<MultiplyAdd>},
                 {"ex2", 1, halves<Exponential>}, {"tanh", 1, halves<HyperbolicTangent>}};
    for (auto &each : known) {
        if (name != each.name)
            continue;
        Type type = d.take("f16")      ? Type::f16
                    : d.take("f16x2")  ? Type::f16x2
                    : d.take("bf16")   ? Type::bf16
                    : d.take("bf16x2") ? Type::bf16x2
                                       : Type::none;
        if (type == Type::none)
            return false;
        bool brain = type == Type::bf16 || type == Type::bf16x2;
        // Of bf16, compute capability 8.0 has fma, min, max, neg and abs alone (ISA section 9.7.4).
        if (brain && (name == "add" || name == "sub" || name == "mul"))
            d.fail("bf16 has this from sm_90 on");
        d.take("rn");
        if (name == "ex2" || name == "tanh")
            d.need("approx");
        d.operands(each.sources + 1);
        d.result.o[0] = d.destination(0, type);
        for (unsigned i = 1; i <= 3; i++)
            d.result.o[i] = d.source(i <= each.sources ? i : each.sources, type);
        d.result.run = each.run(type);
        return true;
    }
    return false;
}

} // namespace testdriver
